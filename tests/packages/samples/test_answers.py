from __future__ import annotations

import pytest

from packages.samples.answers import answers
from packages.samples.content import read_sample

TESTS = [("report-writing", "posttest"), ("first-on-scene", "course")]


@pytest.mark.parametrize("attempt", [1, 2, 3])
@pytest.mark.parametrize("score", [79, 80, 81, 0, 100, 70, 5])
@pytest.mark.parametrize(("sample", "unit"), TESTS)
def test_the_answers_earn_exactly_the_score(
    sample: str, unit: str, score: int, attempt: int
) -> None:
    questions = {
        question.id: question
        for part in read_sample(sample).unit(unit).parts
        for question in part.questions
    }
    found = [
        one
        for one in answers(sample, unit, score=score, attempt=attempt)
        if one.part == "posttest"
    ]
    assert len(found) == 10
    assert sum(one.points for one in found) == score
    for one in found:
        assert questions[one.question].points_of(one.letters) == one.points
        assert one.letters


@pytest.mark.parametrize(("sample", "unit"), TESTS)
def test_eight_right_answers_pass_and_seven_never_do(sample: str, unit: str) -> None:
    for attempt in (1, 2):
        found = answers(sample, unit, attempt=attempt)
        asked = [one for one in found if one.part == "posttest"]
        assert {one.points for one in asked} == {10}
        assert 7 * 10 + (10 - 1) < 80 <= 8 * 10


def test_attempts_take_other_questions_and_the_pretest_those_of_the_second() -> None:
    def asked(unit: str, attempt: int) -> list[str]:
        found = answers("report-writing", unit, attempt=attempt)
        return [one.question for one in found]

    assert not set(asked("posttest", 1)) & set(asked("posttest", 2))
    assert asked("posttest", 1) == asked("posttest", 3)
    assert asked("pretest", 1) == asked("posttest", 2)


def test_checks_of_a_lesson_are_answered_rightly() -> None:
    found = answers("report-writing", "lesson-1")
    assert [(one.part, one.question) for one in found] == [
        ("lesson-1", "parked-car"),
        ("lesson-1", "exact-words"),
    ]
    assert [one.letters for one in found] == ["b", "c"]


def test_a_score_out_of_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="79"):
        answers("calm-voice", "briefing", score=79)
    with pytest.raises(ValueError, match="101"):
        answers("report-writing", "posttest", score=101)
