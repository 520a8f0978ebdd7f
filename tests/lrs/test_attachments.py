from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs import attachments
from lrs.attachments import (
    GRACE,
    IN_MEMORY,
    Attachment,
    AttachmentSource,
    DataDamaged,
    Received,
    attachment_key,
    find_data,
    open_data,
    receive,
    storage_key,
    sweep,
)
from lrs.db import reading, writing
from lrs.multipart import Part
from lrs.parts import Parts
from lrs.store import authority_text, store_statements
from lrs.tables import MAIN_TENANT, key_of, name_of_data
from statements import scalars
from statements.attachments import declared
from statements.errors import Invalid, Unavailable
from statements.prepare import prepare
from tests.conftest import NOW
from tests.statements.cases import (
    AGENT,
    ATTACHMENT,
    OTHER_AGENT,
    SMALL,
    SUB_STATEMENT,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from lrs.config import Config
    from lrs.storage import Storage

LATER = NOW + GRACE + timedelta(seconds=1)
ONE, OTHER = b"here is a simple attachment", bytes(range(256)) * 9000


def sha2_of(data: bytes, name: str = "sha256") -> str:
    return hashlib.new(name, data).hexdigest()


def of(data: bytes, sha2: str | None = None) -> Received:
    return Received(sha2 or sha2_of(data), len(data), io.BytesIO(data))


def declare(data: bytes, **members: Any) -> dict[str, Any]:
    return {
        **{name: value for name, value in ATTACHMENT.items() if name != "fileUrl"},
        "contentType": "text/plain",
        "length": len(data),
        "sha2": sha2_of(data),
        **members,
    }


def keep(
    parts: Parts,
    *,
    received: Iterable[Received],
    now: datetime,
    tenant: int = MAIN_TENANT,
    by: dict[str, Any] = AGENT,
) -> None:
    authority = authority_text(by)
    attachments.keep(
        parts, tenant=tenant, authority=authority, received=received, now=now
    )


def hold(parts: Parts, *, now: datetime, by: dict[str, Any] = AGENT) -> bool:
    return attachments.hold(
        parts,
        tenant=MAIN_TENANT,
        authority=authority_text(by),
        sha2=sha2_of(ONE),
        now=now,
    )


def known(parts: Parts, tenant: int = MAIN_TENANT) -> dict[str, int]:
    """The length of what is kept."""
    with reading(parts.engine) as db:
        found = db.scalars(select(Attachment).where(Attachment.tenant_id == tenant))
        return {row.sha2: row.length for row in found if row.is_kept}


def rows(parts: Parts) -> dict[str, Attachment]:
    with reading(parts.engine) as db:
        found = {row.sha2: row for row in db.scalars(select(Attachment))}
        db.expunge_all()
    return found


def stored(parts: Parts, tenant: int = MAIN_TENANT) -> list[str]:
    prefix = storage_key(tenant, "")
    return [key.removeprefix(prefix) for key in parts.storage.keys(prefix)]


def read(parts: Parts, data: bytes, tenant: int = MAIN_TENANT) -> bytes:
    with open_data(parts.storage, tenant=tenant, sha2=sha2_of(data)) as file:
        return file.read()


def store(
    parts: Parts, *listed: dict[str, Any], by: dict[str, Any] = AGENT, **members: Any
) -> uuid.UUID:
    """Store a statement that declares these attachments; its id."""
    statement = {
        **{name: value for name, value in SMALL.items() if name != "id"},
        "attachments": list(listed),
        **members,
    }
    if not listed:
        del statement["attachments"]
    with writing(parts.engine) as db:
        (made,) = store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(statement, now=NOW)],
            authority=by,
            now=NOW,
        )
    return made


# Receiving


