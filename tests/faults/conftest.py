"""A record store served over HTTP, on each kind of database in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.config import Config
from lrs.db import make_engine
from lrs.parts import Parts
from lrs.storage import make_storage
from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.faults.callers import Running
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """Give a server of two workers that the tests of a file share, each a tenant."""
    folder = tmp_path_factory.mktemp("running")
    url = (
        sqlite_url(servers, folder)
        if request.param == "sqlite"
        else postgres_url(servers, cloned_postgres(servers))
    )
    served = Served(
        {
            "DATA": str(folder),
            "DATABASE_URL": url,
            "WORKERS": "2",
            "SECRET_KEY": "a secret of the tests",
        },
        folder / "log",
    )
    config = Config(
        data=folder,
        database_url=url,
        portal_url=served.portal,
        secret_key="a secret of the tests",
    )
    parts = Parts(config, make_engine(url), make_storage(config))
    try:
        served.start("--no-worker")
        yield Running(served, parts)
    finally:
        served.stop()
        parts.engine.dispose()
