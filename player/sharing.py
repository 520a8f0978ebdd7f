"""What units of SCORM 2004 leave for each other within a registration.

Global objectives, read when an attempt begins and written when a session ends, as the
maps of an activity's objectives say (RTE 4.2.17.1, CAM 5.1.7), and the stores of
`adl.data` (RTE 4.3, 4th Edition). Kept as {"objectives": {id: {member: text}}, "data":
{id: text}}. Pure.
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


def objectives(elements: Elements, around: Around) -> Model:
    """The activity's objectives that have an id, as shared ones are read (4.2.17.1)."""
    values: Model = {}
    count = 0
    known = around.shared.get("objectives", {})
    for objective in around.objectives:
        identifier = objective.get("objectiveID", "")
        prefix = f"cmi.objectives.{count}."
        if not can_hold(elements, f"{prefix}id", identifier):
            continue
        values[f"{prefix}id"] = identifier
        for target, member, element in _mapped(objective, "read", default=True):
            value = known.get(target, {}).get(member)
            if value is not None:
                values[prefix + element] = value
        count += 1
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
                    target: before.get(target, {}) | members
                    for target, members in written.items()
                },
            }
    return shared


def _written(
    elements: Elements, values: Mapping[str, str], around: Around
) -> dict[str, dict[str, str]]:
    """The shared objectives that write maps set, by target."""
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
    return found
