"""Policies, cycles, mandates and transfer kinds: dated TOML, checked at start.

A policy is a list of dated versions; each composes requirements from a closed list
(`KINDS`). Numbers are strings, because a float is not the number that was written.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from lrs.rules.terms import CALENDAR_YEAR, ONE_DAY, CreditCycle, start_of_day
from statements.errors import InvalidPolicy
from statements.vocabulary import VERBS

# kind of requirement -> what it needs to be told, and what it may be told
KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "units_completed": (frozenset(), frozenset()),
    "passed": (frozenset({"role"}), frozenset()),
    "min_scaled": (frozenset({"role", "at_least"}), frozenset()),
    "statement_present": (frozenset({"verb"}), frozenset({"after_completion"})),
    "within_term": (frozenset(), frozenset()),
    "audience": (frozenset(), frozenset()),
    "gate_open": (frozenset({"gate"}), frozenset()),
}
ROLES = ("course", "unit", "pretest", "posttest")
# a pre-test score decides nothing: telling why would tell the score
JUDGED_ROLES = ("course", "unit", "posttest")
PERIODS = ("term", "cycle", CALENDAR_YEAR, "once")
GRANTS = ("completion", "credit")
SENDS = ("credit", "completion", "nothing")
SHAPES = ("sum", "minimum_per_category", "once")
WITHIN = ("cycle", CALENDAR_YEAR)
IDENTIFIER = validate.Regexp(r"^[a-z0-9]+([.-][a-z0-9]+)*$")
LAST_DAY = date.max


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of the closed list, with what it was told."""

    kind: str
    role: str = ""
    at_least: Decimal = Decimal(0)
    verb: str = ""
    gate: str = ""
    after_completion: bool = False


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy as it stands from `start` up to the exclusive `end`."""

    id: str
    start: date
    end: date
    citation: str
    term: str | None
    period: str
    require: tuple[Requirement, ...]
    require_for_credit: tuple[Requirement, ...]
    grants: frozenset[str]
    credit_cap: bool


@dataclass(frozen=True, slots=True)
class Mandate:
    """A legal requirement over credit: a sum, a minimum per category, or once."""

    id: str
    title: str
    start: date
    shape: str
    within: str
    hours: Decimal | None
    categories: Mapping[str, Decimal]
    audience: frozenset[str]
    citation: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """What leaves for the training profile, and whether finishing earns credit."""

    id: str
    sends: str
    credits: bool


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What an offer says from an instant on, as far as a decision needs it."""

    effective_from: datetime
    policy: str
    product: str
    zone: str
    period: str | None = None
    hours: Decimal | None = None
    credit: Decimal | None = None
    transfer: str = "none"
    audience: frozenset[str] = frozenset()
    mandates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpan:
    """One version of a policy under one offer, while both hold."""

    start: datetime
    end: datetime
    version: PolicyVersion
    offer: OfferTerms


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that may decide about a course, in the order of time."""

    zone: str
    spans: tuple[RuleSpan, ...]
    cycles: tuple[CreditCycle, ...]
    transfers: Mapping[str, Transfer] = field(default_factory=dict)

    def span_at(self, instant: datetime) -> RuleSpan | None:
        """The rules in force at an instant; None before the first offer."""
        for span in self.spans:
            if span.start <= instant < span.end:
                return span
        return None


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies of an installation."""

    versions: Mapping[str, tuple[PolicyVersion, ...]]
    cycles: tuple[CreditCycle, ...]
    cycle_hours: Mapping[str, Decimal]
    mandates: tuple[Mandate, ...]
    transfers: Mapping[str, Transfer]

    @property
    def verbs(self) -> frozenset[str]:
        """Short names of the verbs that some requirement looks for."""
        return frozenset(
            requirement.verb
            for versions in self.versions.values()
            for version in versions
            for requirement in version.require + version.require_for_credit
            if requirement.verb
        )

    def rules(self, offers: Sequence[OfferTerms], *, zone: str) -> Rules:
        """The rules of a course from its offers in the order of recording.

        Without an offer the policy `none` judges, in `zone`. An offer takes over from
        its `effective_from` until the next one does; of two from the same instant the
        later recorded counts. Raises InvalidPolicy for a policy that is gone.
        """
        if not offers:
            ever = datetime.min.replace(tzinfo=UTC)
            offers = [OfferTerms(ever, policy="none", product="", zone=zone)]
        ordered = sorted(
            {offer.effective_from: offer for offer in offers}.values(),
            key=lambda offer: offer.effective_from,
        )
        ends = [offer.effective_from for offer in ordered[1:]]
        ends.append(datetime.max.replace(tzinfo=UTC))
        spans: list[RuleSpan] = []
        for offer, end in zip(ordered, ends, strict=True):
            if offer.policy not in self.versions:
                raise InvalidPolicy(
                    f"A course is offered under {offer.policy!r}, which is gone."
                )
            spans += _spans(offer, end, self.versions[offer.policy])
        return Rules(ordered[-1].zone, tuple(spans), self.cycles, self.transfers)


