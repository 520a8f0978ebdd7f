"""A unit as one HTML page that `shared/course.js` brings to life.

Without the script the page is still readable: all screens stand one below the other.
"""

import html
import json
import re
from string import Template
from typing import Any

from lxml import etree

from packages.samples.content import HOME, Exam, Lesson, Question, Sample, Unit


def page(sample: Sample, unit: Unit) -> str:
    """The page of `unit`, to be stored one folder below the package's root."""
    template = Template((HOME / "shared" / "unit.html").read_text("utf-8"))
    # "<" cannot end the script element when it is written as an escape of JSON
    data = json.dumps(_data(sample, unit), ensure_ascii=False, sort_keys=True)
    several = len(sample.units) > 1
    return template.substitute(
        title=html.escape(" - ".join(dict.fromkeys((unit.title, sample.title)))),
        over=f"<p>{html.escape(sample.title)}</p>\n" if several else "",
        unit_title=html.escape(unit.title),
        farewell=f"You can {'go on with another unit' if several else 'leave'} now. "
        "When you come back, you will find everything as you left it.",
        shared="../shared",
        screens="\n".join(_part(part) for part in unit.parts),
        unit_data=data.replace("<", "\\u003c"),
    )


def _data(sample: Sample, unit: Unit) -> dict[str, Any]:
    titles = {
        part.id: part.title
        for every in sample.units
        for part in every.parts
        if isinstance(part, Lesson)
    }
    questions: dict[str, Question] = {}
    for part in unit.parts:
        questions |= {question.id: question for question in part.questions}
    return {
        "title": unit.title,
        "scored": unit.scored,
        "parts": [_part_data(part) for part in unit.parts],
        "questions": {
            question.id: {
                "right": question.right,
                "points": question.points,
                "each": question.each,
                "choices": len(question.choices),
                "lesson": question.lesson,
                "lesson_title": titles[question.lesson],
                "feedback": question.feedback,
                "why": question.why,
            }
            for question in questions.values()
        },
    }


def _part_data(part: Lesson | Exam) -> dict[str, Any]:
    if isinstance(part, Lesson):
        return {"id": part.id, "kind": "lesson", "title": part.title}
    return {
        "id": part.id,
        "kind": "test",
        "title": part.title,
        "mastery": part.mastery,
        "forms": [[question.id for question in form] for form in part.forms],
    }


def _part(part: Lesson | Exam) -> str:
    return _lesson(part) if isinstance(part, Lesson) else _test(part)


def _section(
    part: Lesson | Exam, name: str, heading: str, body: str, question: str = ""
) -> str:
    kind = "lesson" if isinstance(part, Lesson) else "test"
    asks = f' data-question="{question}"' if question else ""
    label = f"{part.id}.{name}"
    return (
        f'<section class="screen {kind}" id="{label}" data-part="{part.id}"{asks}'
        f' data-test="screen" aria-labelledby="{label}.heading">\n'
        f'<h2 id="{label}.heading" tabindex="-1">{html.escape(heading)}</h2>\n'
        f"{body}\n</section>"
    )


def _lesson(part: Lesson) -> str:
    return "\n".join(
        _section(
            part,
            str(number),
            screen.heading,
            _with_labels(screen.html)
            + (_form(part, screen.check) if screen.check else ""),
            screen.check.id if screen.check else "",
        )
        for number, screen in enumerate(part.screens, start=1)
    )


def _with_labels(text: str) -> str:
    """`text` with tables that a narrow screen can show as a list.

    Each cell names its column; the roles keep a table what it is when its cells are
    laid out as blocks.
    """
    return re.sub(r"<table>.*?</table>", _labelled, text, flags=re.DOTALL)


def _labelled(found: re.Match[str]) -> str:
    table = etree.fromstring(found[0])
    table.set("role", "table")
    columns = [str(head.text) for head in table.iterfind("thead/tr/th")]
    for group in [*table.iterfind("thead"), *table.iterfind("tbody")]:
        group.set("role", "rowgroup")
    for row in table.iter("tr"):
        row.set("role", "row")
        for cell, column in zip(row, columns, strict=True):
            scope = cell.get("scope")
            roles = {"col": "columnheader", "row": "rowheader"}
            cell.set("role", roles[scope] if scope else "cell")
            if scope != "col":
                cell.set("data-label", column)
    return etree.tostring(table, encoding="unicode")


def _test(part: Exam) -> str:
    start = f"<p>{html.escape(part.intro)}</p>"
    review = (
        "<p>You can go back and change any answer before you submit.</p>\n"
        '<ol class="answers"></ol>'
    )
    result = (
        '<div class="outcome" data-test="result"><p>Thank you. Your answers are '
        "saved. The pre-test has no pass mark, and your score is not shown to you or "
        "shared. Lesson 1 comes next.</p></div>"
    )
    if part.mastery is not None:
        result = '<div class="outcome" data-test="result"></div>'
    numbers = {
        question.id: number
        for form in part.forms
        for number, question in enumerate(form, start=1)
    }
    asked = [
        _section(
            part,
            question.id,
            f"Question {numbers[question.id]} of {len(part.forms[0])}",
            _form(part, question),
            question.id,
        )
        for question in part.questions
    ]
    return "\n".join(
        [
            _section(part, "start", part.title, start),
            *asked,
            _section(part, "review", "Check your answers", review),
            _section(part, "result", part.title, result),
        ]
    )


def _form(part: Lesson | Exam, question: Question) -> str:
    name = f"{part.id}.{question.id}"
    kind = "checkbox" if question.each else "radio"
    choices = "\n".join(
        f'<label class="choice"><input type="{kind}" name="{name}" value="{letter}"'
        f' data-test="choice-{letter}"><span class="letter" aria-hidden="true">'
        f'{letter.upper()}</span><span class="words">{html.escape(text)}</span></label>'
        for letter, text in zip(question.letters, question.choices, strict=True)
    )
    check = (
        '<p><button type="submit" data-test="submit">Check my answer</button></p>\n'
        '<div class="feedback" role="status" data-test="feedback"></div>\n'
        if isinstance(part, Lesson)
        else ""
    )
    return (
        f'<form id="{name}.form" novalidate>\n<fieldset>\n'
        f"<legend>{html.escape(question.text)}</legend>\n{choices}\n</fieldset>\n"
        f"{check}</form>"
    )
