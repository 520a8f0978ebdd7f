"""The interpreter of the CMI element tables (`elements/*.json`).

SCORM 1.2 Run-Time Environment 3.3.1 (calls and error codes) and 3.4 (data model);
SCORM 2004 Run-Time Environment 3.1.7 and 4. The browser's API reads the same tables
and follows the same order of checks, written in the `reading` list of each table, so
what it answered "true" to is accepted here again.

The model is a flat map of full element name to text. Counts are kept in it under
their own names, and so is what the table's `access_in` names, which content cannot
see. Nothing here changes a model in place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from player.cmi_table import EDITIONS, Element, Elements, elements_of, initial_values
from player.cmi_types import Type, problem_of, sameness

__all__ = [
    "EDITIONS",
    "Element",
    "Elements",
    "Model",
    "Refusal",
    "apply_changes",
    "can_hold",
    "elements_of",
    "get_value",
    "initial_values",
    "set_value",
]

Model = dict[str, str]

_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_DIGITS = re.compile(r"[0-9]+")
_TARGET = re.compile(r"(.+)\.\{target=[^{}]*\}", re.DOTALL)
_KIN = {
    "_children": "no_children",
    "_count": "not_array",
    "_version": "no_version",
}


@dataclass(frozen=True)
class Refusal:
    """A change that the table does not allow: its place, its name, the error code."""

    place: int
    name: str
    code: int


def get_value(
    elements: Elements, model: Mapping[str, str], name: str
) -> tuple[str, int]:
    """The value as content reads it and the error code; the value is "" on errors."""
    codes = elements.get_codes
    form, element, reason = _find(elements, name)
    if element is None:
        return "", codes[reason]
    if element.keyword is None and element.access == "wo":
        return "", codes["write_only"]
    counts = _counts(model, name, form)
    if counts is None or any(index >= count for index, count, _ in counts):
        return "", codes["index"]
    if _granted(element, model, name) in {"wo", "no"}:
        return "", codes["write_only"]
    if element.keyword is not None:
        return element.keyword, 0
    if element.count_limit is not None:
        return model.get(name, "0"), 0
    value = _decided(element, model) or model.get(name, element.default)
    if value is None or (element.empty_is_unset and not value):
        return "", codes.get("no_value", 0)
    return value, 0


def _decided(element: Element, model: Mapping[str, str]) -> str | None:
    """What follows from threshold and measure; None where there is no threshold."""
    rule = element.decided
    if rule is None or not model.get(rule.threshold):
        return None
    measure = model.get(rule.measure)
    if not measure:
        return rule.unset
    return rule.met if float(measure) >= float(model[rule.threshold]) else rule.unmet


def set_value(
    elements: Elements, model: Mapping[str, str], name: str, value: str
) -> tuple[Model, int]:
    """What SetValue changes in the model (empty when refused) and the error code."""
    codes = elements.set_codes
    form, element, reason = _find(elements, name)
    if element is None:
        return {}, codes[reason]
    if element.type is None:
        return {}, codes["keyword"]
    if element.access == "ro":
        return {}, codes["read_only"]
    counts = _counts(model, name, form)
    if counts is None:
        return {}, codes["index"]
    grown: Model = {}
    for index, count, counter in counts:
        if index > count:
            return {}, codes["index"]
        if index == count:
            limit = elements.elements[_form(counter)].count_limit
            if limit is not None and count >= limit:
                return {}, codes["full"]
            grown[counter] = str(count + 1)
    if element.append:
        value = model.get(name, "") + value
    if reason := _why_not(elements, model, element, name, value, counts):
        return {}, codes[reason]
    return {**grown, name: value}, 0


def _why_not(
    elements: Elements,
    model: Mapping[str, str],
    element: Element,
    name: str,
    value: str,
    counts: Sequence[tuple[int, int, str]],
) -> str:
    """The reason why an element of an array that is there cannot hold the value."""
    if _granted(element, model, name) in {"ro", "no"}:
        return "read_only"
    if any(_filled(other, counts) not in model for other in element.depends):
        return "depends"
    type_ = element.type
    if element.typed_by is not None:
        type_ = element.types.get(model.get(_filled(element.typed_by, counts), ""))
    if type_ is None:
        return "depends"
    if type_.most is not None and counts[-1][0] >= type_.most:
        return "full"
    if elements.forbidden.search(value):
        return "type"
    if problem := problem_of(type_, value):
        return problem
    if element.is_fixed and model.get(name, value) != value:
        return "once"
    is_unique = element.is_unique or type_.is_unique
    return (
        "unique" if is_unique and _is_twice(model, type_, name, value, counts) else ""
    )


def _is_twice(
    model: Mapping[str, str],
    type_: Type,
    name: str,
    value: str,
    counts: Sequence[tuple[int, int, str]],
) -> bool:
    """Whether another entry of the same array holds the same."""
    index, count, counter = counts[-1]
    array = counter.removesuffix("_count")
    tail = name[len(f"{array}{index}") :]
    same = None
    for other in range(count):
        held = model.get(f"{array}{other}{tail}")
        # the same items in another order are as long; splitting all would be slow
        if other == index or held is None or len(held) != len(value):
            continue
        same = sameness(type_, value) if same is None else same
        if sameness(type_, held) == same:
            return True
    return False


def apply_changes(
    elements: Elements,
    model: Mapping[str, str],
    changes: Sequence[tuple[str, str]],
) -> tuple[Model, list[Refusal]]:
    """The model after the changes, in order, and those that were refused.

    Here alone, since it takes the whole model, arrays are kept from growing for ever.
    """
    after = dict(model)
    refused = []
    held = _held(elements, after)
    for place, (name, value) in enumerate(changes):
        update, code = set_value(elements, after, name, value)
        if update and name.startswith(elements.filled):
            old = after.get(name)
            more = len(value) - (-len(name) if old is None else len(old))
            if more > 0 and held + more > elements.arrays_hold:
                update, code = {}, elements.set_codes["full"]
            else:
                held += more
        if code:
            refused.append(Refusal(place=place, name=name, code=code))
        after.update(update)
    return after, refused


def _held(elements: Elements, model: Mapping[str, str]) -> int:
    """How many characters the entries of the arrays have that content fills."""
    return sum(
        len(name) + len(value)
        for name, value in model.items()
        if name.startswith(elements.filled) and not name.endswith("._count")
    )


def can_hold(elements: Elements, name: str, value: str) -> bool:
    """Whether the element of that name may hold the value, whoever sets it."""
    type_ = elements.elements[_form(name)].type
    return (
        type_ is not None
        and elements.forbidden.search(value) is None
        and problem_of(type_, value) is None
    )


def _find(elements: Elements, name: str) -> tuple[str, Element | None, str]:
    """The table's form of a name, its row, and why it has none."""
    form = _form(name)
    if not name:
        return form, None, "empty"
    if not {"", "n"}.isdisjoint(name.partition(".{target=")[0].split(".")):
        return form, None, "malformed"
    element = elements.elements.get(form)
    if element is not None:
        return form, element, ""
    if form in elements.categories:
        return form, None, "category"
    parent, _, last = form.rpartition(".")
    if last in _KIN and (parent in elements.elements or parent in elements.categories):
        return form, None, _KIN[last]
    return form, None, "unknown"


