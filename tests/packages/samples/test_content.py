from __future__ import annotations

import re
from collections import Counter

import pytest

from packages.samples.build import NAMES
from packages.samples.content import Exam, Lesson, Question, read_sample

QUESTIONS = [
    pytest.param(part, question, id=f"{name}-{part.id}-{question.id}")
    for name in NAMES
    for unit in read_sample(name).units
    for part in unit.parts
    for question in part.questions
]


def parts(name: str) -> list[Lesson | Exam]:
    return [part for unit in read_sample(name).units for part in unit.parts]


@pytest.mark.parametrize(("part", "question"), QUESTIONS)
def test_a_question_is_complete(part: Lesson | Exam, question: Question) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", question.id)
    assert question.right
    assert set(question.right) <= set(question.letters)
    assert len(set(question.choices)) == len(question.choices) >= 3
    assert question.points_of(question.right) == question.points
    if question.each:
        assert question.points == len(question.choices) == 10
        assert 3 <= len(question.right) <= 7
    else:
        assert len(question.right) == 1
    if isinstance(part, Lesson):
        assert len(question.why) == len(question.choices)
    else:
        assert question.feedback


@pytest.mark.parametrize("name", NAMES)
def test_lessons_have_screens_pictures_and_a_decision(name: str) -> None:
    lessons = [part for part in parts(name) if part.id.startswith("lesson")]
    assert lessons
    for lesson in lessons:
        assert isinstance(lesson, Lesson)
        assert 3 <= len(lesson.screens) <= 5
        assert any("<svg" in screen.html for screen in lesson.screens)
        assert lesson.questions
        scenarios = [s for s in lesson.screens if s.heading.startswith("Scenario")]
        assert all(screen.check for screen in scenarios)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_a_test_gives_a_hundred_points(name: str) -> None:
    for part in parts(name):
        if isinstance(part, Exam):
            for form in part.forms:
                assert sum(question.points for question in form) == 100
                assert len({question.id for question in form}) == len(form)


@pytest.mark.parametrize("name", NAMES)
def test_no_letter_is_right_much_more_often(name: str) -> None:
    for part in parts(name):
        if isinstance(part, Exam):
            for form in part.forms:
                plain = [question.right for question in form if not question.each]
                assert max(Counter(plain).values()) <= 3


def test_a_pretest_has_no_pass_mark_and_posttests_need_eighty() -> None:
    mastery = {
        (name, part.id): part.mastery
        for name in NAMES
        for part in parts(name)
        if isinstance(part, Exam)
    }
    assert mastery == {
        ("report-writing", "pretest"): None,
        ("report-writing", "posttest"): 80,
        ("first-on-scene", "pretest"): None,
        ("first-on-scene", "posttest"): 80,
        ("calm-voice", "posttest"): 80,
    }


def test_points_of_lines() -> None:
    question = Question("q", "?", ("x", "y", "z"), "ab", 3, each=True, lesson="l")
    rows = {"ab": 3, "ba": 3, "abc": 2, "a": 2, "c": 0, "": 1}
    assert {given: question.points_of(given) for given in rows} == rows
