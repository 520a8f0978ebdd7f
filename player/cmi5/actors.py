"""Who a unit of cmi5 is launched for: always an account, and no more than that (9.2).

A learner who is known by a mailbox or an OpenID gets an account of this installation,
the same each time; a name is not passed on (8.1.3: no personal data).
"""

from typing import Any

from lrs.config import Config
from player import tokens
from statements.actors import ifi
from statements.build import agent
from statements.errors import Invalid


def account_of(config: Config, actor: dict[str, Any]) -> dict[str, Any]:
    """The learner as an Agent by account; raises Invalid for a group."""
    if actor.get("objectType", "Agent") != "Agent":
        raise Invalid("A unit is launched for one person: an Agent.", field="actor")
    account = actor.get("account")
    if account is not None:
        return agent(account["homePage"], account["name"])
    known = ifi(actor)
    if known is None:
        raise Invalid("An actor needs an account or another identifier.", field="actor")
    return agent(config.portal_url, tokens.account_name(config, actor=known))
