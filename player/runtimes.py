"""The run-time of each standard: what sessions, launches and previews do with a model.

Nothing else names a standard's elements. `aicc` has the run-time of SCORM 1.2, whose
model is that of AICC's CMI001; units of `cmi5` and `xapi` keep no model at all: what
their statements say is put into the attempt by `sittings.record_outcome`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from packages.manifest import Unit
from player import cmi, scorm_12
from player.cmi import Elements, Model
from player.outcomes import Mode, Outcome

Values = Mapping[str, str]


class Begin(Protocol):
    """The model at Initialize."""

    def __call__(
        self, values: Values, *, mode: Mode, started: bool, suspended: bool
    ) -> Model: ...


class Finish(Protocol):
    """The model after a session of so many seconds."""

    def __call__(
        self, values: Values, *, terminated: bool, seconds: Decimal = Decimal(0)
    ) -> Model: ...


class First(Protocol):
    """The model of a new attempt; `threshold` (scaled) is a policy's."""

    def __call__(self, unit: Unit, *, threshold: Decimal | None) -> Model: ...


@dataclass(frozen=True)
class Runtime:
    """What a standard's model means; `elements` is None where it has none.

    `objective` is what an objective's index amounts to; `learner` is what content reads
    of the learner: account name, IFI, name. Where `starts_anew` is true, an attempt that
    was ended and not suspended is over, and the next session begins another.
    """

    standard: str
    elements: Elements | None
    first_values: First
    begin: Begin
    view_asset: Callable[[Values], Model]
    finish: Finish
    is_resumed: Callable[[Values], bool]
    is_suspended: Callable[[Values], bool]
    outcome: Callable[[Values], Outcome]
    objective: Callable[[Values, str], Outcome]
    status: Callable[[Values], str]
    session_seconds: Callable[[Values], Decimal | None]
    learner: Callable[[str, str, str], Model]
    starts_anew: bool = False

    @property
    def source(self) -> dict[str, Any]:
        """The element table as the browser is given it; empty where there is none."""
        return {} if self.elements is None else self.elements.source


@cache
def runtime_of(standard: str | None, edition: str = "") -> Runtime:  # noqa: ARG001
    """The run-time of a standard and edition, as a manifest names them."""
    if standard in {"scorm_12", "aicc"}:
        return _scorm_12(standard)
    return _without_model(standard or "")


def _scorm_12(standard: str) -> Runtime:
    return Runtime(
        standard=standard,
        elements=cmi.elements_of("scorm_12"),
        first_values=lambda unit, *, threshold: scorm_12.first_values(
            scorm_12.given(unit, threshold=threshold)
        ),
        begin=scorm_12.begin,
        view_asset=scorm_12.view_asset,
        finish=scorm_12.finish,
        is_resumed=scorm_12.is_resumed,
        is_suspended=scorm_12.is_suspended,
        outcome=scorm_12.outcome,
        objective=scorm_12.objective,
        status=lambda values: values.get(scorm_12.STATUS, ""),
        session_seconds=scorm_12.session_seconds,
        learner=scorm_12.learner,
    )


def _without_model(standard: str) -> Runtime:
    def same(values: Values, **_: object) -> Model:
        return dict(values)

    return Runtime(
        standard=standard,
        elements=None,
        first_values=lambda _unit, *, threshold: {},  # noqa: ARG005
        begin=same,
        view_asset=same,
        finish=same,
        is_resumed=lambda _: False,
        is_suspended=lambda _: False,
        outcome=lambda _: Outcome(),
        objective=lambda _values, _place: Outcome(),
        status=lambda _: "not attempted",
        session_seconds=lambda _: None,
        learner=lambda _account, _ifi, _name: {},
    )
