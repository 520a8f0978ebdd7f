"""Refusals leave the connection usable, also when they come before the body is read."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.callers import Running

SIZE = 500_000
KNOWN: list[tuple[str, str, dict[str, str], int]] = [
    ("POST", "/xapi/statements?unknown=1", {}, 400),
    ("PUT", "/xapi/statements?statementId=x", {}, 400),
    ("POST", "/xapi/statements", {"Content-Type": "text/x-unknown"}, 400),
    ("PUT", "/xapi/activities/state?stateId=s", {}, 400),
]
UNKNOWN: list[tuple[str, str, dict[str, str], int]] = [
    ("POST", "/xapi/statements", {"Authorization": "Basic eDp4"}, 401),
    ("POST", "/xapi/nothing", {}, 404),
    ("PATCH", "/xapi/statements", {}, 405),
]


def send(
    running: Running, requests: list[tuple[str, str, dict[str, str], int]]
) -> None:
    """Send them with a large body over one connection, as long as it is kept."""
    caller = running.caller()
    with closing(caller.connection):
        for method, address, headers, status in requests * 10:
            sent = {
                **caller.headers,
                "Content-Type": "application/json",
                "X-Experience-API-Version": "1.0.3",
                **headers,
            }
            # reconnects where the last answer said `Connection: close`, only there
            caller.connection.request(method, address, b"[" * SIZE, sent)
            answer = caller.connection.getresponse()
            answer.read()
            assert answer.status == status
            # time enough to hang up
            time.sleep(0.02)


def test_a_connection_outlives_a_refusal(running: Running) -> None:
    """The next request of a known caller is answered on it."""
    send(running, KNOWN)


def test_a_connection_says_that_it_ends(running: Running) -> None:
    """A stranger's body is not read; the answer says that the connection ends."""
    send(running, UNKNOWN)
