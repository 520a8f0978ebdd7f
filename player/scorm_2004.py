"""What an LMS does for SCORM 2004 when a communication session begins and ends.

Run-Time Environment 4.2: `cmi.entry` and `exit` (4.2.7, 4.2.8), `completion_status` and
`success_status` as threshold and measure decide them (4.2.4.1, 4.2.22.1), `credit` and
`mode`, `total_time`, `objectives` (4.2.17.1), the stores of `adl.data` (4.3). An attempt
that ends and is not suspended is over: the next session begins another, with a model of
its own. A session without Terminate counts as suspended.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256

from packages.manifest import Unit
from player import sharing
from player.cmi import Elements, Model, can_hold, get_value, initial_values
from player.outcomes import (
    MODES,
    Around,
    Completion,
    Interaction,
    Mode,
    Outcome,
    Success,
    decimal_of,
    texts_under,
)
from statements.scalars import format_duration, parse_duration

COMPLETION = "cmi.completion_status"
REQUEST = "adl.nav.request"

_COMPLETIONS: Mapping[str, Completion] = {
    "completed": "completed",
    "incomplete": "incomplete",
    "not attempted": "incomplete",
}
_VERDICTS: Mapping[str, Success] = {"passed": "passed", "failed": "failed"}
_ABANDONING = frozenset({"abandon", "abandonAll"})
_COMMENT = ("cmi.comments_from_learner.", ".comment")


def first_values(elements: Elements, unit: Unit, *, threshold: Decimal | None) -> Model:
    """The model of a new attempt; facts that are not of their type are left out.

    A policy's threshold (scaled) replaces the manifest's passing score.
    """
    passing = unit.scaled_passing_score if threshold is None else threshold
    completion = unit.completion_threshold
    facts = {
        "cmi.launch_data": unit.data_from_lms,
        "cmi.completion_threshold": "" if completion is None else f"{completion:f}",
        "cmi.scaled_passing_score": "" if passing is None else f"{passing:f}",
        "cmi.max_time_allowed": unit.max_time,
        "cmi.time_limit_action": unit.time_limit_action,
    }
    return initial_values(elements) | {
        name: value
        for name, value in facts.items()
        if value and can_hold(elements, name, value)
    }


def begin(
    elements: Elements,
    values: Mapping[str, str],
    *,
    mode: Mode,
    started: bool,
    suspended: bool,
    around: Around,
) -> Model:
    """The model at Initialize, with what other units have left for this one."""
    credit, name = MODES[mode]
    entry = ("resume" if suspended else "") if started else "ab-initio"
    own = {
        row: value for row, value in values.items() if not row.startswith("adl.data.")
    }
    each = {
        row: element.initial
        for row, element in elements.elements.items()
        if element.each_launch and element.initial is not None
    }
    for row, element in elements.elements.items():
        if element.each_launch:
            own.pop(row, None)
    begun = {**own, **each, "cmi.credit": credit, "cmi.mode": name, "cmi.entry": entry}
    begun |= sharing.objectives(elements, own, around)
    return begun | sharing.stores(elements, around)


def view_asset(values: Mapping[str, str]) -> Model:
    """The model of an asset once it is shown: it cannot say more, it is complete."""
    if values.get("cmi.mode") != "normal":
        return dict(values)
    return {**values, COMPLETION: "completed"}


def finish(
    values: Mapping[str, str], *, terminated: bool, seconds: Decimal, around: Around
) -> Model:
    """The model after a session; `seconds` of it are added to `total_time`.

    A unit that ends, is not suspended and has said nothing of completion is complete,
    unless its activity leaves that to the content (SN UP.4, `completionSetByContent`) or
    a threshold decides it.
    """
    total = parse_duration(values.get("cmi.total_time", "PT0S")) + seconds
    done = {**values, "cmi.total_time": format_duration(total)}
    if (
        terminated
        and not is_suspended(values)
        and values.get(REQUEST) not in _ABANDONING
        and values.get("cmi.mode") == "normal"
        and values.get(COMPLETION) == "unknown"
        and "cmi.completion_threshold" not in values
        and not around.leaves_completion
    ):
        done[COMPLETION] = "completed"
    return done


def is_resumed(values: Mapping[str, str]) -> bool:
    """Whether the session that begins goes on with an earlier one."""
    return values.get("cmi.entry") == "resume"


def is_suspended(values: Mapping[str, str]) -> bool:
    """Whether the SCO asked to be resumed (4.2.7: by `exit`, or by suspending all)."""
    return values.get("cmi.exit") == "suspend" or values.get(REQUEST) == "suspendAll"


def request(values: Mapping[str, str]) -> str:
    """Where the unit asks to go on: a time-out or logout ends all (4.2.8)."""
    if values.get("cmi.exit") in {"time-out", "logout"}:
        return "exitAll"
    asked = values.get(REQUEST, "")
    return "" if asked == "_none_" else asked


def outcome(elements: Elements, values: Mapping[str, str]) -> Outcome:
    """Completion, success, score and progress, as the content would read them."""
    return _outcome(elements, values, "cmi.")


def objective(elements: Elements, values: Mapping[str, str], place: str) -> Outcome:
    """The same of an objective, by its index."""
    return _outcome(elements, values, f"cmi.objectives.{place}.")


def _outcome(elements: Elements, values: Mapping[str, str], prefix: str) -> Outcome:
    def said(name: str) -> str:
        return get_value(elements, values, prefix + name)[0]

    return Outcome(
        completion=_COMPLETIONS.get(said("completion_status"), "unknown"),
        success=_VERDICTS.get(said("success_status"), "unknown"),
        scaled=decimal_of(said("score.scaled")),
        raw=decimal_of(said("score.raw")),
        minimum=decimal_of(said("score.min")),
        maximum=decimal_of(said("score.max")),
        progress=decimal_of(said("progress_measure")),
    )


def session_seconds(values: Mapping[str, str]) -> Decimal | None:
    """The last `session_time`; None when the SCO has not reported one."""
    text = values.get("cmi.session_time", "")
    return parse_duration(text) if text else None


def learner(elements: Elements, account: str, ifi: str, name: str) -> Model:
    """Id and name as the SCO reads them; the id says nothing of the person."""
    if not can_hold(elements, "cmi.learner_id", account):
        account = sha256(ifi.encode()).hexdigest()[:32]
    return {"cmi.learner_id": account, "cmi.learner_name": name}


def comments(
    values: Mapping[str, str], changed: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """The learner's comments that were made or changed, by index."""
    start, end = _COMMENT
    places = {
        name.removeprefix(start).removesuffix(end)
        for name, _ in changed
        if name.startswith(start) and name.endswith(end)
    }
    found = {
        place: localized(values.get(f"{start}{place}{end}", ""))[0]
        for place in sorted(places, key=int)
    }
    return {place: text for place, text in found.items() if text}


