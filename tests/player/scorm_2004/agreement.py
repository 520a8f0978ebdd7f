"""Whether what the API answered is what a case expects of it.

A case states values, not spellings: numbers and durations are equal when what they
mean is, `_children` lists in any order, and marks may be left out where they say what
is so without them. Names of learners, and what is only asked to be there, are not
stated at all.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.player.scorm_2004.cases import Command

SHORT_TEXT = "A characterstring value less than 255 characters"
NO_TEXT = "An empty characterstring value"
LONGEST_SHORT_TEXT = 255
ANYTHING = "Returned a valid value or error code"
# the tester sees to it that these are there; the case cannot know what they say
UNSTATED = frozenset({"cmi.learner_id", "cmi.learner_name"})

# what holds without a mark: RTE 4.1.1.6 and 4.2.9
UNMARKED = {"lang": "en", "case_matters": "false", "order_matters": "true"}

_MARK = re.compile(r"\{(lang|case_matters|order_matters)=([^{}]*)\}")
_SPAN = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,2})?)S)?)?"
)


def disagreement(command: Command, answer: str, code: str) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if command.expected == ANYTHING:
        return ""
    if code == command.code and _says(command, answer):
        return ""
    asked = ", ".join(argument[:80] for argument in command.arguments)
    return (
        f"{command.place}: {command.method}({asked}) gave {answer[:80]!r} and"
        f" {code}, not {command.expected[:80]!r} and {command.code}"
    )


def _says(command: Command, answer: str) -> bool:
    expected = command.expected
    element = command.arguments[0] if command.arguments else ""
    if expected == SHORT_TEXT:
        return len(answer) < LONGEST_SHORT_TEXT
    if expected == NO_TEXT:
        return answer == ""
    if command.method != "GetValue" or command.code != "0":
        return answer == expected
    if element in UNSTATED:
        return answer != ""
    if element.endswith("&.id"):
        return answer == element.split("&")[1]
    if answer == expected:
        return True
    if element.endswith("._children") or command.hint == "matching":
        mark = "," if element.endswith("._children") else "[,]"
        return sorted(answer.split(mark)) == sorted(expected.split(mark))
    meanings = (_number, _span, _range, _marked)
    return any(
        meaning(expected) is not None and meaning(expected) == meaning(answer)
        for meaning in meanings
    )


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _range(text: str) -> tuple[Decimal | None, ...] | None:
    """The two ends of a numeric pattern; an open end is None."""
    ends = text.split("[:]")
    return None if len(ends) == 1 else tuple(_number(end) for end in ends)


def _span(text: str) -> tuple[int, Decimal] | None:
    """Months, and seconds of the rest, of a timeinterval."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    years, months, days, hours, minutes, seconds = (
        Decimal(part or 0) for part in match.groups()
    )
    return int(years * 12 + months), ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _marked(text: str) -> list[tuple[dict[str, str], str]]:
    """Every item with what its marks say beyond what holds without them."""
    found = []
    for item in text.split("[,]"):
        marks = {}
        rest = item
        while match := _MARK.match(rest):
            if match[2] != UNMARKED[match[1]]:
                marks[match[1]] = match[2]
            rest = rest[match.end() :]
        found.append((marks, rest))
    return found
