"""Which units, or parts of them, look like a pre-test or a post-test.

An author confirms the proposals. An unconfirmed pre-test is walled in like a confirmed
one, so a wrong proposal costs a click and a missed one costs a learner's privacy: words
that could mean a pre-test propose it. A page that reports nothing (an asset) is never
proposed as a post-test: no score would ever come from it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from packages.manifest import Manifest, Unit
from packages.scripts import Scripts

Role = Literal["pretest", "posttest"]

_PRETEST = re.compile(
    r"\bpre[\s_-]?(tests?|assess\w*|quiz\w*|exams?|checks?|course[\s_-](test|assess\w*))\b"
    r"|\b(diagnostic|baseline|entry|placement)[\s_-](test|assess\w*|quiz|exam)\b"
    r"|\btest[\s_-]?out\b|\bbefore[\s_-]you[\s_-](begin|start)\b.*\b(test|quiz)\b",
    re.IGNORECASE,
)
_POSTTEST = re.compile(
    r"\bpost[\s_-]?(tests?|assess\w*|quiz\w*|exams?|course[\s_-](test|assess\w*))\b"
    r"|\b(final|summative|end[\s_-]of[\s_-](course|module)|exit|certification)[\s_-]"
    r"(test|assess\w*|quiz|exam\w*)\b",
    re.IGNORECASE,
)
_PATTERNS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("pretest", _PRETEST),
    ("posttest", _POSTTEST),
)
_ASSESSMENT = re.compile(r"\b(test|quiz|exam\w*|assessment)\b", re.IGNORECASE)

_MAXIMUM_PARTS = 100
# Identifiers have no bound, and the patterns take time by the square of the length.
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class ProposedRole:
    """A role that a unit, or a part of it (objective, interaction), seems to play."""

    unit: int
    part: str | None
    role: Role
    why: str


def propose_roles(manifest: Manifest) -> list[ProposedRole]:
    """Proposals in the order of units; a unit's own comes before its parts'."""
    course = _Course(manifest)
    proposals = [found for unit in manifest.units for found in _of_unit(course, unit)]
    if any(proposal.role == "posttest" for proposal in proposals):
        return proposals
    last = manifest.units[-1] if len(manifest.units) > 1 else None
    proposed = {proposal.unit for proposal in proposals}
    if last is not None and last.index not in proposed and can_score(last):
        why = _why_a_test(last)
        if why:
            why = f"It is the last unit and {why}."
            proposals.append(ProposedRole(last.index, None, "posttest", why))
    return proposals


def can_score(unit: Unit) -> bool:
    """False for an asset: it is a page that reports nothing."""
    return unit.kind != "asset"


def _why_a_test(unit: Unit) -> str:
    """What makes a unit look like a test of whatever role; empty when nothing does."""
    if unit.mastery_score is not None or unit.scaled_passing_score is not None:
        return "has a passing score"
    if _ASSESSMENT.search(unit.title):
        return f"is called “{unit.title}”"
    if _is_assessment(unit):
        return f"is of the type “{unit.activity_type}”"
    return ""


def _is_assessment(unit: Unit) -> bool:
    """True for an activity type whose last word says so (cmi5, xAPI)."""
    return bool(_ASSESSMENT.search(_last_word(unit.activity_type)))


def _last_word(iri: str) -> str:
    return _spaced(re.split(r"[/#]", iri.rstrip("/#"))[-1])


def with_parts(manifest: Manifest, scripts: Scripts) -> Manifest:
    """The manifest with the ids in its scripts that look like tests.

    Only where there is one unit: in a larger package nothing says whose script it is,
    and its tests are units.
    """
    if len(manifest.units) != 1 or not scripts.records:
        return manifest
    roles = {name: _role_of(_spaced(name)) for name in scripts.names}
    parts = sorted(
        (name for name, role in roles.items() if role is not None),
        # The cap must never cost a pre-test; ids come before headings for people.
        key=lambda name: (roles[name] != "pretest", len(name), name.swapcase()),
    )
    unit = replace(manifest.units[0], parts=tuple(parts[:_MAXIMUM_PARTS]))
    return replace(manifest, units=(unit,))


def pretests(manifest: Manifest) -> list[tuple[Unit, str | None]]:
    """Every unit and part that looks like a pre-test, or like a piece of one."""
    units = [
        (manifest.units[proposal.unit], None)
        for proposal in propose_roles(manifest)
        if proposal.role == "pretest" and proposal.part is None
    ]
    parts = [
        (unit, part)
        for unit in manifest.units
        for part in unit.parts
        if _role_of(_spaced(part)) == "pretest"
    ]
    return [*units, *parts]


class _Course:
    """What the units of a manifest share, looked at once."""

    def __init__(self, manifest: Manifest) -> None:
        self.several = len(manifest.units) > 1
        self.titles = {one.identifier: one.title for one in manifest.objectives}
        # Of each block: its title or the nearest one above that tells a role.
        self.headings: list[str] = []
        for block in manifest.blocks:
            above = "" if block.parent is None else self.headings[block.parent]
            self.headings.append(block.title if _role_of(block.title) else above)

    def heading(self, unit: Unit) -> str:
        """The nearest heading above a unit that tells a role, else nothing."""
        return "" if unit.block is None else self.headings[unit.block]

    def objectives(self, unit: Unit) -> Iterator[str]:
        """Identifiers and titles of the unit's objectives, as words."""
        for identifier in unit.objectives:
            yield _spaced(_last_word(identifier))
            yield self.titles.get(identifier, "")


def _of_unit(course: _Course, unit: Unit) -> Iterator[ProposedRole]:
    """By title, identifier, headings above, type, objectives; else by the parts."""
    texts = (
        ("Its title", unit.title),
        ("Its identifier", _spaced(unit.identifier)),
        ("The heading above it", course.heading(unit)),
        ("Its type", _last_word(unit.activity_type)),
        *(("Its objective", text) for text in course.objectives(unit)),
    )
    for what, text in texts:
        role = _role_of(text)
        if role == "pretest" or (role is not None and can_score(unit)):
            yield ProposedRole(unit.index, None, role, f"{what} is “{text}”.")
            return
    if unit.index == 0 and course.several and _is_assessment(unit):
        # cmi5: a test that comes before any lesson.
        why = f"It comes first and is of the type “{unit.activity_type}”."
        yield ProposedRole(unit.index, None, "pretest", why)
        return
    for part in unit.parts:
        role = _role_of(_spaced(part))
        if role == "posttest" and not can_score(unit):
            continue
        if role is not None and not is_piece(part, unit.parts):
            yield ProposedRole(unit.index, part, role, f"Its id is “{part}”.")


def is_piece(part: str, parts: tuple[str, ...]) -> bool:
    """True for `posttest.question-1` where `posttest` is a part too."""
    return any(
        part.startswith(other) and part[len(other) :][:1] in {".", "-", "_"}
        for other in parts
    )


def _role_of(text: str) -> Role | None:
    shown = text[:_LOOKED_AT]
    for role, pattern in _PATTERNS:
        if pattern.search(shown):
            return role
    return None


def _spaced(identifier: str) -> str:
    """`ITEM_PreTest_01` as words, so that word boundaries are found."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-]+|(?<=\D)(?=\d)", " ", identifier)
    return " ".join(words.split())
