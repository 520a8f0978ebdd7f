"""The calls that content makes of its run-time API, as the player page tells them.

A row is `[ms, function, arguments, result, error, times]`: `ms` by the clock that the
entry has as `mono`, a row without a function for so many calls that were left out.
They are for people who look for a mistake and decide nothing, so what has not this
shape is dropped rather than refused: a learner's work never waits for its log.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from player import cmi
from player.cmi import Elements, Model
from player.tables import Entry

MOST_ROWS = 1001
MOST_ARGUMENTS = 4
LONGEST = 1000
LARGEST = 2**53
# the learner's name is for the content's eyes and is kept nowhere
NAMES = frozenset({"cmi.core.student_name", "cmi.learner_name"})
NOT_KEPT = "(not kept)"
# what the server says between the calls
MARKS = {"initialize": "(session begins)", "terminate": "(session ends)"}

_CUT = re.compile(r"(.*)… \([0-9]{1,9}\)", re.DOTALL)
_GETS = frozenset({"LMSGetValue", "GetValue"})
_SETS = frozenset({"LMSSetValue", "SetValue"})
# what only the page knew when it answered
_UNKNOWN_HERE = re.compile(
    r"adl\.nav\..*|cmi\.(core\.student|learner)_(name|id)|adl\.data\..*"
)

Row = list[Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One line of the log.

    `seq` is the entry it came with, `place` its place in it. A `function` that is empty
    stands for `times` calls that were left out. `element` is what it is about, "" for
    functions without one. `error` is the code that content was told.
    """

    seq: int
    place: int
    at: datetime
    function: str
    arguments: tuple[str, ...]
    result: str
    error: int
    times: int

    @property
    def element(self) -> str:
        """The element that is read or written."""
        is_access = self.function in _GETS | _SETS
        return self.arguments[0] if is_access and self.arguments else ""

    @property
    def value(self) -> str:
        """What was written; empty for all other calls."""
        written = self.function in _SETS and len(self.arguments) > 1
        return self.arguments[1] if written else ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A call and the model after it.

    `changed` are the values that it changed, None where it made one vanish. `expected`
    is what the server's model answers to the same call, where it can tell; `differs`
    says that content was told something else.
    """

    call: Call
    changed: Mapping[str, str | None]
    expected: tuple[str, int] | None = None
    differs: bool = False


def read_calls(value: object) -> list[Row] | None:
    """The rows to keep of what a page sent with an entry; None where there are none."""
    if not isinstance(value, list):
        return None
    rows = [row for one in value[:MOST_ROWS] if (row := _row(one)) is not None]
    return rows or None


def _row(one: object) -> Row | None:
    if not isinstance(one, list) or len(one) != 6:
        return None
    at, function, arguments, result, error, times = one
    if not (
        isinstance(function, str)
        and isinstance(arguments, list)
        and all(isinstance(text, str) for text in [result, *arguments])
        and all(_is_whole(number) for number in (at, error, times))
    ):
        return None
    named = [_text(text) for text in arguments[:MOST_ARGUMENTS]]
    if named and named[0] in NAMES and result:
        result = NOT_KEPT
    return [at, _text(function)[:40], named, _text(result), error, times]


def _is_whole(number: object) -> bool:
    return (
        isinstance(number, int)
        and not isinstance(number, bool)
        and 0 <= number <= LARGEST
    )


def _text(text: str) -> str:
    """The text, short enough, without what PostgreSQL cannot keep."""
    # a cut text has its length behind it
    short = text if len(text) <= LONGEST + 20 else f"{text[:LONGEST]}…"
    safe = short.replace("\x00", "\ufffd")
    return safe.encode("utf-8", "replace").decode()


def calls_of(entry: Entry) -> Iterator[Call]:
    """The calls of an entry, with the instants by the server's clock."""
    for place, row in enumerate(entry.calls or ()):
        ms, function, arguments, result, error, times = row
        ago = min(max(entry.mono - ms, 0), 86_400_000)
        yield Call(
            seq=entry.seq,
            place=place,
            at=entry.event_at - timedelta(milliseconds=ago),
            function=function,
            arguments=tuple(arguments),
            result=result,
            error=error,
            times=times,
        )


