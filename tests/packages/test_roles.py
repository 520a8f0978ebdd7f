"""Which units are proposed as pre-test and post-test."""

import io
import time
from decimal import Decimal
from typing import Any

import pytest

from packages.check import check_package
from packages.manifest import Block, Manifest, Objective, Unit
from packages.roles import pretests, propose_roles
from tests.packages.make import Item, course


def proposed(*units: tuple[str, str] | Unit) -> list[tuple[int, str]]:
    made = tuple(
        unit
        if isinstance(unit, Unit)
        else Unit(index, unit[1], unit[1], "sco", unit[0], "a.html")
        for index, unit in enumerate(units)
    )
    found = propose_roles(Manifest("scorm_12", "1.2", "m", "T", units=made))
    return [(one.unit, one.role) for one in found]


@pytest.mark.parametrize(
    ("title", "identifier", "role"),
    [
        ("Pre-test", "i", "pretest"),
        ("PRETEST", "i", "pretest"),
        ("Pre Test: what do you know?", "i", "pretest"),
        ("Module 1 pre-assessment", "i", "pretest"),
        ("Pre-course assessment", "i", "pretest"),
        ("Diagnostic test", "i", "pretest"),
        ("Test out of this course", "i", "pretest"),
        ("Welcome", "ITEM_PreTest_01", "pretest"),
        ("Welcome", "pretest1", "pretest"),
        ("Post-test", "i", "posttest"),
        ("Final exam", "i", "posttest"),
        ("Final Assessment", "i", "posttest"),
        ("End of course quiz", "i", "posttest"),
        ("Wrap-up", "post_test", "posttest"),
        ("Preventing accidents", "i", None),
        ("Present testimony", "i", None),
        ("Postal service", "i", None),
        ("Fingerprint testing", "i", None),
        ("Finally", "lesson-3", None),
    ],
)
def test_words(title: str, identifier: str, role: str | None) -> None:
    found = proposed((title, identifier), ("Something else", "z"))
    assert found == ([(0, role)] if role else [])


def test_long_identifiers_are_not_searched_to_their_end() -> None:
    began = time.process_time()
    assert proposed(("Welcome", "before-you-begin-" * 40_000), ("Else", "z")) == []
    assert time.process_time() - began < 30


def test_a_heading_counts_for_its_units() -> None:
    found = propose_roles(
        Manifest(
            "scorm_12",
            "1.2",
            "m",
            "T",
            units=(Unit(0, "q1", "q1", "sco", "Questions", "a.html", block=1),),
            blocks=(Block(0, "b", "Pre-test"), Block(1, "c", "Golf", parent=0)),
        )
    )
    assert [one.why for one in found] == ["The heading above it is “Pre-test”."]


def test_the_last_unit_when_nothing_is_called_post_test() -> None:
    assert proposed(("Lesson", "a"), ("Golf quiz", "b")) == [(1, "posttest")]
    scored = Unit(1, "b", "b", "sco", "The end", "a.html", mastery_score=Decimal(80))
    assert proposed(("Lesson", "a"), scored) == [(1, "posttest")]
    assert proposed(("Golf quiz", "a")) == []
    assert proposed(("Lesson", "a"), ("Summary", "b")) == []


def test_an_asset_is_never_proposed_as_a_post_test() -> None:
    def asset(index: int, title: str, **words: Any) -> Unit:
        return Unit(index, title, title, "asset", title, "a.html", **words)

    assert proposed(("Lesson", "a"), asset(1, "Post-test")) == []
    assert proposed(("Lesson", "a"), asset(1, "Golf quiz")) == []
    assert proposed(asset(0, "Course", parts=("posttest",))) == []
    assert proposed(asset(0, "Post-test"), ("Golf quiz", "b")) == [(1, "posttest")]
    assert proposed(asset(0, "Pre-test"), ("Lesson", "b")) == [(0, "pretest")]
    both = asset(0, "Course", parts=("posttest", "pretest"))
    assert proposed(both) == [(0, "pretest")]


def test_each_proposal_says_why() -> None:
    units = (
        Unit(0, "i", "i", "sco", "Pre-test", "a.html"),
        Unit(1, "j", "j", "sco", "Golf quiz", "a.html"),
    )
    found = propose_roles(Manifest("scorm_12", "1.2", "m", "T", units=units))
    assert [one.why for one in found] == [
        "Its title is “Pre-test”.",
        "It is the last unit and is called “Golf quiz”.",
    ]


