"""Each standard has its run-time; those without a model have an empty one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from player import cmi
from player.outcomes import Outcome
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
    assert not runtime.is_resumed({})
    assert not runtime.is_suspended({})
