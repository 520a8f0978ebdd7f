"""The CMI element tables (`elements/*.json`), compiled.

One table for each standard, read here and by the browser. SCORM 2004 is written as its
4th edition has it, with what older ones lack or have otherwise as data; the table of an
edition, which the browser is given, holds no trace of the others.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from player.cmi_types import Type, types_of

EDITIONS = ("2nd", "3rd", "4th")


@dataclass(frozen=True)
class Decided:
    """When the value read follows from two other elements."""

    threshold: str
    measure: str
    met: str
    unmet: str
    unset: str


@dataclass(frozen=True)
class Element:
    """One row of the table: a keyword, a count, or a value."""

    keyword: str | None
    count_limit: int | None
    type: Type | None
    access: str
    initial: str | None
    default: str | None
    each_launch: bool
    append: bool
    access_in: str | None
    empty_is_unset: bool
    decided: Decided | None
    depends: tuple[str, ...]
    typed_by: str | None
    types: Mapping[str, Type]
    is_fixed: bool
    is_unique: bool


@dataclass(frozen=True)
class Elements:
    """A whole table, compiled; `source` is the JSON the browser is given.

    `filled` are the beginnings of names in arrays that content fills.
    """

    standard: str
    source: dict[str, Any]
    get_codes: Mapping[str, int]
    set_codes: Mapping[str, int]
    forbidden: re.Pattern[str]
    arrays_hold: int
    filled: tuple[str, ...]
    elements: Mapping[str, Element]
    categories: frozenset[str]


def elements_of(standard: str, *, edition: str = "4th") -> Elements:
    """The compiled table of a standard (`scorm_12`, `scorm_2004`).

    SCORM 1.2 has no editions; one that is not known reads as the latest.
    """
    return _compiled(standard, edition if edition in EDITIONS else EDITIONS[-1])


@cache
def _compiled(standard: str, edition: str) -> Elements:
    file = resources.files("player") / "elements" / f"{standard}.json"
    source = json.loads(file.read_text(encoding="utf-8"))
    for part in ("types", "elements"):
        source[part] = dict(_of_edition(source[part], edition))
    types = types_of(source["types"])
    elements = {name: _element(row, types) for name, row in source["elements"].items()}
    return Elements(
        standard=source["standard"],
        source=source,
        get_codes=source["codes"]["get"],
        set_codes=source["codes"]["set"],
        forbidden=re.compile(source["forbidden"]),
        arrays_hold=source["arrays_hold"],
        filled=tuple(
            name.removesuffix("_count")
            for name, row in elements.items()
            if row.count_limit and ".n." not in name
        ),
        elements=elements,
        categories=frozenset(_beginnings(elements)),
    )


def _of_edition(
    rows: Mapping[str, dict[str, Any]], edition: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows that an edition has, as it has them."""
    for name, row in rows.items():
        plain = {word: value for word, value in row.items() if word != "editions"}
        other = row.get("editions", {}).get(edition, {})
        if other is not None:
            yield name, plain | other


def _element(row: Mapping[str, Any], types: Mapping[str, Type]) -> Element:
    by = row.get("needs_type", {"element": None, "types": {}})
    return Element(
        keyword=row.get("keyword"),
        count_limit=row["max"] if row.get("count") else None,
        type=types[row["type"]] if "type" in row else None,
        access=row.get("access", "ro"),
        initial=row.get("initial"),
        default=row.get("default"),
        each_launch=row.get("each_launch", False),
        append=row.get("set") == "append",
        access_in=row.get("access_in"),
        empty_is_unset=row.get("empty_is_unset", False),
        decided=Decided(**row["decided"]) if "decided" in row else None,
        depends=tuple(row.get("depends", ())),
        typed_by=by["element"],
        types={value: types[name] for value, name in by["types"].items()},
        is_fixed=row.get("once", False),
        is_unique=row.get("unique", False),
    )


def _beginnings(names: Mapping[str, Element]) -> set[str]:
    """Every proper beginning of a name that is not an element itself."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return found - set(names)


def initial_values(elements: Elements) -> dict[str, str]:
    """The model of a first launch, before the launch's own facts are put in."""
    return {
        name: element.initial
        for name, element in elements.elements.items()
        if element.initial is not None
    }
