import itertools
import uuid

import pytest

from portal.access import (
    ACTIONS,
    ROLES,
    NotAllowed,
    Principal,
    may,
    require,
    roles_for,
)
from statements.errors import NotFound

ME, OTHER = uuid.uuid4(), uuid.uuid4()
HOME, AWAY = uuid.uuid4(), uuid.uuid4()

# role -> what it may do beyond the own training, and how far
BEYOND = {
    "learner": {},
    "training_manager": {
        "learners.view": "agency",
        "launches.view": "agency",
        "certificates.view": "agency",
        "credit.view": "agency",
    },
    "lp_administrator": {
        "learners.view": "agency",
        "launches.view": "agency",
        "certificates.view": "agency",
        "credit.view": "agency",
    },
    "author": {
        "packages.manage": "any",
        "courses.publish": "any",
        "launches.view": "any",
    },
    "analyst": {"statements.find": "any"},
    "auditor": {"audit.view": "any", "statements.find": "any"},
    "operator": {
        "users.manage": "any",
        "launches.view": "any",
        "agencies.manage": "any",
        "credentials.manage": "any",
        "health.view": "any",
        "audit.view": "any",
    },
}
OWN = {
    "courses.browse": "any",
    "courses.enrol": "own",
    "courses.learn": "own",
    "certificates.view": "own",
    "credit.view": "own",
}
EVERY_ACTION = sorted({action for row in ACTIONS.values() for action in row})


def me(*roles: str) -> Principal:
    return Principal(user_id=ME, agency_id=HOME, roles=frozenset(roles))


def test_every_role_has_its_row() -> None:
    assert ACTIONS.keys() == ROLES.keys() == BEYOND.keys()


@pytest.mark.parametrize(("role", "action"), [*itertools.product(ROLES, EVERY_ACTION)])
def test_truth_table(role: str, action: str) -> None:
    reach = (OWN | BEYOND[role]).get(action)
    things = {
        "own": may(me(role), action, owner=ME, agency=HOME),
        "same agency": may(me(role), action, owner=OTHER, agency=HOME),
        "other agency": may(me(role), action, owner=OTHER, agency=AWAY),
        "no agency": may(me(role), action, owner=OTHER),
    }
    assert things == {
        "own": reach is not None,
        "same agency": reach in {"agency", "any"},
        "other agency": reach == "any",
        "no agency": reach == "any",
    }
    assert (role in roles_for(action)) == (reach is not None)


def test_roles_add_up() -> None:
    both = me("learner", "training_manager")
    assert may(both, "certificates.view", owner=OTHER, agency=HOME)


def test_someone_without_an_agency_reaches_no_agency() -> None:
    lone = Principal(user_id=ME, agency_id=None, roles=frozenset({"training_manager"}))
    assert not may(lone, "learners.view", agency=HOME)


def test_refusals_tell_the_action_from_the_thing() -> None:
    with pytest.raises(NotAllowed):
        require(me("learner"), "learners.view", agency=HOME)
    with pytest.raises(NotFound):
        require(me("training_manager"), "learners.view", agency=AWAY)
    with pytest.raises(NotAllowed):
        require(me(), "courses.browse")
