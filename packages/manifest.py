"""The one shape that every reader returns, whatever the standard.

A `Manifest` is what the rest of Rollcall knows of a package: its title, its units in
the order of the tree, and what was found while reading. It is kept as JSON with the
package; `to_json` and `from_json` are exact inverses.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import quote

Severity = Literal["error", "warning", "info", "repair"]
Standard = Literal["scorm_12", "scorm_2004", "aicc", "xapi", "cmi5"]
Kind = Literal["sco", "asset", "au"]

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
class Unit:
    """A launchable part: a SCO or asset of SCORM, an AU of cmi5.

    `launch` is the exact path of a file of the package, or an absolute URL;
    `parameters` is its query and fragment, with their `?` and `#`. `mastery_score` is on
    the scale of the standard (SCORM 1.2: 0..100). `max_time` and `time_limit_action` are
    as written. `parents` are the titles of the headings above the unit, outermost first.
    `parts` are ids of objectives and interactions inside that look like tests.
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
    parents: tuple[str, ...] = ()
    visible: bool = True
    parts: tuple[str, ...] = ()

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
    """What a package says of itself, and what we say of the package."""

    standard: Standard | None
    edition: str
    identifier: str
    title: str
    description: str = ""
    units: tuple[Unit, ...] = ()
    findings: tuple[Finding, ...] = ()

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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; decimals as text."""
        value = asdict(self)
        for unit in value["units"]:
            score = unit["mastery_score"]
            unit["mastery_score"] = None if score is None else format(score, "f")
            unit["parents"] = list(unit["parents"])
            unit["parts"] = list(unit["parts"])
        value["units"] = list(value["units"])
        value["findings"] = list(value["findings"])
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Manifest":
        """The manifest that `to_json` was called on."""
        units = tuple(
            Unit(
                **{
                    **unit,
                    "mastery_score": None
                    if unit["mastery_score"] is None
                    else Decimal(unit["mastery_score"]),
                    "parents": tuple(unit["parents"]),
                    "parts": tuple(unit["parts"]),
                }
            )
            for unit in value["units"]
        )
        findings = tuple(Finding(**finding) for finding in value["findings"])
        return cls(**{**value, "units": units, "findings": findings})


def is_absolute(address: str) -> bool:
    """True for a URL with a scheme, or one that begins with `//`."""
    return bool(re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|//)", address))


def slugs(identifiers: Iterable[str]) -> list[str]:
    """One URL-safe name per identifier, all different, stable for the same input.

    Two identifiers that differ only by case or by characters that a URL cannot hold
    still get different slugs.
    """
    taken: set[str] = set()
    result = []
    for identifier in identifiers:
        stem = re.sub(r"[^A-Za-z0-9._~-]+", "-", identifier).strip("-.")
        if not stem:
            stem = "unit-" + sha256(identifier.encode()).hexdigest()[:8]
        stem = slug = stem[:_SLUG_LENGTH]
        number = 2
        while slug.lower() in taken:
            slug = f"{stem}-{number}"
            number += 1
        taken.add(slug.lower())
        result.append(slug)
    return result
