"""Query parameters of the xAPI resources, strictly.

xAPI 1.0.3 Communication 2.1.3, Data 2.2: a parameter that is unknown, repeated, of
another case or of the wrong form is refused, as it would be inside a statement.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

import marshmallow
import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from statements import actors, scalars
from statements.errors import DomainError, Invalid, InvalidParameter
from statements.validate import check_actor

FORMATS = ("exact", "ids", "canonical")
# longer ones are parsed anew: thousands of them would fill the memory
_MAX_REMEMBERED = 2000
# as JSON; what pages repeat in their cursors, which are no longer than 12,000 letters
MAX_QUERY = 8_800
REQUIRED = "it is required."
T = TypeVar("T")


class Uuid(fields.Field[uuid.UUID]):
    """A UUID in its usual spelling."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> uuid.UUID:
        del attr, data, kwargs
        return _told(scalars.parse_uuid, value)


class Iri(fields.Field[str]):
    """An absolute IRI."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> str:
        del attr, data, kwargs
        if not scalars.is_iri(value):
            raise ValidationError("Not an absolute IRI.")
        return cast("str", value)


class Timestamp(fields.Field[datetime]):
    """An instant as in statements."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> datetime:
        del attr, data, kwargs
        # a plus sign that was not percent-encoded arrives as a space
        return _told(scalars.parse_timestamp, value.replace(" ", "+"))


class Truth(fields.Field[bool]):
    """`true` or `false` as JSON writes them."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> bool:
        del attr, data, kwargs
        if value not in {"true", "false"}:
            raise ValidationError("Not true or false.")
        return bool(value == "true")


class Actor(fields.Field[str]):
    """An Agent or identified Group as JSON; gives its IFI."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> str:
        del attr, data, kwargs
        try:
            actor = orjson.loads(value)
            check_actor(actor, version="2.0.0")
        except orjson.JSONDecodeError as error:
            raise ValidationError("Not JSON.") from error
        except DomainError as error:
            raise ValidationError(_of_actor(error)) from error
        ifi = actors.ifi(actor)
        if ifi is None or "\0" in ifi:
            raise ValidationError("Not an Agent or identified Group.")
        return ifi


class Agent(fields.Field[dict[str, Any]]):
    """An Agent as JSON, as it was sent; a Group is not one."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        del attr, data, kwargs
        try:
            agent = orjson.loads(value)
            check_actor(agent, version="2.0.0")
        except orjson.JSONDecodeError as error:
            raise ValidationError("Not JSON.") from error
        except DomainError as error:
            raise ValidationError(_of_actor(error)) from error
        if actors.is_group(agent):
            raise ValidationError(
                "Not an Agent. For a Group, put its identifier into an Agent."
            )
        if "\0" in str(actors.ifi(agent)):
            raise ValidationError("The character U+0000 cannot be stored.")
        return cast("dict[str, Any]", agent)


class Name(fields.Field[str]):
    """The id of a document: any text but none."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> str:
        del attr, data, kwargs
        if not value or "\0" in value:
            raise ValidationError("Not the id of a document.")
        return cast("str", value)


class Strict(Schema):
    """Takes no parameters but those it knows."""

    class Meta:
        """Unknown ones are refused."""

        unknown = RAISE


class StatementQuery(Strict):
    """Parameters of GET on the Statement Resource."""

    statement_id = Uuid(data_key="statementId")
    voided_statement_id = Uuid(data_key="voidedStatementId")
    agent = Actor()
    verb = Iri()
    activity = Iri()
    registration = Uuid()
    related_activities = Truth(load_default=False)
    related_agents = Truth(load_default=False)
    since = Timestamp()
    until = Timestamp()
    limit = fields.Integer(strict=False, load_default=0, validate=validate.Range(min=0))
    format = fields.String(load_default="exact", validate=validate.OneOf(FORMATS))
    attachments = Truth(load_default=False)
    ascending = Truth(load_default=False)
    cursor = fields.String()

    @marshmallow.validates_schema(pass_original=True)
    def _alone(
        self, data: dict[str, Any], original: Mapping[str, Any], **_: Any
    ) -> None:
        """An id goes with `attachments` and `format` only, a cursor with nothing."""
        names = set(original)
        del data
        for alone, company in (
            ("statementId", {"attachments", "format"}),
            ("voidedStatementId", {"attachments", "format"}),
            ("cursor", set()),
        ):
            if alone in names and (others := names - company - {alone}):
                raise ValidationError(
                    f"Not together with {', '.join(sorted(others))}.", alone
                )


class PutQuery(Strict):
    """Parameters of PUT on the Statement Resource."""

    statement_id = Uuid(data_key="statementId", required=True)


