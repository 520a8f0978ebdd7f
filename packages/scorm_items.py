"""The structure of a SCORM manifest: organization and items as units and headings.

Item elements of SCORM 1.2 (CAM 2.3) are read here, those of 2004 in
`packages.scorm_2004` and `packages.sequencing`.
"""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from packages.elements import (
    LONGEST_TITLE,
    Book,
    Element,
    attribute,
    child,
    children,
    line_of,
    raw_text,
    text,
)
from packages.findings import refuse
from packages.lom import read_description, read_metadata
from packages.manifest import Block, Kind, Unit, slugs
from packages.prerequisites import finding_of
from packages.scorm_2004 import (
    completion_threshold,
    read_completion,
    read_data,
    read_hides,
    read_limit_action,
    reported_objectives,
    scaled_passing_score,
)
from packages.scorm_resources import find_start
from packages.sequencing import Sequencings
from packages.sequencing_tables import boolean

MAXIMUM_UNITS = 10_000
MAXIMUM_LEVELS = 32

_TIMESPAN = re.compile(r"\d{1,4}:\d{2}:\d{2}(\.\d{1,2})?")
_LIMIT_ACTIONS = re.compile(r"(exit|continue),\s*(no )?message")
_DECIMAL = re.compile(r"\+?\d{1,9}(\.\d{0,9})?|\.\d{1,9}")


def find_organization(book: Book) -> Element | None:
    """The structure to use: the one marked as default, else the first."""
    organizations = child(book.root, "organizations")
    found = children(organizations, "organization")
    if not found or organizations is None:
        return None
    default = attribute(organizations, "default")
    for organization in found:
        if default and attribute(organization, "identifier") == default:
            if len(found) > 1:
                book.note("several_organizations", organizations, count=len(found))
            return organization
    if default or len(found) > 1:
        book.note("default_organization", organizations, name=default)
    return found[0]


