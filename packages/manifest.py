"""The one shape that every reader returns, whatever the standard.

A `Manifest` is what the rest of Rollcall knows of a package: its title, its units in
the order of the tree, and what was found while reading. It is kept as JSON with the
package; `to_json` and `from_json` are exact inverses.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import quote

Severity = Literal["error", "warning", "info", "repair"]
Standard = Literal["scorm_12", "scorm_2004", "aicc", "xapi", "cmi5"]
Kind = Literal["sco", "asset", "au", "activity"]

STANDARD_NAMES: dict[str, str] = {
    "scorm_12": "SCORM",
    "scorm_2004": "SCORM 2004",
    "aicc": "AICC",
    "xapi": "xAPI",
    "cmi5": "cmi5",
}

# RFC 3986 section 3.3, pchar without "%", and "/" between segments.
_PATH_SAFE = "/!$&'()*+,;=:@"
_SLUG_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an author should know of a package.

    `code` is stable and names the kind of finding; `path` is the file concerned, `line`
    the line in it. An `error` refuses the package; a `repair` was mended on the way in.
    """

    severity: Severity
    code: str
    message: str
    advice: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A heading over units: a cluster of SCORM, a block of cmi5 or AICC.

    `index` is its place in `Manifest.blocks`, in the order of the document; `parent` is
    the index of the block above. `objectives` are identifiers of `Manifest.objectives`.
    """

    index: int
    identifier: str
    title: str
    description: str = ""
    parent: int | None = None
    objectives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Objective:
    """What a course says that learners reach (cmi5, AICC)."""

    identifier: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A launchable part: a SCO or asset of SCORM, an AU of cmi5 or AICC, an activity.

    `launch` is the exact path of a file of the package, or an absolute URL;
    `parameters` is its query and fragment, with their `?` and `#`. `mastery_score` is on
    the scale of the standard (SCORM 1.2 and AICC: 0..100, cmi5: 0..1). `max_time` and
    `time_limit_action` are as written. `block` is the index of the heading right above.
    `parts` are ids of objectives and interactions inside that look like tests.
    `activity_type` is of cmi5 and xAPI; `move_on`, `launch_method` and
    `launch_parameters` are of cmi5; `entitlement_key` is of cmi5 and AICC (the password
    that a unit names itself by); `completion_threshold`, `scaled_passing_score` and
    `hides` (buttons that the player must not show) are of SCORM 2004.
    """

    index: int
    identifier: str
    slug: str
    kind: Kind
    title: str
    launch: str
    parameters: str = ""
    mastery_score: Decimal | None = None
    max_time: str = ""
    time_limit_action: str = ""
    data_from_lms: str = ""
    prerequisites: str = ""
    visible: bool = True
    parts: tuple[str, ...] = ()
    description: str = ""
    block: int | None = None
    objectives: tuple[str, ...] = ()
    activity_type: str = ""
    move_on: str = ""
    launch_method: str = ""
    launch_parameters: str = ""
    entitlement_key: str = ""
    completion_threshold: Decimal | None = None
    scaled_passing_score: Decimal | None = None
    hides: tuple[str, ...] = ()

    @property
    def is_external(self) -> bool:
        """True when the unit lives on another server."""
        return is_absolute(self.launch)

    @property
    def address(self) -> str:
        """The launch file as a relative URL: escaped, with query and fragment."""
        if self.is_external:
            return self.launch + self.parameters
        return quote(self.launch, safe=_PATH_SAFE) + self.parameters


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package says of itself, and what we say of the package.

    `language` is that of `title`; `typical_duration` a duration of ISO 8601; `version`
    and `publisher` are of the course: each empty where the package does not say it.
    `activities` is the activity tree of SCORM 2004 (`packages.sequencing` has its form).
    """

    standard: Standard | None
    edition: str
    identifier: str
    title: str
    description: str = ""
    units: tuple[Unit, ...] = ()
    findings: tuple[Finding, ...] = ()
    language: str = ""
    keywords: tuple[str, ...] = ()
    typical_duration: str = ""
    version: str = ""
    publisher: str = ""
    blocks: tuple[Block, ...] = ()
    objectives: tuple[Objective, ...] = ()
    activities: dict[str, Any] | None = None

    @property
    def standard_text(self) -> str:
        """Standard and edition as people name them: `SCORM 2004 4th Edition`."""
        return standard_text(self.standard, self.edition)

    @property
    def is_importable(self) -> bool:
        """True unless a finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)

    def with_findings(self, findings: Iterable[Finding]) -> "Manifest":
        """The same with further findings, the gravest kinds first."""
        order = {"error": 0, "warning": 1, "repair": 2, "info": 3}
        merged = (*self.findings, *findings)
        return replace(
            self, findings=tuple(sorted(merged, key=lambda one: order[one.severity]))
        )

    def headings(self, unit: Unit) -> list[str]:
        """The titles of the blocks above a unit, outermost first."""
        titles: list[str] = []
        place = unit.block
        while place is not None:
            block = self.blocks[place]
            titles.append(block.title)
            place = block.parent
        return titles[::-1]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; decimals as text."""
        return _plain(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Manifest":
        """The manifest that `to_json` was called on."""
        return cls(
            **{
                **value,
                "units": tuple(Unit(**_unit_values(unit)) for unit in value["units"]),
                "findings": tuple(Finding(**one) for one in value["findings"]),
                "keywords": tuple(value["keywords"]),
                "blocks": tuple(
                    Block(**{**block, "objectives": tuple(block["objectives"])})
                    for block in value["blocks"]
                ),
                "objectives": tuple(Objective(**one) for one in value["objectives"]),
            }
        )


def _plain(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON values."""
    values = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Decimal):
            value = format(value, "f")
        elif isinstance(value, tuple):
            value = [one if isinstance(one, str) else _plain(one) for one in value]
        values[field.name] = value
    return values


def _unit_values(value: dict[str, Any]) -> dict[str, Any]:
    """The fields of a unit of JSON, decimals and tuples as such again."""
    decimals = {
        name: None if value[name] is None else Decimal(value[name])
        for name in ("mastery_score", "completion_threshold", "scaled_passing_score")
    }
    tuples = {name: tuple(value[name]) for name in ("parts", "objectives", "hides")}
    return {**value, **decimals, **tuples}


def standard_text(standard: str | None, edition: str) -> str:
    """Standard and edition as people name them; empty where the standard is unknown."""
    if standard is None:
        return ""
    words = "Edition" if standard == "scorm_2004" else ""
    return " ".join(part for part in (STANDARD_NAMES[standard], edition, words) if part)


def is_absolute(address: str) -> bool:
    """True for a URL with a scheme, or one that begins with `//`."""
    return bool(re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|//)", address))


def slugs(identifiers: Iterable[str]) -> list[str]:
    """One URL-safe name per identifier, all different, stable for the same input.

    Two identifiers that differ only by case or by characters that a URL cannot hold
    still get different slugs.
    """
    taken: set[str] = set()
    last: dict[str, int] = {}
    result = []
    for identifier in identifiers:
        stem = re.sub(r"[^A-Za-z0-9._~-]+", "-", identifier).strip("-.")
        if not stem:
            stem = "unit-" + sha256(identifier.encode()).hexdigest()[:8]
        stem = slug = stem[:_SLUG_LENGTH]
        number = last.get(stem.lower(), 1)
        while slug.lower() in taken:
            number += 1
            slug = f"{stem}-{number}"
        last[stem.lower()] = number
        taken.add(slug.lower())
        result.append(slug)
    return result
