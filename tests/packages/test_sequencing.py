"""Sequencing: every element of the books as JSON, references, what cannot be read."""

import io
import json
from typing import Any

import pytest

from packages import sequencing
from packages.archive import open_archive
from packages.contents import Contents
from packages.elements import Book
from packages.safexml import read_xml
from packages.sequencing import Sequencings
from statements.errors import UnsafeArchive
from tests.packages.make import package

SPACES = (
    'xmlns:imsss="http://www.imsglobal.org/xsd/imsss" '
    'xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"'
)


def read(
    inside: str, *, attributes: str = "", collection: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """The sequencing of one item, and the codes of what was noted."""
    text = (
        f"<manifest {SPACES}><item><imsss:sequencing {attributes}>{inside}"
        f"</imsss:sequencing></item>{collection}</manifest>"
    )
    contents = Contents(open_archive(io.BytesIO(package({"a": "b"}))))
    book = Book(contents, "m.xml", read_xml(text.encode(), path="m.xml").root)
    found = Sequencings(book).read(book.root[0])
    return json.loads(json.dumps(found)), [one.code for one in book.findings]


def rule(kind: str, condition: str, action: str, combination: str = "") -> str:
    return (
        f"<imsss:sequencingRules><imsss:{kind}><imsss:ruleConditions {combination}>"
        f"<imsss:ruleCondition {condition}/></imsss:ruleConditions>"
        f'<imsss:ruleAction action="{action}"/></imsss:{kind}></imsss:sequencingRules>'
    )


def rollup(attributes: str, condition: str, action: str, rules: str = "") -> str:
    return (
        f"<imsss:rollupRules {rules}><imsss:rollupRule {attributes}>"
        f'<imsss:rollupConditions conditionCombination="all"><imsss:rollupCondition '
        f'{condition}/></imsss:rollupConditions><imsss:rollupAction action="{action}"/>'
        f"</imsss:rollupRule></imsss:rollupRules>"
    )


WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("", {}),
    "control mode": (
        (
            '<imsss:controlMode choice="false" choiceExit="0" flow="1" forwardOnly="TRUE" '
            'useCurrentAttemptObjectiveInfo="false" useCurrentAttemptProgressInfo="true"/>'
        ),
        {
            "controlMode": {
                "choice": False,
                "choiceExit": False,
                "flow": True,
                "forwardOnly": True,
                "useCurrentAttemptObjectiveInfo": False,
                "useCurrentAttemptProgressInfo": True,
            }
        },
    ),
    "before": (
        rule(
            "preConditionRule",
            'condition="objectiveMeasureGreaterThan" operator="not" '
            'measureThreshold="0.80" referencedObjective="o"',
            "hiddenFromChoice",
            'conditionCombination="any"',
        )
        + '<imsss:objectives><imsss:primaryObjective objectiveID="o"/></imsss:objectives>',
        {
            "sequencingRules": {
                "preConditionRule": [
                    {
                        "conditionCombination": "any",
                        "conditions": [
                            {
                                "condition": "objectiveMeasureGreaterThan",
                                "operator": "not",
                                "measureThreshold": "0.80",
                                "referencedObjective": "o",
                            }
                        ],
                        "action": "hiddenFromChoice",
                    }
                ]
            },
            "objectives": {"primaryObjective": {"objectiveID": "o"}},
        },
    ),
    "limits": (
        (
            '<imsss:limitConditions attemptLimit="2" beginTimeLimit="2026-01-01T00:00:00Z" '
            'attemptAbsoluteDurationLimit="PT1H30M" endTimeLimit="2027-01-01T00:00:00Z"/>'
        ),
        {
            "limitConditions": {
                "attemptLimit": 2,
                "attemptAbsoluteDurationLimit": "PT1H30M",
                "beginTimeLimit": "2026-01-01T00:00:00Z",
                "endTimeLimit": "2027-01-01T00:00:00Z",
            }
        },
    ),
    "auxiliary resources": (
        (
            '<imsss:auxiliaryResources><imsss:auxiliaryResource auxiliaryResourceID="a" '
            'purpose="glossary"/></imsss:auxiliaryResources>'
        ),
        {"auxiliaryResources": [{"auxiliaryResourceID": "a", "purpose": "glossary"}]},
    ),
    "rollup": (
        rollup(
            'childActivitySet="atLeastPercent" minimumPercent="0.5" minimumCount="3"',
            'condition="attempted" operator="not"',
            "notSatisfied",
            'rollupObjectiveSatisfied="false" rollupProgressCompletion="false" '
            'objectiveMeasureWeight="0.25"',
        ),
        {
            "rollupRules": {
                "rollupObjectiveSatisfied": False,
                "rollupProgressCompletion": False,
                "objectiveMeasureWeight": "0.25",
                "rules": [
                    {
                        "childActivitySet": "atLeastPercent",
                        "minimumPercent": "0.5",
                        "minimumCount": 3,
                        "conditionCombination": "all",
                        "conditions": [{"condition": "attempted", "operator": "not"}],
                        "action": "notSatisfied",
                    }
                ],
            }
        },
    ),
    "considerations of adl": (
        (
            '<adlseq:constrainedChoiceConsiderations preventActivation="true" '
            'constrainChoice="true"/><adlseq:rollupConsiderations '
            'requiredForSatisfied="ifAttempted" requiredForNotSatisfied="ifNotSkipped" '
            'requiredForCompleted="ifNotSuspended" requiredForIncomplete="always" '
            'measureSatisfactionIfActive="false"/>'
        ),
        {
            "constrainedChoiceConsiderations": {
                "preventActivation": True,
                "constrainChoice": True,
            },
            "rollupConsiderations": {
                "requiredForSatisfied": "ifAttempted",
                "requiredForNotSatisfied": "ifNotSkipped",
                "requiredForCompleted": "ifNotSuspended",
                "requiredForIncomplete": "always",
                "measureSatisfactionIfActive": False,
            },
        },
    ),
    "objectives of both vocabularies": (
        (
            '<imsss:objectives><imsss:primaryObjective objectiveID="p" '
            'satisfiedByMeasure="true"><imsss:minNormalizedMeasure> 0.6 '
            '</imsss:minNormalizedMeasure><imsss:mapInfo targetObjectiveID="g" '
            'readSatisfiedStatus="false" readNormalizedMeasure="true" '
            'writeSatisfiedStatus="true" writeNormalizedMeasure="false"/>'
            '</imsss:primaryObjective><imsss:objective objectiveID="q"/></imsss:objectives>'
            '<adlseq:objectives><adlseq:objective objectiveID="q"><adlseq:mapInfo '
            'targetObjectiveID="g" readRawScore="false" writeProgressMeasure="true"/>'
            "</adlseq:objective></adlseq:objectives>"
        ),
        {
            "objectives": {
                "primaryObjective": {
                    "objectiveID": "p",
                    "satisfiedByMeasure": True,
                    "minNormalizedMeasure": "0.6",
                    "mapInfo": [
                        {
                            "targetObjectiveID": "g",
                            "readSatisfiedStatus": False,
                            "readNormalizedMeasure": True,
                            "writeSatisfiedStatus": True,
                            "writeNormalizedMeasure": False,
                        }
                    ],
                },
                "objective": [
                    {
                        "objectiveID": "q",
                        "dataMapInfo": [
                            {
                                "targetObjectiveID": "g",
                                "readRawScore": False,
                                "writeProgressMeasure": True,
                            }
                        ],
                    }
                ],
            }
        },
    ),
    "chance and delivery": (
        (
            '<imsss:randomizationControls randomizationTiming="once" selectCount="2" '
            'reorderChildren="true" selectionTiming="onEachNewAttempt"/>'
            '<imsss:deliveryControls tracked="false" completionSetByContent="true" '
            'objectiveSetByContent="true"/>'
        ),
        {
            "randomizationControls": {
                "randomizationTiming": "once",
                "selectCount": 2,
                "reorderChildren": True,
                "selectionTiming": "onEachNewAttempt",
            },
            "deliveryControls": {
                "tracked": False,
                "completionSetByContent": True,
                "objectiveSetByContent": True,
            },
        },
    ),
    "another vocabulary": (
        '<v:x xmlns:v="urn:v"><v:y>z</v:y></v:x>',
        {"extensions": ['<v:x xmlns:v="urn:v"><v:y>z</v:y></v:x>']},
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_element_is_kept(name: str) -> None:
    inside, expected = WHOLE[name]
    found, codes = read(inside)
    for text in found.get("extensions", []):
        assert 'xmlns:v="urn:v"' in text
        found["extensions"] = expected["extensions"]
    assert (found, codes) == (expected, [])


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        *(
            ("preConditionRule", action)
            for action in ("skip", "disabled", "hiddenFromChoice", "stopForwardTraversal")
        ),
        *(
            ("postConditionRule", action)
            for action in ("exitParent", "exitAll", "retry", "retryAll", "continue", "previous")
        ),
        ("exitConditionRule", "exit"),
    ],
)  # fmt: skip
def test_actions_of_rules(kind: str, action: str) -> None:
    found, codes = read(rule(kind, 'condition="always"', action.upper()))
    assert found == {
        "sequencingRules": {
            kind: [{"conditions": [{"condition": "always"}], "action": action}]
        }
    }
    assert codes == []


