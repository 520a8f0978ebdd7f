"""An import stores every line or says why not, twice is once, and goes on where it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy import text as sql

from lrs import query
from lrs.db import reading, writing
from lrs.parts import Parts
from lrs.storage import make_storage
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Statement
from lrs.tenants import create_tenant
from lrs.transfer import imports
from lrs.transfer.imports import LineRefused, lines, without_server_set
from statements import text
from statements.errors import Invalid, NotFound, Unavailable
from statements.signatures import MAX_LENGTH as MAX_SIGNATURE
from tests.lrs.transfer.samples import (
    LMS,
    OTHER,
    OWN,
    SPELLINGS,
    attachment,
    export,
    ids_of,
    make,
    put,
    put_all,
    put_data,
    take,
    voiding,
)
from tests.statements.signing import declare, sign

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "in.ndjson"


@pytest.fixture
def other(parts: Parts, database: str, request: pytest.FixtureRequest) -> Parts:
    """Give an empty record store on the other kind of database."""
    kind = {"sqlite": "postgresql", "postgresql": "sqlite"}[database]
    engine: Engine = request.getfixturevalue(f"{kind}_engine")
    url = engine.url.render_as_string(hide_password=False)
    config = replace(
        parts.config, data=parts.config.data / "other", database_url=url, storage_url=""
    )
    return Parts(config, engine, make_storage(config))


def written(path: Path, *rows: Any) -> Path:
    """The file with these rows, each JSON unless it is text already."""
    made = [one if isinstance(one, str) else json.dumps(one) for one in rows]
    path.write_text("".join(f"{one}\n" for one in made))
    return path


def there(parts: Parts, tenant: int = MAIN_TENANT) -> list[str]:
    with reading(parts.engine) as db:
        found = db.scalars(
            select(Statement.statement_id)
            .where(Statement.tenant_id == tenant)
            .order_by(Statement.seq)
        )
        return [str(one) for one in found]


def is_voided(parts: Parts, id: str) -> bool:
    with reading(parts.engine) as db:
        found = query.get_statement(
            db, tenant=MAIN_TENANT, statement_id=UUID(id), is_voided=True
        )
    return found is not None


def without_stored(path: Path) -> list[bytes]:
    out = []
    for line in path.read_bytes().splitlines():
        stored = json.loads(line)["stored"]
        out.append(line.replace(f'"stored":"{stored}"'.encode(), b""))
    return out


def everything(parts: Parts) -> list[str]:
    """Store one of each spelling and more; the ids."""
    data = put_data(parts, b"a report \x00\xff\r\n")
    ids = [put(parts, spell(make()))[0] for spell in SPELLINGS.values()]
    ids += put(parts, SPELLINGS["lines"](make(attachments=[data])), authority=OTHER)
    ids += put(
        parts,
        SPELLINGS["loose"](
            make(
                context={
                    "contextAgents": [
                        {
                            "objectType": "contextAgent",
                            "agent": {"mbox": "mailto:tutor@example.org"},
                            "relevantTypes": ["http://example.org/roles/tutor"],
                        }
                    ]
                }
            )
        ),
        version="2.0.0",
    )
    ids += put(parts, SPELLINGS["loose"](voiding(ids[0])))
    ids += put(
        parts,
        SPELLINGS["loose"](voiding(ids[1])),
        authority=OTHER,
        may_void_any=True,
    )
    return ids


def test_out_in_and_out_again_gives_equal_bytes_on_the_other_database(
    parts: Parts, other: Parts, tmp_path: Path
) -> None:
    ids = everything(parts)
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    export(parts, first)
    done = take(other, first, authority=None)
    assert (done.lines, done.stored, done.known) == (len(ids), len(ids), 0)
    export(other, second)
    assert without_stored(second) == without_stored(first)
    for name in ("first", "second"):
        (file,) = (tmp_path / f"{name}.ndjson.attachments").iterdir()
        assert file.read_bytes() == b"a report \x00\xff\r\n"
    # who voids whom came along
    assert is_voided(other, ids[0])
    assert is_voided(other, ids[1])
    with pytest.raises(NotFound):
        is_voided(other, ids[2])


def test_statements_are_the_imports_own_unless_kept(
    parts: Parts, other: Parts, path: Path
) -> None:
    put(parts, SPELLINGS["loose"](make()), authority=LMS)
    put(parts, SPELLINGS["loose"](make()), authority=OTHER)
    export(parts, path)
    take(other, path)
    out = path.with_name("out")
    export(other, out)
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [one["authority"] for one in found] == [OWN, OWN]


def test_a_second_import_changes_nothing(parts: Parts, path: Path) -> None:
    rows = [make() for _ in range(5)]
    written(path, *rows)
    first = take(parts, path)
    assert (first.stored, first.known) == (5, 0)
    again = take(parts, path)
    assert (again.stored, again.known, again.lines) == (0, 5, 5)
    assert there(parts) == [one["id"] for one in rows]


def test_an_export_is_known_where_it_came_from(parts: Parts, path: Path) -> None:
    ids = everything(parts)
    export(parts, path)
    for authority in (OWN, None):
        done = take(parts, path, authority=authority)
        assert (done.stored, done.known) == (0, len(ids))


BAD_LINES = {
    "not JSON": ("{", "not valid JSON"),
    "not an object": ("[]", "not a statement"),
    "no id": ({k: v for k, v in make().items() if k != "id"}, "no id"),
    "no actor": ({k: v for k, v in make().items() if k != "actor"}, r"\$"),
    "wrong timestamp": (make(timestamp="yesterday"), r"\$\.timestamp"),
    "not UTF-8": ("\udcff", "not valid JSON"),
    "too deep": (
        json.dumps(make(result={"extensions": {"http://x.example/x": "deep"}})).replace(
            '"deep"', 70 * "[" + 70 * "]"
        ),
        "deeper",
    ),
    "data missing": (make(attachments=[attachment(b"lost")]), "is missing"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_ends_the_import_and_is_named(
    parts: Parts, path: Path, kind: str
) -> None:
    bad, reason = BAD_LINES[kind]
    good = [make(), make(), make()]
    rows = [json.dumps(one) for one in good]
    row = bad if isinstance(bad, str) else json.dumps(bad)
    text = "\n".join([*rows[:2], "", row, rows[2]])
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(LineRefused, match=rf"^Line 4 of .*{reason}") as caught:
        take(parts, path)
    assert caught.value.extra["line"] == 4
    # what stands before it is stored, what stands behind it is not
    assert there(parts) == [one["id"] for one in good[:2]]


@pytest.mark.parametrize("kind", BAD_LINES)
def test_with_keep_going_nothing_else_is_lost(
    parts: Parts, path: Path, kind: str
) -> None:
    bad, _ = BAD_LINES[kind]
    good = [make(), make()]
    row = bad if isinstance(bad, str) else json.dumps(bad)
    raw = row.encode(errors="surrogateescape")
    first, last = (json.dumps(one).encode() for one in good)
    path.write_bytes(first + b"\n" + raw + b"\n" + last + b"\n" + raw)
    done = take(parts, path, keep_going=True)
    assert (done.lines, done.stored, done.refused) == (4, 2, 2)
    assert [one["line"] for one in done.reasons] == [2, 4]
    assert done.refused_file == path.with_name("in.ndjson.refused")
    assert done.refused_file.read_bytes() == (raw + b"\n") * 2
    assert there(parts) == [one["id"] for one in good]


def test_conflicts_are_found_in_the_middle_of_a_batch(parts: Parts, path: Path) -> None:
    rows = [make() for _ in range(40)]
    for index in (7, 8, 30):
        put(parts, SPELLINGS["loose"]({**rows[index], "object": {"id": "http://x/y"}}))
    written(path, *rows, rows[0], {**rows[1], "timestamp": "2020-01-01T00:00:00Z"})
    with pytest.raises(LineRefused, match=r"^Line 8 .*already stored"):
        take(parts, path)
    done = take(parts, path, keep_going=True)
    assert [one["line"] for one in done.reasons] == [8, 9, 31, 42]
    assert (done.stored, done.known) == (30, 8)
    kept = [rows[7], rows[8], rows[30]]
    assert done.refused_file is not None
    refused = done.refused_file.read_text().splitlines()
    assert [json.loads(one) for one in refused[:3]] == kept
    assert len(there(parts)) == 40


def test_a_mended_line_is_imported_and_the_refused_file_goes(
    parts: Parts, path: Path
) -> None:
    rows = [make(), make()]
    written(path, rows[0], "{", rows[1])
    done = take(parts, path, keep_going=True)
    assert done.refused_file is not None
    written(path, rows[0], rows[1])
    assert take(parts, path, keep_going=True).refused_file is None
    assert not path.with_name("in.ndjson.refused").exists()


class Interrupted(Exception):
    """As a kill would: whatever was committed stays."""


@pytest.mark.parametrize("calls", [1, 2, 3, 5])
def test_an_interrupted_import_goes_on_behind_what_it_stored(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    monkeypatch.setattr(imports, "BATCH_LINES", 4)
    rows: list[Any] = [make() for _ in range(18)]
    rows[2] = rows[9] = "bad"
    written(path, *rows)
    left = calls

    def store(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        if not left:
            raise Interrupted
        left -= 1
        return store_statements(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(imports, "store_statements", store)
        if calls < 4:
            with pytest.raises(Interrupted):
                take(parts, path, keep_going=True)
        else:
            take(parts, path, keep_going=True)
    assert len(there(parts)) == min(4 * calls, 16)
    seen: list[int] = []
    first = imports.lines

    def watched(*arguments: Any, **named: Any) -> Any:
        for line in first(*arguments, **named):
            seen.append(line.number)
            yield line

    monkeypatch.setattr(imports, "lines", watched)
    done = take(parts, path, keep_going=True)
    assert (done.lines, done.refused) == (18, 2)
    assert done.stored + done.known == 16
    assert [one["line"] for one in done.reasons] == [3, 10]
    assert done.refused_file is not None
    assert done.refused_file.read_text() == "bad\nbad\n"
    assert there(parts) == [one["id"] for one in rows if one != "bad"]
    begins = {1: 6, 2: 10, 3: 15, 5: 1}
    assert seen[0] == begins[calls]


def test_the_place_of_one_store_is_not_anothers(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_LINES", 2)
    rows = [make() for _ in range(6)]
    written(path, *rows, "bad")
    with pytest.raises(LineRefused):
        take(parts, path)
    with writing(parts.engine) as db:
        academy = create_tenant(db, name="academy").id
    written(path, *rows)
    assert take(parts, path, tenant=academy).stored == 6
    # a store put back to an earlier state begins anew
    with writing(parts.engine) as db:
        for row in db.scalars(select(Statement).where(Statement.seq > 3)):
            db.delete(row)
    assert take(parts, path).stored == 3
    assert len(there(parts)) == 6


def test_a_changed_file_is_read_from_its_beginning(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_LINES", 2)
    rows = [make() for _ in range(4)]
    written(path, *rows, "bad")
    with pytest.raises(LineRefused):
        take(parts, path)
    new = make()
    written(path, new, *rows)
    take(parts, path)
    assert set(there(parts)) == {one["id"] for one in [*rows, new]}


def test_the_place_is_forgotten_at_the_end(parts: Parts, path: Path) -> None:
    written(path, make())
    take(parts, path)
    assert list((parts.config.data / "imports").glob("*")) == []


def test_what_passes_by_itself_is_not_the_lines_fault(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_arguments: Any, **_named: Any) -> Any:
        raise Unavailable

    written(path, make())
    monkeypatch.setattr(imports, "store_statements", busy)
    with pytest.raises(Unavailable):
        take(parts, path, keep_going=True)
    assert not path.with_name("in.ndjson.refused").exists()


def test_an_unfinished_export_is_not_taken_for_whole(parts: Parts, path: Path) -> None:
    put_all(parts, 2)
    export(parts, path)
    about = path.with_name("in.ndjson.json")
    about.write_text(about.read_text().replace("true", "false"))
    with pytest.raises(Invalid, match="interrupted"):
        take(parts, path)
    assert take(parts, path, keep_going=True).known == 2


def test_keeping_the_authority_needs_one(parts: Parts, path: Path) -> None:
    rows = [
        make(),
        make(authority={"name": "nobody"}),
        make(authority={"mbox": "mailto:a@b.example"}),
    ]
    written(path, *rows)
    done = take(parts, path, authority=None, keep_going=True)
    assert [one["line"] for one in done.reasons] == [1, 2]
    assert done.stored == 1


def test_who_may_not_void_does_not_by_an_import(
    parts: Parts, other: Parts, path: Path
) -> None:
    # a stranger's voiding that came before its target and so was taken, without effect
    target = make()
    put(parts, SPELLINGS["loose"](voiding(target["id"])), authority=OTHER)
    put(parts, SPELLINGS["loose"](target), authority=LMS)
    export(parts, path)
    take(other, path, authority=None)
    for store in (parts, other):
        with pytest.raises(NotFound):
            is_voided(store, target["id"])


def test_a_statement_without_timestamp_gets_that_of_its_storing(
    parts: Parts, path: Path
) -> None:
    row = make(stored="2024-05-06T07:08:09.123456Z", authority=OTHER)
    del row["timestamp"]
    written(path, row)
    take(parts, path)
    out = path.with_name("out")
    export(parts, out)
    found = json.loads(out.read_bytes())
    assert found["timestamp"] == "2024-05-06T07:08:09.123456Z"
    assert found["stored"] > "2026"


def test_lines_of_other_systems_are_read(parts: Parts, path: Path) -> None:
    rows = [make() for _ in range(4)]
    windows = "\r\n".join(json.dumps(one) for one in rows[:2])
    path.write_bytes(
        b"\xef\xbb\xbf"
        + windows.encode()
        + b"\r\n\r\n  "
        + json.dumps(rows[2]).encode()
        + b"\t\n"
        + json.dumps(rows[3]).encode()
    )
    assert take(parts, path).stored == 4
    assert there(parts) == [one["id"] for one in rows]


def test_data_that_is_there_already_need_not_come_along(
    parts: Parts, path: Path
) -> None:
    written(path, make(attachments=[put_data(parts, b"here")]))
    assert take(parts, path).stored == 1


def test_data_that_is_not_what_it_should_be_is_refused(
    parts: Parts, path: Path
) -> None:
    one = attachment(b"good")
    written(path, make(attachments=[one]))
    folder = path.with_name("in.ndjson.attachments")
    folder.mkdir()
    (folder / one["sha2"]).write_bytes(b"evil")
    with pytest.raises(LineRefused, match="has the hash"):
        take(parts, path)
    assert list(parts.storage.keys("attachments/")) == []
    (folder / one["sha2"]).write_bytes(b"good")
    assert take(parts, path).stored == 1
    (key,) = parts.storage.keys("attachments/")
    with parts.storage.open(key) as data:
        assert data.read() == b"good"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_growing_table_is_counted_so_that_its_index_is_used(
    parts: Parts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_LINES", 10)

    def counted() -> float:
        with reading(parts.engine) as db:
            told = "SELECT reltuples FROM pg_class WHERE relname = 'statement'"
            return db.scalar(sql(told)) or 0

    written(path, *[make() for _ in range(100)])
    assert counted() <= 0
    take(parts, path)
    assert counted() >= 50


def signed(statement: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    token = sign(statement)
    return statement | {"attachments": [declare(token)]}, token


def test_signed_statements_travel_with_their_signature(
    parts: Parts, other: Parts, path: Path
) -> None:
    statement, token = signed(make())
    put_data(parts, token)
    put(parts, SPELLINGS["loose"](statement))
    export(parts, path)
    assert take(other, path).stored == 1
    # known data need not come along a second time
    path.with_name("in.ndjson.attachments").rename(path.with_name("elsewhere"))
    assert take(other, path).known == 1


@pytest.mark.parametrize("wrong", ["another statement", "no token", "no data", "long"])
def test_a_signature_that_does_not_fit_is_refused(
    parts: Parts, path: Path, wrong: str
) -> None:
    statement, token = signed(make())
    if wrong == "another statement":
        statement["verb"] = {"id": "http://adlnet.gov/expapi/verbs/failed"}
    elif wrong != "no data":
        token = b"x" * (10 if wrong == "no token" else MAX_SIGNATURE + 1)
        statement["attachments"] = [declare(token)]
    written(path, statement)
    folder = path.with_name("in.ndjson.attachments")
    folder.mkdir()
    if wrong != "no data":
        (folder / statement["attachments"][0]["sha2"]).write_bytes(token)
    with pytest.raises(LineRefused, match=r"signature|payload|token"):
        take(parts, path)
    assert there(parts) == []
    assert list(parts.storage.keys("attachments/")) == []


def test_a_long_line_is_refused_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_LINE", 10)
    monkeypatch.setattr(imports, "CHUNK", 4)
    path = tmp_path / "x"
    path.write_bytes(b"0123456789\n0123456789a\n" + b"x" * 31 + b"\n\nlast")
    with path.open("rb") as file:
        found = list(lines(file))
        assert [one.raw for one in found] == [b"0123456789\n", None, None, b"last"]
        assert [one.number for one in found] == [1, 2, 3, 5]
        for one in found:
            file.seek(one.start)
            assert file.read(one.end - one.start).count(b"\n") == (one.number != 5)


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        (b'{"id": "x" ,"stored":"s","authority":{"mbox":"m"}}', b'{"id": "x" }'),
        (b'{"id": "x" ,"authority":{"mbox":"m"},"stored":"s"}', b'{"id": "x" }'),
        (b'{"id":"x"}', b'{"id":"x"}'),
        # what others wrote in other places and spellings
        (b'{"authority":{"mbox":"m"},"id":"x"}', b'{"id":"x"}'),
        (b'{"id":"x","authority":{"mbox":"m"},"stored":"s"}', b'{"id":"x"}'),
        (b'{"id":"x","stored": "s","authority":{"mbox":"m"}}', b'{"id":"x"}'),
        (b'{"id":"x","authority":null}', b'{"id":"x"}'),
    ],
)
def test_what_the_server_set_is_taken_away(line: bytes, bare: bytes) -> None:
    statement, raw = without_server_set(text.load(line), line)
    assert raw == bare
    assert statement == {"id": "x"}


def test_a_file_that_is_not_there_is_named(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nothing-here"):
        take(parts, tmp_path / "nothing-here")


def test_an_empty_file_is_no_fault(parts: Parts, path: Path) -> None:
    path.write_bytes(b"")
    assert take(parts, path).lines == 0
    with reading(parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(Statement)) == 0
    export(parts, path.with_name("none"))
    assert ids_of(path.with_name("none")) == []
