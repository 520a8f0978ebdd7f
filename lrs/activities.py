"""Activity definitions: what statements say of an activity, merged.

xAPI 1.0.3 Data 2.4.4.1: a store keeps the definition it finds best; here the latest
one wins member by member, and language maps are merged entry by entry.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.tables import Activity, key_of

LANGUAGE_MAPS = ("name", "description")


def merge_definition(
    old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> dict[str, Any]:
    """The definition after `new` was received; neither argument is changed."""
    merged = {**(old or {}), **new}
    for member in LANGUAGE_MAPS:
        before, after = (old or {}).get(member), new.get(member)
        if isinstance(before, dict) and isinstance(after, dict):
            merged[member] = {**before, **after}
    if old and "extensions" in old and "extensions" in new:
        merged["extensions"] = {**old["extensions"], **new["extensions"]}
    return merged


def merge_received(
    received: Iterable[tuple[str, Mapping[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """The definitions of one list, merged in order, by IRI."""
    wanted: dict[str, dict[str, Any]] = {}
    for iri, definition in received:
        wanted[iri] = merge_definition(wanted.get(iri), definition)
    return wanted


def get_activity(db: Session, *, tenant: int, iri: str) -> dict[str, Any]:
    """The whole Activity object; one never heard of has its id alone.

    xAPI 1.0.3 Communication 2.5; xAPI 2.0 4.1.6.4.
    """
    definition = db.scalar(
        select(Activity.definition).where(
            Activity.tenant_id == tenant, Activity.activity_key == key_of(iri)
        )
    )
    activity: dict[str, Any] = {"objectType": "Activity", "id": iri}
    return activity | ({"definition": definition} if definition else {})