def implied(entry: Entry) -> Iterator[Call]:
    """What an entry without calls amounts to: its changes, and those refused."""
    if entry.calls:
        return
    rows = [(name, value, 0) for name, value in entry.changes]
    rows += [(one["name"], "", one["code"]) for one in entry.findings]
    for place, (name, value, code) in enumerate(rows):
        yield Call(
            seq=entry.seq,
            place=place,
            at=entry.event_at,
            function="SetValue",
            arguments=(name, value),
            result="false" if code else "true",
            error=code,
            times=1,
        )


def _mark(entry: Entry) -> Iterator[Call]:
    """That a session begins or ends, as the server took it."""
    if entry.kind in MARKS:
        yield Call(
            seq=entry.seq,
            place=-1,
            at=entry.event_at,
            function=MARKS[entry.kind],
            arguments=(),
            result="",
            error=0,
            times=1,
        )


def log_of(entries: Iterable[Entry]) -> Iterator[Call]:
    """All calls of a launch, in order, and where its sessions begin and end.

    Of an entry without calls, what it changed.
    """
    for entry in entries:
        if entry.kind == "initialize":
            yield from _mark(entry)
        yield from calls_of(entry)
        yield from implied(entry)
        if entry.kind == "terminate":
            yield from _mark(entry)


def replay(table: Elements, entries: Iterable[Entry]) -> Iterator[Step]:
    """Every call made again on the server's model, with what is different.

    Each session begins with the values that its first entry has kept.
    """
    model: Model = {}
    for entry in entries:
        if entry.opening is not None:
            opened = _difference(model, entry.opening)
            model = dict(entry.opening)
        else:
            opened = {}
        whole = {name: value for name, value in entry.changes}  # noqa: C416 - pairs
        for call in log_of([entry]):
            step = _again(table, model, call, whole)
            advance(model, step)
            if opened:
                step = replace(step, changed={**opened, **step.changed})
                opened = {}
            yield step


def _again(table: Elements, model: Model, call: Call, whole: Mapping[str, str]) -> Step:
    name = call.element
    if not name:
        return Step(call=call, changed={})
    if name.startswith("adl.data.") and "adl.data._count" not in model:
        return Step(call=call, changed={})
    if call.function in _GETS:
        value, code = cmi.get_value(table, model, name)
        told = (call.result, call.error)
        unknown = bool(_UNKNOWN_HERE.fullmatch(name)) or _CUT.fullmatch(call.result)
        expected = None if unknown else (value, code)
        differs = expected not in {None, told}
        return Step(call=call, changed={}, expected=expected, differs=differs)
    value = _whole(call.value, whole.get(name, ""))
    update, code = cmi.set_value(table, model, name, value)
    expected = ("false" if code else "true", code)
    differs = bool(code) != bool(call.error)
    # a model may be large: only what is set is looked at
    changed = {key: text for key, text in update.items() if model.get(key) != text}
    return Step(call=call, changed=changed, expected=expected, differs=differs)


def _whole(text: str, known: str) -> str:
    """The value that was written, where the log has only its beginning."""
    cut = _CUT.fullmatch(text)
    if cut is None or len(cut[1]) < LONGEST or not known.startswith(cut[1]):
        return text
    return known


def advance(model: Model, step: Step) -> None:
    """Take a step in a model that has taken all before it."""
    for name, value in step.changed.items():
        if value is None:
            model.pop(name, None)
        else:
            model[name] = value


def _difference(before: Model, after: Model) -> dict[str, str | None]:
    changed: dict[str, str | None] = {
        name: value for name, value in after.items() if before.get(name) != value
    }
    return changed | {name: None for name in before if name not in after}
