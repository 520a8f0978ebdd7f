"""What only items of SCORM 2004 say: thresholds, shared data, buttons to hide.

CAM 3.4 of the 4th Edition; the older editions write the completion threshold as the
text of its element.
"""

import re
from decimal import Decimal
from typing import Any

from packages.elements import Book, Element, attribute, child, children, local, text
from packages.sequencing_tables import boolean, decimal, identifier

_FRACTION = decimal(0, 1)
_HIDEABLE = (
    "previous",
    "continue",
    "exit",
    "exitAll",
    "abandon",
    "abandonAll",
    "suspendAll",
)
_LIMIT_ACTIONS = {
    "exit,message",
    "exit,no message",
    "continue,message",
    "continue,no message",
}


def read_completion(book: Book, item: Element) -> dict[str, Any]:
    """`adlcp:completionThreshold` in either form; empty where there is none."""
    element = child(item, "completionThreshold")
    if element is None:
        return {}
    value: dict[str, Any] = {}
    said = text(element)
    written = {
        "minProgressMeasure": attribute(element, "minProgressMeasure"),
        "progressWeight": attribute(element, "progressWeight"),
        "threshold": said,
    }
    for name, measure in written.items():
        if measure:
            read = _FRACTION(measure)
            if read is None:
                book.note("completion_threshold", element, said=measure)
            else:
                value[name] = read
    by_measure = boolean(attribute(element, "completedByMeasure"))
    if by_measure is not None:
        value["completedByMeasure"] = by_measure
    return value


def completion_threshold(completion: dict[str, Any]) -> Decimal | None:
    """The progress at which a unit is complete (RTE 4.2.5); None where none is set."""
    if "threshold" in completion:
        return Decimal(completion["threshold"])
    if completion.get("completedByMeasure"):
        return Decimal(completion.get("minProgressMeasure", "1"))
    return None


def scaled_passing_score(sequencing: dict[str, Any]) -> Decimal | None:
    """What the primary objective asks for (RTE 4.2.18); None where it asks nothing."""
    primary = sequencing.get("objectives", {}).get("primaryObjective", {})
    if not primary.get("satisfiedByMeasure"):
        return None
    return Decimal(primary.get("minNormalizedMeasure", "1"))


def reported_objectives(sequencing: dict[str, Any]) -> tuple[str, ...]:
    """Identifiers of objectives that are the unit's own.

    One that only reads what another activity reports says nothing of this unit.
    """
    objectives = sequencing.get("objectives", {})
    found = [objectives.get("primaryObjective", {}), *objectives.get("objective", [])]
    names = {
        one["objectiveID"]: None
        for one in found
        if "objectiveID" in one and not _only_reads(one)
    }
    return tuple(names)


def _only_reads(objective: dict[str, Any]) -> bool:
    maps = [*objective.get("mapInfo", []), *objective.get("dataMapInfo", [])]
    return bool(maps) and not any(
        value is True and name.startswith("write")
        for one in maps
        for name, value in one.items()
    )


def read_data(item: Element) -> list[dict[str, Any]]:
    """`adlcp:data`: the stores that a unit shares with others (4th Edition)."""
    found = []
    for one in children(child(item, "data"), "map"):
        value: dict[str, Any] = {"targetID": identifier(attribute(one, "targetID"))}
        for name in ("readSharedData", "writeSharedData"):
            said = boolean(attribute(one, name))
            if said is not None:
                value[name] = said
        if value["targetID"]:
            found.append(value)
    return found


def read_hides(book: Book, item: Element) -> tuple[str, ...]:
    """`adlnav:hideLMSUI`: buttons that the player must not show for this unit."""
    known = {name.lower(): name for name in _HIDEABLE}
    found: dict[str, None] = {}
    interface = child(item, "presentation", "navigationInterface")
    for element in children(interface, "hideLMSUI"):
        name = known.get(text(element).lower())
        if name is None:
            book.note("hidden_button", element, said=text(element))
        else:
            found.setdefault(name)
    return tuple(found)


def read_limit_action(book: Book, item: Element, title: str) -> str:
    """`adlcp:timeLimitAction`, spelled as the book does; empty where there is none."""
    element = child(item, "timeLimitAction")
    said = re.sub(r"\s*,\s*", ",", text(element).lower())
    if said and said not in _LIMIT_ACTIONS:
        book.note("time_limit_action", element, title=title, said=said)
        return ""
    return said


def shares_as_fourth_edition(root: Element) -> bool:
    """True for what only the 4th Edition has, where no edition is written."""
    own = {"exitall", "abandonall", "suspendall"}
    for element in root.iter():
        name, space = local(element).lower(), str(element.tag)
        if name == "map" and "adlcp_v1p3" in space:
            return True
        if name == "objectives" and "adlseq_v1p3" in space:
            return True
        if name == "hidelmsui" and text(element).lower() in own:
            return True
        if name == "completionthreshold" and any(
            attribute(element, one)
            for one in ("completedByMeasure", "minProgressMeasure", "progressWeight")
        ):
            return True
        if attribute(element, "sharedDataGlobalToSystem"):
            return True
    return False
