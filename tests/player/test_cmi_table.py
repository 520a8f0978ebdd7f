"""The compiled tables: editions, what they share with the browser, first values."""

import json

import pytest

from player.cmi_table import EDITIONS, elements_of, initial_values

LATEST = elements_of("scorm_2004")


def test_an_edition_that_is_not_known_is_the_latest() -> None:
    assert elements_of("scorm_2004", edition="5th") is LATEST
    assert elements_of("scorm_2004", edition="") is LATEST
    assert elements_of("scorm_2004", edition="4th") is LATEST


@pytest.mark.parametrize("edition", ["2nd", "3rd"])
def test_older_editions_lack_stores_and_jumps(edition: str) -> None:
    older = elements_of("scorm_2004", edition=edition)
    assert set(LATEST.elements) - set(older.elements) == {
        "adl.data._children",
        "adl.data._count",
        "adl.data.n.id",
        "adl.data.n.store",
        "adl.nav.request_valid.jump.{target}",
    }
    assert set(older.elements) <= set(LATEST.elements)
    assert older.source["types"]["suspend_data"]["limit"] == 4000
    assert older.source["types"]["suspend_data"]["accepted"] == 256_000


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_browser_is_given_a_table_without_editions(edition: str) -> None:
    source = elements_of("scorm_2004", edition=edition).source
    rows = [*source["types"].values(), *source["elements"].values()]
    assert not any("editions" in row for row in rows)
    assert len(json.dumps(source)) < 32 * 1024


@pytest.mark.parametrize("standard", ["scorm_12", "scorm_2004"])
def test_every_word_of_a_table_is_known(standard: str) -> None:
    """A word that is misspelt would be a rule that nobody follows."""
    source = elements_of(standard).source
    types = {word for row in source["types"].values() for word in row}
    assert types <= {
        *("limit", "accepted", "vocabulary", "pattern", "min", "max", "primary", "as"),
        *("marks", "split", "item", "empty", "distinct", "halves", "sides", "some"),
        *("ordered", "most", "unique"),
    }
    elements = {word for row in source["elements"].values() for word in row}
    assert elements <= {
        *("keyword", "count", "max", "type", "access", "initial", "default", "set"),
        *("each_launch", "access_in", "empty_is_unset", "decided", "depends"),
        *("needs_type", "once", "unique"),
    }


@pytest.mark.parametrize("edition", EDITIONS)
def test_first_values_are_of_elements_that_stand_alone(edition: str) -> None:
    first = initial_values(elements_of("scorm_2004", edition=edition))
    assert first == {
        "cmi.completion_status": "unknown",
        "cmi.success_status": "unknown",
        "cmi.credit": "credit",
        "cmi.entry": "ab-initio",
        "cmi.exit": "",
        "cmi.learner_preference.audio_level": "1",
        "cmi.learner_preference.audio_captioning": "0",
        "cmi.learner_preference.delivery_speed": "1",
        "cmi.learner_preference.language": "",
        "cmi.mode": "normal",
        "cmi.time_limit_action": "continue,no message",
        "cmi.total_time": "PT0H0M0S",
        "adl.nav.request": "_none_",
    }
