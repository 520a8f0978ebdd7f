"""The record store's tests need nothing but the record store.

Here each of them is loaded, and those of the store are run, where nothing else of ours
can be imported; `make alone` runs them all there.
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.alone import FOLDERS, OTHERS, ROOT, lay_out, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    lay_out(folder)
    return folder


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run inside be one of its own, not a worker of this one."""
    for name in list(os.environ):
        if name.startswith(("ROLLCALLTEST_", "PYTEST_", "COV_")):
            monkeypatch.delenv(name)


def test_all_of_its_tests_load(home: Path) -> None:
    done = run(home, "--collect-only", "tests")
    assert done.returncode == 0, done.stdout[-4000:]
    found = re.search(r"^(\d+) tests collected", done.stdout, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 2000


def test_its_write_path_is_tested_there(home: Path) -> None:
    done = run(home, "tests/lrs/test_store.py")
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"^\d\d+ passed", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_of_it_names_another_floor(folder: str) -> None:
    """Not even an import that is only carried out when a function runs."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [
                f"{path.relative_to(ROOT)}:{node.lineno} {name}"
                for name in names
                if name.partition(".")[0] in OTHERS
            ]
    assert found == []