def take(*parts: tuple[dict[str, str], bytes], **members: Any) -> dict[str, bytes]:
    """What of these parts is received for a statement that declares ONE and OTHER."""
    statement = {**SMALL, "attachments": [declare(ONE), declare(OTHER)], **members}
    made = (
        Part({k.lower(): v for k, v in heads.items()}, iter([data[:7], data[7:]]))
        for heads, data in parts
    )
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        found = receive(made, declared(statement), file)
        read = {}
        # in any order, as storage may ask
        for sha2 in sorted(found):
            with found[sha2].open() as stream:
                read[sha2] = stream.read()
            assert found[sha2].length == len(read[sha2])
        return read


def part(data: bytes, **headers: str) -> tuple[dict[str, str], bytes]:
    return {"X-Experience-API-Hash": sha2_of(data), **headers}, data


BOTH = {sha2_of(ONE): ONE, sha2_of(OTHER): OTHER}


@pytest.mark.parametrize(
    "parts",
    [
        [part(ONE), part(OTHER)],
        [part(OTHER), part(ONE)],
        [part(ONE), part(ONE), part(OTHER), part(OTHER), part(ONE)],
        [({"X-Experience-API-Hash": sha2_of(ONE).upper()}, ONE), part(OTHER)],
        [
            part(
                ONE,
                **{
                    "Content-Type": "text/plain",
                    "Content-Length": str(len(ONE)),
                    "Content-Transfer-Encoding": "binary",
                    "Content-Disposition": "attachment; filename=a.txt",
                },
            ),
            part(OTHER),
        ],
    ],
)
def test_each_is_received_once(parts: list[tuple[dict[str, str], bytes]]) -> None:
    assert take(*parts) == BOTH


def test_declared_twice_and_inside() -> None:
    inner = {**SUB_STATEMENT, "attachments": [declare(ONE), declare(b"")]}
    listed = [declare(OTHER), declare(OTHER)]
    found = take(part(b""), part(ONE), part(OTHER), attachments=listed, object=inner)
    assert found == {**BOTH, sha2_of(b""): b""}


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
def test_every_hash_of_the_family(name: str) -> None:
    sha2 = sha2_of(ONE, name)
    listed = [declare(ONE, sha2=sha2)]
    found = take(({"X-Experience-API-Hash": sha2}, ONE), attachments=listed)
    assert found == {sha2: ONE}


REFUSED: dict[str, list[tuple[dict[str, str], bytes]]] = {
    "nothing": [],
    "one is missing": [part(ONE)],
    "no hash": [({}, ONE), part(OTHER)],
    "no hash of the family": [({"X-Experience-API-Hash": "0" * 40}, ONE), part(OTHER)],
    "the hash of nothing declared": [part(ONE), part(OTHER), part(b"more")],
    "the hash of other data": [
        ({"X-Experience-API-Hash": sha2_of(OTHER)}, ONE),
        part(ONE),
    ],
    "a byte more": [
        part(ONE),
        ({"X-Experience-API-Hash": sha2_of(OTHER)}, OTHER + b"x"),
    ],
    "a byte less": [part(ONE), ({"X-Experience-API-Hash": sha2_of(OTHER)}, OTHER[1:])],
    "base64": [part(ONE, **{"Content-Transfer-Encoding": "base64"}), part(OTHER)],
    "another type": [part(ONE, **{"Content-Type": "text/html"}), part(OTHER)],
    "another length": [part(ONE, **{"Content-Length": "26"}), part(OTHER)],
}


