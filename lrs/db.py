"""The database: engine, column types and transactions, on SQLite and PostgreSQL.

What differs between the two stands here and in `lrs/store.py`. SQLite is the
`pysqlite3` wheel's own (3.51.3 or newer: older ones can corrupt a file in WAL mode,
sqlite.org/wal.html), in WAL mode with `synchronous=FULL`, so that an acknowledged
commit survives a power cut.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import orjson
import psycopg
from pysqlite3 import dbapi2
from sqlalchemy import (
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    String,
    Text,
    create_engine,
    event,
    text,
    types,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session

from statements.errors import Unavailable

LOCK_TIMEOUT_SECONDS = 5
BETWEEN_TRIES_SECONDS = 0.01
# what was sent to the database and is not acknowledged for so long is lost
GONE_SECONDS = 15
# connections kept, and as many more when those are in use
POOL_SIZE = 8
SQLITE_MINIMUM = (3, 51, 3)
# deadlock, serialization, lock and command timeout, shutdown, crash, starting up
PASSING = frozenset({"40P01", "40001", "55P03", "57014", "57P01", "57P02", "57P03"})
# connection exceptions, insufficient resources
PASSING_CLASSES = frozenset({"08", "53"})
PASSING_SQLITE = ("locked", "busy", "disk i/o", "disk is full", "interrupted")


class Base(DeclarativeBase):
    """All tables; constraints are named so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(types.TypeDecorator[datetime]):
    """Instants: aware, UTC, microseconds. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """To UTC; SQLite keeps text without a zone, which sorts as time does."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "an instant needs a zone"
            raise ValueError(message)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Always aware and UTC."""
        del dialect
        if value is None:
            return None
        return (
            value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        )


class Json(types.TypeDecorator[Any]):
    """Any JSON value; jsonb on PostgreSQL, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """The column type of the engine at hand."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Text for SQLite; PostgreSQL's type encodes by itself."""
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The value that was bound."""
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.loads(value)


class Exact(types.TypeDecorator[Decimal]):
    """Exact decimals, kept as text: no engine rounds them, 0 stays 0."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Plain notation."""
        del dialect
        return None if value is None else format(value, "f")

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> Decimal | None:
        """The same decimal."""
        del dialect
        return None if value is None else Decimal(value)


def make_engine(url: str, *, pool_size: int = POOL_SIZE) -> Engine:
    """An engine for a `sqlite:///…` or `postgresql+psycopg://…` URL.

    The transaction begins where `reading` or `writing` says, never implicitly.
    """
    if url.startswith("sqlite"):
        return _sqlite_engine(url)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=LOCK_TIMEOUT_SECONDS,
        connect_args={
            "options": f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c timezone=UTC "
            "-c datestyle=ISO -c default_transaction_isolation=read\\ committed",
            # a host that is gone says nothing; nobody waits for it for ever
            "connect_timeout": LOCK_TIMEOUT_SECONDS,
            "tcp_user_timeout": GONE_SECONDS * 1000,
        },
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )


def _sqlite_engine(url: str) -> Engine:
    if dbapi2.sqlite_version_info < SQLITE_MINIMUM:
        message = f"SQLite {dbapi2.sqlite_version} can corrupt a WAL file; 3.51.3 or newer is needed."
        raise Unavailable(message)
    engine = create_engine(
        url,
        module=dbapi2,
        hide_parameters=True,
        connect_args={
            "timeout": LOCK_TIMEOUT_SECONDS,
            "isolation_level": None,
            "check_same_thread": False,
        },
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_SECONDS * 1000}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("rollcall_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _use_wal(connection: Any) -> None:
    """Let readers and the writer not wait for each other; a new file becomes so once.

    Of several that open a new file at once SQLite refuses all but one without asking
    its busy handler, which could wait for ever there.
    """
    patience = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except dbapi2.OperationalError as error:
            if not _passes(error) or time.monotonic() > patience:
                raise
            time.sleep(BETWEEN_TRIES_SECONDS)
        else:
            return


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state and writes nothing.

    On SQLite it begins deferred: an immediate begin would lock readers out.
    """
    options = {"rollcall_begin": "DEFERRED"}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # type: ignore[dict-item]
    with (
        busy_is_unavailable(),
        engine.connect().execution_options(**options) as connection,
        Session(connection, autoflush=False) as db,
    ):
        yield db


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction: return commits, raise rolls back."""
    with (
        busy_is_unavailable(),
        Session(engine, expire_on_commit=False) as db,
        db.begin(),
    ):
        yield db


@contextmanager
def busy_is_unavailable() -> Iterator[None]:
    """What passes by itself (a lock, a lost connection, no space) is 503, never 500."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("The database is busy; try again.") from error
    except (
        OperationalError,
        psycopg.OperationalError,
        dbapi2.OperationalError,
    ) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        if not _passes(reason):
            raise
        raise Unavailable("The database is busy; try again.") from error


def _passes(reason: BaseException | None) -> bool:
    """Whether what a driver complains of passes by itself."""
    if isinstance(reason, psycopg.Error):
        # a connection that broke has no state of its own
        state = reason.sqlstate
        return state is None or state in PASSING or state[:2] in PASSING_CLASSES
    return any(word in str(reason).lower() for word in PASSING_SQLITE)


def without_waiting(db: Session) -> None:
    """Let this transaction not wait for the disk: a crash may lose what it writes.

    For notes that may be lost. SQLite has no such thing for one transaction alone.
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SET LOCAL synchronous_commit TO off"))


def insert_new(db: Session, table: type[Base], **values: Any) -> bool:
    """Insert a row unless one with its key is there; whether it was inserted.

    Two transactions that insert the same key wait for each other and neither fails.
    """
    dialect = db.get_bind().dialect.name
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # of inserts psycopg's count is dropped unless it is asked for
    counted = (
        make(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    )
    done = db.execute(counted.values(**values))
    return bool(cast("CursorResult[Any]", done).rowcount)


def new_id() -> uuid.UUID:
    """A random UUID for rows whose id says nothing."""
    return uuid.uuid4()
