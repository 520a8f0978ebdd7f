from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from lrs.commands import run_command
from lrs.config import Config
from statements.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def parser(act: Callable[[Config], int], **more: bool) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.set_defaults(run=lambda _arguments, config: act(config), **more)
    return made


def raising(error: BaseException) -> Callable[[Config], int]:
    def act(_config: Config) -> int:
        raise error

    return act


def test_the_code_is_the_commands(tmp_path: Path) -> None:
    environ = {"ROLLCALL_DATA": str(tmp_path), "ROLLCALL_PORT": "8123"}
    assert run_command(parser(lambda config: config.port), [], environ) == 8123


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFound("There is no tenant."), "rollcall: There is no tenant.\n"),
        (
            OperationalError("SELECT 1", {}, Exception("no route\nto host")),
            "rollcall: the database does not answer: no route\n",
        ),
        (KeyboardInterrupt(), "rollcall: interrupted\n"),
    ],
    ids=["refused", "no database", "interrupted"],
)
def test_a_failure_has_a_reason_and_no_traceback(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    told: str,
) -> None:
    environ = {"ROLLCALL_DATA": str(tmp_path)}
    assert run_command(parser(raising(error)), [], environ) == 1
    assert capsys.readouterr().err == told


def test_a_wrong_setting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"ROLLCALL_COLOUR": "blue"}
    assert run_command(parser(lambda _config: 0), [], environ) == 1
    assert "ROLLCALL_COLOUR" in capsys.readouterr().err


def test_what_needs_no_settings_leaves_nothing_behind(tmp_path: Path) -> None:
    environ = {"ROLLCALL_DATA": str(tmp_path / "data")}
    assert run_command(parser(lambda _config: 0, alone=True), [], environ) == 0
    assert not (tmp_path / "data").exists()
    run_command(parser(lambda _config: 0), [], environ)
    assert (tmp_path / "data" / "secret_key").exists()
