"""The interpreter of the CMI element tables (`elements/*.json`).

SCORM 1.2 Run-Time Environment 3.3.1 (calls and error codes) and 3.4 (data model). The
browser's API reads the same tables and follows the same order of checks, written in
the `reading` list of each table, so what it answered "true" to is accepted here again.

The model is a flat map of full element name to text. Counts are kept in it under
their own names. Nothing here changes a model in place.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

Model = dict[str, str]

_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Type:
    """What values a type holds; all parts may be missing."""

    accepted: int | None
    vocabulary: frozenset[str]
    pattern: re.Pattern[str] | None
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Element:
    """One row of the table: a keyword, a count, or a value."""

    keyword: str | None
    count_limit: int | None
    type: Type | None
    access: str
    initial: str | None
    each_launch: bool
    append: bool


@dataclass(frozen=True)
class Elements:
    """A whole table, compiled; `source` is the JSON the browser is given."""

    standard: str
    source: dict[str, Any]
    codes: Mapping[str, int]
    forbidden: re.Pattern[str]
    elements: Mapping[str, Element]
    categories: frozenset[str]


@dataclass(frozen=True)
class Refusal:
    """A change that the table does not allow: its place, its name, the error code."""

    place: int
    name: str
    code: int


@cache
def elements_of(standard: str) -> Elements:
    """The compiled table of a standard (`scorm_12`)."""
    file = resources.files("player") / "elements" / f"{standard}.json"
    source = json.loads(file.read_text(encoding="utf-8"))
    types = {name: _type(row) for name, row in source["types"].items()}
    elements = {
        name: Element(
            keyword=row.get("keyword"),
            count_limit=row["max"] if row.get("count") else None,
            type=types[row["type"]] if "type" in row else None,
            access=row.get("access", "ro"),
            initial=row.get("initial"),
            each_launch=row.get("each_launch", False),
            append=row.get("set") == "append",
        )
        for name, row in source["elements"].items()
    }
    return Elements(
        standard=source["standard"],
        source=source,
        codes=source["codes"],
        forbidden=re.compile(source["forbidden"]),
        elements=elements,
        categories=frozenset(_beginnings(elements)),
    )


def _type(row: Mapping[str, Any]) -> Type:
    return Type(
        accepted=row.get("accepted"),
        vocabulary=frozenset(row.get("vocabulary", ())),
        pattern=re.compile(row["pattern"]) if "pattern" in row else None,
        minimum=float(row.get("min", "-inf")),
        maximum=float(row.get("max", "inf")),
    )


def _beginnings(names: Mapping[str, Element]) -> set[str]:
    """Every proper beginning of a name that is not an element itself."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return found - set(names)


def initial_values(elements: Elements) -> Model:
    """The model of a first launch, before the launch's own facts are put in."""
    return {
        name: element.initial
        for name, element in elements.elements.items()
        if element.initial is not None
    }


def get_value(
    elements: Elements, model: Mapping[str, str], name: str
) -> tuple[str, int]:
    """The value as content reads it and the error code; the value is "" on errors."""
    form, element, code = _find(elements, name)
    if element is None:
        return "", code
    if element.keyword is None and element.access == "wo":
        return "", elements.codes["write_only"]
    if any(index >= count for index, count, _ in _counts(model, name, form)):
        return "", elements.codes["index"]
    if element.keyword is not None:
        return element.keyword, 0
    if element.count_limit is not None:
        return model.get(name, "0"), 0
    return model.get(name, ""), 0


def set_value(
    elements: Elements, model: Mapping[str, str], name: str, value: str
) -> tuple[Model, int]:
    """What SetValue changes in the model (empty when refused) and the error code."""
    codes = elements.codes
    form, element, code = _find(elements, name)
    if element is None:
        return {}, code
    if element.type is None:
        return {}, codes["keyword"]
    if element.access == "ro":
        return {}, codes["read_only"]
    grown: Model = {}
    for index, count, counter in _counts(model, name, form):
        if index > count:
            return {}, codes["index"]
        if index == count:
            limit = elements.elements[_form(counter)].count_limit
            if limit is not None and count >= limit:
                return {}, codes["full"]
            grown[counter] = str(count + 1)
    if element.append:
        value = model.get(name, "") + value
    if elements.forbidden.search(value) or not has_type(element.type, value):
        return {}, codes["type"]
    return {**grown, name: value}, 0


def apply_changes(
    elements: Elements,
    model: Mapping[str, str],
    changes: Sequence[tuple[str, str]],
) -> tuple[Model, list[Refusal]]:
    """The model after the changes, in order, and those that were refused."""
    after = dict(model)
    refused = []
    for place, (name, value) in enumerate(changes):
        update, code = set_value(elements, after, name, value)
        if code:
            refused.append(Refusal(place=place, name=name, code=code))
        after.update(update)
    return after, refused


def can_hold(elements: Elements, name: str, value: str) -> bool:
    """Whether the element of that name may hold the value, whoever sets it."""
    type_ = elements.elements[_form(name)].type
    return (
        type_ is not None
        and elements.forbidden.search(value) is None
        and has_type(type_, value)
    )


def has_type(type_: Type, value: str) -> bool:
    """Whether the value is of the type: length, vocabulary, pattern, range."""
    if type_.accepted is not None and len(value) > type_.accepted:
        return False
    if value in type_.vocabulary:
        return True
    if type_.pattern is None:
        return not type_.vocabulary
    if type_.pattern.fullmatch(value) is None:
        return False
    if math.isinf(type_.minimum) and math.isinf(type_.maximum):
        return True
    # as the browser compares, so that both decide alike on the last digit
    return type_.minimum <= float(value) <= type_.maximum


def _find(elements: Elements, name: str) -> tuple[str, Element | None, int]:
    """The table's form of a name, its row, and the error code when it has none."""
    codes = elements.codes
    parts = name.split(".")
    if any(
        part in {"", "n"} or (_DIGITS.fullmatch(part) and not _INDEX.fullmatch(part))
        for part in parts
    ):
        return "", None, codes["malformed"]
    form = _form(name)
    element = elements.elements.get(form)
    if element is not None:
        return form, element, 0
    if form in elements.categories:
        return form, None, codes["category"]
    parent, _, last = form.rpartition(".")
    kin = {"_children": "no_children", "_count": "not_array"}.get(last)
    if kin and (parent in elements.elements or parent in elements.categories):
        return form, None, codes[kin]
    return form, None, codes["unknown"]


def _form(name: str) -> str:
    return ".".join(
        "n" if _DIGITS.fullmatch(part) else part for part in name.split(".")
    )


def _counts(
    model: Mapping[str, str], name: str, form: str
) -> list[tuple[int, int, str]]:
    """Of each index in a name: the index, its array's count, the count's name."""
    if ".n" not in form:
        return []
    parts = name.split(".")
    found = []
    for place, part in enumerate(parts):
        if _DIGITS.fullmatch(part):
            counter = ".".join(parts[:place]) + "._count"
            found.append((int(part), int(model.get(counter, "0")), counter))
    return found