@pytest.mark.parametrize("name", REFUSED)
def test_parts_that_do_not_fit(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        take(*REFUSED[name])
    assert refused.value.extra["requirement"]


def test_the_length_of_the_data_is_counted_whatever_is_declared() -> None:
    listed = [declare(ONE), declare(ONE, length=26)]
    assert take(part(ONE), attachments=listed) == {sha2_of(ONE): ONE}


# Keeping and giving out


def test_what_is_kept_comes_back(
    engine: Engine, storage: Storage, config: Config
) -> None:
    """On each database with each kind of storage."""
    parts = Parts(config=config, engine=engine, storage=storage)
    for data in (b"", ONE, OTHER, b"\r\n--b--\r\n\0\xff"):
        sha2 = sha2_of(data)
        keep(parts, received=[of(data)], now=NOW)
        assert read(parts, data) == data
        assert known(parts)[sha2] == len(data)


def test_hundreds_at_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "BATCH", 7)
    many = [str(number).encode() for number in range(20)]
    keep(parts, received=map(of, many[:15]), now=NOW)
    keep(parts, received=map(of, many), now=NOW)
    keep(parts, received=[], now=NOW)
    assert len(known(parts)) == 20
    listed = [[declare(one)] for one in many]
    ids = [store(parts, *one) for one in listed]
    with reading(parts.engine) as db:
        wanted = {one: {each["sha2"]} for one, (each,) in zip(ids, listed, strict=True)}
        assert len(find_data(db, tenant=MAIN_TENANT, declared=wanted)) == 20
        # one statement that declares more than a command takes
        (all_in_one,) = [store(parts, *[declare(one) for one in many])]
    with reading(parts.engine) as db:
        wanted = {all_in_one: {declare(one)["sha2"] for one in many}}
        assert len(find_data(db, tenant=MAIN_TENANT, declared=wanted)) == 20
    keep(parts, received=[of(b"more %d" % one) for one in range(20)], now=NOW)
    sweep(parts, LATER)
    assert len(stored(parts)) == len(known(parts)) == 20


