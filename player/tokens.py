"""Launch tokens and content labels: keyed hashes that nobody else can make.

A launch token lets its holder read and write one launch, nothing else. It expires
12 hours after the launch was opened; only the learner, signed in, gets another 12. A content label is the host label under which one
learner sees one package version: stable, so a package's own storage goes on working,
and not to be guessed from either.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from lrs.config import Config
from statements.errors import Unauthenticated

LIFETIME = timedelta(hours=12)

_TOKEN = re.compile(r"v1\.([0-9a-f]{32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})")
_FETCH = re.compile(r"([0-9a-f]{32})\.[A-Za-z0-9_-]{43}")
# letters and digits alone: units pass it on with and without escaping it
_AICC = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})")


class InvalidToken(Unauthenticated):
    """The launch token is not valid."""


class TokenExpired(Unauthenticated):
    """The launch token has expired; renew it to go on saving."""


def make_token(config: Config, *, launch_id: UUID, expires: datetime) -> str:
    """A token for one launch, good until it expires."""
    body = f"v1.{launch_id.hex}.{int(expires.timestamp())}"
    return f"{body}.{_sign(config, 'launch', body)}"


@dataclass(frozen=True)
class Token:
    """What a token says; `expires` may be past."""

    launch_id: UUID
    expires: datetime


def parse_token(config: Config, token: str) -> Token:
    """What a token of any age says; raises InvalidToken unless we made it."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise InvalidToken
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _sign(config, "launch", body)):
        raise InvalidToken
    expires = datetime.fromtimestamp(int(match[2]), UTC)
    return Token(launch_id=UUID(hex=match[1]), expires=expires)


def read_token(
    config: Config, token: str, *, launch_id: UUID, now: datetime
) -> datetime:
    """When the token of this launch expires; raises InvalidToken, TokenExpired."""
    read = parse_token(config, token)
    if read.launch_id != launch_id:
        raise InvalidToken
    if now >= read.expires:
        raise TokenExpired
    return read.expires


def content_label(config: Config, *, actor: str, package_id: UUID) -> str:
    """The host label of a learner (by IFI) and a package version: 32 hex digits."""
    return _digest(config, "label", f"{package_id.hex} {actor}").hex()[:32]


def journal_key(config: Config, *, actor: str) -> str:
    """The key that seals a learner's journal in the browser (base64, 256 bits)."""
    return base64.b64encode(_digest(config, "journal", actor)).decode()


def statement_key(config: Config, *, launch_id: UUID) -> bytes:
    """The secret from which the ids of a launch's statements are made."""
    return _digest(config, "statements", launch_id.hex)


def registration_key(config: Config, *, registration: UUID) -> bytes:
    """The secret from which the ids of what is said of a registration are made."""
    return _digest(config, "registration", registration.hex)


def account_name(config: Config, *, actor: str) -> str:
    """The name of the account that a learner without one gets (by IFI)."""
    return _digest(config, "account", actor).hex()[:32]


def fetch_token(config: Config, *, launch_id: UUID) -> str:
    """What stands in the address where a unit fetches its authorization, once."""
    return f"{launch_id.hex}.{_sign(config, 'fetch', launch_id.hex)}"


def read_fetch_token(config: Config, token: str) -> UUID | None:
    """The launch of such a token; None unless we made it."""
    match = _FETCH.fullmatch(token)
    if match is None:
        return None
    launch_id = UUID(hex=match[1])
    known = fetch_token(config, launch_id=launch_id)
    return launch_id if hmac.compare_digest(known, token) else None


def aicc_session(config: Config, *, launch_id: UUID) -> str:
    """What an AICC unit names its launch by: all that it may do hangs on it."""
    return launch_id.hex + _digest(config, "aicc", launch_id.hex).hex()[:32]


def read_aicc_session(config: Config, text: str) -> UUID | None:
    """The launch of such a name; None unless we made it."""
    match = _AICC.fullmatch(text.lower())
    if match is None:
        return None
    launch_id = UUID(hex=match[1])
    known = aicc_session(config, launch_id=launch_id)
    return launch_id if hmac.compare_digest(known, text.lower()) else None


def _sign(config: Config, purpose: str, text: str) -> str:
    digest = _digest(config, purpose, text)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _digest(config: Config, purpose: str, text: str) -> bytes:
    key = config.secret_key.encode()
    if not key:
        message = "no secret key is set"
        raise ValueError(message)
    return hmac.digest(key, f"{purpose}\n{text}".encode(), hashlib.sha256)
