"""Forms of the pages, read by marshmallow; every refusal names its field."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from lrs.rules.policy import policy_book
from portal.access import POSITIONS
from statements.errors import Invalid

MAXIMUM_HOURS = Decimal(1000)
HUNDREDTH = Decimal("0.01")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


def _known_policy(name: str) -> None:
    if name not in policy_book().versions:
        message = "There is no such rule."
        raise ValidationError(message)


def _known_transfer(name: str) -> None:
    if name not in policy_book().transfers:
        message = "There is no such kind of transfer."
        raise ValidationError(message)


def _amount(value: Decimal) -> None:
    if not 0 <= value <= MAXIMUM_HOURS:
        message = f"Give a number from 0 to {MAXIMUM_HOURS}."
        raise ValidationError(message)
    if value != value.quantize(HUNDREDTH):
        message = "Give two decimals at the most."
        raise ValidationError(message)


def _day(value: date) -> None:
    if not FIRST_DAY <= value <= LAST_DAY:
        message = f"Give a day from {FIRST_DAY.year} to {LAST_DAY.year}."
        raise ValidationError(message)


class _Form(Schema):
    """Buttons and tokens of a form are not values; empty fields have none."""

    class Meta:
        """What is not named is left out."""

        unknown = EXCLUDE

    @pre_load
    def trim(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Empty fields of a form are fields without a value."""
        return {
            name: value.strip() or None if isinstance(value, str) else value
            for name, value in data.items()
        }


def _text(longest: int) -> fields.String:
    return fields.String(
        load_default="", allow_none=True, validate=validate.Length(max=longest)
    )


class OfferForm(_Form):
    """What the author says of an offer."""

    hours = fields.Decimal(load_default=None, allow_none=True, validate=_amount)
    credit = fields.Decimal(load_default=None, allow_none=True, validate=_amount)
    policy = fields.String(required=True, validate=_known_policy)
    transfer = fields.String(required=True, validate=_known_transfer)
    audience = fields.List(
        fields.String(validate=validate.OneOf(list(POSITIONS))),
        required=True,
        validate=validate.Length(min=1, error="Choose at least one."),
    )
    mandates = fields.List(fields.String(), load_default=[])
    effective = fields.Date(
        required=True,
        validate=_day,
        error_messages={"required": "Give a day.", "null": "Give a day."},
    )


class CourseForm(_Form):
    """What the author says of a course; objectives are lines."""

    title = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        error_messages={"required": "Give a title.", "null": "Give a title."},
    )
    description = _text(2000)
    objectives = _text(4000)
    provider = _text(200)
    contact = _text(500)


class PublishForm(OfferForm):
    """What the author says when publishing in one go."""

    course = fields.UUID(load_default=None, allow_none=True)
    title = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        error_messages={"required": "Give a title.", "null": "Give a title."},
    )
    description = _text(2000)


class ApprovalForm(_Form):
    """Who approved a course, under which number, and when."""

    authority = fields.String(
        required=True,
        validate=validate.Length(max=200),
        error_messages={"null": "Say who approved it."},
    )
    reference = _text(200)
    day = fields.Date(
        required=True,
        validate=_day,
        error_messages={"required": "Give a day.", "null": "Give a day."},
    )


LABELS = {
    "title": "Title",
    "description": "Description",
    "hours": "Estimated hours",
    "credit": "CPT credit",
    "policy": "Rule for completing it",
    "transfer": "Training profile",
    "audience": "Open to",
    "effective": "In force from",
    "course": "Publish as",
    "objectives": "What learners will learn",
    "provider": "Provider",
    "contact": "Contact",
    "mandates": "Counts for",
    "authority": "Approved by",
    "reference": "Its number",
    "day": "Approved on",
}


def load_form(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form; raises Invalid with the first thing that is wrong."""
    try:
        loaded: dict[str, Any] = schema.load(dict(data))
    except ValidationError as error:
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        name, found = next(iter(messages.items()))
        text = found[0] if isinstance(found, list) else "This value cannot be used."
        label = LABELS.get(name, name)
        raise Invalid(f"{label}: {text}", field=name) from error
    return loaded
