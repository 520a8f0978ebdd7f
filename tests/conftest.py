"""What all tests share: databases, storage, settings and a browser, all of them real."""

from __future__ import annotations

import copy
import functools
import ipaddress
import os
import shutil
import sys
import tempfile
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import make_engine
from lrs.migrate import migrate
from lrs.parts import Parts
from lrs.storage import S3Storage, make_storage
from tests.servers import S3_BUCKET, S3_KEY, S3_SECRET, Servers, chromium, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser
    from sqlalchemy import Engine

    from lrs.storage import Storage

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
FOLDER_VARIABLE = "ROLLCALLTEST_SERVERS"
# milliseconds; a machine that does other work beside the tests is slow, not wrong
BROWSER_PATIENCE = 30_000
ROOT = Path(__file__).parent.parent
HOUSES = ("statements", "lrs", "packages", "player", "portal")


def pytest_configure(config: pytest.Config) -> None:
    """Make the session's folder of servers, once for all its processes."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="rollcall-test-")
        os.environ[FOLDER_VARIABLE] = folder
        watch(Path(folder))
    # of the machine's settings none reaches a test
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        del os.environ[name]
    os.environ["AWS_ACCESS_KEY_ID"] = S3_KEY
    os.environ["AWS_SECRET_ACCESS_KEY"] = S3_SECRET
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    sys.addaudithook(refuse_strangers)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers with the session."""
    if not hasattr(config, "workerinput"):
        Servers(Path(os.environ[FOLDER_VARIABLE])).stop_all()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Give every test one further try; the end of the run names those that took it."""
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            item.add_marker(pytest.mark.flaky(reruns=1))


def refuse_strangers(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse connections to anything but this machine."""
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = arguments[1][0]
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        message = f"a test wanted to reach {host}"
        raise PermissionError(message)


@pytest.fixture(scope="session")
def servers() -> Servers:
    """Give the real servers of the session, each started when first asked for."""
    return Servers(Path(os.environ[FOLDER_VARIABLE]))


def build_schema(url: str) -> None:
    """Migrate an empty database as `rollcall migrate` does."""
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()


def sqlite_url(servers: Servers, folder: Path) -> str:
    """Give a fresh migrated SQLite database in `folder`."""

    def make() -> dict[str, Any]:
        path = servers.folder / "template.sqlite"
        build_schema(f"sqlite:///{path}")
        return {"path": str(path)}

    path = folder / "rollcall.sqlite"
    shutil.copyfile(servers.once("sqlite-template", make)["path"], path)
    return f"sqlite:///{path}"


def postgres_url(servers: Servers, database: str) -> str:
    """Give the URL of a database of the session's PostgreSQL."""
    noted = servers.postgres()
    return f"postgresql+psycopg://{noted['user']}@/{database}?host={noted['socket']}"


