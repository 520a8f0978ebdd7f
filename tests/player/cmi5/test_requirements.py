"""Every requirement of cmi5 upon the launching system, sections 6 to 14, by its number.

`requirements.toml` lists the numbers, `story.py` plays a course; a check (`checks_*.py`)
looks at what was told and answered, or tries what must be refused (`wrong.py`). The
test of a requirement is `test_requirement[<database>-<number>]`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrs.config import Config
from lrs.db import make_engine
from lrs.parts import Parts
from tests.conftest import cloned_postgres, postgres_url, sqlite_url, storage_of
from tests.player.cmi5 import (
    checks_documents,
    checks_launch,
    checks_packages,
    checks_told,
)
from tests.player.cmi5.checks import CHECKS, of, refusing
from tests.player.cmi5.story import Story, play
from tests.player.cmi5.wrong import WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers

# which name their checks when they are read
__all__ = ["checks_documents", "checks_launch", "checks_packages", "checks_told"]
NUMBERS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("requirements.toml").read_text(encoding="utf-8")
)

for known, cases in WRONG.items():
    of(known)(refusing(cases))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """The course, played once on each database."""
    folder = tmp_path_factory.mktemp("cmi5")
    if request.param == "sqlite":
        url = sqlite_url(servers, folder)
    else:
        url = postgres_url(servers, cloned_postgres(servers))
    config = Config(data=folder, secret_key="a secret", workers=1, database_url=url)
    engine = make_engine(url)
    yield play(Parts(config, engine, storage_of(config)))
    engine.dispose()


@pytest.mark.parametrize("number", NUMBERS["lms"])
def test_requirement(number: str, story: Story) -> None:
    CHECKS[number](story)


def test_every_requirement_has_a_test_of_its_number() -> None:
    assert CHECKS.keys() == set(NUMBERS["lms"])
    everything = [number for numbers in NUMBERS.values() for number in numbers]
    assert len(everything) == len(set(everything)) == 295
