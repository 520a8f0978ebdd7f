"""Actors: who an Agent or Group is, as one string.

xAPI 1.0.3 Data 2.4.2; xAPI 2.0 4.2.2.1. The inverse functional identifier (IFI) is
written `kind::value`. An account is `account::<homePage>|<name>`: no IRI can hold a
`|`, so the first one ends the home page and no two accounts share a spelling.
"""

from collections.abc import Iterator
from typing import Any

from statements.errors import Invalid

IFI_KINDS = ("mbox", "mbox_sha1sum", "openid", "account")


def ifi(actor: dict[str, Any]) -> str | None:
    """The identifier of an Agent or identified Group; None for an anonymous Group."""
    if "account" in actor:
        account = actor["account"]
        return f"account::{account['homePage']}|{account['name']}"
    if "mbox" in actor:
        return f"mbox::{_lower_mail(actor['mbox'])}"
    if "mbox_sha1sum" in actor:
        return f"mbox_sha1sum::{actor['mbox_sha1sum'].lower()}"
    return f"openid::{actor['openid']}" if "openid" in actor else None


def _lower_mail(mbox: str) -> str:
    """Scheme and domain in lower case: neither distinguishes two people."""
    local, _, domain = mbox[7:].rpartition("@")
    return f"mailto:{local}@{domain.lower()}"


def actor_of(text: str) -> dict[str, Any]:
    """The Agent that an IFI stands for; raises Invalid for any other text."""
    kind, separator, value = text.partition("::")
    if not separator or kind not in IFI_KINDS:
        raise Invalid(f"{text[:80]!r} is not an identifier of an actor.")
    if kind != "account":
        return {"objectType": "Agent", kind: value}
    home_page, _, name = value.partition("|")
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def is_group(actor: dict[str, Any]) -> bool:
    """Whether this is a Group, identified or anonymous."""
    return actor.get("objectType") == "Group"


def ifis(actor: dict[str, Any]) -> Iterator[str]:
    """The actor's own identifier and those of a Group's members."""
    own = ifi(actor)
    if own is not None:
        yield own
    for member in actor.get("member", ()):
        yield from ifis(member)
