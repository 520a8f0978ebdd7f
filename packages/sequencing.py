"""Sequencing of SCORM 2004 as plain JSON: what is written, typed, nothing filled in.

`Manifest.activities` is the activity tree; its root is the organization. A node is

    {"identifier", "title", "unit": index or null, "visible": true or false,
     "sequencing": {…}, "completion": {…}, "data": […], "hides": […], "children": […]}

and the root also has "objectivesGlobalToSystem" and "sharedDataGlobalToSystem".
Members of the last five are named as the elements and attributes of the books (CAM 5.1
and 3.4, 4th Edition). What is not written is absent, and then has the value that the
books give it, here after `=`. Measures and weights are decimals as text; counts are
numbers; durations and dates are text.

- `sequencing.controlMode`: choice=true, choiceExit=true, flow=false, forwardOnly=false,
  useCurrentAttemptObjectiveInfo=true, useCurrentAttemptProgressInfo=true
- `sequencing.sequencingRules`: {preConditionRule, postConditionRule, exitConditionRule},
  each a list in order of {conditionCombination=all, conditions, action}; a condition is
  {condition, operator=noOp, referencedObjective=the primary one, measureThreshold="0"}
- `sequencing.limitConditions`: attemptLimit, attemptAbsoluteDurationLimit and others
- `sequencing.auxiliaryResources`: a list of {auxiliaryResourceID, purpose}
- `sequencing.rollupRules`: rollupObjectiveSatisfied=true, rollupProgressCompletion=true,
  objectiveMeasureWeight="1", and `rules`, a list of {childActivitySet=all,
  minimumCount=0, minimumPercent="0", conditionCombination=any, conditions of
  {condition, operator=noOp}, action}
- `sequencing.rollupConsiderations`: requiredForSatisfied, requiredForNotSatisfied,
  requiredForCompleted, requiredForIncomplete (each =always),
  measureSatisfactionIfActive=true
- `sequencing.constrainedChoiceConsiderations`: preventActivation=false,
  constrainChoice=false
- `sequencing.objectives`: {primaryObjective: objective, objective: [objective, …]}; an
  objective is {objectiveID, satisfiedByMeasure=false, minNormalizedMeasure="1",
  mapInfo, dataMapInfo}. A `mapInfo` (imsss) is {targetObjectiveID,
  readSatisfiedStatus=true, readNormalizedMeasure=true, writeSatisfiedStatus=false,
  writeNormalizedMeasure=false}; a `dataMapInfo` (adlseq, 4th Edition) is
  {targetObjectiveID, and read… =true, write… =false of RawScore, MinScore, MaxScore,
  CompletionStatus, ProgressMeasure}
- `sequencing.randomizationControls`: randomizationTiming=never, selectCount,
  reorderChildren=false, selectionTiming=never
- `sequencing.deliveryControls`: tracked=true, completionSetByContent=false,
  objectiveSetByContent=false
- `sequencing.extensions`: elements of other vocabularies as XML text
- `completion`: {completedByMeasure=false, minProgressMeasure="1", progressWeight="1"} of
  the 4th Edition, or {threshold} of the older ones
- `data`: a list of {targetID, readSharedData=true, writeSharedData=true}

An `IDRef` is resolved: each element written at the activity replaces the one of the same
name in the collection as a whole (CAM 5.1.1), `imsss:objectives` and
`adlseq:objectives` each for itself. Identifiers of objectives are kept as they are
compared: `%20` is a blank, and blanks are one.
"""

import json
from dataclasses import dataclass
from typing import Any

from packages.elements import (
    Book,
    Element,
    as_xml,
    attribute,
    child,
    children,
    local,
    text,
)
from packages.findings import refuse_as_unsafe
from packages.sequencing_tables import (
    ACTIONS,
    AUXILIARY_RESOURCE,
    COMBINATION,
    DATA_MAP_INFO,
    KNOWN,
    MAP_INFO,
    MEASURE,
    OBJECTIVE,
    PLAIN,
    ROLLUP_ACTION,
    ROLLUP_CONDITION,
    ROLLUP_RULE,
    ROLLUP_RULES,
    RULE_CONDITION,
    Reading,
    Table,
    identifier,
)

# What all activities together may take from the collection, in characters of JSON, and
# from other vocabularies: a collection of 10 MB that ten thousand activities refer to, or
# as many elements that each repeat all namespaces of the manifest, would have no end.
MOST_SHARED = 4 << 20

# Kept apart until an IDRef is resolved.
_ADL_OBJECTIVES = "adlseq:objectives"


@dataclass(frozen=True, slots=True)
class _Shared:
    """An entry of the collection, and how much it adds to each that refers to it."""

    value: dict[str, Any]
    weight: int


