"""What differs between two packages, told exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from packages.changes import FileChange, Sign, UnitChange, compare
from packages.courses import Package, PackageFile, PackageNotImported
from packages.manifest import Block, Manifest, Unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

ONE: dict[str, Any] = {"slug": "one", "identifier": "one", "title": "One"}
TWO: dict[str, Any] = {"slug": "two", "identifier": "two", "title": "Two"}
FILES = {"a.html": b"a", "b.html": b"bb"}


def stored(
    db: Session,
    now: datetime,
    units: list[dict[str, Any]],
    files: dict[str, bytes] = FILES,
    **facts: Any,
) -> Package:
    blocks = (Block(index=0, identifier="B", title="Part one"),)
    manifest = Manifest(
        standard="scorm_12",
        edition="1.2",
        identifier="M",
        title="A course",
        version=facts.pop("version", ""),
        blocks=blocks,
        units=tuple(
            Unit(**({"index": place, "kind": "sco", "launch": "a.html"} | one))
            for place, one in enumerate(units)
        ),
    )
    value = manifest.to_json()
    package = Package(
        filename="x.zip",
        sha256="0" * 64,
        size=1,
        status="imported",
        standard="scorm_12",
        edition="1.2",
        title=facts.get("title", "A course"),
        manifest=value,
        findings=value.pop("findings"),
        created_at=now,
        created_by="t",
    )
    db.add(package)
    db.flush()
    db.add_all(
        PackageFile(
            package_id=package.id,
            path=path,
            storage_key=f"k/{path}",
            size=len(data),
            sha256=data.hex().ljust(64, "0"),
            content_type="text/html",
        )
        for path, data in files.items()
    )
    db.flush()
    return package


UNITS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[UnitChange]]]
UNITS = {
    "the same": ([ONE, TWO], [ONE, TWO], []),
    "one more": ([ONE], [ONE, TWO], [UnitChange("added", "Two")]),
    "one less": ([ONE, TWO], [ONE], [UnitChange("removed", "Two")]),
    "renamed": (
        [ONE],
        [ONE | {"title": "Uno"}],
        [UnitChange("changed", "Uno", (Sign("Title", "One", "Uno"),))],
    ),
    "another name in the records is another unit": (
        [ONE],
        [ONE | {"slug": "uno"}],
        [UnitChange("added", "One"), UnitChange("removed", "One")],
    ),
    "moved": (
        [ONE, TWO],
        [TWO, ONE],
        [
            UnitChange("changed", "Two", (Sign("Place in the menu", "2", "1"),)),
            UnitChange("changed", "One", (Sign("Place in the menu", "1", "2"),)),
        ],
    ),
    "under a heading, hidden, elsewhere": (
        [ONE],
        [ONE | {"block": 0, "visible": False, "launch": "b.html"}],
        [
            UnitChange(
                "changed",
                "One",
                (
                    Sign("Headings above it", "", "Part one"),
                    Sign("In the menu", "yes", "no"),
                    Sign("Start page", "a.html", "b.html"),
                ),
            )
        ],
    ),
}


@pytest.mark.parametrize("name", UNITS)
def test_units(db: Session, now: datetime, name: str) -> None:
    before, after, changes = UNITS[name]
    found = compare(db, before=stored(db, now, before), after=stored(db, now, after))
    assert list(found.units) == changes
    assert found.is_empty is (not changes)


def test_files_and_the_whole(db: Session, now: datetime) -> None:
    before = stored(db, now, [ONE], {"a": b"1", "b": b"2", "c": b"3"})
    after = stored(
        db, now, [ONE], {"a": b"1", "b": b"22", "d": b""}, title="Better", version="2"
    )
    found = compare(db, before=before, after=after)
    assert list(found.files) == [
        FileChange("changed", "b", 1, 2),
        FileChange("removed", "c", 1, None),
        FileChange("added", "d", None, 0),
    ]
    assert found.same_files == 1
    counts = [found.count("files", kind) for kind in ("added", "removed", "changed")]
    assert counts == [1, 1, 1]
    assert list(found.facts) == [
        Sign("Title", "A course", "Better"),
        Sign("Version", "", "2"),
    ]
    assert not found.is_empty


def test_what_was_never_imported_has_nothing_to_compare(
    db: Session, now: datetime
) -> None:
    package = stored(db, now, [ONE])
    package.status = "rejected"
    with pytest.raises(PackageNotImported):
        compare(db, before=package, after=package)