def _form(name: str) -> str:
    if name.endswith("}") and (found := _TARGET.fullmatch(name)):
        return f"{found[1]}.{{target}}"
    return ".".join(
        "n" if _DIGITS.fullmatch(part) else part for part in name.split(".")
    )


def _counts(
    model: Mapping[str, str], name: str, form: str
) -> list[tuple[int, int, str]] | None:
    """Of each index in a name: the index, its array's count, the count's name.

    None when an index is not written as one.
    """
    if ".n" not in form or form.endswith("}"):
        return []
    parts = name.split(".")
    found = []
    for place, part in enumerate(parts):
        if _DIGITS.fullmatch(part):
            if not _INDEX.fullmatch(part):
                return None
            counter = ".".join(parts[:place]) + "._count"
            found.append((int(part), int(model.get(counter, "0")), counter))
    return found


def _filled(form: str, counts: Sequence[tuple[int, int, str]]) -> str:
    """The form with the indexes of a name in place of the first n."""
    for index, _, _ in counts[: form.count(".n.")]:
        form = form.replace(".n.", f".{index}.", 1)
    return form


def _granted(element: Element, model: Mapping[str, str], name: str) -> str | None:
    """The access that the array entry of an element has by itself."""
    if element.access_in is None:
        return None
    return model.get(f"{name.rpartition('.')[0]}.{element.access_in}")
