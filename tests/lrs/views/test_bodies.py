from __future__ import annotations

import email
import email.policy
import hashlib
import io
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from playwright.sync_api import Error
from sqlalchemy import select
from werkzeug.serving import make_server

from lrs import multipart
from lrs.attachments import Attachment, DataDamaged, storage_key
from lrs.db import reading
from lrs.views import bodies, xapi
from lrs.views.bodies import MAX_WITH_DATA
from statements import signatures
from statements.vocabulary import VOIDED
from tests.lrs.views.conftest import VERSION, statement
from tests.statements.cases import SUB_STATEMENT
from tests.statements.signing import PAYLOAD, crafted, declare, sign

if TYPE_CHECKING:
    from email.message import EmailMessage

    from playwright.sync_api import Browser, Dialog
    from werkzeug.test import TestResponse

    from tests.lrs.views.conftest import Lrs, Own

BOUNDARY = "-------314159265358979323846"
MIXED = f"multipart/mixed; boundary={BOUNDARY}"
TEXT = b"here is a simple attachment"
NASTY = b"\r\n--" + BOUNDARY.encode() + b"-\r\n\0\xff\xfe\r\n\r\n--" + bytes(range(256))
Part = tuple[dict[str, str], bytes]


def attachment(data: bytes, **members: Any) -> dict[str, Any]:
    return {
        "usageType": "http://example.org/usage/report",
        "display": {"en-US": "Report", "de": "Bericht"},
        "contentType": "text/plain",
        "length": len(data),
        "sha2": hashlib.sha256(data).hexdigest(),
        **members,
    }


def part(data: bytes, **headers: str) -> Part:
    kind = {"Content-Type": "text/plain", "Content-Transfer-Encoding": "binary"}
    sha2 = hashlib.sha256(data).hexdigest()
    return kind | {"X-Experience-API-Hash": sha2} | headers, data


def joined(*parts: Part) -> bytes:
    body = b"".join(multipart.head(BOUNDARY, heads) + data for heads, data in parts)
    return body + multipart.tail(BOUNDARY)


def send(
    lrs: Lrs, value: Any, *parts: Part, method: str = "POST", **query: str
) -> TestResponse:
    """The answer to these statements with the data of these parts."""
    first = value if isinstance(value, bytes) else orjson.dumps(value)
    body = joined(({"Content-Type": "application/json"}, first), *parts)
    return lrs.call(method, body=body, headers={"Content-Type": MIXED}, **query)


def parts_of(answer: TestResponse) -> list[tuple[EmailMessage, bytes]]:
    """The parts of an answer, as another reader of multipart finds them."""
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "multipart/mixed"
    head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
    whole = email.message_from_bytes(head + answer.data, policy=email.policy.HTTP)
    assert not whole.defects
    found = cast("list[EmailMessage]", whole.get_payload())
    return [(one, cast("bytes", one.get_payload(decode=True))) for one in found]


def data_of(lrs: Lrs, **query: str) -> list[bytes]:
    return [data for _, data in parts_of(lrs.get(attachments="true", **query))[1:]]


def kept(lrs: Lrs, tenant: int) -> list[Attachment]:
    with reading(lrs.parts.engine) as db:
        found = list(
            db.scalars(select(Attachment).where(Attachment.tenant_id == tenant))
        )
        db.expunge_all()
    return found


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("data", [b"", TEXT, NASTY, b"\r\n", b"--", b"\r\n\r\n\r\n"])
def test_data_comes_back_byte_for_byte(own: Own, data: bytes, version: str) -> None:
    lrs = own.speaking(version)
    sent = statement(attachments=[attachment(data)])
    answer = send(lrs, sent, part(data))
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == [sent["id"]]
    for query in ({"statementId": sent["id"]}, {}):
        answer = lrs.get(attachments="true", **query)
        (first, raw), (second, got) = parts_of(answer)
        value = orjson.loads(raw)
        (read,) = value.get("statements", [value])
        assert first.get_content_type() == "application/json"
        assert read["id"] == sent["id"]
        assert read["attachments"] == sent["attachments"]
        assert got == data
        assert second["X-Experience-API-Hash"] == sent["attachments"][0]["sha2"]
        assert second["Content-Transfer-Encoding"] == "binary"
        assert second["Content-Type"] == "text/plain"
        assert second["Content-Length"] == str(len(data))
        assert answer.content_length == len(answer.data)
        # the first part is what is answered without data
        assert raw == lrs.get(**query).data


