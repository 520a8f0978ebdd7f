from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from lrs.activities import get_activity, merge_definition, merge_received
from lrs.tables import MAIN_TENANT, Activity, key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

IRI = "https://example.org/course"


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        (None, {}, {}),
        (None, {"type": "a"}, {"type": "a"}),
        ({"type": "a"}, {}, {"type": "a"}),
        ({"type": "a"}, {"type": "b"}, {"type": "b"}),
        ({"type": "a"}, {"moreInfo": "m"}, {"type": "a", "moreInfo": "m"}),
        (
            {"name": {"en": "one", "es": "uno"}},
            {"name": {"en": "two"}},
            {"name": {"en": "two", "es": "uno"}},
        ),
        (
            {"description": {"en": "one"}},
            {"description": {"es": "uno"}},
            {"description": {"en": "one", "es": "uno"}},
        ),
        (
            {"extensions": {"x:1": 1, "x:2": {"a": 1}}},
            {"extensions": {"x:2": {"b": 2}}},
            {"extensions": {"x:1": 1, "x:2": {"b": 2}}},
        ),
        (
            {"choices": [{"id": "a"}, {"id": "b"}]},
            {"choices": [{"id": "c"}]},
            {"choices": [{"id": "c"}]},
        ),
    ],
)
def test_the_latest_wins_member_by_member(
    old: dict[str, Any] | None, new: dict[str, Any], merged: dict[str, Any]
) -> None:
    before = deepcopy((old, new))
    assert merge_definition(old, new) == merged
    assert (old, new) == before


def keep(db: Session, definition: dict[str, Any]) -> None:
    db.add(
        Activity(
            tenant_id=MAIN_TENANT,
            activity_key=key_of(IRI),
            iri=IRI,
            definition=definition,
        )
    )
    db.flush()


def test_several_of_one_list_are_merged_in_order() -> None:
    assert merge_received([]) == {}
    found = [{"name": {"en": "1"}}, {"name": {"es": "2"}}, {"type": "t"}]
    assert merge_received((IRI, one) for one in found) == {
        IRI: {"name": {"en": "1", "es": "2"}, "type": "t"}
    }


def test_an_activity_is_told_whether_it_is_known_or_not(db: Session) -> None:
    unknown = {"objectType": "Activity", "id": IRI}
    assert get_activity(db, tenant=MAIN_TENANT, iri=IRI) == unknown
    keep(db, {"type": "a"})
    known = unknown | {"definition": {"type": "a"}}
    assert get_activity(db, tenant=MAIN_TENANT, iri=IRI) == known
    assert get_activity(db, tenant=2, iri=IRI) == unknown


def test_another_tenants_definition_is_not_looked_at(db: Session) -> None:
    keep(db, {"type": "a"})
    other = get_activity(db, tenant=MAIN_TENANT + 1, iri=IRI)
    assert other == {"objectType": "Activity", "id": IRI}
