from __future__ import annotations

from tests.lrs.views.conftest import Lrs, statement


def test_what_is_posted_is_read_back(lrs: Lrs) -> None:
    sent = statement(timestamp="2026-03-02T09:00:00-08:00", version="1.0.3")
    answer = lrs.post(sent)
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == [sent["id"]]
    got = lrs.get(statementId=sent["id"])
    assert got.status_code == 200
    read = got.get_json()
    assert {name: read[name] for name in sent} == sent
    assert read["authority"]["account"]["name"] == lrs.issued.key
    assert read["stored"].endswith("Z")
