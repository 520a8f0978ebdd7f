"""The run-time of each standard: what sessions, launches and previews do with a model.

Nothing else names a standard's elements. `aicc` has the run-time of SCORM 1.2, whose
model is that of AICC's CMI001; units of `cmi5` and `xapi` keep no model at all: what
their statements say is put into the attempt by `sittings.record_outcome`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any, Protocol

from packages.manifest import Unit
from player import aicc_values, cmi, scorm_12, scorm_2004, sharing
from player.cmi import Elements, Model
from player.outcomes import ALONE, Around, Interaction, Mode, Outcome

Values = Mapping[str, str]


class Begin(Protocol):
    """The model at Initialize."""

    def __call__(
        self,
        values: Values,
        *,
        mode: Mode,
        started: bool,
        suspended: bool,
        around: Around = ALONE,
    ) -> Model: ...


class Finish(Protocol):
    """The model after a session of so many seconds."""

    def __call__(
        self,
        values: Values,
        *,
        terminated: bool,
        seconds: Decimal = Decimal(0),
        around: Around = ALONE,
    ) -> Model: ...


class First(Protocol):
    """The model of a new attempt; `threshold` (scaled) is a policy's."""

    def __call__(self, unit: Unit, *, threshold: Decimal | None) -> Model: ...


class Share(Protocol):
    """What units leave for each other, after what this one says."""

    def __call__(
        self, values: Values, around: Around, /, *, ended: bool
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Runtime:
    """What a standard's model means; `elements` is None where it has none.

    `objective` and `interaction` are asked by index; `learner` is what content reads
    of the learner: account name, IFI, name; `request` is where the unit asks to go on when
    it ends. Where `starts_anew` is true, an attempt that
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
    interaction: Callable[[Values, str], Interaction | None]
    comments: Callable[[Values, Sequence[tuple[str, str]]], Mapping[str, str]]
    status: Callable[[Values], str]
    session_seconds: Callable[[Values], Decimal | None]
    learner: Callable[[str, str, str], Model]
    share: Share
    request: Callable[[Values], str]
    starts_anew: bool = False

    @property
    def source(self) -> dict[str, Any]:
        """The element table as the browser is given it; empty where there is none."""
        return {} if self.elements is None else self.elements.source


@cache
def runtime_of(standard: str | None, edition: str = "") -> Runtime:
    """The run-time of a standard and edition, as a manifest names them."""
    if standard in {"scorm_12", "aicc"}:
        return _scorm_12(standard)
    if standard == "scorm_2004":
        return _scorm_2004(edition)
    return _without_model(standard or "")


def _scorm_12(standard: str) -> Runtime:
    def first(unit: Unit, *, threshold: Decimal | None) -> Model:
        told = aicc_values.in_words(unit) if standard == "aicc" else unit
        return scorm_12.first_values(scorm_12.given(told, threshold=threshold))

    def begin(values: Values, *, around: Around = ALONE, **session: Any) -> Model:  # noqa: ARG001
        return scorm_12.begin(values, **session)

    def finish(values: Values, *, around: Around = ALONE, **session: Any) -> Model:  # noqa: ARG001
        return scorm_12.finish(values, **session)

    return Runtime(
        standard=standard,
        elements=cmi.elements_of("scorm_12"),
        first_values=first,
        begin=begin,
        view_asset=scorm_12.view_asset,
        finish=finish,
        is_resumed=scorm_12.is_resumed,
        is_suspended=scorm_12.is_suspended,
        outcome=scorm_12.outcome,
        objective=scorm_12.objective,
        interaction=scorm_12.interaction,
        comments=scorm_12.comments,
        status=lambda values: values.get(scorm_12.STATUS, ""),
        session_seconds=scorm_12.session_seconds,
        learner=scorm_12.learner,
        share=_nothing,
        request=lambda _: "",
    )


def _scorm_2004(edition: str) -> Runtime:
    elements = cmi.elements_of("scorm_2004", edition=edition)
    outcome = partial(scorm_2004.outcome, elements)

    def finish(
        values: Values,
        *,
        terminated: bool,
        seconds: Decimal = Decimal(0),
        around: Around = ALONE,
    ) -> Model:
        return scorm_2004.finish(
            values, terminated=terminated, seconds=seconds, around=around
        )

    def begin(values: Values, *, around: Around = ALONE, **session: Any) -> Model:
        return scorm_2004.begin(elements, values, around=around, **session)

    return Runtime(
        standard="scorm_2004",
        elements=elements,
        first_values=partial(scorm_2004.first_values, elements),
        begin=begin,
        view_asset=scorm_2004.view_asset,
        finish=finish,
        is_resumed=scorm_2004.is_resumed,
        is_suspended=scorm_2004.is_suspended,
        outcome=outcome,
        objective=partial(scorm_2004.objective, elements),
        interaction=scorm_2004.interaction,
        comments=scorm_2004.comments,
        status=lambda values: outcome(values).status,
        session_seconds=scorm_2004.session_seconds,
        learner=partial(scorm_2004.learner, elements),
        share=partial(sharing.share, elements),
        request=scorm_2004.request,
        starts_anew=True,
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
        interaction=lambda _values, _place: None,
        comments=lambda _values, _changed: {},
        status=lambda _: "not attempted",
        session_seconds=lambda _: None,
        learner=lambda _account, _ifi, _name: {},
        share=_nothing,
        request=lambda _: "",
    )


def _nothing(_values: Values, around: Around, /, *, ended: bool) -> Mapping[str, Any]:  # noqa: ARG001
    return around.shared
