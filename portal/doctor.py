"""What the check of a package found, and what is in it, as an author reads it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from packages.manifest import Block, Manifest, Unit
from packages.roles import ProposedRole, propose_roles
from player.launches import PLAYABLE

# severity -> tone of its pill, its short name, and what it means for the author
SEVERITIES: dict[str, tuple[str, str, str]] = {
    "error": (
        "bad",
        "Stops the import",
        "Correct these in the authoring tool and upload the package again.",
    ),
    "warning": (
        "ask",
        "Look at this",
        "The package works, with a doubt that you should look into.",
    ),
    "repair": (
        "open",
        "Mended",
        "These were mended on the way in; they could not change the meaning.",
    ),
    "info": ("", "For your information", "Nothing to do; worth knowing."),
}
KINDS: dict[str, str] = {
    "sco": "Reports to the LMS",
    "asset": "Page to look at",
    "au": "Assignable unit",
    "activity": "Activity",
}


@dataclass(frozen=True)
class Group:
    """Findings of one severity, equal ones together under one heading."""

    severity: str
    tone: str
    title: str
    text: str
    findings: Sequence[dict[str, Any]]
    count: int


def was_cancelled(findings: Sequence[dict[str, Any]]) -> bool:
    """Whether somebody ended the import, so that nothing is wrong with the package."""
    return any(one["code"] == "import_cancelled" for one in findings)


def group_findings(findings: Sequence[dict[str, Any]]) -> list[Group]:
    """The findings by severity, the gravest first."""
    groups = []
    for severity, (tone, title, text) in SEVERITIES.items():
        chosen = [one for one in findings if one["severity"] == severity]
        if chosen:
            merged = _merged(chosen)
            groups.append(Group(severity, tone, title, text, merged, len(chosen)))
    return groups


def _merged(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same words about several places stand once, with all the places."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in findings:
        key = (one["code"], one["message"], one["advice"])
        row = found.setdefault(key, {**one, "places": []})
        if one["path"]:
            row["places"].append({"path": one["path"], "line": one["line"]})
    return list(found.values())


@dataclass
class Branch:
    """A heading with what stands under it, or (with `unit`) a unit."""

    title: str
    unit: dict[str, Any] | None = None
    text: str = ""
    branches: list["Branch"] = field(default_factory=list)


def tree_of(manifest: Manifest) -> list[Branch]:
    """Headings and units in the order of the menu, each where it belongs.

    A heading stands where its first unit does; those without units come last.
    """
    proposed = {one.unit: one for one in propose_roles(manifest) if one.part is None}
    top: list[Branch] = []
    made: dict[int, Branch] = {}

    def branches_of(block: int | None) -> list[Branch]:
        return top if block is None else heading(manifest.blocks[block]).branches

    def heading(block: Block) -> Branch:
        if block.index not in made:
            made[block.index] = Branch(block.title, text=block.description)
            branches_of(block.parent).append(made[block.index])
        return made[block.index]

    for unit in manifest.units:
        shown = _unit(manifest, unit, proposed.get(unit.index))
        branches_of(unit.block).append(Branch(unit.title, shown, unit.description))
    for block in manifest.blocks:
        heading(block)
    return top


def _unit(
    manifest: Manifest, unit: Unit, proposal: ProposedRole | None
) -> dict[str, Any]:
    return {
        "index": unit.index,
        "identifier": unit.identifier,
        "kind_text": KINDS[unit.kind],
        "launch": unit.launch + unit.parameters,
        "is_external": unit.is_external,
        "visible": unit.visible,
        "has_runtime": manifest.standard in PLAYABLE,
        "role": proposal.role if proposal else "",
        "why": proposal.why if proposal else "",
    }


def facts_of(manifest: Manifest) -> list[tuple[str, str]]:
    """What the package says of itself, as far as it does."""
    facts = (
        ("Standard", manifest.standard_text),
        ("Version", manifest.version),
        ("Made by", manifest.publisher),
        ("Language", "" if manifest.language == "und" else manifest.language),
        ("Length it names", _length_text(manifest.typical_duration)),
        ("Keywords", ", ".join(manifest.keywords)),
        ("Units", str(len(manifest.units))),
    )
    return [(name, text) for name, text in facts if text]


def _length_text(duration: str) -> str:
    """`PT1H30M` as people say it; as written where it is longer than days."""
    match = re.fullmatch(
        r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?", duration
    )
    if match is None:
        return duration
    names = ("day", "hour", "minute", "second")
    return " ".join(
        f"{int(number)} {name}" + ("" if int(number) == 1 else "s")
        for number, name in zip(match.groups(), names, strict=True)
        if number and int(number)
    )