def _spans(
    offer: OfferTerms, end: datetime, versions: Iterable[PolicyVersion]
) -> Iterable[RuleSpan]:
    for version in versions:
        first = max(offer.effective_from, start_of_day(version.start, offer.zone))
        last = end
        if version.end != LAST_DAY:
            last = min(end, start_of_day(version.end, offer.zone))
        if first < last:
            yield RuleSpan(first, last, version, offer)


class _Exact(fields.Field[Decimal]):
    """A decimal written as a string."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Decimal:
        del attr, data, kwargs
        if not isinstance(value, str):
            message = 'Write numbers as strings, "0.80".'
            raise ValidationError(message)
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            message = "This is not a number."
            raise ValidationError(message)
        return number


class _Day(fields.Field[date]):
    """A TOML local date."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> date:
        del attr, data, kwargs
        if type(value) is not date:
            message = "Write a date as 2023-01-01, without time or quotes."
            raise ValidationError(message)
        return value


class _RequirementSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    role = fields.String(validate=validate.OneOf(JUDGED_ROLES))
    at_least = _Exact()
    verb = fields.String(validate=validate.OneOf(sorted(VERBS)))
    gate = fields.String(validate=IDENTIFIER)
    after_completion = fields.Boolean(truthy={True}, falsy={False})


class _PolicySchema(Schema):
    id = fields.String(required=True, validate=IDENTIFIER)
    start = _Day(required=True, data_key="from")
    citation = fields.String(required=True)
    term = fields.String(load_default=None, validate=validate.OneOf([CALENDAR_YEAR]))
    period = fields.String(required=True, validate=validate.OneOf(PERIODS))
    require = fields.List(
        fields.Nested(_RequirementSchema),
        required=True,
        validate=validate.Length(min=1),
    )
    require_for_credit = fields.List(
        fields.Nested(_RequirementSchema), load_default=list
    )
    grants = fields.List(fields.String(validate=validate.OneOf(GRANTS)), required=True)
    credit_cap = fields.String(load_default=None, validate=validate.OneOf(["hours"]))


class _CycleSchema(Schema):
    id = fields.String(required=True, validate=IDENTIFIER)
    start = _Day(required=True, data_key="from")
    until = _Day(required=True)
    hours = _Exact(required=True)


class _TransferSchema(Schema):
    id = fields.String(required=True, validate=IDENTIFIER)
    sends = fields.String(required=True, validate=validate.OneOf(SENDS))
    credits = fields.Boolean(required=True, truthy={True}, falsy={False})


class _MandateSchema(Schema):
    id = fields.String(required=True, validate=IDENTIFIER)
    title = fields.String(required=True)
    start = _Day(required=True, data_key="from")
    shape = fields.String(required=True, validate=validate.OneOf(SHAPES))
    within = fields.String(required=True, validate=validate.OneOf(WITHIN))
    hours = _Exact(load_default=None)
    categories = fields.Dict(
        keys=fields.String(validate=IDENTIFIER), values=_Exact(), load_default=dict
    )
    audience = fields.List(fields.String(), required=True)
    citation = fields.String(required=True)


class _FileSchema(Schema):
    policy = fields.List(fields.Nested(_PolicySchema), load_default=list)
    cycle = fields.List(fields.Nested(_CycleSchema), load_default=list)
    transfer = fields.List(fields.Nested(_TransferSchema), load_default=list)
    mandate = fields.List(fields.Nested(_MandateSchema), load_default=list)


@lru_cache(maxsize=1)
def policy_book() -> PolicyBook:
    """The policies that come with the product; raises InvalidPolicy."""
    folder = files("lrs.rules").joinpath("policies")
    return load_policies(
        {
            entry.name: entry.read_text(encoding="utf-8")
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".toml")
        }
    )


