"""Whether a course structure of cmi5 is built as its schema demands (section 14.0).

The schema stands in `cmi5.toml` as rows, each with the section that it comes from, so
that every refusal can name its rule, its line, and what was expected.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from packages.elements import Element
from statements.scalars import is_iri

# Remembers a finding: its code, the element, and the words for the message.
Note = Callable[..., None]

_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# xs:decimal and xs:language (XML Schema part 2, 3.2.3 and 3.3.3).
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_LANGUAGE_LENGTH = 200


@cache
def rows() -> dict[str, dict[str, Any]]:
    """Kind of element -> its row."""
    text = resources.files("packages").joinpath("cmi5.toml").read_text("utf-8")
    return tomllib.loads(text)


def name_of(element: Element) -> tuple[str, str]:
    """Namespace and local name."""
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace[1:], name


def share(said: str) -> Decimal | None:
    """A decimal from 0 to 1 as the schema writes it; None for anything else."""
    if _DECIMAL.fullmatch(said) is None:
        return None
    value = Decimal(said)
    return value if 0 <= value <= 1 else None


@dataclass(frozen=True)
class Structure:
    """The check of one document whose own elements are in `namespace`.

    `extensions` are the elements of other namespaces that it found (13.1.5).
    """

    namespace: str
    note: Note
    extensions: list[Element] = field(default_factory=list)

    def check(self, element: Element, kind: str = "courseStructure") -> None:
        """Note everything within `element` that the schema does not allow."""
        row = rows()[kind]
        if row.get("open"):
            return
        self._check_attributes(element, row)
        if row.get("text"):
            for child in element:
                self._unexpected(element, child, row)
            return
        texts = [element.text, *(child.tail for child in element)]
        if any(text and text.strip() for text in texts):
            self._note("cmi5_text", element, row, element_name=name_of(element)[1])
        self._check_children(element, row)

    def _note(self, code: str, element: Element, row: Any, **words: Any) -> None:
        self.note(code, element, rule=row["rule"], **words)

    def _unexpected(self, element: Element, child: Element, row: Any) -> None:
        inner, outer = name_of(child)[1], name_of(element)[1]
        self._note("cmi5_unexpected", child, row, child=inner, element_name=outer)

    def _check_children(self, element: Element, row: dict[str, Any]) -> None:
        places = row.get("children", [])
        counts = [0] * len(places)
        reached = 0
        extended = False
        for child in element:
            namespace, name = name_of(child)
            if namespace != self.namespace and namespace and row.get("extensible"):
                extended = True
                self.extensions.append(child)
                continue
            place = _place(places, name) if namespace == self.namespace else None
            if place is None:
                self._unexpected(element, child, row)
                continue
            again = counts[place] and not places[place].get("repeated")
            late = place < reached and not row.get("any_order")
            if again or late or extended:
                code = "cmi5_repeated" if again else "cmi5_order"
                outer = name_of(element)[1]
                self._note(code, child, row, child=name, element_name=outer)
            counts[place] += 1
            reached = max(reached, place)
            self.check(child, places[place]["of"][name])
        for place, count in zip(places, counts, strict=True):
            if not count and not place.get("optional"):
                names = " or ".join(f"<{name}>" for name in place["of"])
                outer = name_of(element)[1]
                self._note(
                    "cmi5_missing", element, row, child=names, element_name=outer
                )

    def _check_attributes(self, element: Element, row: dict[str, Any]) -> None:
        known = row.get("attributes", {})
        foreign = row.get("extensible") or row.get("foreign_attributes")
        for key, value in element.attrib.items():
            namespace, _, name = str(key).rpartition("}")
            namespace = namespace[1:]
            if not namespace and name in known:
                self._check_value(element, row, name, str(value).strip())
                continue
            is_own = not namespace or namespace == self.namespace
            if is_own or (not foreign and namespace != _INSTANCE):
                self._attribute("cmi5_attribute", element, row, name)
        for name, rule in known.items():
            if rule.get("required") and element.get(name) is None:
                self._attribute("cmi5_attribute_missing", element, row, name)

    def _attribute(self, code: str, element: Element, row: Any, name: str) -> None:
        outer = name_of(element)[1]
        self._note(code, element, row, name=name, element_name=outer)

    def _check_value(
        self, element: Element, row: dict[str, Any], name: str, said: str
    ) -> None:
        rule = row["attributes"][name]
        expected = _expected(rule, said)
        if expected is None:
            return
        code = "cmi5_iri" if rule["kind"] == "iri" else "cmi5_value"
        words = {"name": name, "said": said, "expected": expected}
        self._note(code, element, row, element_name=name_of(element)[1], **words)


def _place(places: Iterable[dict[str, Any]], name: str) -> int | None:
    for number, place in enumerate(places):
        if name in place["of"]:
            return number
    return None


def _expected(rule: dict[str, Any], said: str) -> str | None:
    """What should stand there instead; None when the value is right."""
    if rule["kind"] == "iri":
        return None if is_iri(said) else "a full IRI"
    if rule["kind"] == "word":
        return None if said in rule["words"] else " or ".join(rule["words"])
    if rule["kind"] == "share":
        return None if share(said) is not None else "a decimal number from 0 to 1"
    if rule["kind"] == "language":
        is_tag = len(said) <= _LANGUAGE_LENGTH and _LANGUAGE.fullmatch(said)
        return None if is_tag else "a language tag such as “en-US”"
    return None
