"""Whether an installation can work: what readiness asks and `rollcall doctor` tells.

Each check gives one `Check`. A broken part is an answer here, never an exception.
"""

import logging
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from lrs.db import POOL_SIZE, reading
from lrs.direct import LIMIT
from lrs.jobs import Job
from lrs.migrate import is_current
from lrs.parts import Parts
from statements.errors import DomainError

log = logging.getLogger("rollcall.doctor")

State = Literal["ok", "warning", "failed"]
LEAST_FREE_BYTES = 1 << 30
LATE = timedelta(minutes=5)
PYTHON_WITH_OVERLAP_CHECK = (3, 11, 8)
# of a serving process at most: SQLAlchemy's, the record store's, the content site's
CONNECTIONS = 2 * POOL_SIZE + 2 * LIMIT


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, and what to do when it is not well."""

    name: str
    state: State
    detail: str


def readiness(parts: Parts) -> list[Check]:
    """What a request needs: the database at the present schema, and the storage."""
    return [check_database(parts), check_storage(parts)]


def examine(parts: Parts, now: datetime) -> Iterator[Check]:
    """Everything worth knowing before an installation is trusted.

    Without the data folder that alone is told: looking on would make it.
    """
    yield check_python()
    missing = check_data(parts)
    if missing is not None:
        yield missing
        return
    yield check_database(parts)
    yield check_connections(parts)
    yield check_storage(parts, write=True)
    yield check_outbox(parts, now)
    yield check_disk(parts)
    yield check_secret(parts)
    yield from check_addresses(parts)
    yield check_proxies(parts)


def _checked(name: str, look: Callable[[], str]) -> Check:
    """What `look` says, or why it could not."""
    try:
        return Check(name, "ok", look())
    except DomainError as error:
        cause = f" ({_first_line(error.__cause__)})" if error.__cause__ else ""
        return Check(name, "failed", f"{error.detail}{cause}")
    except (SQLAlchemyError, OSError) as error:
        return Check(name, "failed", _first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def check_python() -> Check:
    """The interpreter's version."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_WITH_OVERLAP_CHECK:
        return Check(
            "python",
            "warning",
            f"{version}; 3.11.8 and newer refuse more kinds of zip bombs by themselves",
        )
    return Check("python", "ok", version)


def check_data(parts: Parts) -> Check | None:
    """The data folder is there, where something is kept in it; else what to do."""
    config = parts.config
    inside = config.data.resolve()
    kept = (f"sqlite:///{inside}/", f"{inside.as_uri()}/")
    urls = (config.database_url, config.storage_url)
    is_used = not config.secret_key or any(url.startswith(kept) for url in urls)
    if config.data.is_dir() or not is_used:
        return None
    return Check(
        "data",
        "failed",
        f"there is no folder {inside}: set ROLLCALL_DATA to the one meant; rollcall "
        "serve makes a new one",
    )


def check_database(parts: Parts) -> Check:
    """The database answers and is at the present schema."""

    def look() -> str:
        engine = parts.engine
        ask = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version"}
        with reading(engine) as db:
            version = db.scalar(text(ask[engine.dialect.name]))
        if not is_current(engine):
            raise DomainError(
                "The schema is not the present one: run rollcall migrate."
            )
        return f"{engine.dialect.name} {version}, present schema"

    return _checked("database", look)


def check_connections(parts: Parts) -> Check:
    """The database takes as many connections as the processes may open."""
    needed = CONNECTIONS * (parts.config.workers + 1)
    taken = needed

    def look() -> str:
        nonlocal taken
        if parts.engine.dialect.name == "sqlite":
            return "a file of this machine"
        with reading(parts.engine) as db:
            taken = int(db.scalar(text("SHOW max_connections")) or 0)
        return f"up to {needed} may be opened, the database takes {taken}"

    check = _checked("connections", look)
    if taken < needed:
        detail = f"{check.detail}: raise max_connections or lower ROLLCALL_WORKERS"
        return Check("connections", "warning", detail)
    return check


def check_storage(parts: Parts, *, write: bool = False) -> Check:
    """The storage answers; with `write` also that it keeps what it is given."""

    def look() -> str:
        next(parts.storage.keys("doctor/"), None)
        if write:
            key, data = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(1000)
            parts.storage.put(key, BytesIO(data), content_type="text/plain")
            with parts.storage.open(key) as stream:
                same = stream.read() == data
            parts.storage.delete(key)
            if not same:
                raise DomainError("The storage gave back something else.")
        return parts.config.storage_url

    return _checked("storage", look)


def check_outbox(parts: Parts, now: datetime) -> Check:
    """Jobs run when they are due."""
    late = failing = 0

    def look() -> str:
        nonlocal late, failing
        waiting = select(func.count()).select_from(Job).where(Job.done_at.is_(None))
        if not is_current(parts.engine):
            raise DomainError("Not known before rollcall migrate.")
        with reading(parts.engine) as db:
            late = db.scalar(waiting.where(Job.run_at < now - LATE)) or 0
            failing = db.scalar(waiting.where(Job.failure.is_not(None))) or 0
        return f"{late} jobs late by five minutes, {failing} failing"

    check = _checked("outbox", look)
    if late:
        return Check("outbox", "failed", f"{check.detail}: does a worker run?")
    return Check("outbox", "warning", check.detail) if failing else check


def check_disk(parts: Parts) -> Check:
    """There is room in the data folder."""
    if not parts.config.data.exists():
        return Check("disk", "ok", "no data folder yet")
    free = shutil.disk_usage(parts.config.data).free
    state: State = "ok" if free > LEAST_FREE_BYTES else "warning"
    return Check("disk", state, f"{free / 2**30:.1f} GiB free in {parts.config.data}")


def check_secret(parts: Parts) -> Check:
    """Nobody else reads the secret key."""
    path = parts.config.data / "secret_key"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check("secret", "failed", f"others may read {path}: chmod 600 it")
    if not parts.config.secret_key:
        return Check("secret", "ok", "made at the first start")
    return Check("secret", "ok", "readable by its owner only")


def check_addresses(parts: Parts) -> Iterator[Check]:
    """Portal and content are two sites, both encrypted unless on this machine."""
    config = parts.config
    for name, url in (("portal", config.portal_url), ("content", config.content_url)):
        address = urlsplit(url)
        local = (address.hostname or "").split(".")[-1] in {"localhost", "1"}
        if address.scheme == "https" or local:
            yield Check(name, "ok", url)
        else:
            yield Check(name, "failed", f"{url} is not encrypted: use https")
    if config.allow_insecure_content_origin:
        yield Check(
            "isolation", "failed", "packages may act as the learner: development only"
        )
    else:
        yield Check("isolation", "ok", "packages run on a site of their own")


def check_proxies(parts: Parts) -> Check:
    """Whose address a request has; encryption ends at a proxy, never here."""
    count = parts.config.trusted_proxies
    if not count and urlsplit(parts.config.portal_url).scheme == "https":
        return Check(
            "proxies",
            "warning",
            "all requests have the proxy's address, so wrong passwords of one place "
            "keep everybody out: set ROLLCALL_TRUSTED_PROXIES",
        )
    return Check("proxies", "ok", f"{count} in front")
