"""Which units make a course complete, by the default rules alone.

SCORM 1.2, AICC and xAPI: all visible units. SCORM 2004: SN RB.1 without rollup rules: an
activity takes part in the completion of what is above it while it is tracked, rolls
progress up, and is required as its rollup considerations say. Rules that an author
writes are the sequencing engine's. Pure.
"""

from collections.abc import Collection, Mapping

from packages.manifest import Manifest
from player.activities import Activity, Tree, tree_of


def required_units(manifest: Manifest, begun: Collection[int]) -> frozenset[int]:
    """The units that all have to be complete; `begun` are those with an attempt."""
    visible = frozenset(unit.index for unit in manifest.units if unit.visible)
    tree = tree_of(manifest)
    if not tree.activities:
        return visible
    required = frozenset(
        unit
        for unit, activity in tree.by_unit.items()
        if _takes_part(tree, activity, begun)
    )
    return required or visible


def is_complete(manifest: Manifest, completions: Mapping[int, Collection[str]]) -> bool:
    """Whether the course is complete; of each unit what its attempts have come to."""
    done = {unit for unit, said in completions.items() if "completed" in said}
    return done >= required_units(manifest, completions)


def is_satisfied(
    manifest: Manifest, known: Mapping[int, tuple[str, str]], begun: Collection[int]
) -> bool:
    """Whether all units that count are passed, or complete where none says whether.

    `known` has completion and success of each unit. At least one has to be passed.
    """
    required = required_units(manifest, begun)
    said = [known.get(unit, ("unknown", "unknown")) for unit in required]
    return any(success == "passed" for _, success in said) and all(
        success == "passed" or (success == "unknown" and completion == "completed")
        for completion, success in said
    )


def _takes_part(tree: Tree, leaf: Activity, begun: Collection[int]) -> bool:
    """Whether a unit counts, and every cluster above it, up to the organization."""
    return all(
        one.part("deliveryControls").get("tracked", True)
        and one.part("rollupRules").get("rollupProgressCompletion", True)
        and _is_required(tree, one, begun)
        for one in tree.path(leaf)[:-1]
    )


def _is_required(tree: Tree, one: Activity, begun: Collection[int]) -> bool:
    """`requiredForCompleted`: always, or only once something below was attempted."""
    said = one.part("rollupConsiderations").get("requiredForCompleted", "always")
    return said != "ifAttempted" or any(
        unit in begun and one in tree.path(leaf) for unit, leaf in tree.by_unit.items()
    )
