"""What items of SCORM 2004 say beyond sequencing."""

from decimal import Decimal
from typing import Any

import pytest

from packages.manifest import Manifest
from packages.scorm_2004 import (
    completion_threshold,
    reported_objectives,
    scaled_passing_score,
)
from tests.packages.make import NAMESPACES_2004, Item, manifest
from tests.packages.test_scorm import codes, only, read

NAVIGATION = 'xmlns:n="http://www.adlnet.org/xsd/adlnav_v1p3"'


def read_item(inside: str, version: str | None = "2004 4th Edition") -> Manifest:
    return read(
        manifest(
            Item(inside=inside),
            version=version,
            namespaces=NAMESPACES_2004,
            spelled="adlcp:scormType",
        )
    )


@pytest.mark.parametrize(
    ("inside", "completion", "threshold"),
    [
        ("", {}, None),
        (
            '<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.50" progressWeight="0.25"/>',
            {"completedByMeasure": True, "minProgressMeasure": "0.50", "progressWeight": "0.25"},
            Decimal("0.50"),
        ),
        ('<adlcp:completionThreshold completedByMeasure="true"/>', {"completedByMeasure": True}, Decimal(1)),
        ('<adlcp:completionThreshold minProgressMeasure="0.1"/>', {"minProgressMeasure": "0.1"}, None),
        ('<adlcp:completionThreshold completedByMeasure="false" minProgressMeasure="0.1"/>', {"completedByMeasure": False, "minProgressMeasure": "0.1"}, None),
        ("<adlcp:completionThreshold> 0.8 </adlcp:completionThreshold>", {"threshold": "0.8"}, Decimal("0.8")),
    ],
)  # fmt: skip
def test_completion_thresholds(
    inside: str, completion: dict[str, Any], threshold: Decimal | None
) -> None:
    found = read_item(inside)
    assert found.activities is not None
    assert found.activities["children"][0]["completion"] == completion
    assert completion_threshold(completion) == threshold
    assert only(found).completion_threshold == threshold
    assert codes(found) == []


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<adlcp:completionThreshold>80</adlcp:completionThreshold>", "completion_threshold"),
        ('<adlcp:completionThreshold progressWeight="-1"/>', "completion_threshold"),
        ("<adlcp:timeLimitAction>stop</adlcp:timeLimitAction>", "time_limit_action"),
        (f"<n:presentation {NAVIGATION}><n:navigationInterface><n:hideLMSUI>all</n:hideLMSUI></n:navigationInterface></n:presentation>", "hidden_button"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_left_out(inside: str, code: str) -> None:
    found = read_item(inside)
    assert codes(found) == [code]
    unit = only(found)
    assert (unit.completion_threshold, unit.time_limit_action, unit.hides) == (
        None,
        "",
        (),
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("exit,message", "exit,message"),
        ("exit, no message", "exit,no message"),
        ("CONTINUE,MESSAGE", "continue,message"),
        (" continue,no message ", "continue,no message"),
    ],
)
def test_time_limits_and_launch_data(written: str, kept: str) -> None:
    found = read_item(
        f"<adlcp:timeLimitAction>{written}</adlcp:timeLimitAction>"
        "<adlcp:dataFromLMS> a=1 </adlcp:dataFromLMS><imsss:sequencing>"
        '<imsss:limitConditions attemptAbsoluteDurationLimit="PT20M"/></imsss:sequencing>'
    )
    unit = only(found)
    assert (unit.time_limit_action, unit.data_from_lms) == (kept, "a=1")
    assert unit.max_time == "PT20M"
    assert codes(found) == []


def test_shared_data_and_hidden_buttons() -> None:
    names = ("previous", "continue", "exit", "exitAll", "abandon", "abandonAll")
    buttons = "".join(
        f"<n:hideLMSUI>{one}</n:hideLMSUI>" for one in (*names, "suspendAll")
    )
    found = read_item(
        '<adlcp:data><adlcp:map targetID="a b" readSharedData="false"/>'
        '<adlcp:map targetID="c" writeSharedData="0"/><adlcp:map/></adlcp:data>'
        f"<n:presentation {NAVIGATION}><n:navigationInterface>{buttons}{buttons}"
        "</n:navigationInterface></n:presentation>"
    )
    assert found.activities is not None
    (node,) = found.activities["children"]
    assert node["data"] == [
        {"targetID": "a b", "readSharedData": False},
        {"targetID": "c", "writeSharedData": False},
    ]
    assert only(found).hides == (*names, "suspendAll")
    assert node["hides"] == [*names, "suspendAll"]


PRIMARY = (
    "<imsss:sequencing><imsss:objectives><imsss:primaryObjective {}>{}"
    "</imsss:primaryObjective></imsss:objectives></imsss:sequencing>"
)
MINIMUM = "<imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure>"


@pytest.mark.parametrize(
    ("inside", "score"),
    [
        ("", None),
        (PRIMARY.format("", MINIMUM), None),
        (PRIMARY.format('satisfiedByMeasure="false"', MINIMUM), None),
        (PRIMARY.format('satisfiedByMeasure="true"', MINIMUM), Decimal("0.7")),
        (PRIMARY.format('satisfiedByMeasure="true"', ""), Decimal(1)),
    ],
)
def test_the_passing_score_is_that_of_the_primary_objective(
    inside: str, score: Decimal | None
) -> None:
    assert only(read_item(inside)).scaled_passing_score == score
    assert scaled_passing_score({}) is None


@pytest.mark.parametrize(
    ("maps", "names"),
    [
        ([], ("o",)),
        ([{"targetObjectiveID": "g"}], ()),
        ([{"targetObjectiveID": "g", "readSatisfiedStatus": True}], ()),
        ([{"targetObjectiveID": "g", "writeSatisfiedStatus": True}], ("o",)),
        ([{"targetObjectiveID": "g", "writeSatisfiedStatus": False}], ()),
    ],
)
def test_objectives_of_a_unit_are_those_it_reports(
    maps: list[dict[str, Any]], names: tuple[str, ...]
) -> None:
    one = {"objectiveID": "o"} | ({"mapInfo": maps} if maps else {})
    for objectives in ({"primaryObjective": one}, {"objective": [one, {}]}):
        assert reported_objectives({"objectives": objectives}) == names


@pytest.mark.parametrize(
    "inside",
    [
        '<adlcp:data><adlcp:map targetID="x"/></adlcp:data>',
        '<adlcp:completionThreshold minProgressMeasure="1"/>',
        '<adlcp:completionThreshold progressWeight="1"/>',
        (
            f"<n:presentation {NAVIGATION}><n:navigationInterface><n:hideLMSUI>exitAll"
            "</n:hideLMSUI></n:navigationInterface></n:presentation>"
        ),
        (
            '<imsss:sequencing><s:objectives xmlns:s="http://www.adlnet.org/xsd/adlseq_v1p3"/>'
            "</imsss:sequencing>"
        ),
    ],
)
def test_what_only_the_fourth_edition_has(inside: str) -> None:
    assert read_item(inside, version=None).edition == "4th"
    assert read_item(inside, version="2004 3rd Edition").edition == "3rd"


def test_sharing_data_with_the_system_is_of_the_fourth_edition() -> None:
    text = manifest(version=None, namespaces=NAMESPACES_2004)
    attribute = '<organization adlcp:sharedDataGlobalToSystem="false" '
    assert read(text.replace("<organization ", attribute)).edition == "4th"
