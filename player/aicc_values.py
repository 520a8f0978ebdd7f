"""AICC data and the CMI model: the two ways between them. Pure.

CMI001 version 4: the groups and tables of AICC hold what the model of
SCORM 1.2, made from it, holds under other names. What a unit posts becomes changes that
pass the element table like any others; the model becomes what GetParam answers.

Words count by their first letter only. A score is `raw, maximum, minimum`;
another maximum than 100 is brought to a scale of 0 to 100. An empty value of the core
group says nothing, but a location may be empty.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from packages.manifest import Unit
from player.aicc_text import read_groups, read_table, write_groups
from player.scorm_12 import timespan_of

Change = tuple[str, str]
Values = Mapping[str, str]

STATUSES = {
    "p": "passed",
    "c": "completed",
    "f": "failed",
    "i": "incomplete",
    "b": "browsed",
    "n": "not attempted",
}
EXITS = {"t": "time-out", "s": "suspend", "l": "logout"}
TYPES = {
    "t": "true-false",
    "c": "choice",
    "f": "fill-in",
    "m": "matching",
    "p": "performance",
    "s": "sequencing",
    "l": "likert",
    "n": "numeric",
}
RESULTS = {"c": "correct", "w": "wrong", "u": "unanticipated", "n": "neutral"}

_ABOUT = ("course_id", "student_id", "lesson_id", "date", "time")
INTERACTION_COLUMNS = (
    *_ABOUT,
    "interaction_id",
    "objective_id",
    "type_interaction",
    "correct_response",
    "student_response",
    "result",
    "weighting",
    "latency",
)
OBJECTIVE_COLUMNS = (*_ABOUT, "objective_id", "score", "status", "mastery_time")
COMMENT_COLUMNS = (*_ABOUT, "location", "comment")
PREFERENCES = ("audio", "language", "speed", "text")

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,16}(?:\.[0-9]{0,32})?|\.[0-9]{1,32})")
_CLOCK = re.compile(
    r"(?:(?:([0-9]{1,4}):)?([0-9]{1,4}):)?([0-9]{1,8}(?:\.[0-9]{0,9})?)"
)
_MEMBER = re.compile(r"j_(id|score|status)\.([0-9]{1,5})")
_HUNDRED = Decimal(100)
_INTERACTIONS = "cmi.interactions."
_UNFINISHED = frozenset({"not attempted", "incomplete"})
_PLACES = Decimal("0.0000001")


def word_of(words: Mapping[str, str], text: str) -> str | None:
    """The word that begins with the same letter; None for none."""
    return words.get(text.strip()[:1].lower())


def seconds_of(text: str) -> Decimal | None:
    """Seconds of a time: `HHHH:MM:SS.SS`, or less of it from the left; None for none."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (Decimal(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def score_of(text: str) -> dict[str, str]:
    """`raw`, `max` and `min` of a score, on a scale up to 100; empty for no number."""
    parts = [part.strip().rstrip("%").strip() for part in text.split(",")]
    numbers = [Decimal(one) if _NUMBER.fullmatch(one) else None for one in parts]
    raw, high, low, *_ = (*numbers, None, None)
    if raw is None:
        return {}
    low = Decimal(0) if low is None else low
    if high is None or high <= low:
        return {"raw": _plain(raw)}
    if (high, low) != (_HUNDRED, Decimal(0)):
        share = (raw - low) / (high - low) * _HUNDRED
        raw = share.quantize(_PLACES, rounding=ROUND_HALF_UP)
    return {"raw": _plain(raw), "max": "100", "min": "0"}


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def in_words(unit: Unit) -> Unit:
    """The unit with its limits as the model of SCORM 1.2 writes them.

    The action at the time limit is of two words in any order, of which the first
    letters count (`E,N`: exit, no message).
    """
    letters = {
        one.strip()[:1].lower() for one in re.split(r"[ ,]+", unit.time_limit_action)
    }
    action = ""
    if letters & {"e", "c"} and letters & {"m", "n"}:
        ending = "exit" if "e" in letters else "continue"
        action = f"{ending},{'no message' if 'n' in letters else 'message'}"
    seconds = seconds_of(unit.max_time)
    return replace(
        unit,
        max_time="" if not seconds else timespan_of(seconds),
        time_limit_action=action,
    )


# --- what a unit posts ------------------------------------------------------------------


