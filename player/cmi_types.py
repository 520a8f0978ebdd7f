"""The types of the element tables: what a value must look like.

Read from the `types` of a table; the `reading` list of the tables says what each word
means. SCORM 1.2 RTE 3.4.1, SCORM 2004 RTE 4.1.1 (types, delimiters, localized
strings) and 4.2.9 (responses of interactions). The browser reads the same words.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Problem = Literal["type", "range"]

_MARK = re.compile(r"\{([a-z_]+)=([^{}]*)\}")


@dataclass(frozen=True)
class List:
    """Items with a delimiter between them."""

    delimiter: str
    item: "Type"
    may_be_empty: bool
    is_distinct: bool


@dataclass(frozen=True)
class Pair:
    """Two parts with a delimiter between them."""

    delimiter: str
    sides: tuple["Type", ...]
    needs_some: bool
    is_ordered: bool


@dataclass(frozen=True)
class Type:
    """What values a type holds; all parts may be missing."""

    accepted: int | None
    vocabulary: frozenset[str]
    pattern: re.Pattern[str] | None
    minimum: float
    maximum: float
    primary: frozenset[str]
    same_as: "Type | None"
    marks: Mapping[str, "Type"]
    list: "List | None"
    pair: "Pair | None"
    most: int | None
    is_unique: bool


def types_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Type]:
    """Every type of a table, those that it names of others resolved."""
    made: dict[str, Type] = {}

    def make(name: str) -> Type:
        if name not in made:
            made[name] = build(rows[name])
        return made[name]

    def list_of(row: Mapping[str, Any]) -> List:
        return List(
            delimiter=row["split"],
            item=make(row["item"]),
            may_be_empty=row.get("empty", False),
            is_distinct=row.get("distinct", False),
        )

    def pair_of(row: Mapping[str, Any]) -> Pair:
        return Pair(
            delimiter=row["halves"],
            sides=tuple(make(name) for name in row["sides"]),
            needs_some=row.get("some", False),
            is_ordered=row.get("ordered", False),
        )

    def build(row: Mapping[str, Any]) -> Type:
        return Type(
            accepted=row.get("accepted"),
            vocabulary=frozenset(row.get("vocabulary", ())),
            pattern=re.compile(row["pattern"]) if "pattern" in row else None,
            minimum=float(row.get("min", "-inf")),
            maximum=float(row.get("max", "inf")),
            primary=frozenset(row.get("primary", "").split()),
            same_as=make(row["as"]) if "as" in row else None,
            marks={name: make(type_) for name, type_ in row.get("marks", {}).items()},
            list=list_of(row) if "split" in row else None,
            pair=pair_of(row) if "halves" in row else None,
            most=row.get("most"),
            is_unique=row.get("unique", False),
        )

    return {name: make(name) for name in rows}


def has_type(type_: Type, value: str) -> bool:
    """Whether the value is of the type."""
    return problem_of(type_, value) is None


def problem_of(type_: Type, value: str) -> Problem | None:
    """Why the value is not of the type: its form, or its range; None when it is."""
    if type_.accepted is not None and len(value) > type_.accepted:
        return "type"
    if value in type_.vocabulary:
        return None
    if type_.same_as is not None:
        return problem_of(type_.same_as, value)
    rest = _without_marks(type_, value)
    if rest is None:
        return "type"
    if type_.list is not None:
        return None if _is_list(type_.list, rest) else "type"
    if type_.pair is not None:
        return None if _is_pair(type_.pair, rest) else "type"
    if type_.pattern is None:
        return "type" if type_.vocabulary else None
    if type_.pattern.fullmatch(rest) is None:
        return "type"
    if type_.primary and rest.split("-")[0].lower() not in type_.primary:
        return "type"
    if math.isinf(type_.minimum) and math.isinf(type_.maximum):
        return None
    # as the browser compares, so that both decide alike on the last digit
    return None if type_.minimum <= float(rest) <= type_.maximum else "range"


def sameness(type_: Type, value: str) -> object:
    """What two values have in common that are one and the same to the type."""
    if type_.list is not None and type_.list.is_distinct:
        return frozenset(value.split(type_.list.delimiter))
    return value


def _without_marks(type_: Type, value: str) -> str | None:
    """The text after its marks; None when a mark has a wrong value."""
    left = dict(type_.marks)
    while left and (found := _MARK.match(value)):
        mark = left.pop(found[1], None)
        if mark is None:
            break
        if problem_of(mark, found[2]):
            return None
        value = value[found.end() :]
    return value


def _is_list(form: List, value: str) -> bool:
    if not value and form.may_be_empty:
        return True
    items = value.split(form.delimiter)
    if form.is_distinct and len(set(items)) < len(items):
        return False
    return all(problem_of(form.item, item) is None for item in items)


def _is_pair(form: Pair, value: str) -> bool:
    parts = value.split(form.delimiter)
    if len(parts) != len(form.sides) or (form.needs_some and not any(parts)):
        return False
    if any(
        problem_of(side, part) for side, part in zip(form.sides, parts, strict=True)
    ):
        return False
    return not form.is_ordered or not all(parts) or float(parts[0]) <= float(parts[1])