def load_policies(texts: Mapping[str, str]) -> PolicyBook:
    """The policies of TOML texts by file name; raises InvalidPolicy, naming the file."""
    loaded: dict[str, list[dict[str, Any]]] = {
        "policy": [],
        "cycle": [],
        "transfer": [],
        "mandate": [],
    }
    for name, text in texts.items():
        try:
            content: Any = _FileSchema().load(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise InvalidPolicy(f"{name}: {error}", file=name) from error
        except ValidationError as error:
            found = f"{name}: {error.messages}"
            raise InvalidPolicy(found, file=name) from error
        for table in loaded:
            loaded[table] += content[table]
    cycles = sorted(loaded["cycle"], key=lambda cycle: cycle["start"])
    _check_cycles(cycles)
    return PolicyBook(
        versions=_versions(loaded["policy"]),
        cycles=tuple(
            CreditCycle(cycle["id"], cycle["start"], cycle["until"] + ONE_DAY)
            for cycle in cycles
        ),
        cycle_hours={cycle["id"]: cycle["hours"] for cycle in cycles},
        mandates=tuple(_mandate(row) for row in loaded["mandate"]),
        transfers=_by_id([Transfer(**row) for row in loaded["transfer"]]),
    )


def load_folder(folder: Path) -> PolicyBook:
    """The policies of a folder of TOML files."""
    return load_policies(
        {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(folder.glob("*.toml"))
        }
    )


def _by_id(rows: list[Transfer]) -> dict[str, Transfer]:
    found = {row.id: row for row in rows}
    if len(found) != len(rows):
        message = "A transfer kind is given twice."
        raise InvalidPolicy(message)
    return found


def _check_cycles(cycles: Sequence[Mapping[str, Any]]) -> None:
    for cycle in cycles:
        if cycle["until"] < cycle["start"]:
            raise InvalidPolicy(f"The cycle {cycle['id']} ends before it begins.")
    for earlier, later in pairwise(cycles):
        if later["start"] <= earlier["until"]:
            raise InvalidPolicy(
                f"The cycles {earlier['id']} and {later['id']} overlap."
            )


def _versions(
    rows: Iterable[dict[str, Any]],
) -> dict[str, tuple[PolicyVersion, ...]]:
    found: dict[str, list[PolicyVersion]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(_version(row))
    closed: dict[str, tuple[PolicyVersion, ...]] = {}
    for name, versions in found.items():
        versions.sort(key=lambda version: version.start)
        for earlier, later in pairwise(versions):
            if earlier.start == later.start:
                raise InvalidPolicy(f"{name} has two versions from {later.start}.")
        ends = [version.start for version in versions[1:]] + [LAST_DAY]
        closed[name] = tuple(
            replace(version, end=end)
            for version, end in zip(versions, ends, strict=True)
        )
    return closed


def _version(row: dict[str, Any]) -> PolicyVersion:
    require = tuple(_requirement(row["id"], one) for one in row["require"])
    for_credit = tuple(
        _requirement(row["id"], one) for one in row["require_for_credit"]
    )
    kinds = {one.kind for one in require}
    if row["term"] is None and (row["period"] == "term" or "within_term" in kinds):
        raise InvalidPolicy(f"{row['id']} speaks of a term but names none.")
    if "audience" in kinds or {one.kind for one in for_credit} - {"audience"}:
        raise InvalidPolicy(
            f"{row['id']}: `audience` is a requirement for credit, and the only one."
        )
    return PolicyVersion(
        id=row["id"],
        start=row["start"],
        end=LAST_DAY,
        citation=row["citation"],
        term=row["term"],
        period=row["period"],
        require=require,
        require_for_credit=for_credit,
        grants=frozenset(row["grants"]),
        credit_cap=row["credit_cap"] is not None,
    )


def _requirement(policy: str, row: dict[str, Any]) -> Requirement:
    needed, allowed = KINDS[row["kind"]]
    given = set(row) - {"kind"}
    if needed - given or given - needed - allowed:
        raise InvalidPolicy(
            f"{policy}: {row['kind']} needs {sorted(needed)} and may have "
            f"{sorted(allowed)}, not {sorted(given)}."
        )
    if not -1 <= row.get("at_least", 0) <= 1:
        raise InvalidPolicy(f"{policy}: a scaled score lies between -1 and 1.")
    return Requirement(**row)


def _mandate(row: dict[str, Any]) -> Mandate:
    shape = row["shape"]
    if (row["hours"] is not None) != (shape == "sum") or bool(row["categories"]) != (
        shape == "minimum_per_category"
    ):
        raise InvalidPolicy(f"The mandate {row['id']} lacks what its shape needs.")
    return Mandate(**row | {"audience": frozenset(row["audience"])})