class Sequencings:
    """Reads the `sequencing` elements of one manifest."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._taken = 0
        self._shared: dict[str, _Shared] = {}
        for entry in children(child(book.root, "sequencingCollection"), "sequencing"):
            value = self._read(entry)
            shared = _Shared(value, len(json.dumps(value)))
            self._shared.setdefault(attribute(entry, "ID"), shared)

    def read(self, element: Element) -> dict[str, Any]:
        """The sequencing of an item or an organization; empty where there is none."""
        own = child(element, "sequencing")
        if own is None:
            return {}
        value = self._read(own)
        name = attribute(own, "IDRef")
        if name:
            shared = self._shared.get(name)
            if shared is None:
                self.book.note("sequencing_reference", own, name=name)
            else:
                self._weigh(shared.weight)
                value = shared.value | value
        self._join(own, value)
        self._check_references(own, value)
        return value

    def _weigh(self, weight: int) -> None:
        self._taken += weight
        if self._taken > MOST_SHARED:
            path, limit = self.book.path, MOST_SHARED >> 20
            refuse_as_unsafe("sequencing_too_large", path=path, limit=limit)

    def _read(self, element: Element) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for part in element:
            name = KNOWN.get(local(part).lower())
            if name in PLAIN:
                value[name] = self._values(part, PLAIN[name])
            elif name == "sequencingRules":
                value[name] = self._rules(part)
            elif name == "auxiliaryResources":
                value[name] = [
                    self._values(one, AUXILIARY_RESOURCE)
                    for one in children(part, "auxiliaryResource")
                ]
            elif name == "rollupRules":
                value[name] = self._rollup_rules(part)
            elif name is None:
                written = as_xml(part)
                self._weigh(len(written))
                value.setdefault("extensions", []).append(written)
            elif _is_adl(part):
                value[_ADL_OBJECTIVES] = [
                    (attribute(one, "objectiveID"), self._maps(one, DATA_MAP_INFO))
                    for one in children(part, "objective")
                ]
            else:
                value[name] = self._objectives(part)
        return value

    def _values(self, element: Element, table: Table) -> dict[str, Any]:
        """The attributes that `table` knows; what cannot be read is noted."""
        value: dict[str, Any] = {}
        names = {name.lower(): name for name in table}
        for key, written in element.attrib.items():
            name = names.get(str(key).rpartition("}")[2].lower())
            said = " ".join(str(written).split())
            if name is None:
                continue
            read = table[name](said)
            if read is None:
                self.book.note(
                    "sequencing_value",
                    element,
                    name=f"{local(element)} {name}",
                    said=said,
                )
            else:
                value[name] = read
        return value

    def _rules(self, element: Element) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for name, actions in ACTIONS.items():
            rules = [
                rule
                for one in children(element, name)
                if (rule := self._rule(one, RULE_CONDITION, actions)) is not None
            ]
            if rules:
                value[name] = rules
        return value

    def _rollup_rules(self, element: Element) -> dict[str, Any]:
        rules = []
        for one in children(element, "rollupRule"):
            rule = self._rule(one, ROLLUP_CONDITION, ROLLUP_ACTION)
            if rule is not None:
                rules.append(self._values(one, ROLLUP_RULE) | rule)
        value = self._values(element, ROLLUP_RULES)
        return value | {"rules": rules} if rules else value

    def _rule(
        self, element: Element, table: Table, actions: Reading
    ) -> dict[str, Any] | None:
        """A rule; None, noted, when a condition or the action cannot be understood.

        Without one of its conditions a rule would mean something else.
        """
        kind = "rollup" if local(element).lower() == "rolluprule" else "rule"
        holder = child(element, f"{kind}Conditions")
        conditions = [
            self._values(one, table) for one in children(holder, f"{kind}Condition")
        ]
        said = child(element, f"{kind}Action")
        action = {} if said is None else self._values(said, {"action": actions})
        known = all("condition" in one for one in conditions)
        if not action or not conditions or not known:
            self.book.note("sequencing_rule", element, name=local(element))
            return None
        combination = {} if holder is None else self._values(holder, COMBINATION)
        return combination | {"conditions": conditions} | action

    def _objectives(self, element: Element) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for one in children(element, "primaryObjective"):
            value.setdefault("primaryObjective", self._objective(one))
        others = [self._objective(one) for one in children(element, "objective")]
        return value | {"objective": others} if others else value

    def _join(self, element: Element, value: dict[str, Any]) -> None:
        """Give each objective the maps that the vocabulary of ADL has for it."""
        maps: dict[str, list[dict[str, Any]]] = {}
        for said, found in value.pop(_ADL_OBJECTIVES, []):
            maps.setdefault(identifier(said) or "", []).extend(found)
        objectives = value.get("objectives", {})

        def joined(one: dict[str, Any]) -> dict[str, Any]:
            found = maps.pop(one.get("objectiveID", ""), [])
            return one | {"dataMapInfo": found} if found else one

        if maps and objectives:
            copy = dict(objectives)
            if "primaryObjective" in copy:
                copy["primaryObjective"] = joined(copy["primaryObjective"])
            if "objective" in copy:
                copy["objective"] = [joined(one) for one in copy["objective"]]
            value["objectives"] = copy
        for name in maps:
            self.book.note("objective_missing", element, name=name)

    def _objective(self, element: Element) -> dict[str, Any]:
        value = self._values(element, OBJECTIVE)
        measure = child(element, "minNormalizedMeasure")
        if measure is not None and text(measure):
            read = MEASURE(text(measure))
            if read is None:
                self.book.note(
                    "sequencing_value",
                    measure,
                    name="minNormalizedMeasure",
                    said=text(measure),
                )
            else:
                value["minNormalizedMeasure"] = read
        maps = self._maps(element, MAP_INFO)
        return value | {"mapInfo": maps} if maps else value

    def _maps(self, element: Element, table: Table) -> list[dict[str, Any]]:
        found = [self._values(one, table) for one in children(element, "mapInfo")]
        return [one for one in found if "targetObjectiveID" in one]

    def _check_references(self, element: Element, value: dict[str, Any]) -> None:
        """Rules that ask for an objective which the activity does not have."""
        objectives = value.get("objectives", {})
        named = [
            *filter(None, [objectives.get("primaryObjective")]),
            *objectives.get("objective", []),
        ]
        known = {one.get("objectiveID") for one in named}
        asked = {
            condition["referencedObjective"]: None
            for rules in value.get("sequencingRules", {}).values()
            for rule in rules
            for condition in rule["conditions"]
            if "referencedObjective" in condition
        }
        for name in asked:
            if name not in known:
                self.book.note("objective_missing", element, name=name)


def _is_adl(element: Element) -> bool:
    return "adlseq" in str(element.tag)
