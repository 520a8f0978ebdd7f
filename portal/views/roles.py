"""The form that says what each part of a package is; two pages share it."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from packages.manifest import Manifest
from packages.roles import propose_roles
from player.urls import unit_iri
from portal.assessments import PART_KINDS, PART_ROLES, ROLES, Known, PartRole

PARTS_OFFERED = 3
MOST_PARTS = 50
_NAMES = ("unit", "kind", "part", "role")


def form_values(
    manifest: Manifest,
    *,
    given: Mapping[str, Any] | None = None,
    known: Mapping[str, Known] | None = None,
    course_iri: str = "",
) -> dict[str, Any]:
    """What the template of the form needs: as sent, as confirmed, or as proposed."""
    confirmed = known or {}
    return {
        "units": _unit_rows(manifest, given, confirmed, course_iri),
        "inner": _inner_rows(manifest, given, confirmed, course_iri),
        "guesses": [one.part for one in propose_roles(manifest) if one.part][:6],
        "unit_choices": [(str(unit.index), unit.title) for unit in manifest.units],
        "role_choices": list(ROLES.items()),
        "part_role_choices": list(PART_ROLES.items()),
        "part_kinds": list(PART_KINDS.items()),
    }


def read_roles(given: Mapping[str, Any]) -> dict[int, str]:
    """The role of each unit, as sent."""
    return {
        int(found[1]): str(value)
        for name, value in given.items()
        if (found := re.fullmatch(r"role-([0-9]{1,5})", name))
    }


def read_parts(given: Mapping[str, Any]) -> list[PartRole]:
    """Tests inside a unit, where the author named some."""
    found = []
    for row in _sent_rows(given):
        if str(row["part"]).strip():
            unit = str(row["unit"])
            found.append(
                PartRole(
                    unit=int(unit) if re.fullmatch(r"[0-9]{1,5}", unit) else -1,
                    kind=str(row["kind"]),
                    part=str(row["part"]),
                    role=str(row["role"]),
                )
            )
    return found


def _unit_rows(
    manifest: Manifest,
    given: Mapping[str, Any] | None,
    known: Mapping[str, Known],
    course_iri: str,
) -> list[dict[str, Any]]:
    proposed = {one.unit: one for one in propose_roles(manifest) if one.part is None}
    rows = []
    for unit in manifest.units:
        proposal = proposed.get(unit.index)
        now = known.get(unit_iri(course_iri, unit.slug)) if course_iri else None
        is_said = now is not None and now.confirmed
        sent = (given or {}).get(f"role-{unit.index}")
        role = proposal.role if proposal else "unit"
        rows.append(
            {
                "key": unit.index,
                "title": unit.title,
                "role": sent or (now.role if now is not None and is_said else role),
                "why": proposal.why if proposal and not is_said else "",
                "is_confirmed": is_said,
            }
        )
    return rows


def _inner_rows(
    manifest: Manifest,
    given: Mapping[str, Any] | None,
    known: Mapping[str, Known],
    course_iri: str,
) -> list[dict[str, Any]]:
    rows = _sent_rows(given) if given else _known_rows(manifest, known, course_iri)
    empty = dict.fromkeys(_NAMES, "")
    wanted = max(PARTS_OFFERED, len(rows) + 1)
    rows += [{**empty, "place": place} for place in range(len(rows), wanted)]
    return rows[:MOST_PARTS]


def _sent_rows(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    places = sorted(
        {
            int(found[1])
            for name in given
            if (found := re.fullmatch(r"part-([0-9]{1,2})-part", name))
        }
    )
    return [
        {name: given.get(f"part-{place}-{name}", "") for name in _NAMES}
        | {"place": place}
        for place in places[:MOST_PARTS]
    ]


def _known_rows(
    manifest: Manifest, known: Mapping[str, Known], course_iri: str
) -> list[dict[str, Any]]:
    """The tests inside units that an author has named."""
    units = {unit_iri(course_iri, unit.slug): unit.index for unit in manifest.units}
    rows: list[dict[str, Any]] = []
    for iri, one in sorted(known.items()):
        if one.unit_iri not in units or not one.confirmed:
            continue
        kind, _, part = iri.removeprefix(f"{one.unit_iri}/").partition("/")
        rows.append(
            {
                "unit": str(units[one.unit_iri]),
                "kind": kind,
                "part": unquote(part),
                "role": one.role,
                "place": len(rows),
            }
        )
    return rows
