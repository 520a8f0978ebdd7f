"""The activity tree: order, what is above and below, defaults of the books."""

from __future__ import annotations

from packages.manifest import Manifest
from player.activities import KEPT, tree_of
from tests.player.trees import FLOW_ONLY, cluster, course, leaf, rule

ROOT = cluster(
    "ROOT",
    cluster("C1", leaf(0), leaf(1), **FLOW_ONLY),
    leaf(2),
)


def test_nodes_stand_in_the_order_of_the_document() -> None:
    tree = tree_of(course(ROOT))
    assert [one.identifier for one in tree.activities] == [
        "ROOT",
        "C1",
        "A0",
        "A1",
        "A2",
    ]
    assert [one.depth for one in tree.activities] == [0, 1, 2, 2, 1]
    assert [one.place for one in tree.activities] == [0, 1, 2, 3, 4]
    inner = tree.by_identifier["A1"]
    assert [one.identifier for one in tree.path(inner)] == ["A1", "C1", "ROOT"]
    assert [one.identifier for one in tree.children(tree.activities[0])] == ["C1", "A2"]
    assert tree.children(inner) == ()
    assert tree.parent(tree.activities[0]) is None
    assert {unit: one.identifier for unit, one in tree.by_unit.items()} == {
        0: "A0",
        1: "A1",
        2: "A2",
    }
    assert inner.title == "Lesson 2"


def test_what_is_not_written_is_as_the_books_say() -> None:
    tree = tree_of(course(ROOT))
    root, inner = tree.by_identifier["ROOT"], tree.by_identifier["C1"]
    names = ("choice", "choiceExit", "flow", "forwardOnly")
    assert [root.control(name) for name in names] == [True, True, False, False]
    assert [inner.control(name) for name in names] == [False, True, True, False]


def test_rules_are_noticed_and_deep_trees_are_walked() -> None:
    assert not tree_of(course(ROOT)).has_rules
    ruled = leaf(0, **rule("preConditionRule", "always", "skip"))
    assert tree_of(course(cluster("ROOT", ruled))).has_rules
    deep = leaf(0)
    for n in range(3000):
        deep = cluster(f"C{n}", deep)
    manifest = Manifest(
        standard="scorm_2004", edition="4th", identifier="M", title="M", activities=deep
    )
    assert len(tree_of(manifest).activities) == 3001


def test_other_standards_have_no_tree() -> None:
    manifest = Manifest(standard="scorm_12", edition="1.2", identifier="M", title="M")
    assert tree_of(manifest).activities == ()


def test_the_tree_of_a_manifest_is_kept_and_of_no_other() -> None:
    manifest = course(ROOT)
    tree = tree_of(manifest)
    assert tree_of(manifest) is tree
    others = [course(cluster("ROOT", leaf(0))) for _ in range(KEPT + 1)]
    assert {len(tree_of(one).activities) for one in others} == {2}
    again = tree_of(manifest)
    assert again is not tree
    assert again == tree
