"""Runs the corpus through a child that has little memory and may write nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("child.py")


def answers_of(files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """What is said of each file; `*` holds what the child did besides."""
    given, empty = folder / "given", folder / "empty"
    given.mkdir()
    empty.mkdir()
    names = {}
    for number, (name, data) in enumerate(files.items()):
        names[f"{number:04d}"] = name
        (given / f"{number:04d}.zip").write_bytes(data)
    done = subprocess.run(
        [sys.executable, str(CHILD), str(given)],
        cwd=empty,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(empty)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    return {names.get(key, key): answer for key, answer in found.items()}


def answer_of(found: dict[str, Any]) -> tuple[str, ...]:
    """Errors where there are some, else everything that was said."""
    errors = {code for severity, code in found["findings"] if severity == "error"}
    return tuple(sorted(errors or {code for _, code in found["findings"]}))