def parameters(text: str, values: Values) -> list[Change]:
    """The changes in the data of a PutParam."""
    groups = read_groups(text)
    core = groups.values.get("core", {})
    changes: list[Change] = []
    if "lesson_location" in core:
        changes.append(("cmi.core.lesson_location", core["lesson_location"]))
    changes += _status(core.get("lesson_status", ""))
    changes += _score("cmi.core.score", core.get("score", ""))
    changes += _time("cmi.core.session_time", core.get("time", ""))
    if "core_lesson" in groups.texts:
        changes.append(("cmi.suspend_data", groups.texts["core_lesson"]))
    changes += _comment(groups.texts.get("comments", "").strip(), values)
    changes += _objectives(
        _numbered(groups.values.get("objectives_status", {})), values
    )
    wanted = groups.values.get("student_preferences", {})
    for name in PREFERENCES:
        if wanted.get(name):
            changes.append((f"cmi.student_preference.{name}", wanted[name]))
    return changes


def _status(text: str) -> Iterator[Change]:
    """Status and how the unit was left: a status without that is a normal exit.

    `not attempted` is a state of the LMS's; a unit that echoes it says nothing.
    """
    status, _, way = text.partition(",")
    word = word_of(STATUSES, status)
    if word is not None and word != "not attempted":
        yield "cmi.core.lesson_status", word
    elif status.strip() and word is None:
        yield "cmi.core.lesson_status", status.strip()
    if text.strip():
        yield "cmi.core.exit", word_of(EXITS, way) or ""


def _score(element: str, text: str) -> Iterator[Change]:
    found = score_of(text)
    for name, value in found.items():
        yield f"{element}.{name}", value
    if not found and text.strip(" ,"):
        yield f"{element}.raw", text.strip()


def _time(element: str, text: str) -> Iterator[Change]:
    if text.strip():
        seconds = seconds_of(text)
        yield element, text.strip() if seconds is None else timespan_of(seconds)


def _comment(text: str, values: Values) -> Iterator[Change]:
    """A comment, unless it is there already: units send the same ones again."""
    if text and text not in values.get("cmi.comments", ""):
        yield "cmi.comments", text