@pytest.mark.parametrize(
    ("inside", "code", "left"),
    [
        ('<imsss:controlMode flow="maybe"/>', "sequencing_value", {"controlMode": {}}),
        (
            '<imsss:limitConditions attemptLimit="-1"/>',
            "sequencing_value",
            {"limitConditions": {}},
        ),
        (
            '<imsss:limitConditions attemptAbsoluteDurationLimit="1 hour"/>',
            "sequencing_value",
            {"limitConditions": {}},
        ),
        (
            '<imsss:rollupRules objectiveMeasureWeight="7"/>',
            "sequencing_value",
            {"rollupRules": {}},
        ),
        (
            ("<imsss:objectives><imsss:primaryObjective><imsss:minNormalizedMeasure>80"
            "</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives>"),
            "sequencing_value",
            {"objectives": {"primaryObjective": {}}},
        ),
        (
            rule("exitConditionRule", 'condition="always"', "skip"),
            "sequencing_rule",
            {"sequencingRules": {}},
        ),
        (
            rule("preConditionRule", 'condition="when it rains"', "skip"),
            "sequencing_rule",
            {"sequencingRules": {}},
        ),
        (
            "<imsss:sequencingRules><imsss:preConditionRule/></imsss:sequencingRules>",
            "sequencing_rule",
            {"sequencingRules": {}},
        ),
        (
            rollup("", 'condition="always"', "satisfied"),
            "sequencing_rule",
            {"rollupRules": {}},
        ),
        (
            rule("preConditionRule", 'condition="satisfied" referencedObjective="o"', "skip"),
            "objective_missing",
            None,
        ),
        (
            ('<imsss:objectives><imsss:primaryObjective objectiveID="p"/></imsss:objectives>'
            '<adlseq:objectives><adlseq:objective objectiveID="o"/></adlseq:objectives>'),
            "objective_missing",
            {"objectives": {"primaryObjective": {"objectiveID": "p"}}},
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_told_and_left_out(
    inside: str, code: str, left: dict[str, Any] | None
) -> None:
    found, codes = read(inside)
    assert codes[-1] == code
    if left is not None:
        assert found == left


def test_a_reference_gives_what_is_not_written_at_the_activity() -> None:
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="s">'
        '<imsss:controlMode flow="true" choice="false"/>'
        '<imsss:deliveryControls tracked="false"/><imsss:objectives>'
        '<imsss:primaryObjective objectiveID="p"/></imsss:objectives>'
        '<adlseq:objectives><adlseq:objective objectiveID="p"><adlseq:mapInfo '
        'targetObjectiveID="g"/></adlseq:objective></adlseq:objectives>'
        '</imsss:sequencing><imsss:sequencing ID="s"/></imsss:sequencingCollection>'
    )
    found, codes = read(
        '<imsss:controlMode forwardOnly="true"/><imsss:objectives>'
        '<imsss:primaryObjective objectiveID="p" satisfiedByMeasure="true"/>'
        "</imsss:objectives>",
        attributes='IDRef="s"',
        collection=collection,
    )
    assert found == {
        "controlMode": {"forwardOnly": True},
        "deliveryControls": {"tracked": False},
        "objectives": {
            "primaryObjective": {
                "objectiveID": "p",
                "satisfiedByMeasure": True,
                "dataMapInfo": [{"targetObjectiveID": "g"}],
            }
        },
    }
    assert codes == []
    whole, _ = read("", attributes='IDRef=" s "', collection=collection)
    assert whole["controlMode"] == {"flow": True, "choice": False}
    assert whole["objectives"]["primaryObjective"]["dataMapInfo"]


def test_activities_that_share_rules_do_not_change_each_other() -> None:
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="s"><imsss:objectives>'
        '<imsss:primaryObjective objectiveID="p"/></imsss:objectives>'
        "</imsss:sequencing></imsss:sequencingCollection>"
    )
    adl = (
        '<adlseq:objectives><adlseq:objective objectiveID="p"><adlseq:mapInfo '
        'targetObjectiveID="g"/></adlseq:objective></adlseq:objectives>'
    )
    text = (
        f'<manifest {SPACES}><item><imsss:sequencing IDRef="s">{adl}</imsss:sequencing>'
        f'</item><item><imsss:sequencing IDRef="s"/></item>{collection}</manifest>'
    )
    contents = Contents(open_archive(io.BytesIO(package({"a": "b"}))))
    book = Book(contents, "m.xml", read_xml(text.encode(), path="m.xml").root)
    both = Sequencings(book)
    first, second = both.read(book.root[0]), both.read(book.root[1])
    assert "dataMapInfo" in first["objectives"]["primaryObjective"]
    assert "dataMapInfo" not in second["objectives"]["primaryObjective"]


def test_a_reference_to_nothing_is_told() -> None:
    found, codes = read('<imsss:controlMode flow="1"/>', attributes='IDRef="s"')
    assert (found, codes) == ({"controlMode": {"flow": True}}, ["sequencing_reference"])


def test_shared_rules_cannot_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="s"><imsss:controlMode/>'
        "</imsss:sequencing></imsss:sequencingCollection>"
    )
    monkeypatch.setattr(sequencing, "MOST_SHARED", 1)
    with pytest.raises(UnsafeArchive) as caught:
        read("", attributes='IDRef="s"', collection=collection)
    assert caught.value.extra["findings"][0].code == "sequencing_too_large"


def test_no_sequencing_at_all() -> None:
    contents = Contents(open_archive(io.BytesIO(package({"a": "b"}))))
    book = Book(
        contents, "m.xml", read_xml(b"<manifest><item/></manifest>", path="m").root
    )
    assert Sequencings(book).read(book.root[0]) == {}