@dataclass
class Structure:
    """What the items amount to, gathered in the order of the menu."""

    book: Book
    resources: dict[str, Element]
    is_2004: bool
    sequencings: Sequencings | None = None
    drafts: list[tuple[Element, Unit]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    _described: dict[str, str] = field(default_factory=dict)

    def read(self, organization: Element | None) -> dict[str, Any] | None:
        """Read everything; the activity tree, where the standard has one."""
        if self.is_2004:
            self.sequencings = Sequencings(self.book)
        items = children(organization, "item")
        nodes = [self._item(item, None, 1) for item in items] or self._loose()
        if not self.drafts and not self.book.has_error:
            self.book.note("no_units", self.book.root)
        if not self.is_2004:
            return None
        return self._root(organization, nodes)

    def units(self) -> tuple[Unit, ...]:
        """The units with their places and slugs; identifiers used twice are noted."""
        seen: set[str] = set()
        for element, unit in self.drafts:
            if unit.identifier in seen:
                self.book.note(
                    "identifier_repeated", element, identifier=unit.identifier
                )
            seen.add(unit.identifier)
        names = slugs(unit.identifier for _, unit in self.drafts)
        return tuple(
            replace(unit, index=index, slug=slug)
            for index, ((_, unit), slug) in enumerate(
                zip(self.drafts, names, strict=True)
            )
        )

    def _item(self, item: Element, block: int | None, level: int) -> dict[str, Any]:
        """The unit or heading of an item, and what lies below; its activity."""
        book = self.book
        if level > MAXIMUM_LEVELS:
            line = line_of(item)
            refuse("items_nested", path=book.path, line=line, limit=MAXIMUM_LEVELS)
        title = text(child(item, "title"), LONGEST_TITLE)
        identifier = attribute(item, "identifier")
        reference = attribute(item, "identifierref")
        items = children(item, "item")
        if not title:
            title = (identifier or reference or "Unit")[:LONGEST_TITLE]
            book.note("title_missing", item, what="An item", title=title)
        if not identifier:
            identifier = reference or f"item-line-{item.sourceline}"
            book.note("identifier_missing", item, identifier=identifier)
        node = self._node(item, identifier, title)
        resource = self._resource(item, reference, title, has_items=bool(items))
        unit = None
        if resource is not None:
            unit = self._unit(item, resource, title, node)
        if unit is not None:
            node["unit"] = self._add(item, replace(unit, identifier=identifier), block)
        if items or unit is None:
            index = len(self.blocks)
            if index >= MAXIMUM_UNITS:
                refuse("too_many_units", path=book.path, limit=MAXIMUM_UNITS)
            description = read_description(item)
            self.blocks.append(Block(index, identifier, title, description, block))
            node["children"] = [self._item(one, index, level + 1) for one in items]
        return node

    def _resource(
        self, item: Element, reference: str, title: str, *, has_items: bool
    ) -> Element | None:
        """What an item launches; None, noted where it should launch something."""
        if not reference:
            if not has_items:
                self.book.note("item_empty", item, title=title)
            return None
        resource = self.resources.get(reference)
        if resource is None:
            self.book.note("resource_missing", item, title=title, resource=reference)
        elif self.is_2004 and has_items:
            # CAM 3.4.1.10: only a leaf of the tree is delivered.
            self.book.note("cluster_with_resource", item, title=title)
            return None
        elif not attribute(resource, "href"):
            self.book.note("resource_without_start", item, title=title)
            return None
        return resource

    def _add(self, element: Element, unit: Unit, block: int | None) -> int:
        if len(self.drafts) >= MAXIMUM_UNITS:
            refuse("too_many_units", path=self.book.path, limit=MAXIMUM_UNITS)
        self.drafts.append((element, replace(unit, block=block)))
        return len(self.drafts) - 1

    def _description(self, resource: Element) -> str:
        """What a resource says of itself, looked up once however many items it has."""
        identifier = attribute(resource, "identifier")
        if identifier not in self._described:
            self._described[identifier] = read_description(resource)
        return self._described[identifier]

    def _loose(self) -> list[dict[str, Any]]:
        """A unit per SCO where there is no structure; else per resource with a page."""
        startable = {
            identifier: resource
            for identifier, resource in self.resources.items()
            if attribute(resource, "href")
        }
        scos = {
            identifier: resource
            for identifier, resource in startable.items()
            if attribute(resource, "scormtype").lower() == "sco"
        }
        nodes = []
        for identifier, resource in (scos or startable).items():
            title = read_metadata(self.book, resource).title
            title = title or identifier[:LONGEST_TITLE]
            node = self._node(resource, identifier, title)
            unit = self._unit(resource, resource, title, node)
            if unit is not None:
                unit = replace(unit, identifier=identifier)
                node["unit"] = self._add(resource, unit, None)
                nodes.append(node)
        if startable:
            self.book.note("no_organization", self.book.root)
        return nodes

    def _node(self, element: Element, identifier: str, title: str) -> dict[str, Any]:
        """The activity of an element, without a unit and without children yet."""
        node: dict[str, Any] = {"identifier": identifier, "title": title, "unit": None}
        node["visible"] = boolean(attribute(element, "isvisible")) is not False
        if self.sequencings is not None:
            node["sequencing"] = self.sequencings.read(element)
            node["completion"] = read_completion(self.book, element)
            node["data"] = read_data(element)
            node["hides"] = list(read_hides(self.book, element))
        return node | {"children": []}

    def _root(
        self, organization: Element | None, nodes: list[dict[str, Any]]
    ) -> dict[str, Any]:
        element = self.book.root if organization is None else organization
        identifier = attribute(element, "identifier")
        title = text(child(organization, "title"), LONGEST_TITLE)
        node = self._node(element, identifier, title)
        for name in ("objectivesGlobalToSystem", "sharedDataGlobalToSystem"):
            said = attribute(element, name)
            # CAM 3.4.1.4: both hold for the whole system unless they say otherwise.
            node[name] = boolean(said) is not False
            if said and boolean(said) is None:
                self.book.note("sequencing_value", element, name=name, said=said)
        return node | {"children": nodes}

    def _unit(
        self, item: Element, resource: Element, title: str, node: dict[str, Any]
    ) -> Unit | None:
        """The unit of an item and its resource; None, noted, when it cannot start."""
        book = self.book
        start = find_start(book, item, resource, title)
        if start is None:
            return None
        launch, parameters = start
        if not node["visible"]:
            book.note("hidden", item, title=title)
        unit = Unit(
            index=0,
            identifier="",
            slug="",
            kind=_kind(book, resource, title),
            title=title,
            launch=launch,
            parameters=parameters,
            data_from_lms=_item_text(item, "datafromlms"),
            visible=node["visible"],
            description=read_description(item) or self._description(resource),
        )
        if self.is_2004:
            return _with_2004(book, item, unit, node)
        return _with_12(book, item, unit)


def _with_12(book: Book, item: Element, unit: Unit) -> Unit:
    """The unit with what items of SCORM 1.2 say."""
    title = unit.title
    prerequisites = text(child(item, "prerequisites"))
    if prerequisites:
        told = finding_of(prerequisites)
        book.note(told, item, title=title, said=prerequisites)
    action = _item_text(item, "timelimitaction").lower()
    return replace(
        unit,
        mastery_score=_mastery_score(book, item, title),
        max_time=_max_time(book, item, title),
        time_limit_action=action if _LIMIT_ACTIONS.fullmatch(action) else "",
        prerequisites=prerequisites,
    )


def _with_2004(book: Book, item: Element, unit: Unit, node: dict[str, Any]) -> Unit:
    """The unit with what items of SCORM 2004 say."""
    sequencing = node["sequencing"]
    limits = sequencing.get("limitConditions", {})
    return replace(
        unit,
        max_time=limits.get("attemptAbsoluteDurationLimit", ""),
        time_limit_action=read_limit_action(book, item, unit.title),
        objectives=reported_objectives(sequencing),
        completion_threshold=completion_threshold(node["completion"]),
        scaled_passing_score=scaled_passing_score(sequencing),
        hides=tuple(node["hides"]),
    )


def _kind(book: Book, resource: Element, title: str) -> Kind:
    said = attribute(resource, "scormtype")
    kind: Kind = "asset" if said.lower() == "asset" else "sco"
    if said.lower() not in {"sco", "asset"}:
        # An asset would be complete by being opened; a SCO has to say so itself.
        book.note("kind_missing", resource, title=title)
    elif said != kind:
        book.note("kind_spelled", resource, title=title, said=said)
    return kind


def _item_text(item: Element, name: str) -> str:
    """The text of a child of the item, its name in any case."""
    found = child(item, name)
    return "" if found is None else raw_text(found).strip()


def _mastery_score(book: Book, item: Element, title: str) -> Decimal | None:
    """`adlcp:masteryscore`, 0 to 100 (CAM 1.2, 2.3.2.5.4)."""
    said = _item_text(item, "masteryscore")
    if not said:
        return None
    if _DECIMAL.fullmatch(said) and Decimal(said) <= 100:
        return Decimal(said)
    book.note("mastery_score", item, title=title, said=said)
    return None


def _max_time(book: Book, item: Element, title: str) -> str:
    """`adlcp:maxtimeallowed` as a timespan of SCORM 1.2, or nothing."""
    said = _item_text(item, "maxtimeallowed")
    if not said or _TIMESPAN.fullmatch(said):
        return said
    book.note("time_limit", item, title=title, said=said)
    return ""
