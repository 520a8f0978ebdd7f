"""What a caller stores and reads, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from lrs import resource
from lrs.credentials import Caller, admit
from lrs.cursors import read_cursor
from lrs.db import writing
from lrs.process import make_process
from lrs.query import Found, Page
from lrs.resource import Asked
from lrs.tenants import touch
from statements.errors import InvalidStatement, TooLarge
from tests.lrs.views.conftest import Lrs, lrs, statement

if TYPE_CHECKING:
    from lrs.parts import Parts

__all__ = ["lrs"]
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
GIVEN: dict[str, Any] = {"limit": 2, "ascending": False}


@pytest.fixture
def caller(lrs: Lrs) -> Caller:
    with writing(lrs.parts.engine) as db:
        header = lrs.headers()["Authorization"]
        return admit(db, authorization=header, now=datetime.now(UTC))


def test_a_path_begins_at_the_whole_body() -> None:
    body = orjson.dumps([statement(), statement(verb={"id": "no iri"})])
    with pytest.raises(InvalidStatement) as met:
        resource.prepare_body(body, version="1.0.3", now=NOW)
    assert met.value.extra["path"].startswith("$[1].verb")
    with pytest.raises(InvalidStatement) as met:
        resource.prepare_body(
            orjson.dumps(statement(verb={"id": "no iri"})), version="1.0.3", now=NOW
        )
    assert met.value.extra["path"].startswith("$.verb")


def test_ids_keep_their_order() -> None:
    sent = [statement() for _ in range(3)]
    prepared = resource.prepare_body(orjson.dumps(sent), version="2.0.0", now=NOW)
    assert orjson.loads(resource.ids_of(prepared)) == [one["id"] for one in sent]


def test_a_write_names_a_bounded_number_of_things(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "MAX_REFERENCES", 3)
    for count, is_refused in ((1, False), (2, True)):
        sent = [
            statement(object={"id": f"http://example.org/{one}"})
            for one in range(count)
        ]
        prepared = resource.prepare_body(orjson.dumps(sent), version="1.0.3", now=NOW)
        if is_refused:
            with pytest.raises(TooLarge):
                resource.write_of(caller, prepared, now=NOW, revision=0)
        else:
            write = resource.write_of(caller, prepared, now=NOW, revision=4)
            assert (write.tenant, write.revision) == (caller.tenant_id, 4)


def found(seq: int) -> Found:
    return Found(seq, b'{"id":%d}' % seq, 3)


@pytest.mark.parametrize(
    ("page", "bodies"),
    [
        (Page([], has_more=False), []),
        (Page([found(7)], has_more=False), [b'{"id":7}']),
        (Page([found(7), found(5)], has_more=True), [b'{"id":7}', b'{"id":5}']),
    ],
)
def test_a_page_as_json(caller: Caller, page: Page, bodies: list[bytes]) -> None:
    asked = Asked(caller, "1.0.3", GIVEN, {})
    body = orjson.loads(
        resource.page_body(
            asked, page, bodies, query={"limit": "2"}, newest=9, path="/p", secret="s"
        )
    )
    assert body["statements"] == [orjson.loads(one) for one in bodies]
    if not page.has_more:
        assert body["more"] == ""
        return
    split = urlsplit(body["more"])
    [cursor] = parse_qs(split.query)["cursor"]
    content = read_cursor(cursor, secret="s", caller=caller.key)
    assert split.path == "/p"
    assert content == {"query": {"limit": "2"}, "after": 5, "newest": 9}
    # the next page keeps what the first was bound to, parameters or none
    following = Asked(caller, "1.0.3", GIVEN, {"query": {}, "newest": 4, "after": 5})
    body = orjson.loads(
        resource.page_body(
            following,
            page,
            bodies,
            query={"cursor": "x"},
            newest=9,
            path="/p",
            secret="s",
        )
    )
    [cursor] = parse_qs(urlsplit(body["more"]).query)["cursor"]
    content = read_cursor(cursor, secret="s", caller=caller.key)
    assert content == {"query": {}, "after": 5, "newest": 4}


def test_a_page_is_presumed_only_under_its_revision(
    lrs: Lrs, caller: Caller, parts: Parts
) -> None:
    lrs.store(statement())
    process = make_process(parts.engine)
    now = datetime.now(UTC)
    seen = process.remembered.glance(caller.tenant_id)

    def read(revision: int, **given: Any) -> Any:
        return resource.presumed_page(
            parts,
            process,
            Asked(caller, "1.0.3", {**GIVEN, **given}, {}),
            revision=revision,
            now=now,
        )

    assert read(seen.revision) is None, "the wall is not remembered yet"
    process.remembered.wall(seen)
    assert len(read(seen.revision).page.found) == 1
    assert read(seen.revision, until=now - timedelta(seconds=1)) is None
    with writing(parts.engine) as db:
        touch(db, tenant=caller.tenant_id)
    assert read(seen.revision) is None, "something has changed meanwhile"