SCRIPT = """
  api.LMSSetValue("cmi.objectives.0.id", "pretest");
  api.LMSSetValue("cmi.objectives.1.id", 'PostTest_2');
  var unrelated = "prettier", other = "posted", word = "latest";
"""


def parts_of(*items: Item, script: str = SCRIPT) -> list[tuple[str, ...]]:
    data = course(*items, files={"course.js": script, "big.bin": b"\0" * 99})
    checked = check_package(io.BytesIO(data), filename="a.zip")
    return [unit.parts for unit in checked.manifest.units]


def test_parts_are_found_in_scripts() -> None:
    assert parts_of() == [("pretest", "PostTest_2")]
    assert parts_of(script='var a = "pretest";') == [()]
    assert parts_of(Item("a"), Item("b")) == [(), ()]


def test_parts_are_proposed() -> None:
    unit = Unit(
        0, "i", "i", "sco", "The course", "a.html", parts=("pretest", "post_exam")
    )
    found = propose_roles(Manifest("scorm_12", "1.2", "m", "T", units=(unit,)))
    assert [(one.part, one.role) for one in found] == [
        ("pretest", "pretest"),
        ("post_exam", "posttest"),
    ]
    assert found[0].why == "Its id is “pretest”."


def test_pieces_are_walled_in_but_not_proposed() -> None:
    script = 'x="cmi.interactions";' + "".join(f'"pretest.q{n}"' for n in range(250))
    (parts,) = parts_of(script=script + '"posttest", "posttest.q1", "pretest"')
    assert parts[0] == "pretest"
    assert len(parts) == 100
    parts = (*parts[:3], "posttest", "posttest.q1")
    unit = Unit(0, "i", "i", "sco", "The course", "a.html", parts=parts)
    whole = Manifest("scorm_12", "1.2", "m", "T", units=(unit,))
    assert [one.part for one in propose_roles(whole)] == ["pretest", "posttest"]
    assert pretests(whole) == [(unit, part) for part in parts[:3]]


def test_a_unit_of_its_own_role_is_not_taken_apart() -> None:
    unit = Unit(0, "i", "i", "sco", "Pre-test", "a.html", parts=("pretest",))
    assert proposed(unit) == [(0, "pretest")]


def course_of(*units: Unit, objectives: tuple[Objective, ...] = ()) -> Manifest:
    return Manifest("cmi5", "1.0", "m", "T", units=units, objectives=objectives)


TEST = "http://adlnet.gov/expapi/activities/assessment"


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        (
            Unit(0, "i", "i", "au", "Questions", "a", activity_type=TEST),
            f"It comes first and is of the type “{TEST}”.",
        ),
        (
            Unit(0, "i", "i", "au", "Warm-up", "a", objectives=("PretestObj",)),
            "Its objective is “Pretest Obj”.",
        ),
        (
            Unit(0, "i", "i", "au", "Warm-up", "a", objectives=("urn:o/1",)),
            "Its objective is “What you know: pre-test”.",
        ),
        (
            Unit(0, "i", "i", "au", "Start", "a", activity_type="urn:x/pre-test"),
            "Its type is “pre test”.",
        ),
    ],
)
def test_types_and_objectives_of_units_tell_a_pretest(unit: Unit, why: str) -> None:
    known = Objective("urn:o/1", "What you know: pre-test")
    whole = course_of(unit, Unit(1, "j", "j", "au", "Lesson", "b"), objectives=(known,))
    found = propose_roles(whole)
    assert [(one.unit, one.role, one.why) for one in found] == [(0, "pretest", why)]
    assert [unit for unit, _ in pretests(whole)] == [unit]


@pytest.mark.parametrize(
    "last",
    [
        Unit(1, "j", "j", "au", "The end", "b", activity_type=TEST),
        Unit(1, "j", "j", "sco", "The end", "b", scaled_passing_score=Decimal("0.8")),
    ],
)
def test_the_last_unit_by_its_type_or_its_passing_score(last: Unit) -> None:
    found = propose_roles(course_of(Unit(0, "i", "i", "au", "Lesson", "a"), last))
    assert [(one.unit, one.role) for one in found] == [(1, "posttest")]


def test_a_single_unit_that_is_a_test_is_no_pretest() -> None:
    unit = Unit(0, "i", "i", "au", "Questions", "a", activity_type=TEST)
    assert propose_roles(course_of(unit)) == []
