"""The sample courses as data: `course.toml`, `questions.toml` and lesson pages.

A lesson page is HTML in which comments set the frame:
`<!-- screen: Heading -->` begins a screen,
`<!-- picture: name | Caption -->` shows `pictures/name.svg`,
`<!-- check: id -->` asks a `[[check]]` of the course's questions.

A `[[pool]]` holds the questions of one topic. Form 1 of a test takes the first question
of each pool, form 2 the second; a repeated test takes the next form.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FRAME = re.compile(r"<!-- (screen|picture|check): (.+?) -->")


@dataclass(frozen=True)
class Question:
    """One question: `right` holds the letters that earn all its points.

    `each`: the learner marks any number of lines; every line rightly marked or rightly
    left blank earns one point. Otherwise one letter earns all points or none.
    """

    id: str
    text: str
    choices: tuple[str, ...]
    right: str
    points: int
    each: bool
    lesson: str
    feedback: str = ""
    why: tuple[str, ...] = ()

    @property
    def letters(self) -> str:
        """All letters that can be chosen."""
        return LETTERS[: len(self.choices)]

    def points_of(self, letters: str) -> int:
        """The points that `letters` earn."""
        if not self.each:
            return self.points if letters == self.right else 0
        return sum((x in letters) == (x in self.right) for x in self.letters)


@dataclass(frozen=True)
class Screen:
    """One screen of a lesson: its heading, its HTML, the question asked on it."""

    heading: str
    html: str
    check: Question | None


@dataclass(frozen=True)
class Lesson:
    """A part of a unit that teaches."""

    id: str
    title: str
    screens: tuple[Screen, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The checks in the order of the screens."""
        return tuple(screen.check for screen in self.screens if screen.check)


@dataclass(frozen=True)
class Exam:
    """A part of a unit that asks; no mastery means that its score is shown to nobody.

    `forms` are the question sets in the order of tries.
    """

    id: str
    title: str
    intro: str
    mastery: int | None
    forms: tuple[tuple[Question, ...], ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, form by form."""
        return tuple(question for form in self.forms for question in form)


@dataclass(frozen=True)
class Unit:
    """One SCO: `scored` names the test whose score is the unit's own, if any."""

    id: str
    title: str
    parts: tuple[Lesson | Exam, ...]
    scored: str | None
    mastery: int | None


@dataclass(frozen=True)
class Sample:
    """One sample course; `cpt_hours` (decimal text) and `minutes` suggest an offer."""

    name: str
    title: str
    description: str
    minutes: int
    cpt_hours: str
    units: tuple[Unit, ...]

    def unit(self, unit_id: str) -> Unit:
        """The unit of this id; KeyError where there is none."""
        return {unit.id: unit for unit in self.units}[unit_id]


def read_sample(name: str) -> Sample:
    """The course whose files are in the folder `name`."""
    course = tomllib.loads((HOME / name / "course.toml").read_text("utf-8"))
    questions = tomllib.loads((HOME / name / "questions.toml").read_text("utf-8"))
    parts = _Parts(HOME / name, course, questions)
    return Sample(
        name=name,
        title=course["title"],
        description=course["description"],
        minutes=course["minutes"],
        cpt_hours=course["cpt_hours"],
        units=tuple(_unit(row, parts) for row in course["unit"]),
    )


def _unit(row: dict[str, Any], parts: "_Parts") -> Unit:
    made = tuple(parts.part(part_id) for part_id in row["parts"])
    tests = {part.id: part for part in made if isinstance(part, Exam)}
    scored = row.get("scored")
    return Unit(
        id=row["id"],
        title=row["title"],
        parts=made,
        scored=scored,
        mastery=tests[scored].mastery if scored else None,
    )


class _Parts:
    """The lessons and tests of one course, made from its decoded files."""

    def __init__(
        self, folder: Path, course: dict[str, Any], questions: dict[str, Any]
    ) -> None:
        self.folder = folder
        self.rows = {row["id"]: row for row in course["part"]}
        self.pools = [
            [_question(row, lesson=pool["lesson"]) for row in pool["question"]]
            for pool in questions["pool"]
        ]
        self.checks = {row["id"]: row for row in questions["check"]}

    def part(self, part_id: str) -> Lesson | Exam:
        row = self.rows[part_id]
        if "file" in row:
            text = (self.folder / row["file"]).read_text("utf-8")
            return Lesson(part_id, row["title"], tuple(self._screens(text, part_id)))
        first = row["first_form"] - 1
        count = min(len(pool) for pool in self.pools)
        forms = tuple(
            tuple(pool[(first + n) % count] for pool in self.pools)
            for n in range(count)
        )
        return Exam(part_id, row["title"], row["intro"], row.get("mastery"), forms)

    def _screens(self, text: str, lesson: str) -> Iterator[Screen]:
        pieces = FRAME.split(text)
        heading, html, check = "", "", None
        for kind, value, rest in zip(
            pieces[1::3], pieces[2::3], pieces[3::3], strict=True
        ):
            if kind == "screen":
                if heading:
                    yield Screen(heading, html.strip(), check)
                heading, html, check = value, "", None
            elif kind == "picture":
                html += _figure(*value.split(" | "))
            else:
                check = _question(self.checks[value], lesson=lesson)
            html += rest
        yield Screen(heading, html.strip(), check)


def _figure(name: str, caption: str) -> str:
    picture = (HOME / "pictures" / f"{name}.svg").read_text("utf-8").strip()
    return f"<figure>\n{picture}\n<figcaption>{caption}</figcaption>\n</figure>"


def _question(row: dict[str, Any], *, lesson: str) -> Question:
    each = row.get("each", False)
    return Question(
        id=row["id"],
        text=row["text"],
        choices=tuple(row["choices"]),
        right=row["right"],
        points=len(row["choices"]) if each else row.get("points", 10),
        each=each,
        lesson=lesson,
        feedback=row.get("feedback", ""),
        why=tuple(row.get("why", ())),
    )
