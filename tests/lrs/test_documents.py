from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from lrs import documents
from lrs.db import reading, writing
from lrs.documents import (
    ACTIVITY_PROFILE,
    AGENT_PROFILE,
    STATE,
    Content,
    Context,
    DocumentExists,
    NotMergeable,
    PreconditionMissing,
    delete_document,
    delete_documents,
    etag_of,
    find_documents,
    get_document,
    post_document,
    put_document,
)
from lrs.preconditions import Precondition
from lrs.tables import MAIN_TENANT
from statements.errors import (
    DomainError,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unavailable,
)
from tests.conftest import NOW

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

IFI = "mbox::mailto:officer@agency.example"
ACTIVITY = "https://agency.example/courses/1"
ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
HERE = Context(tenant=MAIN_TENANT, kind=STATE, ifi=IFI, activity=ACTIVITY)
OLD, NEW = b'{"v": 1}', b'{"v": 2}'
NONE = Precondition()
ANY = frozenset({"*"})
RIGHT, WRONG = frozenset({etag_of(OLD)}), frozenset({etag_of(b"other")})
SECOND = timedelta(seconds=1)


def put(
    db: Session,
    data: bytes = OLD,
    *,
    context: Context = HERE,
    document_id: str = "a",
    kind: str = "application/json",
    precondition: Precondition = NONE,
    bare: str = "replace",
    now: datetime = NOW,
) -> None:
    put_document(
        db,
        context=context,
        document_id=document_id,
        content=Content(data, kind),
        precondition=precondition,
        bare=bare,
        now=now,
    )


def post(
    db: Session,
    data: bytes,
    kind: str = "application/json",
    precondition: Precondition = NONE,
    now: datetime = NOW,
) -> None:
    post_document(
        db,
        context=HERE,
        document_id="a",
        content=Content(data, kind),
        precondition=precondition,
        now=now,
    )


def stored(db: Session, document_id: str = "a", context: Context = HERE) -> bytes:
    return get_document(db, context=context, document_id=document_id).data


def ids(db: Session, context: Context = HERE, since: datetime | None = None) -> Any:
    found = find_documents(db, context=context, since=since)
    return [one.document_id for one in found]


def test_a_document_is_kept_byte_for_byte(db: Session) -> None:
    data, kind = bytes(range(256)) * 9, "Text/Plain;  charset=ISO-8859-1"
    put(db, data, kind=kind)
    found = get_document(db, context=HERE, document_id="a")
    assert (found.data, found.content_type, found.updated) == (data, kind, NOW)
    assert found.etag == etag_of(data)
    put(db, b"", kind="application/octet-stream", now=NOW + SECOND)
    db.expire_all()
    found = get_document(db, context=HERE, document_id="a")
    assert (found.data, found.updated) == (b"", NOW + SECOND)
    assert found.etag == "da39a3ee5e6b4b0d3255bfef95601890afd80709"


OTHERS = [
    Context(tenant=2, kind=STATE, ifi=IFI, activity=ACTIVITY),
    Context(tenant=MAIN_TENANT, kind=STATE, ifi=IFI + "x", activity=ACTIVITY),
    Context(tenant=MAIN_TENANT, kind=STATE, ifi=IFI, activity=ACTIVITY + "x"),
    Context(tenant=MAIN_TENANT, kind=AGENT_PROFILE, ifi=IFI),
    Context(tenant=MAIN_TENANT, kind=ACTIVITY_PROFILE, activity=ACTIVITY),
]


@pytest.mark.parametrize("other", OTHERS, ids=range(len(OTHERS)))
def test_contexts_are_apart(db: Session, other: Context) -> None:
    put(db)
    with pytest.raises(NotFound):
        stored(db, context=other)
    assert ids(db, other) == []
    put(db, NEW, context=other, bare="create")
    delete_documents(db, context=other)
    assert (ids(db), ids(db, other)) == (["a"], [])
    assert stored(db) == OLD


