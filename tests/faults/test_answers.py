"""Refusals leave the connection usable, also when they come before the body is read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.callers import Running

SIZE = 500_000
REFUSED: list[tuple[str, str, dict[str, str], int]] = [
    ("POST", "/xapi/statements", {"Authorization": "Basic eDp4"}, 401),
    ("POST", "/xapi/statements?unknown=1", {}, 400),
    ("PUT", "/xapi/statements?statementId=x", {}, 400),
    ("POST", "/xapi/nothing", {}, 404),
    ("PATCH", "/xapi/statements", {}, 405),
]


@pytest.mark.xfail(
    strict=True,
    reason="the server hangs up without a word on a body that it has not read",
)
def test_a_connection_outlives_a_refusal_or_says_that_it_ends(
    running: Running,
) -> None:
    """The next request on it is answered, unless `Connection: close` was said."""
    caller = running.caller()
    for _ in range(10):
        for method, address, headers, status in REFUSED:
            sent = {
                **caller.headers,
                "Content-Type": "application/json",
                "X-Experience-API-Version": "1.0.3",
                **headers,
            }
            caller.connection.request(method, address, b"[" * SIZE, sent)
            answer = caller.connection.getresponse()
            answer.read()
            assert answer.status == status
            # time enough to hang up
            time.sleep(0.02)
    caller.close()
