"""Which units look like a pre-test or a post-test: proposals an author confirms.

An unconfirmed proposal of a pre-test is walled in like a confirmed one, so a wrong
proposal costs a click and a missed one costs a learner's privacy: words that could mean
a pre-test propose it.
"""

import re
from dataclasses import dataclass
from typing import Literal

from packages.manifest import Manifest, Unit

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
_ASSESSMENT = re.compile(r"\b(test|quiz|exam\w*|assessment)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProposedRole:
    """A role that a unit, or a part of it (objective, interaction), seems to play."""

    unit: int
    part: str | None
    role: Role
    why: str


def propose_roles(manifest: Manifest) -> list[ProposedRole]:
    """Proposals in the order of units, at most one per unit."""
    proposals = [found for unit in manifest.units if (found := _by_words(unit))]
    if any(proposal.role == "posttest" for proposal in proposals):
        return proposals
    last = manifest.units[-1] if len(manifest.units) > 1 else None
    proposed = {proposal.unit for proposal in proposals}
    if last is not None and last.index not in proposed:
        scored = last.mastery_score is not None
        if scored or _ASSESSMENT.search(last.title):
            why = "It is the last unit and " + (
                "has a passing score." if scored else f"is called “{last.title}”."
            )
            proposals.append(ProposedRole(last.index, None, "posttest", why))
    return proposals


def _by_words(unit: Unit) -> ProposedRole | None:
    """By the unit's title, its identifier, then the headings above it."""
    texts = (
        ("Its title", unit.title),
        ("Its identifier", _spaced(unit.identifier)),
        *(("The heading above it", title) for title in reversed(unit.parents)),
    )
    for what, text in texts:
        for role, pattern in _PATTERNS:
            if pattern.search(text):
                return ProposedRole(unit.index, None, role, f"{what} is “{text}”.")
    return None


def _spaced(identifier: str) -> str:
    """`ITEM_PreTest_01` as words, so that word boundaries are found."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-]+|(?<=\D)(?=\d)", " ", identifier)
    return " ".join(words.split())


_PATTERNS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("pretest", _PRETEST),
    ("posttest", _POSTTEST),
)
