from __future__ import annotations

from tests.lrs.views.conftest import VERSION, Lrs


def test_anyone_may_ask_which_versions_there_are(lrs: Lrs) -> None:
    for headers in ({}, {VERSION: "1.0.3"}, {VERSION: "0.9"}):
        answer = lrs.app.test_client().get("/xapi/about", headers=headers)
        assert answer.status_code == 200
        assert {"1.0.3", "2.0.0"} <= set(answer.get_json()["version"])
        assert answer.headers[VERSION] in {"1.0.3", "2.0.0"}


def test_parameters_are_refused(lrs: Lrs) -> None:
    assert lrs.get("/xapi/about", extra="1").status_code == 400