def interaction(values: Mapping[str, str], place: str) -> Interaction | None:
    """The interaction of that index; None before it has an id and an answer.

    What is between delimiters is written in xAPI as it is here (`[,]`, `[.]`, `[:]`).
    """
    row = texts_under(values, f"cmi.interactions.{place}.")
    if not row.get("id") or not {"learner_response", "result"} & set(row):
        return None
    count = int(row.get("correct_responses._count", "0"))
    patterns = (row.get(f"correct_responses.{n}.pattern", "") for n in range(count))
    verdict = row.get("result", "")
    is_verdict = verdict in {"correct", "incorrect", "unanticipated", "neutral", ""}
    description, language = localized(row.get("description", ""))
    return Interaction(
        identifier=row["id"],
        kind=row.get("type", ""),
        response=row.get("learner_response"),
        patterns=tuple(pattern for pattern in patterns if pattern),
        success=None
        if verdict in {"", "neutral"} or not is_verdict
        else verdict == "correct",
        score=None if is_verdict else Decimal(verdict),
        seconds=parse_duration(row["latency"]) if row.get("latency") else None,
        description=description,
        language=language,
    )


def localized(text: str) -> tuple[str, str]:
    """A localized string's text, and its language (`und` where none is said)."""
    if text.startswith("{lang="):
        mark, bracket, rest = text.partition("}")
        if bracket:
            return rest, mark.removeprefix("{lang=") or "und"
    return text, "und"
