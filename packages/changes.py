"""What differs between two packages: units by their names, files by path and bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from packages.courses import Package, PackageFile, manifest_of
from packages.manifest import Manifest, Unit, standard_text

Kind = Literal["added", "removed", "changed"]

# What of a unit a learner or the rules can notice, and how it is called.
_SIGNS: Mapping[str, str] = {
    "title": "Title",
    "kind": "Kind",
    "place": "Place in the menu",
    "heading": "Headings above it",
    "visible": "In the menu",
    "launch": "Start page",
    "mastery_score": "Mastery score",
    "max_time": "Time limit",
    "move_on": "What it takes to move on",
    "prerequisites": "Prerequisites",
    "data_from_lms": "Data from the LMS",
}


@dataclass(frozen=True, slots=True)
class Sign:
    """Something of a unit that is different: what, before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A unit that came, went or is different.

    Units are the same when their slug is: statements name them by it, so what a learner
    did in one goes on counting in the next version.
    """

    kind: Kind
    title: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that came, went or has other bytes; sizes are None where it is not."""

    kind: Kind
    path: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Changes:
    """All that differs, in the order of the newer package; `facts` of the whole."""

    facts: Sequence[Sign]
    units: Sequence[UnitChange]
    files: Sequence[FileChange]
    same_files: int

    @property
    def is_empty(self) -> bool:
        """True when the two cannot be told apart."""
        return not (self.facts or self.units or self.files)

    def count(self, what: Literal["units", "files"], kind: Kind) -> int:
        """How many units or files changed in this way."""
        changes: Sequence[UnitChange | FileChange] = getattr(self, what)
        return sum(one.kind == kind for one in changes)


def compare(db: Session, *, before: Package, after: Package) -> Changes:
    """What a learner gets with `after` instead of `before`; raises PackageNotImported."""
    old, new = manifest_of(before), manifest_of(after)
    files, same = _files(_hashes(db, before.id), _hashes(db, after.id))
    return Changes(
        facts=_facts(before, after, old, new),
        units=_units(old, new),
        files=files,
        same_files=same,
    )


def _facts(before: Package, after: Package, old: Manifest, new: Manifest) -> list[Sign]:
    pairs = (
        ("Title", before.title, after.title),
        ("Version", old.version, new.version),
        (
            "Standard",
            standard_text(before.standard, before.edition),
            standard_text(after.standard, after.edition),
        ),
    )
    return [Sign(name, one, other) for name, one, other in pairs if one != other]


def _units(old: Manifest, new: Manifest) -> list[UnitChange]:
    before = {unit.slug: (old, unit) for unit in old.units}
    found = []
    for unit in new.units:
        known = before.pop(unit.slug, None)
        if known is None:
            found.append(UnitChange("added", unit.title))
        elif signs := _signs(_shown(*known), _shown(new, unit)):
            found.append(UnitChange("changed", unit.title, signs))
    gone = [UnitChange("removed", unit.title) for _, unit in before.values()]
    return found + gone


def _shown(manifest: Manifest, unit: Unit) -> dict[str, str]:
    """What can be noticed of a unit, as text."""
    score = unit.mastery_score
    return {
        "title": unit.title,
        "kind": unit.kind,
        "place": str(unit.index + 1),
        "heading": " / ".join(manifest.headings(unit)),
        "visible": "yes" if unit.visible else "no",
        "launch": unit.launch + unit.parameters,
        "mastery_score": "" if score is None else f"{score:f}",
        "max_time": unit.max_time,
        "move_on": unit.move_on,
        "prerequisites": unit.prerequisites,
        "data_from_lms": unit.data_from_lms,
    }


def _signs(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Sign, ...]:
    return tuple(
        Sign(name, before[key], after[key])
        for key, name in _SIGNS.items()
        if before[key] != after[key]
    )


def _hashes(db: Session, package_id: UUID) -> dict[str, tuple[str, int]]:
    """Hash and size of every file by path."""
    chosen = select(PackageFile.path, PackageFile.sha256, PackageFile.size)
    rows = db.execute(chosen.where(PackageFile.package_id == package_id))
    return {row.path: (row.sha256, row.size) for row in rows}


def _files(
    old: Mapping[str, tuple[str, int]], new: Mapping[str, tuple[str, int]]
) -> tuple[list[FileChange], int]:
    """The files that differ by path, and how many are the same."""
    found, same = [], 0
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after:
            same += 1
        elif before is None and after is not None:
            found.append(FileChange("added", path, None, after[1]))
        elif after is None and before is not None:
            found.append(FileChange("removed", path, before[1], None))
        elif before is not None and after is not None:
            found.append(FileChange("changed", path, before[1], after[1]))
    return found, same