def _numbered(group: Values) -> list[dict[str, str]]:
    """The objectives of `[Objectives_Status]`, in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for name, value in group.items():
        if match := _MEMBER.fullmatch(name):
            found.setdefault(int(match[2]), {})[match[1]] = value
    return [
        {"objective_id": one.get("id", ""), **one} for _, one in sorted(found.items())
    ]


def _objectives(rows: Sequence[Values], values: Values) -> Iterator[Change]:
    """Objectives stand under their names: each keeps its place in the model."""
    places = {
        values.get(f"cmi.objectives.{place}.id", "").casefold(): place
        for place in range(_count(values, "cmi.objectives"))
    }
    for row in rows:
        name = row.get("objective_id", "")
        if not name:
            continue
        place = places.get(name.casefold())
        if place is None:
            place = places[name.casefold()] = len(places)
            yield f"cmi.objectives.{place}.id", name
        element = f"cmi.objectives.{place}"
        yield from _score(f"{element}.score", row.get("score", ""))
        status = row.get("status", "")
        if status.strip():
            word = word_of(STATUSES, status) or status.strip()
            yield f"{element}.status", word


def objectives(text: str, values: Values) -> list[Change]:
    """The changes in the table of a PutObjectives."""
    return list(_objectives(read_table(text, OBJECTIVE_COLUMNS), values))


def comments(text: str, values: Values) -> list[Change]:
    """The changes in the table of a PutComments."""
    changes: list[Change] = []
    known = values.get("cmi.comments", "")
    for row in read_table(text, COMMENT_COLUMNS):
        found = list(_comment(row.get("comment", ""), {"cmi.comments": known}))
        known += "".join(value for _, value in found)
        changes += found
    return changes


def interactions(text: str, values: Values) -> list[Change]:
    """The changes in the table of a PutInteractions.

    A row of which the model has all that it could take, from a request that was sent
    before, is left out.
    """
    count = _count(values, "cmi.interactions")
    known = _kept(values)
    changes: list[Change] = []
    for row in read_table(text, INTERACTION_COLUMNS):
        told = _interaction(row)
        if not told.get("id") or _has(known, told):
            continue
        _keep(known, told)
        changes += [
            (f"cmi.interactions.{count}.{name}", value) for name, value in told.items()
        ]
        count += 1
    return changes


# what has been told: by which elements are there, all values of those
Known = dict[tuple[str, ...], set[tuple[str | None, ...]]]


def _kept(values: Values) -> Known:
    rows: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        if name.startswith(_INTERACTIONS) and not name.endswith("._count"):
            place, _, element = name.removeprefix(_INTERACTIONS).partition(".")
            rows.setdefault(place, {})[element] = value
    known: Known = {}
    for row in rows.values():
        _keep(known, row)
    return known


def _keep(known: Known, row: Values) -> None:
    names = tuple(sorted(row))
    known.setdefault(names, set()).add(tuple(map(row.get, names)))


def _has(known: Known, told: Values) -> bool:
    """Whether one that is known holds nothing that is not told."""
    return any(tuple(map(told.get, names)) in rows for names, rows in known.items())


def _interaction(row: Values) -> dict[str, str]:
    """A row as the elements of an interaction, without those that are empty."""
    kind = word_of(TYPES, row.get("type_interaction", ""))
    result = row.get("result", "").strip()
    latency = seconds_of(row.get("latency", ""))
    weighting = row.get("weighting", "")
    told = {
        "id": _identifier(row.get("interaction_id", "")),
        "objectives.0.id": _identifier(row.get("objective_id", "")),
        "time": _time_of_day(row.get("time", "")),
        "type": kind or "",
        "correct_responses.0.pattern": row.get("correct_response", ""),
        "student_response": row.get("student_response", ""),
        "result": result if _NUMBER.fullmatch(result) else word_of(RESULTS, result),
        "weighting": weighting if _NUMBER.fullmatch(weighting) else "",
        "latency": "" if latency is None else timespan_of(latency),
    }
    return {name: value for name, value in told.items() if value}


def _identifier(text: str) -> str:
    """An identifier has no blanks in the model; tools write them."""
    return "_".join(text.split())


def _time_of_day(text: str) -> str:
    seconds = seconds_of(text) if text.count(":") == 2 else None
    if seconds is None or seconds >= 24 * 3600:
        return ""
    return timespan_of(seconds)[2:]


def _count(values: Values, array: str) -> int:
    return int(values.get(f"{array}._count", "0"))


# the commands that bring data, and what reads it; the others say nothing of the model
READERS: Mapping[str, Callable[[str, Values], list[Change]]] = {
    "putparam": parameters,
    "putcomments": comments,
    "putobjectives": objectives,
    "putinteractions": interactions,
}


# --- what GetParam answers --------------------------------------------------------------


def answer(values: Values, *, course: str, attempt: int) -> str:
    """The groups that GetParam answers with.

    `course` is the course's identifier; `attempt` counts the learner's sessions, from 1.
    """
    groups: dict[str, Mapping[str, str] | str] = {
        "Core": _core(values),
        "Core_Lesson": values.get("cmi.suspend_data", ""),
        "Core_Vendor": values.get("cmi.launch_data", ""),
        "Evaluation": {"Course_ID": course},
    }
    if known := _known_objectives(values):
        groups["Objectives_Status"] = known
    limits = "cmi.student_data."
    facts = {
        "Attempt_Number": str(attempt),
        "Mastery_Score": values.get(f"{limits}mastery_score", ""),
        "Max_Time_Allowed": values.get(f"{limits}max_time_allowed", ""),
        "Time_Limit_Action": values.get(f"{limits}time_limit_action", ""),
    }
    groups["Student_Data"] = {name: text for name, text in facts.items() if text}
    chosen = {
        name.title(): values.get(f"cmi.student_preference.{name}", "")
        for name in PREFERENCES
    }
    if any(value not in {"", "0"} for value in chosen.values()):
        groups["Student_Preferences"] = {k: v for k, v in chosen.items() if v}
    return write_groups(groups)


def _core(values: Values) -> dict[str, str]:
    core = "cmi.core."
    status = values.get(f"{core}lesson_status", "")
    entry = values.get(f"{core}entry", "")
    if not entry and status in _UNFINISHED:
        # units that hear neither flag believe that this is a review
        entry = "resume"
    return {
        "Student_ID": values.get(f"{core}student_id", ""),
        "Student_Name": values.get(f"{core}student_name", ""),
        "Lesson_Location": values.get(f"{core}lesson_location", ""),
        "Credit": "C" if values.get(f"{core}credit") == "credit" else "N",
        "Lesson_Status": f"{status}, {entry}" if entry else status,
        "Score": _told_score(values, f"{core}score"),
        "Time": _whole_seconds(values.get(f"{core}total_time", "")),
        "Lesson_Mode": values.get(f"{core}lesson_mode", "").capitalize(),
    }


def _told_score(values: Values, element: str) -> str:
    parts = [values.get(f"{element}.{name}", "") for name in ("raw", "max", "min")]
    return ",".join(parts) if all(parts) else parts[0]


def _whole_seconds(timespan: str) -> str:
    """A time without its fraction: units read it as three whole numbers."""
    return timespan.partition(".")[0]


def _known_objectives(values: Values) -> dict[str, str]:
    known = {}
    for place in range(_count(values, "cmi.objectives")):
        element = f"cmi.objectives.{place}"
        known[f"J_ID.{place + 1}"] = values.get(f"{element}.id", "")
        if score := _told_score(values, f"{element}.score"):
            known[f"J_Score.{place + 1}"] = score
        if status := values.get(f"{element}.status", ""):
            known[f"J_Status.{place + 1}"] = status
    return known
