"""The record store's own tests in a folder that has nothing else of ours.

`python -m tests.alone FOLDER [words for pytest]` copies `statements`, `lrs` and their
tests there and runs them; the other packages cannot be imported.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("statements", "lrs", "tests/statements", "tests/lrs")
FILES = (
    *("setup.cfg", "tests/__init__.py"),
    *("tests/conftest.py", "tests/servers.py", "tests/served.py"),
)
OTHERS = ("packages", "player", "portal", "wsgi")
# read by the interpreter when it starts, so by every process that the tests start
NO_OTHER_FLOORS = f"""
import sys

class NoOtherFloors:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OTHERS!r}:
            raise ModuleNotFoundError(f"{{name}} is not there", name=name)

sys.meta_path.insert(0, NoOtherFloors())
"""


def lay_out(folder: Path) -> None:
    """Copy what stands alone into an empty folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "sitecustomize.py").write_text(NO_OTHER_FLOORS)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in the folder; what it says, when it is not shown, is kept."""
    shown = None if __name__ == "__main__" else subprocess.PIPE
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=shown,
        stderr=shown,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    home = Path(sys.argv[1])
    home.mkdir(parents=True)
    lay_out(home)
    sys.exit(run(home, *sys.argv[2:]).returncode)
