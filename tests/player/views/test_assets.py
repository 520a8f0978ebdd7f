"""The player's own files, as each site serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from player.views.content import SHELL_FILES
from player.views.frame import PAGE_FILES
from tests.player.site import applications

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from lrs.config import Config

from lrs.parts import Parts
from lrs.storage import make_storage


@pytest.fixture
def clients(sqlite_engine: Engine, config: Config) -> tuple[FlaskClient, FlaskClient]:
    portal, content = applications(Parts(config, sqlite_engine, make_storage(config)))
    return portal.test_client(), content.test_client()


@pytest.mark.parametrize(
    ("site", "folder", "names"),
    [(0, "/assets/player/", PAGE_FILES), (1, "/__player/", SHELL_FILES)],
)
def test_each_file_is_typed_and_known_again(
    clients: tuple[FlaskClient, FlaskClient],
    site: int,
    folder: str,
    names: frozenset[str],
) -> None:
    for name in names:
        response = clients[site].get(folder + name)
        assert response.status_code == 200, name
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        assert response.mimetype == kind
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        etag = response.headers["ETag"]
        again = clients[site].get(folder + name, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")


def test_nothing_else_of_the_folder(clients: tuple[FlaskClient, FlaskClient]) -> None:
    portal, content = clients
    assert portal.get("/assets/player/shell.js").status_code == 404
    assert content.get("/__player/frame.js").status_code == 404
    assert content.get("/__player/../content.py").status_code == 404


def test_scripts_that_a_site_imports_are_served_there() -> None:
    import re
    from pathlib import Path

    import player

    folder = Path(player.__file__).parent / "static"
    for names in (PAGE_FILES, SHELL_FILES):
        for name in names:
            wanted = re.findall(r'from "\./([\w.]+)"', (folder / name).read_text())
            assert set(wanted) <= names, name