def test_on_every_kind_of_storage(lrs: Lrs) -> None:
    data = random.Random(7).randbytes(3 << 20)  # noqa: S311 - repeatable
    sent = statement(attachments=[attachment(data), attachment(TEXT)])
    assert send(lrs, sent, part(data), part(TEXT)).status_code == 200
    assert data_of(lrs, statementId=sent["id"]) == [data, TEXT]


def test_the_example_of_the_specification(own: Own) -> None:
    """xAPI 1.0.3 Communication 1.5.2."""
    boundary = "abcABC0123'()+_,-./:=?"
    one = attachment(TEXT, contentType="text/plain; charset=ascii")
    sha2 = "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a"
    assert one["sha2"] == sha2
    lines = [
        "",
        f"--{boundary}",
        "Content-Type:application/json",
        "",
        orjson.dumps(statement(attachments=[one]), option=orjson.OPT_INDENT_2).decode(),
        f"--{boundary}",
        "Content-Type:text/plain",
        "Content-Transfer-Encoding:binary",
        f"X-Experience-API-Hash:{sha2}",
        "",
        TEXT.decode(),
        f"--{boundary}--",
    ]
    answer = own.call(
        "POST",
        body="\r\n".join(lines).encode(),
        headers={"Content-Type": f'multipart/mixed; boundary="{boundary}"'},
    )
    assert answer.status_code == 200, answer.text
    assert data_of(own) == [TEXT]


def test_data_that_several_declare_comes_and_goes_once(own: Own) -> None:
    other = attachment(NASTY, contentType="application/octet-stream")
    upper = attachment(TEXT, sha2=attachment(TEXT)["sha2"].upper())
    inner = {**SUB_STATEMENT, "attachments": [other, attachment(TEXT)]}
    batch = [
        statement(attachments=[attachment(TEXT), other]),
        statement(attachments=[upper]),
        statement(),
        statement(object=inner),
    ]
    answer = send(
        own,
        batch,
        part(NASTY, **{"Content-Type": "application/octet-stream"}),
        part(TEXT),
    )
    assert answer.status_code == 200, answer.text
    assert sorted(data_of(own)) == sorted([TEXT, NASTY])
    assert data_of(own, statementId=batch[0]["id"]) == [TEXT, NASTY]
    (_, _), (head, data) = parts_of(
        own.get(attachments="true", statementId=batch[1]["id"])
    )
    # a reader that compares texts finds it
    assert head["X-Experience-API-Hash"] == upper["sha2"]
    assert data == TEXT
    assert data_of(own, statementId=batch[2]["id"]) == []
    assert sorted(data_of(own, statementId=batch[3]["id"])) == sorted([TEXT, NASTY])
    assert len(kept(own, own.tenant)) == 2


def test_every_page_has_its_own_data(own: Own) -> None:
    texts = [b"first", b"second", b"third"]
    for data in texts:
        assert (
            send(own, statement(attachments=[attachment(data)]), part(data)).status_code
            == 200
        )
    answer = own.get(attachments="true", limit="2", ascending="true")
    parts = parts_of(answer)
    assert [data for _, data in parts[1:]] == texts[:2]
    more = orjson.loads(parts[0][1])["more"]
    parts = parts_of(own.get(more))
    assert [data for _, data in parts[1:]] == texts[2:]