class ActivityQuery(Strict):
    """Parameters of the Activities Resource."""

    activity = Iri(data_key="activityId", required=True)


class AgentQuery(Strict):
    """Parameters of the Agents Resource."""

    agent = Agent(required=True)


class StateQuery(ActivityQuery, AgentQuery):
    """Parameters of PUT and POST on the State Resource."""

    registration = Uuid()
    document_id = Name(data_key="stateId", required=True)


class StatesQuery(StateQuery):
    """Parameters of DELETE on the State Resource: one document or all."""

    document_id = Name(data_key="stateId")


class AgentProfileQuery(AgentQuery):
    """Parameters of PUT, POST and DELETE on the Agent Profile Resource."""

    document_id = Name(data_key="profileId", required=True)


class ActivityProfileQuery(ActivityQuery):
    """Parameters of PUT, POST and DELETE on the Activity Profile Resource."""

    document_id = Name(data_key="profileId", required=True)


class _Listed(Strict):
    """A GET of one document by its id, or of the ids of those changed since."""

    since = Timestamp()

    @marshmallow.validates_schema
    def _one_or_many(self, data: dict[str, Any], **_: Any) -> None:
        if "since" in data and "document_id" in data:
            raise ValidationError("Only for the list of documents.", "since")


class StateGet(StatesQuery, _Listed):
    """Parameters of GET on the State Resource."""


class AgentProfileGet(AgentProfileQuery, _Listed):
    """Parameters of GET on the Agent Profile Resource."""

    document_id = Name(data_key="profileId")


class ActivityProfileGet(ActivityProfileQuery, _Listed):
    """Parameters of GET on the Activity Profile Resource."""

    document_id = Name(data_key="profileId")


class NoQuery(Strict):
    """No parameters at all."""


def load(schema: type[Schema], given: MultiDict[str, str]) -> dict[str, Any]:
    """The typed parameters; raises InvalidParameter naming the first wrong one."""
    pairs = tuple(given.items(multi=True))
    length = sum(len(name) + len(text) for name, text in pairs)
    parse = _loaded if length < _MAX_REMEMBERED else _parsed
    loaded = dict(parse(schema, pairs))
    if schema is StatementQuery and length >= _MAX_REMEMBERED:
        _refuse_unpaged(dict(pairs))
    return loaded


def _refuse_unpaged(named: dict[str, str]) -> None:
    """Raise InvalidParameter for filters too long to go from page to page."""
    if "cursor" not in named and len(orjson.dumps(named)) > MAX_QUERY:
        name = max(named, key=lambda one: len(named[one]))
        raise InvalidParameter(
            f"{name}: the parameters have more than {MAX_QUERY} bytes; so long a "
            "filter cannot be paged.",
            parameter=name,
        )


def _parsed(
    schema: type[Schema], given: tuple[tuple[str, str], ...]
) -> Mapping[str, Any]:
    named = dict(given)
    if len(named) < len(given):
        names = [name for name, _ in given]
        name = next(one for one in names if names.count(one) > 1)
        raise InvalidParameter(f"{name} is given twice.", parameter=name)
    try:
        return cast("dict[str, Any]", _made(schema).load(named))
    except ValidationError as error:
        messages = cast("dict[str, list[str]]", error.messages)
        name, texts = next(iter(messages.items()))
        reason = _reason(_made(schema), name, " ".join(map(str, texts)))
        raise InvalidParameter(f"{name}: {reason}", parameter=name) from error


# a client asks much the same again and again
_loaded = lru_cache(maxsize=2000)(_parsed)


def _reason(schema: Schema, name: str, text: str) -> str:
    """What is wrong with a parameter, and what would be right."""
    if text == schema.error_messages["unknown"]:
        # a cursor is made by the store, never by hand
        known = sorted(
            {one.data_key or key for key, one in schema.fields.items()} - {"cursor"}
        )
        meant = [one for one in known if one.lower() == name.lower()]
        if meant:
            return f"there is no such parameter; it is spelled {meant[0]}."
        return f"there is no such parameter; there are {', '.join(known) or 'none'}."
    return REQUIRED if text == fields.Field.default_error_messages["required"] else text


@cache
def _made(schema: type[Schema]) -> Schema:
    """A schema is dear to make."""
    return schema()


def _of_actor(error: DomainError) -> str:
    """The requirement broken and where, without the section of statements."""
    if "requirement" not in error.extra:
        return error.detail
    return f"{error.extra['path']} {error.extra['requirement']}."


def _told(parse: Callable[[str], T], value: str) -> T:
    """What the parser gives; its refusal in marshmallow's words."""
    try:
        return parse(value)
    except Invalid as error:
        raise ValidationError(error.detail) from error
