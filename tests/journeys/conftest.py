"""An installation with the demo in it, served as a user runs it, twice over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from packages.samples import build_samples
from tests.conftest import cloned_postgres, postgres_url, run_on_postgres
from tests.served import Served
from tests.servers import S3_BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Servers


@dataclass
class House:
    """A running installation and what the demo printed."""

    served: Served
    demo: dict[str, Any]
    samples: dict[str, Path]

    @property
    def password(self) -> str:
        """The password of everybody."""
        given: str = self.demo["password"]
        return given


@pytest.fixture(params=["sqlite-files", "postgresql-s3"])
def house(
    request: pytest.FixtureRequest, servers: Servers, tmp_path: Path
) -> Iterator[House]:
    """Serve the demo on SQLite and files, then on PostgreSQL and S3."""
    settings = {"DATA": str(tmp_path / "data"), "WORKERS": "2"}
    database = None
    if request.param == "postgresql-s3":
        database = cloned_postgres(servers)
        settings |= {
            "DATABASE_URL": postgres_url(servers, database),
            "STORAGE_URL": f"s3://{S3_BUCKET}/{database}",
            "S3_ENDPOINT_URL": servers.s3()["url"],
        }
    served = Served(settings, tmp_path / "log")
    samples = {path.stem: path for path in build_samples(tmp_path)}
    try:
        demo = json.loads(served.run("demo", "--json"))
        served.start()
        yield House(served, demo, samples)
    finally:
        served.stop()
        if database is not None:
            run_on_postgres(servers, f"DROP DATABASE {database} WITH (FORCE)")
    assert '"level":"error"' not in served.log.read_text()
