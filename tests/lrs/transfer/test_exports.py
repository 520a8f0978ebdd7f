"""An export holds every statement byte for byte, goes on where it was, and hides what
the wall hides."""

from __future__ import annotations

import contextlib
import fcntl
import json
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.rules.catalogue import set_role
from lrs.tables import MAIN_TENANT, Statement
from lrs.tenants import create_tenant
from lrs.transfer import exports
from statements.errors import Conflict, Invalid, NotFound, Unavailable
from tests.lrs.transfer.samples import (
    BEGIN,
    LMS,
    OTHER,
    SPELLINGS,
    export,
    make,
    put,
    put_all,
    put_data,
    voiding,
)
from tests.lrs.transfer.samples import ids_of as ids

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.parts import Parts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.ndjson"


def about(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_name("out.ndjson.json").read_text())
    return found


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_line_is_the_statement_as_received_with_what_the_server_set(
    parts: Parts, path: Path, spelling: str
) -> None:
    sent = make(version="1.0.3")
    raw = SPELLINGS[spelling](sent)
    put(parts, raw)
    export(parts, path)
    (line,) = path.read_bytes().splitlines()
    one_line = raw.replace(b"\r", b" ").replace(b"\n", b" ")
    assert line.startswith(one_line[:-1] + b',"authority":{')
    assert json.loads(line)["authority"] == LMS
    assert json.loads(line)["actor"] == sent["actor"]


def test_everything_is_in_the_order_of_storing_voided_ones_too(
    parts: Parts, path: Path
) -> None:
    first = put_all(parts, 3)
    voids = put(parts, SPELLINGS["tight"](voiding(first[1])))
    last = put(parts, SPELLINGS["tight"](make()), authority=OTHER)
    done = export(parts, path)
    assert ids(path) == first + voids + last
    assert (done.statements, done.added, done.left_out) == (5, 5, 0)
    stored = [json.loads(line)["stored"] for line in path.read_bytes().splitlines()]
    assert stored == sorted(stored)
    assert done.through == stored[-1]
    assert about(path)["complete"] is True
    assert about(path)["statements"] == 5