def test_a_registration_narrows_and_none_is_all(db: Session) -> None:
    one, two = (
        Context(
            tenant=MAIN_TENANT,
            kind=STATE,
            ifi=IFI,
            activity=ACTIVITY,
            registration=registration,
        )
        for registration in (ONE, TWO)
    )
    put(db, OLD, document_id="plain")
    put(db, NEW, context=one, document_id="x", now=NOW + SECOND)
    put(db, b"two", context=two, document_id="x")
    assert ids(db) == ["plain", "x"]
    assert find_documents(db, context=HERE)[1].updated == NOW + SECOND
    assert (ids(db, one), ids(db, two)) == (["x"], ["x"])
    assert (stored(db, "x", one), stored(db, "x", two)) == (NEW, b"two")
    # a single document without registration is one that has none
    with pytest.raises(NotFound):
        stored(db, "x")
    delete_document(db, context=HERE, document_id="x", precondition=NONE)
    delete_documents(db, context=one)
    assert (ids(db), ids(db, one)) == (["plain", "x"], [])
    delete_documents(db, context=HERE)
    assert (ids(db), ids(db, two)) == ([], [])


def test_since_is_exclusive(db: Session) -> None:
    for number, name in enumerate("bca"):
        put(db, document_id=name, now=NOW + number * SECOND)
    assert ids(db) == ["a", "b", "c"]
    assert ids(db, since=NOW) == ["a", "c"]
    assert ids(db, since=NOW + 2 * SECOND) == []
    put(db, NEW, document_id="b", now=NOW + 3 * SECOND)
    assert ids(db, since=NOW + 2 * SECOND) == ["b"]


# precondition, what a bare request does, then the outcome: new document, old document
PUTS = [
    (NONE, "replace", None, None),
    (NONE, "create", None, DocumentExists),
    (NONE, "refuse", PreconditionMissing, DocumentExists),
    (Precondition(none_match=ANY), "refuse", None, PreconditionFailed),
    (Precondition(match=ANY), "refuse", PreconditionFailed, None),
    (Precondition(match=RIGHT), "refuse", PreconditionFailed, None),
    (Precondition(match=RIGHT | WRONG), "create", PreconditionFailed, None),
    (Precondition(match=WRONG), "replace", PreconditionFailed, PreconditionFailed),
    (
        Precondition(match=frozenset()),
        "replace",
        PreconditionFailed,
        PreconditionFailed,
    ),
    (Precondition(none_match=RIGHT), "refuse", None, PreconditionFailed),
    (Precondition(none_match=WRONG), "create", None, None),
    (Precondition(RIGHT, ANY), "replace", PreconditionFailed, PreconditionFailed),
    (Precondition(RIGHT, WRONG), "replace", PreconditionFailed, None),
]


@pytest.mark.parametrize(("precondition", "bare", "new", "old"), PUTS)
def test_put(
    db: Session,
    precondition: Precondition,
    bare: str,
    new: type[DomainError] | None,
    old: type[DomainError] | None,
) -> None:
    put(db, document_id="old")
    for document_id, refused in (("new", new), ("old", old)):
        before = ids(db)
        given: Any = {"precondition": precondition, "bare": bare}
        if refused is None:
            put(db, NEW, document_id=document_id, **given)
            db.expire_all()
            assert stored(db, document_id) == NEW
            continue
        with pytest.raises(refused) as caught:
            put(db, NEW, document_id=document_id, **given)
        assert type(caught.value) is refused
        assert caught.value.extra["requirement"]
        db.expire_all()
        assert ids(db) == before
        assert stored(db, "old") == OLD


POSTS = [
    (NONE, None, None),
    (Precondition(none_match=ANY), None, PreconditionFailed),
    (Precondition(match=ANY), PreconditionFailed, None),
    (Precondition(match=RIGHT), PreconditionFailed, None),
    (Precondition(match=WRONG), PreconditionFailed, PreconditionFailed),
    (Precondition(none_match=RIGHT), None, PreconditionFailed),
    (Precondition(none_match=WRONG), None, None),
]


@pytest.mark.parametrize(("precondition", "new", "old"), POSTS)
def test_post(
    db: Session,
    precondition: Precondition,
    new: type[DomainError] | None,
    old: type[DomainError] | None,
) -> None:
    for before, refused, after in (
        (None, new, b'{"w": 3}'),
        (OLD, old, b'{"v": 1,"w": 3}'),
    ):
        delete_documents(db, context=HERE)
        if before is not None:
            put(db, before)
        if refused is None:
            post(db, b'{"w": 3}', precondition=precondition)
            db.expire_all()
            assert stored(db) == after
            found = get_document(db, context=HERE, document_id="a")
            assert found.etag == etag_of(after)
            continue
        with pytest.raises(refused):
            post(db, b'{"w": 3}', precondition=precondition)
        assert ids(db) == ([] if before is None else ["a"])