@pytest.mark.parametrize("format", ["ids", "canonical", "exact"])
def test_every_format_has_the_data(own: Own, format: str) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    assert data_of(own, format=format) == [TEXT]
    assert data_of(own, format=format, statementId=sent["id"]) == [TEXT]


def test_a_voided_statement_keeps_its_data(own: Own) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    target = {"objectType": "StatementRef", "id": sent["id"]}
    own.store(statement(verb={"id": VOIDED}, object=target))
    assert data_of(own, voidedStatementId=sent["id"]) == [TEXT]
    assert data_of(own) == []


def test_put_takes_data(own: Own) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    name = sent.pop("id")
    for _ in range(2):
        # an honest retry succeeds
        answer = send(own, sent, part(TEXT), method="PUT", statementId=name)
        assert answer.status_code == 204, answer.text
    assert data_of(own, statementId=name) == [TEXT]


def test_data_that_is_elsewhere_may_come_along(own: Own) -> None:
    url = "http://example.org/report.txt"
    with_data = statement(attachments=[attachment(TEXT, fileUrl=url)])
    without = statement(attachments=[attachment(NASTY, fileUrl=url)])
    assert send(own, [with_data, without], part(TEXT)).status_code == 200
    assert data_of(own, statementId=with_data["id"]) == [TEXT]
    assert data_of(own, statementId=without["id"]) == []
    assert (
        own.post(statement(attachments=[attachment(TEXT, fileUrl=url)])).status_code
        == 200
    )


def test_statements_without_attachments_in_one_part(own: Own) -> None:
    assert send(own, [statement(), statement()]).status_code == 200
    assert len(own.found()) == 2
    assert kept(own, own.tenant) == []


def test_data_is_not_asked_for(own: Own) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    for query in ({}, {"attachments": "false"}):
        for more in ({}, {"statementId": sent["id"]}):
            answer = own.get(**query, **more)
            assert answer.content_type == "application/json"
            assert TEXT not in answer.data


def test_head_tells_of_the_data(own: Own) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    query = {"attachments": "true", "statementId": sent["id"]}
    answer = own.call("HEAD", **query)
    assert answer.status_code == 200
    assert answer.data == b""
    assert answer.mimetype == "multipart/mixed"
    assert answer.content_length == own.get(**query).content_length


def test_others_see_neither_statement_nor_data(own: Own) -> None:
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    other = own.with_scopes(["statements/write", "statements/read/mine"])
    assert data_of(other) == []
    query = {"attachments": "true", "statementId": sent["id"]}
    assert other.get(**query).status_code == 404
    # naming the hash is not having the data
    claim = statement(attachments=[attachment(TEXT)])
    assert other.post(claim).status_code == 400
    assert send(other, claim).status_code == 400
    assert other.found() == []


def test_a_statement_that_only_names_a_hash_shows_no_foreign_data(own: Own) -> None:
    """Who knows the hash alone could read the data of others otherwise."""
    sent = statement(attachments=[attachment(TEXT)])
    assert send(own, sent, part(TEXT)).status_code == 200
    other = own.with_scopes(["statements/write", "statements/read/mine"])
    url = "http://example.org/x"
    claim = statement(attachments=[attachment(TEXT, fileUrl=url)])
    assert other.post(claim).status_code == 200
    assert data_of(other) == []


def test_many_bring_the_same_data_at_once(own: Own) -> None:
    texts = [b"shared %d" % number for number in range(12)]
    chance = random.Random(16)  # noqa: S311 - repeatable
    chosen = [chance.sample(texts, 6) for _ in range(48)]

    def bring(some: list[bytes]) -> tuple[int, str]:
        sent = statement(attachments=[attachment(data) for data in some])
        answer = send(own, sent, *map(part, some))
        return answer.status_code, sent["id"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(bring, chosen))
    assert {status for status, _ in answers} == {200}
    for (_, name), some in zip(answers, chosen, strict=True):
        assert data_of(own, statementId=name) == some
    assert len(kept(own, own.tenant)) == len(texts)


