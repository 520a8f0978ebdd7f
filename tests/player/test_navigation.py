"""Where requests lead, and which are valid, over small trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from player.activities import tree_of
from player.navigation import Move, first, navigation, valid_requests
from player.outcomes import Outcome
from player.tracking import Work, asking
from tests.player.trees import FLOW, FLOW_ONLY, cluster, course, leaf, rule

if TYPE_CHECKING:
    from player.activities import Tree


def tree(*children: dict[str, Any], **sequencing: Any) -> Tree:
    return tree_of(course(cluster("ROOT", *children, **sequencing)))


FLOWING = tree(leaf(0), cluster("C", leaf(1), leaf(2), **FLOW), leaf(3), **FLOW)
CHOOSING = tree(leaf(0), cluster("C", leaf(1), leaf(2)), leaf(3))
CLOSED = tree(leaf(0), cluster("C", leaf(1), leaf(2)), leaf(3), **FLOW)
FORWARD = tree(
    leaf(0), leaf(1), leaf(2), controlMode={"flow": True, "forwardOnly": True}
)
SINGLE = tree(leaf(0))
LEFT = Move(None)


@pytest.mark.parametrize(
    ("where", "unit", "request_", "leads"),
    [
        (FLOWING, 0, "continue", Move(1)),
        (FLOWING, 2, "continue", Move(3)),
        (FLOWING, 3, "continue", None),
        (FLOWING, 3, "previous", Move(2)),
        (FLOWING, 1, "previous", Move(0)),
        (FLOWING, 0, "previous", None),
        (CHOOSING, 0, "continue", None),
        # a cluster without flow stands in the way, and is not entered
        (CLOSED, 0, "continue", Move(3)),
        (CLOSED, 1, "continue", None),
        (FORWARD, 0, "continue", Move(1)),
        (FORWARD, 1, "previous", None),
        (CHOOSING, 0, "{target=A3}choice", Move(3)),
        (CHOOSING, 0, "{target=C}choice", None),
        (FLOWING, 0, "{target=C}choice", Move(1)),
        (FLOWING, 0, "{target=ROOT}choice", Move(0)),
        (FORWARD, 2, "{target=A0}choice", None),
        (FORWARD, 0, "{target=A2}choice", Move(2)),
        (FORWARD, 2, "{target=A0}jump", Move(0)),
        (CHOOSING, 0, "{target=NONE}choice", None),
        (SINGLE, 0, "exit", LEFT),
        (SINGLE, 0, "abandon", LEFT),
        (FLOWING, 0, "exit", None),
        (FLOWING, 0, "exitAll", LEFT),
        (FLOWING, 0, "suspendAll", LEFT),
        (FLOWING, 0, "abandonAll", LEFT),
        (FLOWING, 0, "", None),
        (FLOWING, 0, "nonsense", None),
        (FLOWING, 9, "continue", None),
    ],
)
def test_requests(where: Tree, unit: int, request_: str, leads: Move | None) -> None:
    assert navigation(where, unit, request_) == leads


def test_a_cluster_that_only_goes_forward_is_entered_at_its_beginning() -> None:
    forward = {"controlMode": {"flow": True, "forwardOnly": True}}
    where = tree(cluster("C", leaf(0), leaf(1), **forward), leaf(2), **FLOW)
    assert navigation(where, 2, "previous") == Move(0)


def test_what_may_not_be_left_by_choice_keeps_the_learner() -> None:
    kept = {"controlMode": {"choiceExit": False}}
    where = tree(cluster("C", leaf(0), leaf(1), **kept), leaf(2))
    assert navigation(where, 0, "{target=A2}choice") is None
    assert navigation(where, 0, "{target=A1}choice") == Move(1)


def test_validity_is_that_of_the_requests() -> None:
    valid = valid_requests(FLOWING, 1)
    prefix = "adl.nav.request_valid."
    assert valid[f"{prefix}continue"] == valid[f"{prefix}previous"] == "true"
    for name, said in valid.items():
        kind, _, target = name.removeprefix(prefix).partition(".")
        leads = navigation(FLOWING, 1, f"{target}{kind}")
        assert (leads is not None) == (said == "true"), name
    assert len(valid) == 2 + 2 * len(FLOWING.activities)
    assert valid_requests(CHOOSING, 0)[f"{prefix}choice.{{target=C}}"] == "false"
    assert valid_requests(FLOWING, 9) == {}


SKIPPED = leaf(1, **rule("preConditionRule", "satisfied", "skip"))
STOPPED = leaf(0, **rule("preConditionRule", "satisfied", "stopForwardTraversal"))
DISABLED = leaf(1, **rule("preConditionRule", "satisfied", "disabled"))
HIDDEN = leaf(1, **rule("preConditionRule", "satisfied", "hiddenFromChoice"))


@pytest.mark.parametrize(
    ("before", "ruled", "request_", "without", "with_"),
    [
        (leaf(0), SKIPPED, "continue", Move(1), Move(2)),
        (STOPPED, leaf(1), "continue", Move(1), None),
        (leaf(0), DISABLED, "continue", Move(1), None),
        (leaf(0), DISABLED, "{target=A1}choice", Move(1), None),
        (leaf(0), DISABLED, "{target=A1}jump", Move(1), None),
        (leaf(0), HIDDEN, "{target=A1}choice", Move(1), None),
        (leaf(0), HIDDEN, "{target=A1}jump", Move(1), Move(1)),
        (leaf(0), HIDDEN, "continue", Move(1), Move(1)),
    ],
)
def test_rules_before_delivery(
    before: dict[str, Any],
    ruled: dict[str, Any],
    request_: str,
    without: Move | None,
    with_: Move | None,
) -> None:
    where = tree(before, ruled, leaf(2), **FLOW)
    passed = asking({n: Work(Outcome(success="passed")) for n in (0, 1)}, {})
    assert navigation(where, 0, request_) == without
    assert navigation(where, 0, request_, passed) == with_


@pytest.mark.parametrize(
    ("action", "leads"),
    [
        ("exitAll", LEFT),
        ("retry", Move(1)),
        ("retryAll", Move(0)),
        ("continue", Move(2)),
        ("previous", Move(0)),
        ("exitParent", Move(3)),
    ],
)
def test_rules_after_the_end(action: str, leads: Move) -> None:
    ruled = leaf(1, **rule("postConditionRule", "satisfied", action))
    inner = cluster("C", leaf(0), ruled, leaf(2), **FLOW)
    where = tree(inner, leaf(3), **FLOW)
    passed = asking({1: Work(Outcome(success="passed"))}, {})
    request_ = "continue" if action == "exitParent" else ""
    assert navigation(where, 1, request_, passed) == leads
    assert navigation(where, 1, "") is None
    # who leaves the course is not called back
    assert navigation(where, 1, "suspendAll", passed) == LEFT


def test_what_a_course_begins_with() -> None:
    begins = [first(one) for one in (FLOWING, CHOOSING, SINGLE)]
    assert [one and one.identifier for one in begins] == ["A0", None, None]
    one_by_one = tree(leaf(0), leaf(1), **FLOW_ONLY)
    assert (found := first(one_by_one)) is not None
    assert found.identifier == "A0"
