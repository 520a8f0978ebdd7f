from __future__ import annotations

import pytest

from statements import vocabulary
from statements.scalars import is_iri


@pytest.mark.parametrize(
    "table",
    [
        vocabulary.VERBS,
        vocabulary.ACTIVITY_TYPES,
        vocabulary.EXTENSIONS,
        vocabulary.ACTIVITIES,
    ],
)
def test_every_name_stands_for_one_iri(table: dict[str, str]) -> None:
    assert all(map(is_iri, table.values()))
    assert len(set(table.values())) == len(table)


def test_names_are_looked_up() -> None:
    assert vocabulary.verb("voided") == vocabulary.VOIDED
    assert vocabulary.activity_type("course").endswith("/course")
    assert vocabulary.extension("agency").startswith("tag:")
    assert vocabulary.activity("scorm") == "https://w3id.org/xapi/scorm"
    for look_up in (
        vocabulary.verb,
        vocabulary.activity_type,
        vocabulary.extension,
        vocabulary.activity,
    ):
        with pytest.raises(KeyError):
            look_up("nothing of the kind")
