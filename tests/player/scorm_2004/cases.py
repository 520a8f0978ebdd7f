"""The public run-time and sequencing cases of SCORM 2004, read where they lie.

They are not part of the project: a folder beside the checkout, or the one that
ROLLCALLTEST_SCORM2004_CASES names, has a folder per case with its `imsmanifest.xml`
and its play, `case.properties`, and `Commands.properties` with the abbreviations.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import ROOT
from tests.player.scorm_2004 import properties

VARIABLE = "ROLLCALLTEST_SCORM2004_CASES"
DEFAULT = ROOT.parent / "shared" / "scorm2004-cases"
OF_THE_RUN_TIME = ("API", "DMB", "DMI")

# the case's own words for methods, by the name of the run-time's function
METHODS = {
    "I": "Initialize",
    "T": "Terminate",
    "C": "Commit",
    "GET": "GetValue",
    "SET": "SetValue",
    "GLE": "GetLastError",
    "GES": "GetErrorString",
    "GeDi": "GetDiagnostic",
}
OBJECTIVE_IDS = "COI"
# what a learner has played before: global objectives outlive the course
BEFORE = {"SX-11c": ("SX-11a",), "OB-03c": ("OB-03a",)}
# what the tester does between visits is named by the case it is done in
LEAVES = ("Relaunch", "Root", "DMBx")
ENDINGS = frozenset(
    {("adl.nav.request", end) for end in ("exitAll", "suspendAll", "abandonAll")}
    | {("cmi.exit", "time-out"), ("cmi.exit", "logout")}
)

_VISIT = re.compile(r"Act(\d+)V(\d+)\.(?:commands\.(\d+)|(CUI|UIQ|UIA))")
_ACTIVITY = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class Command:
    """One call of the API: what is passed, and what should come back.

    `arguments[0]` of GetValue and SetValue may hold `&id&`: the index whose id this
    is. `hint` names the type by which the answer is to be compared.
    """

    place: str
    method: str
    arguments: tuple[str, ...]
    expected: str
    code: str
    hint: str = ""


@dataclass(frozen=True)
class Visit:
    """One visit of an activity, named by the number its identifier ends in.

    `then` is what the tester does afterwards; `questions` are asked about the page.
    """

    activity: int
    number: int
    commands: tuple[Command, ...]
    then: str
    questions: tuple[tuple[str, bool], ...]

    @property
    def asks_to_end(self) -> bool:
        """Whether the unit itself asks that the course be left."""
        asked: dict[str, str] = {}
        for one in self.commands:
            if one.method == "SetValue":
                asked[one.arguments[0]] = one.arguments[1]
        return not ENDINGS.isdisjoint(asked.items())

    @property
    def is_left(self) -> bool:
        """Whether the tester leaves the course and comes back to it for the next."""
        return self.then.startswith(LEAVES)


@dataclass(frozen=True)
class Case:
    """A case: its manifest and the visits in the order in which they must come."""

    name: str
    start: str
    manifest: str
    visits: tuple[Visit, ...]

    @property
    def activities(self) -> frozenset[int]:
        return frozenset(visit.activity for visit in self.visits)


def folder() -> Path | None:
    """Where the cases are; None where they are not."""
    found = Path(os.environ.get(VARIABLE) or DEFAULT)
    return found if (found / "Commands.properties").is_file() else None


def names() -> list[str]:
    """The names of all cases; none where they are not."""
    found = folder()
    if found is None:
        return []
    return sorted(path.parent.name for path in found.glob("*/case.properties"))


@cache
def read(name: str) -> Case:
    """The case of that name."""
    found = folder()
    assert found is not None
    short = properties.parse(_text(found / "Commands.properties"))
    given = properties.parse(_text(found / name / "case.properties"))
    manifest = _text(found / name / "imsmanifest.xml")
    return Case(name, given["start"], manifest, visits_of(given, short))


def selected() -> list[str]:
    """API, data model, and all cases that visit one activity, however often."""
    return [
        name
        for name in names()
        if name in OF_THE_RUN_TIME or len(read(name).activities) == 1
    ]


def played(name: str) -> list[Case]:
    """The case, after those that the same learner has to have played before."""
    return [read(one) for one in (*BEFORE.get(name, ()), name)]


def number_of(identifier: str) -> int:
    """The number by which a case names the activity of that identifier."""
    found = _ACTIVITY.search(identifier)
    assert found is not None, identifier
    return int(found[1])


def visits_of(given: dict[str, str], short: dict[str, str]) -> tuple[Visit, ...]:
    """The visits in the order of the file."""
    raw: dict[tuple[int, int], dict[int | str, str]] = {}
    for key, value in given.items():
        match = _VISIT.fullmatch(key)
        if match is not None:
            parts = raw.setdefault((int(match[1]), int(match[2])), {})
            parts[match[4] or int(match[3])] = value
    return tuple(
        Visit(
            activity=activity,
            number=number,
            commands=tuple(
                parse_command(f"Act{activity}V{number}.{place}", parts[place], short)
                for place in sorted(key for key in parts if isinstance(key, int))
            ),
            then=parts.get("CUI", ""),
            questions=_questions(parts.get("UIQ", ""), parts.get("UIA", "")),
        )
        for (activity, number), parts in raw.items()
    )


def _questions(asked: str, answers: str) -> tuple[tuple[str, bool], ...]:
    if not asked:
        return ()
    pairs = zip(asked.split("~"), answers.split("~"), strict=True)
    return tuple((question, answer == "Y") for question, answer in pairs)


def parse_command(place: str, text: str, short: dict[str, str]) -> Command:
    """A command such as `SET->c~LOC!here->t->0`; COI has a list and no code.

    Where the method is missing, the element is read.
    """
    method, rest = text.split("->", 1)
    if "~" in method:
        method, rest = "GET", text
    if method == OBJECTIVE_IDS:
        return Command(place, OBJECTIVE_IDS, (), rest, "0")
    name = METHODS[method]
    hint = ""
    if method == "SET":
        # values may hold anything, arrows and exclamation marks too
        rest, expected, code = rest.rsplit("->", 2)
        element, value = rest.split("!", 1)
        arguments: tuple[str, ...] = (_element(element, short), _value(value, short))
    else:
        argument, rest = rest.split("->", 1)
        expected, code = rest.rsplit("->", 1)
        if method == "GET":
            argument, _, hint = argument.partition("!")
            argument = _element(argument, short)
        arguments = () if method == "GLE" else (argument,)
    return Command(
        place, name, arguments, _value(expected, short), code, short.get(hint, hint)
    )


def _element(text: str, short: dict[str, str]) -> str:
    """The name of an element, its parts written out and joined by full stops."""
    parts: list[str] = []
    pieces = iter(text.split("~"))
    for piece in pieces:
        if piece == "tar":
            parts.append(f"{{target={next(pieces)}}}")
        else:
            parts.append(short.get(piece, piece))
    return ".".join(part for part in parts if part)


def _value(text: str, short: dict[str, str]) -> str:
    if text.startswith("tar~"):
        _, target, request = text.split("~")
        return f"{{target={target}}}{short.get(request, request)}"
    return short.get(text, text)


def _text(path: Path) -> str:
    # as Java reads property files; manifests of the cases are plain ASCII
    return path.read_text(encoding="latin-1")
