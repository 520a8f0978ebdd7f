from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from statements.errors import InvalidStatement
from statements.prepare import prepare
from statements.signatures import check_signature, is_signature
from tests.conftest import NOW
from tests.statements.cases import ATTACHMENT, SUB_STATEMENT, VERB
from tests.statements.signing import (
    PAYLOAD,
    certificate,
    crafted,
    declare,
    der64,
    sign,
)


def check(
    token: bytes,
    statement: dict[str, Any] | None = None,
    *,
    version: str = "1.0.3",
    **members: Any,
) -> None:
    """Nothing if this token may be the signature of the statement."""
    attachment = declare(token, **members)
    given = dict(PAYLOAD if statement is None else statement)
    given["attachments"] = [*given.get("attachments", ()), attachment]
    path = "$.attachments[0]"
    check_signature(token, attachment, statement=given, version=version, path=path)


def refusal(token: bytes) -> InvalidStatement | None:
    """Why this token may not be the signature of PAYLOAD; None if it may."""
    try:
        check(token)
    except InvalidStatement as error:
        return error
    return None


@pytest.fixture(autouse=True)
def _nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **_more: object) -> None:
        message = f"a token made somebody connect: {arguments}"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_good_signature(algorithm: str, version: str) -> None:
    for with_chain in (True, False):
        token = sign(PAYLOAD, algorithm=algorithm, with_chain=with_chain)
        check(token, version=version)


def test_every_crafted_token_is_refused() -> None:
    tokens = dict(crafted())
    assert len(set(tokens.values())) >= 200
    refused = {name: refusal(token) for name, token in tokens.items()}
    assert [name for name, error in refused.items() if error is None] == []
    for error in refused.values():
        assert error is not None
        assert error.extra["path"] == "$.attachments[0]"
        assert error.extra["section"] == "Data 2.6; 2.0 4.2.6"
        assert error.extra["requirement"]


def test_the_example_of_the_specification() -> None:
    """xAPI 1.0.3 Data, appendix D, whose `length` is four bytes short."""
    path = Path(__file__).with_name("signed_example.json")
    example = json.loads(path.read_text())
    statement, token = example["statement"], example["signature"].encode()
    assert statement["attachments"][0]["sha2"] == declare(token)["sha2"]
    prepare(statement, now=NOW)
    check_signature(
        token,
        statement["attachments"][0],
        statement=statement,
        version="1.0.3",
        path="$.attachments[0]",
    )
    statement["actor"]["mbox"] = "mailto:other@example.com"
    with pytest.raises(InvalidStatement, match="not the statement"):
        check_signature(
            token,
            statement["attachments"][0],
            statement=statement,
            version="1.0.3",
            path="$.attachments[0]",
        )


SAME: dict[str, dict[str, Any]] = {
    "the verb's display": {"verb": {"id": VERB["id"]}},
    "one time in two zones": {"timestamp": "2026-03-02T09:00:00-08:00"},
    "an id in capitals": {"id": PAYLOAD["id"].upper()},
    "what the server sets": {
        "stored": "2026-03-02T17:00:09Z",
        "version": "1.0.3",
        "authority": {"mbox": "mailto:lrs@example.org"},
    },
    "a number spelt otherwise": {
        "result": {"score": {"scaled": 0.90}, "success": True}
    },
}


@pytest.mark.parametrize("name", SAME)
def test_the_payload_may_differ_where_statements_may(name: str) -> None:
    check(sign(PAYLOAD | SAME[name]))


def test_an_id_and_a_time_may_be_given_after_signing() -> None:
    early = {k: v for k, v in PAYLOAD.items() if k not in {"id", "timestamp"}}
    check(sign(early))


def test_other_attachments_are_signed_as_well() -> None:
    given = PAYLOAD | {"attachments": [ATTACHMENT]}
    check(sign(given), given)
    with pytest.raises(InvalidStatement, match="not the statement"):
        check(sign(PAYLOAD), given)
    with pytest.raises(InvalidStatement, match="not the statement"):
        check(sign(given), PAYLOAD)


def test_a_second_signature_may_be_of_the_signed_statement() -> None:
    first = declare(sign(PAYLOAD))
    signed = PAYLOAD | {"attachments": [first]}
    check(sign(signed, key="sergeant"), signed)
    # or of what the first was of
    check(sign(PAYLOAD, key="sergeant"), signed)


def test_a_statement_inside_another_is_signed_as_a_statement() -> None:
    inner: dict[str, Any] = {
        key: value
        for key, value in SUB_STATEMENT.items()
        if key not in {"objectType", "attachments"}
    }
    check(sign(inner), {**inner, "objectType": "SubStatement"})


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "Application/Octet-Stream"]
)
def test_the_content_type(kind: str) -> None:
    check(sign(PAYLOAD), contentType=kind)


@pytest.mark.parametrize("kind", ["text/plain", "application/jose", "text/html"])
def test_another_content_type_is_refused(kind: str) -> None:
    with pytest.raises(InvalidStatement, match="octet-stream"):
        check(sign(PAYLOAD), contentType=kind)


@pytest.mark.parametrize(
    "more", [{"typ": "JOSE"}, {"kid": "7"}, {"cty": "json"}, {"x5t": "AAAA"}]
)
def test_headers_that_change_nothing(more: dict[str, str]) -> None:
    chain = [der64(certificate("officer", "academy"))]
    check(sign(PAYLOAD, header={"alg": "RS256", "x5c": chain} | more))
    check(sign(PAYLOAD, header={"alg": "RS256"} | more))


def test_what_a_signature_is() -> None:
    assert is_signature(declare(b""))
    assert not is_signature(ATTACHMENT)