def test_each_tenant_has_its_own(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    assert known(parts, 2) == {}
    with (
        pytest.raises(DataDamaged),
        open_data(parts.storage, tenant=2, sha2=sha2_of(ONE)),
    ):
        pass


def shown(parts: Parts, *ids: uuid.UUID) -> dict[str, int]:
    """What is given out with statements that declare ONE."""
    with reading(parts.engine) as db:
        declared = {one: {sha2_of(ONE)} for one in ids}
        return find_data(db, tenant=MAIN_TENANT, declared=declared)


def test_data_is_shown_with_statements_of_those_who_brought_it(parts: Parts) -> None:
    keep(parts, received=[of(ONE), of(OTHER)], now=NOW)
    url = "http://example.org/f"
    own = store(parts, declare(ONE))
    foreign = store(parts, declare(ONE, fileUrl=url), by=OTHER_AGENT)
    assert shown(parts, own) == {sha2_of(ONE): len(ONE)}
    assert shown(parts, foreign) == {}
    assert shown(parts, foreign, own) == {sha2_of(ONE): len(ONE)}
    keep(parts, received=[of(ONE)], now=NOW, by=OTHER_AGENT)
    assert shown(parts, foreign) == {sha2_of(ONE): len(ONE)}


def test_data_that_is_held_is_the_holders_as_well(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    foreign = store(parts, declare(ONE), by=OTHER_AGENT)
    assert hold(parts, now=NOW, by=OTHER_AGENT)
    assert shown(parts, foreign) == {sha2_of(ONE): len(ONE)}


def test_only_what_a_statement_declares_is_shown_with_it(parts: Parts) -> None:
    keep(parts, received=[of(ONE), of(OTHER)], now=NOW)
    one, none = store(parts, declare(ONE)), store(parts)
    with reading(parts.engine) as db:
        declared = {one: {sha2_of(ONE)}, none: set[str]()}
        found = find_data(db, tenant=MAIN_TENANT, declared=declared)
        assert found == {sha2_of(ONE): len(ONE)}
        assert find_data(db, tenant=2, declared=declared) == {}


@dataclass
class Counting:
    """Storage that tells what is put, and may fail at it."""

    storage: Any
    put_keys: list[str] = field(default_factory=list)
    fails: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    def put(self, key: str, data: Any, *, content_type: str) -> None:
        if self.fails:
            raise Unavailable
        self.put_keys.append(key)
        self.storage.put(key, data, content_type=content_type)


def test_what_is_kept_is_not_sent_again(parts: Parts) -> None:
    counting = Counting(parts.storage)
    counted = replace(parts, storage=counting)
    for _ in range(3):
        keep(counted, received=[of(ONE)], now=NOW)
    assert len(counting.put_keys) == 1


def test_what_came_a_moment_ago_is_not_noted_again(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    soon, later = NOW + timedelta(minutes=30), NOW + timedelta(hours=2)
    keep(parts, received=[of(ONE)], now=soon)
    assert rows(parts)[sha2_of(ONE)].unclaimed_since == NOW
    keep(parts, received=[of(ONE), of(OTHER)], now=soon)
    assert rows(parts)[sha2_of(ONE)].unclaimed_since == soon
    keep(parts, received=[of(ONE)], now=later)
    assert rows(parts)[sha2_of(ONE)].unclaimed_since == later
    # another authority is noted at once
    keep(parts, received=[of(ONE)], now=later, by=OTHER_AGENT)
    foreign = store(parts, declare(ONE), by=OTHER_AGENT)
    assert shown(parts, foreign) == {sha2_of(ONE): len(ONE)}


def test_nothing_is_told_of_what_never_came_to_storage(parts: Parts) -> None:
    broken = replace(parts, storage=Counting(parts.storage, fails=True))
    with pytest.raises(Unavailable):
        keep(broken, received=[of(ONE)], now=NOW)
    assert known(parts) == {}
    assert not hold(parts, now=NOW)
    keep(parts, received=[of(ONE)], now=NOW)
    assert read(parts, ONE) == ONE


DAMAGES = {"another byte": b"J", "cut off": b"", "longer": b"here and more"}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_data_is_never_given_out(
    parts: Parts, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep(parts, received=[of(b"I")], now=NOW)
    key = storage_key(MAIN_TENANT, sha2_of(b"I"))
    parts.storage.put(key, io.BytesIO(DAMAGES[name]), content_type="text/plain")
    with pytest.raises(DataDamaged):
        read(parts, b"I")
    assert "damaged" in caplog.text


def test_lost_data_is_told_and_mended_by_who_brings_it(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    parts.storage.delete(storage_key(MAIN_TENANT, sha2_of(ONE)))
    with pytest.raises(DataDamaged):
        read(parts, ONE)
    assert "missing" in caplog.text
    keep(parts, received=[of(ONE)], now=NOW)
    assert read(parts, ONE) == ONE


def test_cut_off_data_is_mended_by_who_brings_it(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    key = storage_key(MAIN_TENANT, sha2_of(ONE))
    parts.storage.put(key, io.BytesIO(ONE[:5]), content_type="text/plain")
    keep(parts, received=[of(ONE)], now=NOW)
    assert read(parts, ONE) == ONE


# Sweeping


def test_the_reference_of_a_statement_and_the_data_have_one_key(parts: Parts) -> None:
    keep(parts, received=[of(ONE), of(OTHER)], now=NOW)
    inner = {**SUB_STATEMENT, "attachments": [declare(OTHER)]}
    store(parts, declare(ONE, sha2=sha2_of(ONE).upper()), object=inner)
    sweep(parts, LATER)
    assert sorted(stored(parts)) == sorted(BOTH)
    assert [row.unclaimed_since for row in rows(parts).values()] == [None, None]
    assert read(parts, ONE) == ONE


def test_what_nobody_declares_goes_after_a_day(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    keep(parts, tenant=2, received=[of(ONE)], now=NOW)
    store(parts)
    sweep(parts, NOW + GRACE)
    assert stored(parts) == stored(parts, 2) == [sha2_of(ONE)]
    sweep(parts, LATER)
    assert rows(parts) == {}
    assert stored(parts) == stored(parts, 2) == []
    with reading(parts.engine) as db:
        assert db.scalars(select(AttachmentSource)).all() == []
    assert known(parts) == {}
    keep(parts, received=[of(ONE)], now=LATER)
    assert read(parts, ONE) == ONE


def test_a_statement_of_another_tenant_keeps_nothing(parts: Parts) -> None:
    keep(parts, tenant=2, received=[of(ONE)], now=NOW)
    store(parts, declare(ONE, fileUrl="http://example.org/f"))
    sweep(parts, LATER)
    assert stored(parts, 2) == []


@pytest.mark.parametrize("again", ["received", "held"])
def test_what_comes_again_has_a_day_again(parts: Parts, again: str) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    if again == "received":
        keep(parts, received=[of(ONE)], now=LATER)
    else:
        assert hold(parts, now=LATER)
    sweep(parts, LATER + timedelta(hours=23))
    assert stored(parts) == [sha2_of(ONE)]
    sweep(parts, LATER + timedelta(hours=25))
    assert stored(parts) == []


def test_what_is_declared_once_is_not_looked_at_again(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    store(parts, declare(ONE))
    sweep(parts, LATER)
    keep(parts, received=[of(ONE)], now=LATER)
    assert hold(parts, now=LATER)
    assert rows(parts)[sha2_of(ONE)].unclaimed_since is None


class Interrupting(Counting):
    """Storage during whose deletion something else happens first."""

    def delete(self, key: str) -> None:
        self.before_delete()
        self.storage.delete(key)

    def before_delete(self) -> None:
        raise NotImplementedError


def test_data_that_comes_while_it_is_swept_is_there_after(parts: Parts) -> None:
    """The one who brings it waits for the sweep, and then sends it anew."""
    keep(parts, received=[of(ONE)], now=NOW)
    bringing = threading.Thread(
        target=keep,
        args=(parts,),
        kwargs={"received": [of(ONE)], "now": LATER},
    )

    class Meeting(Interrupting):
        def before_delete(self) -> None:
            bringing.start()
            bringing.join(0.5)
            assert bringing.is_alive()

    sweep(replace(parts, storage=Meeting(parts.storage)), LATER)
    bringing.join(10)
    assert read(parts, ONE) == ONE
    assert rows(parts)[sha2_of(ONE)].is_kept


def test_data_that_comes_between_two_looks_of_the_sweep(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(parts, received=[of(ONE)], now=NOW)
    forget = attachments._forget

    def late(parts: Parts, tenant: int, key: Any, before: datetime) -> None:
        keep(parts, received=[of(ONE)], now=LATER)
        forget(parts, tenant, key, before)

    monkeypatch.setattr(attachments, "_forget", late)
    sweep(parts, LATER)
    assert read(parts, ONE) == ONE
    assert rows(parts)[sha2_of(ONE)].is_kept


def test_a_sweep_that_breaks_off_is_gone_on_with(parts: Parts) -> None:
    keep(parts, received=[of(ONE)], now=NOW)

    class Breaking(Interrupting):
        def before_delete(self) -> None:
            self.storage.delete(storage_key(MAIN_TENANT, sha2_of(ONE)))
            raise Unavailable

    with pytest.raises(Unavailable):
        sweep(replace(parts, storage=Breaking(parts.storage)), LATER)
    # neither is anything told of data that is gone, nor is it thought to be there
    assert known(parts) == {}
    keep(parts, received=[of(ONE)], now=NOW)
    assert read(parts, ONE) == ONE
    sweep(parts, LATER)
    assert rows(parts) == {}
    assert stored(parts) == []


def test_the_keys() -> None:
    assert storage_key(7, "ab") == "attachments/7/ab"
    assert attachment_key("ab") != attachment_key("ac")
    assert attachment_key("ab") == key_of(name_of_data("ab"))
    # no activity has the key of data
    assert not scalars.is_iri(name_of_data(sha2_of(ONE)))