def test_a_merge_keeps_the_type_and_says_when(db: Session) -> None:
    put(db, kind="application/json; charset=UTF-8")
    post(db, b'{"w": 1.50}', kind="Application/JSON;q=1", now=NOW + SECOND)
    found = get_document(db, context=HERE, document_id="a")
    assert found.data == b'{"v": 1,"w": 1.50}'
    assert found.content_type == "application/json; charset=UTF-8"
    assert found.updated == NOW + SECOND


@pytest.mark.parametrize(
    ("before", "before_kind", "posted", "kind", "names"),
    [
        (None, "", b"text", "text/plain", "posted"),
        (None, "", b'{"a"', "application/json", "posted"),
        (None, "", b"[1]", "application/json", "posted"),
        (OLD, "application/json", NEW, "application/jsonp", "posted"),
        (OLD, "application/json", b"", "application/json", "posted"),
        (OLD, "text/plain", NEW, "application/json", "stored"),
        (b"[]", "application/json", NEW, "application/json", "stored"),
        (b"\xff", "application/json", NEW, "application/json", "stored"),
    ],
)
def test_only_json_objects_are_merged(
    db: Session,
    before: bytes | None,
    before_kind: str,
    posted: bytes,
    kind: str,
    names: str,
) -> None:
    if before is not None:
        put(db, before, kind=before_kind)
    with pytest.raises(NotMergeable, match=f"The document {names}") as caught:
        post(db, posted, kind)
    assert caught.value.extra["requirement"]
    if before is None:
        assert ids(db) == []
    else:
        assert stored(db) == before


def test_a_document_does_not_grow_without_end(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_CONTENT", 60)
    post(db, b'{"a":"%s"}' % (b"x" * 30))
    with pytest.raises(TooLarge):
        post(db, b'{"b":"%s"}' % (b"x" * 30))
    post(db, b'{"a":"%s"}' % (b"y" * 30))
    assert stored(db) == b'{"a":"%s"}' % (b"y" * 30)


DELETES = [
    (NONE, None, None),
    (Precondition(match=ANY), PreconditionFailed, None),
    (Precondition(match=RIGHT), PreconditionFailed, None),
    (Precondition(match=WRONG), PreconditionFailed, PreconditionFailed),
    (Precondition(none_match=ANY), None, PreconditionFailed),
    (Precondition(none_match=RIGHT), None, PreconditionFailed),
    (Precondition(none_match=WRONG), None, None),
]


@pytest.mark.parametrize(("precondition", "absent", "present"), DELETES)
def test_delete(
    db: Session,
    precondition: Precondition,
    absent: type[DomainError] | None,
    present: type[DomainError] | None,
) -> None:
    for document_id, refused in (("absent", absent), ("present", present)):
        if document_id == "present":
            put(db, document_id=document_id)
        if refused is None:
            delete_document(
                db, context=HERE, document_id=document_id, precondition=precondition
            )
            assert ids(db) == []
            continue
        with pytest.raises(refused):
            delete_document(
                db, context=HERE, document_id=document_id, precondition=precondition
            )
        assert ids(db) == (["present"] if document_id == "present" else [])


def test_merges_at_once_lose_no_member(engine: Engine) -> None:
    """Eight threads begin with a document that is not there and set eight members each."""

    def merge(thread: int) -> None:
        for number in range(8):
            with writing(engine) as db:
                post(db, orjson.dumps({f"{thread}.{number}": number}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(merge, range(8)))
    with reading(engine) as db:
        found = orjson.loads(stored(db))
    assert found == {f"{t}.{n}": n for t in range(8) for n in range(8)}


def test_a_merge_gives_up_where_the_document_comes_and_goes(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as if others inserted before each insert, and removed before each look
    monkeypatch.setattr(documents, "insert_new", lambda *_, **__: False)
    with pytest.raises(Unavailable):
        post(db, OLD)
    assert ids(db) == []


def test_merges_beside_removals_end_well(engine: Engine) -> None:
    def post_some(_: int) -> None:
        for _ in range(10):
            with writing(engine) as db:
                post(db, OLD)

    def remove_some(_: int) -> None:
        for _ in range(10):
            with writing(engine) as db:
                delete_document(db, context=HERE, document_id="a", precondition=NONE)

    with ThreadPoolExecutor(6) as pool:
        for work in (post_some, remove_some):
            list(pool.map(work, range(2)))
        done = [pool.submit(w, 0) for w in (post_some, remove_some) * 3]
        for one in done:
            one.result()
    with reading(engine) as db:
        assert [stored(db)] * len(ids(db)) in ([OLD], []) if ids(db) else True
