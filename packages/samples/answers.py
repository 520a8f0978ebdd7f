"""Which letters to choose, so that a test or a person reaches an exact score."""

from dataclasses import dataclass
from itertools import combinations

from packages.samples.content import Exam, Lesson, Question, read_sample


@dataclass(frozen=True)
class Answer:
    """The letters to choose for one question, and the points that they earn."""

    part: str
    question: str
    letters: str
    points: int


def answers(
    sample: str, unit: str, *, score: int = 100, attempt: int = 1
) -> list[Answer]:
    """One answer for every question of the unit, in the order in which they are asked.

    Checks in lessons are answered rightly. The questions of each test are answered so
    that the test ends with exactly `score` points on this `attempt`. ValueError where
    no answers give that score.
    """
    found: list[Answer] = []
    for part in read_sample(sample).unit(unit).parts:
        if isinstance(part, Lesson):
            found += [_answer(part.id, q, q.points) for q in part.questions]
        else:
            found += _exam(part, score=score, attempt=attempt)
    return found


def _exam(part: Exam, *, score: int, attempt: int) -> list[Answer]:
    form = part.forms[(attempt - 1) % len(part.forms)]
    plain = [question for question in form if not question.each]
    graded = [question for question in form if question.each]
    for count in range(len(plain), -1, -1):
        for right in combinations(plain, count):
            rest = score - sum(question.points for question in right)
            shares = _share(graded, rest)
            if shares is not None:
                full = {question.id: question.points for question in right} | shares
                return [_answer(part.id, q, full.get(q.id, 0)) for q in form]
    message = f"no answers of {part.id} give {score} points"
    raise ValueError(message)


def _share(graded: list[Question], rest: int) -> dict[str, int] | None:
    """How `rest` points are spread over questions that give single points."""
    shares = {}
    for question in graded:
        shares[question.id] = max(0, min(rest, question.points))
        rest -= shares[question.id]
    return shares if rest == 0 else None


def _answer(part: str, question: Question, points: int) -> Answer:
    if not question.each:
        wrong = next(x for x in question.letters if x != question.right)
        letters = question.right if points == question.points else wrong
        return Answer(part, question.id, letters, points)
    kept = question.letters[:points]
    letters = "".join(
        x for x in question.letters if (x in question.right) == (x in kept)
    )
    return Answer(part, question.id, letters, question.points_of(letters))