def run_on_postgres(servers: Servers, *commands: str) -> None:
    """Run commands that take no transaction, such as CREATE DATABASE."""
    admin = create_engine(
        postgres_url(servers, "postgres"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        for command in commands:
            connection.execute(text(command))
    admin.dispose()


def cloned_postgres(servers: Servers, template: str = "rollcall_template") -> str:
    """Give the name of a fresh database cloned from the migrated template."""

    def make() -> dict[str, Any]:
        run_on_postgres(servers, f"CREATE DATABASE {template}")
        build_schema(postgres_url(servers, template))
        return {}

    servers.once(template, make)
    name = f"t_{uuid.uuid4().hex}"
    with servers.lock(f"{template}-clone"):
        # a third of the time that the default, by way of the log, takes
        copy_files = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        run_on_postgres(servers, copy_files)
    return name


@pytest.fixture
def sqlite_engine(servers: Servers, tmp_path: Path) -> Iterator[Engine]:
    """Give an engine on a fresh migrated SQLite file."""
    engine = make_engine(sqlite_url(servers, tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(servers: Servers) -> Iterator[Engine]:
    """Give an engine on a fresh migrated PostgreSQL database."""
    name = cloned_postgres(servers)
    engine = make_engine(postgres_url(servers, name))
    yield engine
    engine.dispose()
    run_on_postgres(servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_sqlite_engine(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give an engine on a SQLite file in which nobody commits."""
    engine = make_engine(sqlite_url(servers, tmp_path_factory.mktemp("shared")))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared_postgresql_engine(servers: Servers) -> Iterator[Engine]:
    """Give an engine on a PostgreSQL database in which nobody commits."""
    engine = make_engine(postgres_url(servers, cloned_postgres(servers)))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Give the name of each kind of database in turn."""
    kind: str = request.param
    return kind


@pytest.fixture
def engine(request: pytest.FixtureRequest, database: str) -> Engine:
    """Give an engine on a fresh migrated database, on each engine in turn."""
    made: Engine = request.getfixturevalue(f"{database}_engine")
    return made


@pytest.fixture
def db(request: pytest.FixtureRequest, database: str) -> Iterator[Session]:
    """Give a session that may write; all of it is rolled back.

    A test that has no other hold on the database shares one with its like.
    """
    if "engine" in request.fixturenames:
        with Session(request.getfixturevalue("engine")) as session:
            session.begin()
            yield session
            session.rollback()
        return
    shared: Engine = request.getfixturevalue(f"shared_{database}_engine")
    with shared.connect() as connection:
        outer = connection.begin()
        # should the test commit, only a savepoint is released
        mode = "create_savepoint"
        with Session(connection, join_transaction_mode=mode) as session:
            yield session
        outer.rollback()


@pytest.fixture
def now() -> datetime:
    """Give the fixed present: a Monday morning in Los Angeles."""
    return NOW


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Give settings of an installation on SQLite and files in a folder of its own."""
    return Config(data=tmp_path, secret_key="a secret of the tests", workers=1)


def s3_config(servers: Servers, config: Config) -> Config:
    """Give `config` with storage under a fresh prefix of the real S3 server."""
    return replace(
        config,
        storage_url=f"s3://{S3_BUCKET}/{uuid.uuid4().hex}",
        s3_endpoint_url=servers.s3()["url"],
    )


@functools.cache
def s3_storage(bucket: str, endpoint_url: str) -> S3Storage:
    """Give storage on the S3 server; making a client takes long."""
    return S3Storage(bucket=bucket, endpoint_url=endpoint_url)


def storage_of(config: Config) -> Storage:
    """Give the storage that the settings name, with a client made before."""
    url = urlsplit(config.storage_url)
    if url.scheme != "s3":
        return make_storage(config)
    storage = copy.copy(s3_storage(url.netloc, config.s3_endpoint_url))
    storage.prefix = f"{url.path.strip('/')}/"
    return storage


@pytest.fixture(params=["files", "s3"])
def storage(
    request: pytest.FixtureRequest, servers: Servers, config: Config
) -> Storage:
    """Give empty storage, on files and on the S3 server in turn."""
    if request.param == "s3":
        config = s3_config(servers, config)
    return storage_of(config)


@pytest.fixture
def parts(engine: Engine, servers: Servers, config: Config) -> Parts:
    """Give the parts of an embedded installation, then of a production one.

    SQLite goes with files, PostgreSQL with S3; `parts.config` says so.
    """
    if engine.dialect.name == "postgresql":
        config = s3_config(servers, config)
    url = engine.url.render_as_string(hide_password=False)
    config = replace(config, database_url=url)
    return Parts(config=config, engine=engine, storage=storage_of(config))


@pytest.fixture(scope="session")
def open_browser() -> Iterator[Callable[[], Browser]]:
    """Give a function that gives the session's Chromium, a new one if it is gone."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=BROWSER_PATIENCE)
    running: list[Browser] = []

    with sync_playwright() as playwright:

        def opened() -> Browser:
            if not running or not running[-1].is_connected():
                # without a sandbox of its own, which needs rights that containers lack
                running.append(
                    playwright.chromium.launch(
                        executable_path=chromium(), timeout=4 * BROWSER_PATIENCE
                    )
                )
            return running[-1]

        yield opened
        for one in running:
            one.close()


@pytest.fixture
def browser(open_browser: Callable[[], Browser]) -> Browser:
    """Give a real Chromium; contexts and pages are the test's own."""
    return open_browser()
