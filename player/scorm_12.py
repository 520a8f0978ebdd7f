"""What an LMS does for SCORM 1.2 when a communication session begins and ends.

SCORM 1.2 Run-Time Environment 3.4.4: `cmi.core.entry`, `exit`, `lesson_status` (its
additional behaviour), `credit`, `lesson_mode`, `total_time`, `mastery_score`. The
model follows the book, downgrades included; two readings are wider than it: location
and suspend data are kept whatever `exit` says (many packages never set it), and a
session that ends without LMSFinish counts as suspended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from packages.manifest import Unit
from player.cmi import Model, can_hold, elements_of, initial_values
from player.outcomes import (
    MODES,
    Completion,
    Interaction,
    Mode,
    Outcome,
    Success,
    decimal_of,
    texts_under,
)

STATUS = "cmi.core.lesson_status"
RAW = "cmi.core.score.raw"
PRECISION = Decimal("0.00001")
LONGEST_SECONDS = Decimal("35999999.99")  # 9999:59:59.99

_TRUE = {"1": "true", "t": "true", "0": "false", "f": "false"}
_FINISHED = frozenset({"passed", "failed", "completed"})


@dataclass(frozen=True)
class Given:
    """What the manifest and the rules say of a unit; all as SCORM writes it."""

    launch_data: str = ""
    mastery_score: str = ""
    max_time_allowed: str = ""
    time_limit_action: str = ""


def given(unit: Unit, *, threshold: Decimal | None) -> Given:
    """What SCORM 1.2 content is told of its unit.

    A policy's threshold (scaled) replaces the manifest's mastery score. Facts of the
    manifest that are not of their type are left out: content would read them as such.
    """
    mastery = unit.mastery_score if threshold is None else threshold.scaleb(2)
    facts = {
        "cmi.launch_data": unit.data_from_lms,
        "cmi.student_data.mastery_score": "" if mastery is None else f"{mastery:f}",
        "cmi.student_data.max_time_allowed": unit.max_time,
        "cmi.student_data.time_limit_action": unit.time_limit_action,
    }
    table = elements_of("scorm_12")
    sound = {
        name: value if can_hold(table, name, value) else ""
        for name, value in facts.items()
    }
    return Given(*sound.values())


def first_values(given: Given) -> Model:
    """The model of a new attempt."""
    return initial_values(elements_of("scorm_12")) | {
        "cmi.launch_data": given.launch_data,
        "cmi.student_data.mastery_score": given.mastery_score,
        "cmi.student_data.max_time_allowed": given.max_time_allowed,
        "cmi.student_data.time_limit_action": given.time_limit_action,
    }


def begin(
    values: Mapping[str, str], *, mode: Mode, started: bool, suspended: bool
) -> Model:
    """The model at LMSInitialize.

    `started`: the attempt has had a session before; `suspended`: the last one ended
    with `exit` suspend, or without LMSFinish.
    """
    table = elements_of("scorm_12").elements
    fresh = {name: row.initial or "" for name, row in table.items() if row.each_launch}
    credit, lesson_mode = MODES[mode]
    entry = ("resume" if suspended else "") if started else "ab-initio"
    return {
        **values,
        **fresh,
        "cmi.core.credit": credit,
        "cmi.core.lesson_mode": lesson_mode,
        "cmi.core.entry": entry,
    }


def view_asset(values: Mapping[str, str]) -> Model:
    """The model of an asset once it is shown: it cannot say more, it is complete."""
    if values.get("cmi.core.lesson_mode") != "normal":
        return dict(values)
    return {**values, STATUS: "completed"}


def finish(
    values: Mapping[str, str], *, terminated: bool, seconds: Decimal = Decimal(0)
) -> Model:
    """The model after a session; `seconds` of it are added to `total_time`.

    A status that the SCO never set becomes `completed` (browse mode: `browsed`), by
    LMSFinish only. The mastery score then decides between passed and failed, only
    for credit, in normal mode, with a raw score and a status that is not incomplete.
    """
    status = values.get(STATUS, "")
    mode = values.get("cmi.core.lesson_mode", "")
    if terminated and status == "not attempted" and mode in {"normal", "browse"}:
        status = "completed" if mode == "normal" else "browsed"
    total = seconds_of(values.get("cmi.core.total_time", "")) + seconds
    return {
        **values,
        STATUS: _mastered(values, status),
        "cmi.core.total_time": timespan_of(total),
    }


def _mastered(values: Mapping[str, str], status: str) -> str:
    mastery = values.get("cmi.student_data.mastery_score", "")
    raw = values.get(RAW, "")
    if (
        not mastery
        or not raw
        or status in {"incomplete", "not attempted"}
        or values.get("cmi.core.credit") != "credit"
        or values.get("cmi.core.lesson_mode") != "normal"
    ):
        return status
    # SCORM's real(10,7) of the scaled score: 79.999999999 is 80
    rounded = Decimal(raw).quantize(PRECISION)
    return "passed" if rounded >= Decimal(mastery) else "failed"


def is_resumed(values: Mapping[str, str]) -> bool:
    """Whether the session that begins goes on with an earlier one."""
    return values.get("cmi.core.entry") == "resume"


def learner(account: str, ifi: str, name: str) -> Model:
    """Id and name as the SCO reads them; the id says nothing of the person."""
    if not can_hold(elements_of("scorm_12"), "cmi.core.student_id", account):
        account = sha256(ifi.encode()).hexdigest()[:32]
    return {"cmi.core.student_id": account, "cmi.core.student_name": name}


def is_suspended(values: Mapping[str, str]) -> bool:
    """Whether the SCO asked to be resumed (`exit` is suspend)."""
    return values.get("cmi.core.exit") == "suspend"


def outcome(values: Mapping[str, str]) -> Outcome:
    """Completion, success and score; `passed` and `failed` both imply completed."""
    return outcome_of(values, values.get(STATUS, ""), "cmi.core.score.")


def objective(values: Mapping[str, str], place: str) -> Outcome:
    """The same of an objective, by its index."""
    prefix = f"cmi.objectives.{place}."
    return outcome_of(values, values.get(f"{prefix}status", ""), f"{prefix}score.")


def outcome_of(values: Mapping[str, str], status: str, score: str) -> Outcome:
    """What a status and a score say; scaled is `raw` / 100, as the profile has it."""
    raw = decimal_of(values.get(f"{score}raw", ""))
    return Outcome(
        completion=completion_of(status),
        success=success_of(status),
        scaled=None if raw is None else raw.scaleb(-2),
        raw=raw,
        minimum=decimal_of(values.get(f"{score}min", "")),
        maximum=decimal_of(values.get(f"{score}max", "")),
    )


def completion_of(status: str) -> Completion:
    """What a 1.2 status says of completion."""
    if status in _FINISHED:
        return "completed"
    return "incomplete" if status in {"incomplete", "browsed"} else "unknown"


def success_of(status: str) -> Success:
    """What a 1.2 status says of success."""
    if status == "passed":
        return "passed"
    return "failed" if status == "failed" else "unknown"


def comments(
    _values: Mapping[str, str], changed: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """What the learner has added to the one comment."""
    text = "".join(value for name, value in changed if name == "cmi.comments")
    return {"": text} if text else {}


def interaction(values: Mapping[str, str], place: str) -> Interaction | None:
    """The interaction of that index; None before it has an id and an answer."""
    row = texts_under(values, f"cmi.interactions.{place}.")
    if not row.get("id") or not {"student_response", "result"} & set(row):
        return None
    kind, verdict = row.get("type", ""), row.get("result", "")
    count = int(row.get("correct_responses._count", "0"))
    patterns = (row.get(f"correct_responses.{n}.pattern", "") for n in range(count))
    response = row.get("student_response")
    is_verdict = verdict in {"correct", "wrong", "unanticipated"}
    is_score = bool(verdict) and not is_verdict and verdict != "neutral"
    return Interaction(
        identifier=row["id"],
        kind=kind,
        response=None if response is None else response_of(kind, response),
        patterns=tuple(response_of(kind, pattern) for pattern in patterns if pattern),
        success=verdict == "correct" if is_verdict else None,
        score=Decimal(verdict) if is_score else None,
        seconds=seconds_of(row["latency"]) if row.get("latency") else None,
    )


def response_of(kind: str, text: str) -> str:
    """A CMIFeedback in the spelling of xAPI (Data 2.4.4.1 "response patterns").

    1.2 separates with commas and pairs with full stops; `t`, `f`, `1`, `0` are truth
    values. Whatever does not look like that is given as it is.
    """
    if kind == "true-false":
        return _TRUE.get(text[:1].lower(), text) if text else text
    parts = text.strip().removeprefix("{").removesuffix("}").split(",")
    if kind in {"choice", "sequencing"}:
        return "[,]".join(part.strip() for part in parts)
    if kind == "matching" and all("." in part for part in parts):
        pairs = (part.strip().split(".", 1) for part in parts)
        return "[,]".join(f"{left}[.]{right}" for left, right in pairs)
    return text


def session_seconds(values: Mapping[str, str]) -> Decimal | None:
    """The last `session_time`; None when the SCO has not reported one."""
    text = values.get("cmi.core.session_time", "")
    return seconds_of(text) if text else None


def seconds_of(timespan: str) -> Decimal:
    """Seconds of a CMITimespan (HHHH:MM:SS.SS); an empty one is 0."""
    if not timespan:
        return Decimal(0)
    hours, minutes, seconds = timespan.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds)


def timespan_of(seconds: Decimal) -> str:
    """A CMITimespan, HHHH:MM:SS.SS; stops at the longest that can be written."""
    hundredths = int(min(seconds, LONGEST_SECONDS) * 100)
    rest, hundredths = divmod(hundredths, 100)
    rest, whole = divmod(rest, 60)
    hours, minutes = divmod(rest, 60)
    return f"{hours:04}:{minutes:02}:{whole:02}.{hundredths:02}"
