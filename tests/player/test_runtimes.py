"""Each standard has its run-time; those without a model have an empty one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from player import cmi
from player.outcomes import Around, Outcome
from player.runtimes import runtime_of
from tests.player.sample import make_unit


@pytest.mark.parametrize(
    ("standard", "table"), [("scorm_12", "scorm_12"), ("aicc", "scorm_12")]
)
def test_a_standard_with_a_model(standard: str, table: str) -> None:
    runtime = runtime_of(standard)
    assert runtime.elements is not None
    assert runtime.elements.standard == table
    assert runtime.source == cmi.elements_of(table).source
    first = runtime.first_values(make_unit(0), threshold=Decimal("0.8"))
    begun = runtime.begin(first, mode="Normal", started=True, suspended=True)
    assert runtime.is_resumed(begun)
    assert runtime.status(begun) == "not attempted"
    assert runtime.outcome(runtime.finish(begun, terminated=True)).completion == (
        "completed"
    )


@pytest.mark.parametrize("edition", ["2nd", "3rd", "4th"])
def test_each_edition_of_scorm_2004_has_its_table(edition: str) -> None:
    runtime = runtime_of("scorm_2004", edition)
    table = cmi.elements_of("scorm_2004", edition=edition)
    assert runtime.elements is table
    assert runtime.source["api"]["object"] == "API_1484_11"
    assert runtime.starts_anew
    first = runtime.first_values(make_unit(0), threshold=Decimal("0.8"))
    assert first["cmi.scaled_passing_score"] == "0.8"
    begun = runtime.begin(first, mode="Normal", started=True, suspended=True)
    assert runtime.is_resumed(begun)
    assert runtime.status(begun) == "not attempted"
    ended = runtime.finish(
        {**begun, "cmi.score.scaled": "0.9", "adl.nav.request": "exitAll"},
        terminated=True,
        seconds=Decimal(5),
    )
    assert runtime.outcome(ended).completion == "completed"
    assert runtime.status(ended) == "passed"
    assert runtime.request(ended) == "exitAll"
    assert not runtime.is_suspended(ended)
    assert runtime.status(runtime.view_asset(begun)) == "completed"
    assert runtime.learner("a", "b", "c")["cmi.learner_id"] == "a"


@pytest.mark.parametrize("standard", ["cmi5", "xapi", None])
def test_a_standard_without_a_model(standard: str | None) -> None:
    runtime = runtime_of(standard)
    assert runtime.elements is None
    assert runtime.source == {}
    assert runtime.first_values(make_unit(0), threshold=None) == {}
    assert runtime.begin({}, mode="Normal", started=True, suspended=True) == {}
    assert runtime.outcome(runtime.finish({}, terminated=True)) == Outcome()
    assert runtime.objective({}, "0") == Outcome()
    assert runtime.session_seconds({}) is None
    assert runtime.status(runtime.view_asset({})) == "not attempted"
    assert runtime.learner("a", "b", "c") == {}
    assert runtime.interaction({}, "0") is None
    assert runtime.comments({}, [("cmi.comments", "a")]) == {}
    assert runtime.share({}, Around(shared={"data": {}}), ended=True) == {"data": {}}
    assert runtime.request({}) == ""
    assert not runtime.is_resumed({})
    assert not runtime.is_suspended({})
