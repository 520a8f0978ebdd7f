"""Errors that the domain raises.

Eight families, one HTTP status each; `lrs/problems.py` alone knows the statuses.
The docstring of a class is its default message. Keyword arguments travel with the
error (`extra`) and are shown to the caller: the JSON path into a statement, the
requirement broken, the sequence number expected.
"""

import re
from typing import Any


class DomainError(Exception):
    """The request could not be carried out."""

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or " ".join((type(self).__doc__ or "").split())
        self.extra = extra
        super().__init__(self.detail)

    @property
    def code(self) -> str:
        """The stable name of the error, `StatementConflict` -> `statement_conflict`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()


class Invalid(DomainError):
    """The request does not follow the rules of what it carries."""


class Unauthenticated(DomainError):
    """Sign in, or send valid credentials."""


class Forbidden(DomainError):
    """You may not do this."""


class NotFound(DomainError):
    """There is nothing at this address."""


class Conflict(DomainError):
    """This contradicts what is already recorded."""


class PreconditionFailed(DomainError):
    """The resource is no longer what the precondition says."""


class TooLarge(DomainError):
    """The request is larger than allowed."""


class Unavailable(DomainError):
    """A part that is needed does not answer at present; try again."""


class InvalidToken(Unauthenticated):
    """The token is unknown, has expired or was revoked; ask for a new one."""


class TooMany(Unavailable):
    """Too many requests; try again later."""


class InvalidStatement(Invalid):
    """The statement breaks a requirement of xAPI."""


class InvalidParameter(Invalid):
    """A parameter of the request is unknown or malformed."""


class InvalidConfig(Invalid):
    """A setting is unknown or has a value that cannot be used."""


class InvalidPolicy(Invalid):
    """A policy file cannot be used."""


class InvalidPackage(Invalid):
    """The package cannot be imported."""


class UnsafeArchive(Invalid):
    """The archive is refused because unpacking it would not be safe."""


class MissingScope(Forbidden):
    """The credential does not hold the scope that this call needs."""


class NotEligible(Forbidden):
    """This is not open to you."""


class StatementConflict(Conflict):
    """A different statement with this id is already stored."""


class LaunchClosed(Conflict):
    """This launch is over."""


class AlreadyEnrolled(Conflict):
    """There is already an enrolment for this term."""
