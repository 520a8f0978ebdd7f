"""What units of SCORM 2004 leave for each other.

Global objectives, read when a session begins and written when it ends, as the maps of
an activity's objectives say (RTE 4.2.17.1, CAM 5.1.7), and the stores of `adl.data`
(RTE 4.3, 4th Edition). Kept as {"objectives": {id: {member: text}}, "data": {id:
text}}. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from player.cmi import Elements, Model, can_hold, get_value
from player.outcomes import Around

# what a map of objectives may bring (CAM 5.1.7): the word after read and write, the
# member of the shared objective, the element under `cmi.objectives.n`
_SHARED = (
    ("SatisfiedStatus", "success_status", "success_status"),
    ("NormalizedMeasure", "scaled", "score.scaled"),
    ("RawScore", "raw", "score.raw"),
    ("MinScore", "min", "score.min"),
    ("MaxScore", "max", "score.max"),
    ("CompletionStatus", "completion_status", "completion_status"),
    ("ProgressMeasure", "progress_measure", "progress_measure"),
)
_IMSSS = frozenset({"SatisfiedStatus", "NormalizedMeasure"})


def objectives(elements: Elements, before: Mapping[str, str], around: Around) -> Model:
    """The activity's objectives that have an id, as shared ones are read (4.2.17.1).

    A new model gets them all; in one that goes on, what is shared replaces its own.
    """
    values: Model = {}
    count = int(before.get("cmi.objectives._count", "0"))
    places = {before.get(f"cmi.objectives.{n}.id"): n for n in range(count)}
    known = around.shared.get("objectives", {})
    for objective in around.objectives:
        identifier = objective.get("objectiveID", "")
        place = places.get(identifier, count)
        prefix = f"cmi.objectives.{place}."
        if not can_hold(elements, f"{prefix}id", identifier):
            continue
        if place == count:
            count += 1
            places[identifier] = place
        values[f"{prefix}id"] = identifier
        for target, member, element in _mapped(objective, "read", default=True):
            value = known.get(target, {}).get(member)
            if value is not None:
                values[prefix + element] = value
    return values | ({"cmi.objectives._count": str(count)} if count else {})


def _mapped(
    objective: Mapping[str, Any], verb: str, *, default: bool
) -> Iterator[tuple[str, str, str]]:
    """Of each map that reads, or writes: target, member shared, element."""
    for word, member, element in _SHARED:
        maps = objective.get("mapInfo" if word in _IMSSS else "dataMapInfo", [])
        for one in maps:
            if one.get(f"{verb}{word}", default):
                yield one["targetObjectiveID"], member, element


def stores(elements: Elements, around: Around) -> Model:
    """`adl.data`: the stores that the activity names, as they are now (4th Edition)."""
    if "adl.data.n.store" not in elements.elements or not around.stores:
        return {}
    known = around.shared.get("data", {})
    values = {"adl.data._count": str(len(around.stores))}
    for place, store in enumerate(around.stores):
        reads = store.get("readSharedData", True)
        writes = store.get("writeSharedData", True)
        access = ("r" if reads else "") + ("w" if writes else "")
        values[f"adl.data.{place}.id"] = store["targetID"]
        values[f"adl.data.{place}.~access"] = {"r": "ro", "w": "wo"}.get(
            access, access or "no"
        )
        if store["targetID"] in known:
            values[f"adl.data.{place}.store"] = known[store["targetID"]]
    return values


def share(
    elements: Elements, values: Mapping[str, str], around: Around, *, ended: bool
) -> dict[str, Any]:
    """What units leave for each other, with what this one says; objectives at its end."""
    kept = dict(around.shared.get("data", {}))
    for place, store in enumerate(around.stores):
        value = values.get(f"adl.data.{place}.store")
        if value is not None and store.get("writeSharedData", True):
            kept[store["targetID"]] = value
    shared = {**around.shared, "data": kept} if kept else dict(around.shared)
    if ended:
        written = _written(elements, values, around)
        if written:
            before = around.shared.get("objectives", {})
            shared["objectives"] = {
                **before,
                **{
                    target: _merged(before.get(target, {}), members)
                    for target, members in written.items()
                },
            }
    return shared


def _merged(before: Mapping[str, str], members: Mapping[str, str]) -> dict[str, str]:
    """A shared objective with what is new; without what is not known any more."""
    return {name: value for name, value in {**before, **members}.items() if value}


def _written(
    elements: Elements, values: Mapping[str, str], around: Around
) -> dict[str, dict[str, str]]:
    """The shared objectives that write maps set, by target; "" is not known any more."""
    count = int(values.get("cmi.objectives._count", "0"))
    places = {values.get(f"cmi.objectives.{n}.id"): n for n in range(count)}
    found: dict[str, dict[str, str]] = {}
    for position, objective in enumerate(around.objectives):
        prefixes = ["cmi."] if around.has_primary and position == 0 else []
        place = places.get(objective.get("objectiveID"))
        if place is not None:
            prefixes.append(f"cmi.objectives.{place}.")
        for target, member, element in _mapped(objective, "write", default=False):
            for prefix in prefixes:
                value, _ = get_value(elements, values, prefix + element)
                if value not in {"", "unknown"}:
                    found.setdefault(target, {})[member] = value
                elif value and prefix != "cmi." and prefix + element in values:
                    found.setdefault(target, {})[member] = ""
    return found
