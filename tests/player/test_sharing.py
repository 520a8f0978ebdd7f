"""Global objectives and stores: what a unit reads, what it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from player import cmi, sharing
from player.outcomes import Around

TABLE = cmi.elements_of("scorm_2004", edition="4th")
NEW = cmi.initial_values(TABLE)


def around(
    *others: dict[str, Any], primary: dict[str, Any] | None = None, **more: Any
) -> Around:
    objectives: dict[str, Any] = {"objective": list(others)}
    if primary is not None:
        objectives["primaryObjective"] = primary
    activity = {
        "sequencing": {"objectives": objectives},
        "data": more.get("data", []),
    }
    return Around(activity=activity, shared=more.get("shared", {}))


def mapped(identifier: str, **words: bool) -> dict[str, Any]:
    """An objective with a map of each vocabulary to G."""
    maps = [{"targetObjectiveID": "G", **words}]
    return {"objectiveID": identifier, "mapInfo": maps, "dataMapInfo": maps}


ALL = {
    "success_status": "passed",
    "scaled": "0.5",
    "raw": "5",
    "min": "0",
    "max": "10",
    "completion_status": "completed",
    "progress_measure": "1",
}


def test_a_new_model_has_the_objectives_that_have_an_id() -> None:
    stand = around({"objectiveID": "O"}, {}, primary={"objectiveID": "P"})
    assert sharing.objectives(TABLE, NEW, stand) == {
        "cmi.objectives.0.id": "P",
        "cmi.objectives.1.id": "O",
        "cmi.objectives._count": "2",
    }
    assert sharing.objectives(TABLE, NEW, Around()) == {}


def test_shared_objectives_are_read_as_maps_say() -> None:
    stand = around(mapped("O"), shared={"objectives": {"G": ALL}})
    read = sharing.objectives(TABLE, NEW, stand)
    assert read["cmi.objectives.0.success_status"] == "passed"
    assert read["cmi.objectives.0.score.scaled"] == "0.5"
    assert read["cmi.objectives.0.score.max"] == "10"
    assert read["cmi.objectives.0.progress_measure"] == "1"
    none = {f"read{word}": False for word, _, _ in sharing._SHARED}
    stand = around(mapped("O", **none), shared={"objectives": {"G": ALL}})
    assert len(sharing.objectives(TABLE, NEW, stand)) == 2


def test_in_a_model_that_goes_on_shared_ones_replace_its_own() -> None:
    own = NEW | {
        "cmi.objectives._count": "2",
        "cmi.objectives.0.id": "MINE",
        "cmi.objectives.1.id": "O",
        "cmi.objectives.1.success_status": "failed",
    }
    stand = around(mapped("O"), shared={"objectives": {"G": ALL}})
    read = own | sharing.objectives(TABLE, own, stand)
    assert read["cmi.objectives._count"] == "2"
    assert read["cmi.objectives.0.id"] == "MINE"
    assert read["cmi.objectives.1.success_status"] == "passed"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ({}, {}),
        ({"writeSatisfiedStatus": True}, {"success_status": "passed"}),
        (
            {"writeNormalizedMeasure": True, "writeMaxScore": True},
            {"scaled": "0.8", "max": "9"},
        ),
        (
            {"writeCompletionStatus": True, "writeProgressMeasure": True},
            {"completion_status": "incomplete", "progress_measure": "0.4"},
        ),
    ],
)
def test_what_a_unit_leaves_at_its_end(
    words: dict[str, bool], left: dict[str, str]
) -> None:
    said = NEW | {
        "cmi.objectives._count": "1",
        "cmi.objectives.0.id": "O",
        "cmi.objectives.0.success_status": "passed",
        "cmi.objectives.0.score.scaled": "0.8",
        "cmi.objectives.0.score.max": "9",
        "cmi.objectives.0.completion_status": "incomplete",
        "cmi.objectives.0.progress_measure": "0.4",
    }
    stand = around(mapped("O", **words), shared={"data": {"D": "kept"}})
    assert sharing.share(TABLE, said, stand, ended=False) == {"data": {"D": "kept"}}
    shared = sharing.share(TABLE, said, stand, ended=True)
    assert shared.get("objectives", {}).get("G", {}) == left
    assert shared["data"] == {"D": "kept"}


def test_the_primary_objective_is_what_the_unit_says_of_itself() -> None:
    said = NEW | {"cmi.success_status": "failed", "cmi.score.scaled": "0.2"}
    stand = around(
        primary=mapped("P", writeSatisfiedStatus=True, writeNormalizedMeasure=True),
        shared={"objectives": {"OTHER": {"scaled": "1"}}},
    )
    assert sharing.share(TABLE, said, stand, ended=True)["objectives"] == {
        "OTHER": {"scaled": "1"},
        "G": {"success_status": "failed", "scaled": "0.2"},
    }


DATA = [
    {"targetID": "both"},
    {"targetID": "read", "writeSharedData": False},
    {"targetID": "write", "readSharedData": False},
    {"targetID": "none", "readSharedData": False, "writeSharedData": False},
]


def test_stores_have_their_access_and_what_was_left_in_them() -> None:
    stand = around(data=DATA, shared={"data": {"read": "r", "alien": "x"}})
    values = NEW | sharing.stores(TABLE, stand)
    assert [values[f"adl.data.{n}.~access"] for n in range(4)] == [
        "rw",
        "ro",
        "wo",
        "no",
    ]
    assert cmi.get_value(TABLE, values, "adl.data.1.store") == ("r", 0)
    assert cmi.get_value(TABLE, values, "adl.data._count") == ("4", 0)
    after, refused = cmi.apply_changes(
        TABLE, values, [(f"adl.data.{n}.store", "new") for n in range(4)]
    )
    assert [one.place for one in refused] == [1, 3]
    assert sharing.share(TABLE, after, stand, ended=False)["data"] == {
        "read": "r",
        "alien": "x",
        "both": "new",
        "write": "new",
    }


def test_older_editions_have_no_stores() -> None:
    older = cmi.elements_of("scorm_2004", edition="3rd")
    assert sharing.stores(older, around(data=DATA)) == {}