def test_pages_leave_nothing_out(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    made = put_all(parts, 10)
    export(parts, path)
    assert ids(path) == made


def test_what_was_interrupted_goes_on_after_the_last_whole_line(
    parts: Parts, path: Path
) -> None:
    made = put_all(parts, 6)
    export(parts, path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for keep in (0, 1, 4, 6):
        for torn in (b"", b"{", lines[min(keep, 5)][:-1]):
            path.write_bytes(b"".join(lines[:keep]) + torn)
            done = export(parts, path)
            assert path.read_bytes() == whole
            assert (done.statements, done.added) == (6, 6 - keep)
    assert ids(path) == made


def test_run_again_it_takes_what_is_new(parts: Parts, path: Path) -> None:
    made = put_all(parts, 2)
    export(parts, path)
    made += put_all(parts, 3)
    done = export(parts, path)
    assert ids(path) == made
    assert (done.statements, done.added) == (5, 3)
    assert export(parts, path).added == 0


def test_since_and_until_go_by_stored(parts: Parts, path: Path) -> None:
    made = []
    for day in range(4):
        raw = SPELLINGS["loose"](make())
        made += put(parts, raw, now=BEGIN + timedelta(days=day))
    first = BEGIN + timedelta(days=1)
    done = export(parts, path, since=BEGIN, until=first + timedelta(days=1))
    assert ids(path) == made[1:3]
    assert done.left_out == 0
    # what comes later is past the end
    put(parts, SPELLINGS["loose"](make()), now=BEGIN + timedelta(days=9))
    assert export(parts, path, since=BEGIN, until=first + timedelta(days=1)).added == 0


def test_a_tenant_is_exported_alone(parts: Parts, path: Path) -> None:
    with writing(parts.engine) as db:
        academy = create_tenant(db, name="academy").id
    put_all(parts, 2)
    own = put(parts, SPELLINGS["loose"](make()), tenant=academy)
    export(parts, path, tenant="academy")
    assert ids(path) == own
    with pytest.raises(NotFound):
        export(parts, path.with_name("x"), tenant="nowhere")
    assert not path.with_name("x").exists()


@pytest.mark.parametrize("is_asked_for", [False, True])
def test_the_pretest_wall_holds_unless_asked_for(
    parts: Parts, path: Path, *, is_asked_for: bool, caplog: pytest.LogCaptureFixture
) -> None:
    course = "http://example.org/activities/course"
    pretest = f"{course}/pretest"
    with writing(parts.engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            activity_iri=pretest,
            course_iri=course,
            role="pretest",
            now=BEGIN,
        )
    score = {"result": {"score": {"scaled": 0.5}}}
    secret = make(object={"id": pretest})
    to_it = {"object": {"objectType": "StatementRef", "id": secret["id"]}}
    made = []
    for one in (
        make(),
        make(**to_it, **score),
        secret,
        make(**score),
        make(),
        make(**to_it, **score),
        make(**to_it),
    ):
        made += put(parts, SPELLINGS["loose"](one))
    done = export(parts, path, behind_wall=is_asked_for)
    assert ids(path) == (made if is_asked_for else [made[0], made[4], made[6]])
    assert done.left_out == (0 if is_asked_for else 4)
    assert ("behind the pre-test wall" in caplog.text) is is_asked_for


@pytest.mark.parametrize(
    "change",
    [
        {"behind_wall": True},
        {"since": BEGIN},
        {"until": BEGIN + timedelta(days=9)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_export_is_not_mixed_in(
    parts: Parts, path: Path, change: dict[str, Any]
) -> None:
    put_all(parts, 2)
    export(parts, path)
    before = path.read_bytes()
    with pytest.raises(Conflict, match="give another PATH"):
        export(parts, path, **change)
    assert path.read_bytes() == before


def test_a_strangers_file_stays(parts: Parts, path: Path) -> None:
    put_all(parts, 1)
    path.write_text("a letter to somebody\n")
    with pytest.raises(Conflict):
        export(parts, path)
    assert path.read_text() == "a letter to somebody\n"


@pytest.mark.parametrize(
    "line", [json.dumps(make()), "{}", "[1]", "no JSON", '{"id": "x"}']
)
def test_a_file_that_ends_otherwise_is_not_gone_on_with(
    parts: Parts, path: Path, line: str
) -> None:
    put_all(parts, 1)
    export(parts, path)
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(Conflict):
        export(parts, path)


def test_two_exports_do_not_write_one_file(parts: Parts, path: Path) -> None:
    put_all(parts, 1)
    export(parts, path)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="Another export"):
            export(parts, path)


def test_a_folder_that_is_not_there_is_named(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        export(parts, tmp_path / "nowhere" / "out.ndjson")


def test_data_of_attachments_travels_along(parts: Parts, path: Path) -> None:
    datas = [b"report\r\n\x00\xff", b"", b"x" * 3_000_000]
    kept = [put_data(parts, data) for data in datas]
    inside = {"objectType": "SubStatement", **make(attachments=[kept[2]])}
    for name in ("id", "timestamp"):
        del inside[name]
    put(
        parts,
        SPELLINGS["loose"](make(attachments=kept[:2])),
        SPELLINGS["loose"](make(attachments=kept[:1], object=inside)),
    )
    done = export(parts, path)
    assert (done.attachments, done.missing) == (3, [])
    folder = path.with_name("out.ndjson.attachments")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        one["sha2"]: data for one, data in zip(kept, datas, strict=True)
    }


def test_data_travels_along_however_its_member_is_spelt(
    parts: Parts, path: Path
) -> None:
    text = json.dumps(make(attachments=[put_data(parts, b"spelt")]))
    put(parts, text.replace('"attachments"', '"\\u0061ttachments"').encode())
    export(parts, path)
    folder = path.with_name(f"{path.name}.attachments")
    assert [one.read_bytes() for one in folder.iterdir()] == [b"spelt"]


def test_missing_and_broken_data_are_named_and_brought_later(
    parts: Parts, path: Path
) -> None:
    lost, broken = put_data(parts, b"lost"), put_data(parts, b"broken")
    linked = put_data(parts, b"linked") | {"fileUrl": "https://x.example/report"}
    for one in (lost, linked):
        parts.storage.delete(f"attachments/1/{one['sha2']}")
    key = f"attachments/1/{broken['sha2']}"
    with parts.storage.open(f"attachments/1/{put_data(parts, b'else')['sha2']}") as s:
        parts.storage.put(key, s, content_type="text/plain")
    put(parts, SPELLINGS["loose"](make(attachments=[lost, broken, linked])))
    done = export(parts, path)
    assert done.statements == 1
    assert sorted(done.missing) == sorted([lost["sha2"], broken["sha2"]])
    folder = path.with_name("out.ndjson.attachments")
    assert list(folder.iterdir()) == []
    put_data(parts, b"lost")
    put_data(parts, b"broken")
    assert export(parts, path).missing == []
    assert (folder / lost["sha2"]).read_bytes() == b"lost"


def test_statements_that_void_what_others_stored_are_listed(
    parts: Parts, path: Path
) -> None:
    (target,) = put_all(parts, 1)
    put(parts, SPELLINGS["loose"](voiding(target)))
    (other,) = put(
        parts,
        SPELLINGS["loose"](voiding(target)),
        authority=OTHER,
        may_void_any=True,
    )
    export(parts, path)
    assert about(path)["voids_any"] == [other]


def test_nothing_that_is_stored_meanwhile_is_missed(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 20)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            # on SQLite the others may be quicker for as long as a writer waits
            with contextlib.suppress(Unavailable):
                put_all(parts, 3)
            time.sleep(0.001)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        export(parts, path)
    stop.set()
    for thread in threads:
        thread.join()
    export(parts, path)
    with reading(parts.engine) as db:
        order = select(Statement.statement_id).order_by(Statement.seq)
        assert ids(path) == [str(one) for one in db.scalars(order)]


def test_progress_reaches_its_end(parts: Parts, path: Path) -> None:
    told: list[tuple[int, int]] = []
    put_all(parts, 4)
    exports.export_statements(
        parts, path, exports.Wanted(), progress=lambda *pair: told.append(pair)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4), (4, 4)]
