"""Who may do what: one table of roles and actions, scoped to the own agency.

Default deny. A cell holds how far the action reaches: `own` (what belongs to the
person), `agency` (what belongs to the person's agency) or `any`. An empty cell is a
refusal. Pages state the action; the operation states whose thing it is.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from statements.errors import Forbidden, NotFound

Reach = Literal["own", "agency", "any"]

ROLES: Mapping[str, str] = {
    "learner": "Learner",
    "training_manager": "Training manager",
    "lp_administrator": "LP administrator",
    "author": "Author",
    "analyst": "Analyst",
    "auditor": "Auditor",
    "operator": "Operator",
}

POSITIONS: Mapping[str, str] = {
    "sworn": "Sworn officer",
    "dispatcher": "Dispatcher",
    "npo": "Non-peace officer",
    "community": "Community member",
}

# What every signed-in person may do with the own training.
_OWN: dict[str, Reach] = {
    "courses.browse": "any",
    "courses.enrol": "own",
    "courses.learn": "own",
    "certificates.view": "own",
    "credit.view": "own",
}

ACTIONS: Mapping[str, Mapping[str, Reach]] = {
    "learner": _OWN,
    "training_manager": _OWN
    | {
        "learners.view": "agency",
        "launches.view": "agency",
        "certificates.view": "agency",
        "credit.view": "agency",
    },
    "lp_administrator": _OWN
    | {
        "learners.view": "agency",
        "launches.view": "agency",
        "certificates.view": "agency",
        "credit.view": "agency",
    },
    "author": _OWN
    | {"packages.manage": "any", "courses.publish": "any", "launches.view": "any"},
    "analyst": _OWN | {"statements.find": "any"},
    "auditor": _OWN | {"audit.view": "any", "statements.find": "any"},
    "operator": _OWN
    | {
        "users.manage": "any",
        "launches.view": "any",
        "agencies.manage": "any",
        "credentials.manage": "any",
        "health.view": "any",
        "audit.view": "any",
    },
}


class NotAllowed(Forbidden):
    """Your role does not include this."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The signed-in person, as permissions see them."""

    user_id: uuid.UUID
    agency_id: uuid.UUID | None
    roles: frozenset[str]


def reaches_of(principal: Principal, action: str) -> frozenset[Reach]:
    """How far the person's roles carry this action; empty when not at all."""
    return frozenset(
        reach
        for role in principal.roles
        if (reach := ACTIONS.get(role, {}).get(action)) is not None
    )


def may(
    principal: Principal,
    action: str,
    *,
    owner: uuid.UUID | None = None,
    agency: uuid.UUID | None = None,
) -> bool:
    """Whether the person may do this to a thing of that owner and agency.

    With neither given, whether the action is open to the person at all.
    """
    reaches = reaches_of(principal, action)
    if "any" in reaches or (reaches and owner is None and agency is None):
        return True
    if "agency" in reaches and agency is not None and agency == principal.agency_id:
        return True
    return "own" in reaches and owner is not None and owner == principal.user_id


def require(
    principal: Principal,
    action: str,
    *,
    owner: uuid.UUID | None = None,
    agency: uuid.UUID | None = None,
) -> None:
    """Pass, or raise: NotAllowed for the action, NotFound for someone else's thing.

    A thing of another agency is answered like one that does not exist, so that ids
    tell nothing.
    """
    if not reaches_of(principal, action):
        raise NotAllowed
    if not may(principal, action, owner=owner, agency=agency):
        raise NotFound


def roles_for(action: str) -> tuple[str, ...]:
    """The roles whose row has this action, for a route's declaration."""
    return tuple(role for role, row in ACTIONS.items() if action in row)