# Refusals


def good() -> dict[str, Any]:
    return statement(attachments=[attachment(TEXT)])


JSON_PART = {"Content-Type": "application/json"}
REFUSED: dict[str, tuple[Any, list[Part]]] = {
    "no data": (good(), []),
    "data of one of two": (
        [good(), statement(attachments=[attachment(NASTY)])],
        [part(TEXT)],
    ),
    "data for the statement inside": (
        statement(object={**SUB_STATEMENT, "attachments": [attachment(TEXT)]}),
        [],
    ),
    "data that nobody declares": (good(), [part(TEXT), part(NASTY)]),
    "data though nothing is declared": (statement(), [part(TEXT)]),
    "another hash": (
        good(),
        [part(TEXT, **{"X-Experience-API-Hash": attachment(NASTY)["sha2"]})],
    ),
    "data that does not fit the hash": (good(), [(part(TEXT)[0], TEXT + b".")]),
    "no hash": (good(), [({"Content-Type": "text/plain"}, TEXT)]),
    "base64": (good(), [part(TEXT, **{"Content-Transfer-Encoding": "base64"})]),
    "another type": (good(), [part(TEXT, **{"Content-Type": "text/html"})]),
    "statements in two parts": (
        good(),
        [(JSON_PART, orjson.dumps(statement())), part(TEXT)],
    ),
    "an invalid statement": (
        [good(), {**statement(), "verb": {"id": "no iri"}}],
        [part(TEXT)],
    ),
    "no JSON": (b"{", [part(TEXT)]),
    "no statement": (b"7", [part(TEXT)]),
    "a hash of no length": (
        statement(attachments=[attachment(TEXT, sha2="00")]),
        [part(TEXT)],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_stores_nothing(own: Own, name: str) -> None:
    value, parts = REFUSED[name]
    answer = send(own, value, *parts)
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert own.found() == []
    assert kept(own, own.tenant) == []


def test_the_place_of_missing_data_is_told(own: Own) -> None:
    batch = [
        good(),
        statement(object={**SUB_STATEMENT, "attachments": [attachment(NASTY)]}),
    ]
    answer = send(own, batch, part(TEXT))
    assert answer.get_json()["path"] == "$[1].object.attachments[0]"
    answer = send(own, batch[1])
    assert answer.get_json()["path"] == "$.object.attachments[0]"


FORMS = {
    "no boundary": ("multipart/mixed", None),
    "an empty boundary": ('multipart/mixed; boundary=""', None),
    "another boundary": ("multipart/mixed; boundary=other", None),
    "form data": (f"multipart/form-data; boundary={BOUNDARY}", None),
    "related": (f"multipart/related; boundary={BOUNDARY}", None),
    "plain text": ("text/plain", None),
    "nothing said": ("", None),
    "no parts": (MIXED, b"--" + BOUNDARY.encode() + b"--\r\n"),
    "nothing": (MIXED, b""),
    "statements last": (
        MIXED,
        joined(part(TEXT), (JSON_PART, orjson.dumps(good()))),
    ),
    "a first part of text": (
        MIXED,
        joined(({"Content-Type": "text/plain"}, orjson.dumps(good())), part(TEXT)),
    ),
    "a first part without a type": (
        MIXED,
        joined(({}, orjson.dumps(good())), part(TEXT)),
    ),
    "no delimiter first": (
        MIXED,
        joined((JSON_PART, orjson.dumps(good())), part(TEXT)).partition(b"\r\n\r\n")[2],
    ),
    "broken off": (MIXED, joined((JSON_PART, orjson.dumps(good())), part(TEXT))[:-4]),
    "lone line feeds": (
        MIXED,
        joined((JSON_PART, orjson.dumps(good())), part(TEXT)).replace(b"\r\n", b"\n"),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_other_forms_are_refused(own: Own, name: str) -> None:
    kind, body = FORMS[name]
    if body is None:
        body = joined((JSON_PART, orjson.dumps(good())), part(TEXT))
    answer = own.call("POST", body=body, headers={"Content-Type": kind})
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["requirement"]
    assert answer.get_json()["section"].startswith("Communication 1.5")
    assert own.found() == []


def test_a_conflict_leaves_the_stored_statement_as_it_is(own: Own) -> None:
    sent = good()
    assert send(own, sent, part(TEXT)).status_code == 200
    other = {**sent, "attachments": [attachment(NASTY)]}
    assert send(own, other, part(NASTY)).status_code == 409
    assert data_of(own, statementId=sent["id"]) == [TEXT]


def test_statements_have_a_limit_of_their_own(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xapi, "MAX_BODY", 5000)
    assert send(own, statement(), part(b"x" * 9000)).status_code == 400
    long = statement(result={"response": "x" * 6000})
    answer = send(own, long)
    assert answer.status_code == 413, answer.text
    assert answer.get_json()["limit"] == 5000
    data = b"x" * 9000
    assert (
        send(own, statement(attachments=[attachment(data)]), part(data)).status_code
        == 200
    )


def test_requests_have_a_limit(own: Own) -> None:
    """Told before a byte of it is read."""

    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            message = f"{size} bytes were read"
            raise AssertionError(message)

    answer = own.app.test_client().post(
        "/xapi/statements",
        headers=own.headers(**{"Content-Type": MIXED}),
        environ_overrides={
            "wsgi.input": Unread(),
            "CONTENT_LENGTH": str(MAX_WITH_DATA + 1),
        },
    )
    assert answer.status_code == 413
    assert answer.get_json()["limit"] == MAX_WITH_DATA


def test_a_refused_request_is_read_to_its_end(own: Own) -> None:
    """Or its sender, still sending, would not hear why."""
    body = joined((JSON_PART, b"{"), part(b"x" * 300_000))
    stream = io.BytesIO(body)
    answer = own.app.test_client().post(
        "/xapi/statements",
        headers=own.headers(**{"Content-Type": MIXED}),
        environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": str(len(body))},
    )
    assert answer.status_code == 400
    assert stream.tell() == len(body)


def mutated(chance: random.Random, body: bytes) -> bytes:
    """The body with a few bytes, lines or stretches lost, repeated or changed."""
    for _ in range(chance.randint(1, 3)):
        at, end = sorted(chance.choices(range(len(body) + 1), k=2))
        kind = chance.randrange(6)
        if kind == 0:
            body = body[:at] + body[min(at + chance.randint(1, 4), len(body)) :]
        elif kind == 1:
            body = body[:at] + chance.randbytes(chance.randint(1, 4)) + body[at:]
        elif kind == 2:
            body = body[:end]
        elif kind == 3:
            body = body[:at] + body[at:end] * 2 + body[end:]
        else:
            lines = body.split(b"\r\n")
            line = chance.randrange(len(lines))
            lines[line : line + 1] = lines[line : line + 1] * chance.choice([0, 2])
            body = b"\r\n".join(lines)
    return body


def test_mutated_bodies_are_refused_or_stored_whole(own: Own) -> None:
    chance = random.Random(15)  # noqa: S311 - repeatable
    statuses: dict[int, int] = {}
    for _ in range(400):
        sent = statement(attachments=[attachment(TEXT), attachment(NASTY)])
        body = joined((JSON_PART, orjson.dumps(sent)), part(TEXT), part(NASTY))
        body = mutated(chance, body)
        answer = own.call("POST", body=body, headers={"Content-Type": MIXED})
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if answer.status_code == 200:
            for name in answer.get_json():
                parts = parts_of(own.get(attachments="true", statementId=name))
                listed = orjson.loads(parts[0][1]).get("attachments", ())
                hashes = {hashlib.sha256(data).hexdigest() for _, data in parts[1:]}
                assert hashes == {one["sha2"].lower() for one in listed}
    assert statuses.keys() == {200, 400}
    assert min(statuses.values()) > 5


# Signatures


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_signed_statements(own: Own, algorithm: str, version: str) -> None:
    lrs = own.speaking(version)
    for with_chain in (True, False):
        unsigned = statement(timestamp="2026-03-02T17:00:00Z")
        token = sign(unsigned, algorithm=algorithm, with_chain=with_chain)
        signed = {**unsigned, "attachments": [declare(token)]}
        kind = {"Content-Type": signatures.CONTENT_TYPE}
        answer = send(lrs, signed, part(token, **kind))
        assert answer.status_code == 200, answer.text
        assert data_of(lrs, statementId=signed["id"]) == [token]


def test_a_statement_without_an_id_is_signed_without_it(own: Own) -> None:
    unsigned = statement()
    name = unsigned.pop("id")
    token = sign(unsigned)
    signed = {**unsigned, "attachments": [declare(token)]}
    data = part(token, **{"Content-Type": signatures.CONTENT_TYPE})
    answer = send(own, signed, data, method="PUT", statementId=name)
    assert answer.status_code == 204, answer.text
    assert send(own, signed, data).status_code == 200


def test_crafted_signatures_are_refused_and_nothing_is_stored(own: Own) -> None:
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    statuses = {
        name: send(
            own, {**PAYLOAD, "attachments": [declare(token)]}, part(token, **kind)
        ).status_code
        for name, token in crafted()
    }
    assert len(statuses) >= 200
    assert {name: one for name, one in statuses.items() if one != 400} == {}
    assert own.found() == []
    assert kept(own, own.tenant) == []


def test_a_bad_signature_is_told_with_its_place(own: Own) -> None:
    signed = statement(attachments=[attachment(TEXT), declare(b"a.b.c")])
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    answer = send(own, [statement(), signed], part(TEXT), part(b"a.b.c", **kind))
    problem = answer.get_json()
    assert answer.status_code == 400
    assert problem["path"] == "$[1].attachments[1]"
    assert problem["section"] == signatures.SECTION


def test_a_signature_comes_with_its_data(own: Own) -> None:
    unsigned = statement()
    one = declare(sign(unsigned), fileUrl="http://127.0.0.1:9/signature")
    answer = own.post({**unsigned, "attachments": [one]})
    assert answer.status_code == 400
    assert "signature" in answer.get_json()["detail"]


def test_a_signature_has_a_limit(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "MAX_LENGTH", 100)
    unsigned = statement()
    token = sign(unsigned)
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    signed = {**unsigned, "attachments": [declare(token)]}
    assert send(own, signed, part(token, **kind)).status_code == 413


def test_a_statement_has_a_few_signatures(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_SIGNATURES", 2)
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    for count, status in ((2, 200), (3, 400)):
        unsigned = statement()
        token = sign(unsigned)
        signed = {**unsigned, "attachments": [declare(token)] * count}
        assert send(own, signed, part(token, **kind)).status_code == status


@pytest.mark.parametrize(
    ("more", "status", "checks"),
    [
        ({}, 200, 1),
        ({"display": {"en": "again"}, "description": {"en": "the same"}}, 200, 1),
        ({"fileUrl": "http://127.0.0.1:9/signature"}, 200, 1),
        ({"contentType": "Application/Octet-Stream"}, 200, 1),
        ({"contentType": "text/plain"}, 400, 1),
    ],
)
def test_a_token_is_checked_once_however_often_it_is_named(
    own: Own,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    status: int,
    checks: int,
) -> None:
    seen: list[bytes] = []
    check = signatures.check_signature

    def noted(token: bytes, *words: Any, **named: Any) -> None:
        seen.append(token)
        check(token, *words, **named)

    monkeypatch.setattr(signatures, "check_signature", noted)
    unsigned = statement()
    token = sign(unsigned)
    named = [declare(token), declare(token) | more, declare(token)]
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    signed = {**unsigned, "attachments": named}
    assert send(own, signed, part(token, **kind)).status_code == status
    assert len(seen) == checks


def test_a_token_is_checked_for_each_statement(own: Own) -> None:
    """What signs one statement does not sign the next one, nor the one inside."""
    one, other = statement(), statement()
    token = sign(one)
    kind = {"Content-Type": signatures.CONTENT_TYPE}
    both = [{**each, "attachments": [declare(token)]} for each in (one, other)]
    answer = send(own, both, part(token, **kind))
    assert (answer.status_code, answer.get_json()["path"]) == (
        400,
        "$[1].attachments[0]",
    )


# Damage, size, danger


def damage(lrs: Own, data: bytes) -> None:
    key = storage_key(lrs.tenant, hashlib.sha256(data).hexdigest())
    lrs.parts.storage.put(key, io.BytesIO(b"!" + data[1:]), content_type="text/plain")


def test_damaged_data_is_a_problem_and_never_an_answer(own: Own) -> None:
    sent = good()
    assert send(own, sent, part(TEXT)).status_code == 200
    damage(own, TEXT)
    answer = own.get(attachments="true")
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "data_damaged"
    assert answer.get_json()["sha2"] == sent["attachments"][0]["sha2"]
    assert own.found() == [sent["id"]]


def test_large_data_streams(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WHOLE", 1 << 16)
    data = random.Random(7).randbytes(1 << 20)  # noqa: S311 - repeatable
    sent = statement(attachments=[attachment(TEXT), attachment(data)])
    assert send(own, sent, part(TEXT), part(data)).status_code == 200
    answer = own.get(attachments="true")
    assert answer.content_length == len(answer.data)
    assert [got for _, got in parts_of(answer)[1:]] == [TEXT, data]
    damage(own, data)
    # by then the status is sent: the answer breaks off before the damaged data
    answer = own.get(attachments="true")
    assert answer.status_code == 200
    with pytest.raises(DataDamaged):
        _ = answer.data


HOSTILE = b"<!doctype html><script>window.ran = true; alert(1)</script>"


def test_nothing_of_it_runs_in_a_browser(own: Own, browser: Browser) -> None:
    one = attachment(HOSTILE, contentType="text/html")
    script = attachment(b"window.ran = true", contentType="text/javascript")
    for each, data in ((one, HOSTILE), (script, b"window.ran = true")):
        kind = {"Content-Type": each["contentType"]}
        assert (
            send(own, statement(attachments=[each]), part(data, **kind)).status_code
            == 200
        )
    answer = own.get(attachments="true")
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    server = make_server("127.0.0.1", 0, own.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        context = browser.new_context(extra_http_headers=own.headers())
        page = context.new_page()
        opened: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            opened.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", dismiss)
        url = f"http://127.0.0.1:{server.server_port}/xapi/statements?attachments=true"
        seen: list[int] = []
        page.on("response", lambda got: seen.append(got.status))
        with pytest.raises(Error, match=r"Download is starting|ERR_ABORTED"):
            page.goto(url)
        page.set_content(
            f'<iframe src="{url}"></iframe><object data="{url}"></object>'
            f'<embed src="{url}"><script src="{url}"></script>'
            f'<script type=module src="{url}"></script><img src="{url}">'
        )
        page.wait_for_timeout(500)
        assert 200 in seen
        assert page.evaluate("window.ran") is None
        assert all(frame.evaluate("window.ran") is None for frame in page.frames)
        assert opened == []
        context.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_version_is_that_of_the_request(own: Own) -> None:
    sent = good()
    assert send(own, sent, part(TEXT)).status_code == 200
    answer = own.speaking("2.0.0").get(attachments="true")
    assert answer.headers[VERSION] == "2.0.0"
    assert uuid.UUID(sent["id"]).hex in answer.text.replace("-", "")
