from __future__ import annotations

import json
import logging
import logging.config
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lrs.logs import (
    REQUEST_ID,
    JsonFormatter,
    begin_request,
    configure_logs,
    log_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = logging.root.handlers[:], logging.root.level
    REQUEST_ID.set("")
    yield
    REQUEST_ID.set("")
    logging.root.handlers[:], level = before
    logging.root.setLevel(level)


def formatted(message: str, *words: object, **extra: Any) -> dict[str, Any]:
    logger = logging.getLogger("rollcall.test")
    record = logger.makeRecord(
        logger.name, logging.WARNING, "", 0, message, words, None, extra=extra
    )
    return json.loads(JsonFormatter().format(record))


def test_a_line_says_when_how_grave_where_and_what() -> None:
    line = formatted("%s of %s", 1, 2)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "rollcall.test",
        "message": "1 of 2",
    }


def test_extra_becomes_members_whatever_it_is() -> None:
    line = formatted("x", status=200, thing={1, 2}.__class__)
    assert line["status"] == 200
    assert line["thing"] == "<class 'set'>"


def test_a_line_is_one_line() -> None:
    record = logging.makeLogRecord({"msg": "a\nb\r\n\u2028c", "levelname": "INFO"})
    assert "\n" not in JsonFormatter().format(record)


def test_an_exception_brings_its_traceback() -> None:
    try:
        1 / 0  # noqa: B018 - to fail
    except ZeroDivisionError:
        record = logging.makeLogRecord({"msg": "x", "exc_info": sys.exc_info()})
    assert "ZeroDivisionError" in json.loads(JsonFormatter().format(record))["error"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("abcdefgh-1", True),
        ("0123456789.abc_DEF", True),
        ("short", False),
        ("x" * 65, False),
        ("with spaces in it", False),
        ('"},{"level":"error', False),
        ("", False),
        (None, False),
    ],
)
def test_an_id_from_outside_is_taken_if_it_looks_like_one(
    given: str | None, *, taken: bool
) -> None:
    name = begin_request(given)
    assert (name == given) is taken
    assert formatted("x")["request"] == name


def test_every_request_has_an_id_of_its_own() -> None:
    assert len({begin_request(None) for _ in range(100)}) == 100


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_plain_lines_and_everything_else_json(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    configure_logs()
    logging.getLogger("rollcall.test").info("hello")
    written = capfd.readouterr().err.strip()
    assert written.endswith("INFO hello" if terminal else "}")
    assert written.startswith("{") is not terminal


@pytest.mark.parametrize("json_lines", [True, False])
def test_the_settings_are_valid(*, json_lines: bool) -> None:
    logging.config.dictConfig(log_settings(json=json_lines))
    assert logging.root.level == logging.INFO
