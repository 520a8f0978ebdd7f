"""Who a unit is launched for: an account, and nothing of the person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from player.cmi5.actors import account_of
from statements.errors import Invalid

if TYPE_CHECKING:
    from lrs.config import Config

ACCOUNT = {"homePage": "https://school.example", "name": "4711"}


def test_an_account_is_passed_on_without_the_name(config: Config) -> None:
    given = {"objectType": "Agent", "name": "Kim", "account": ACCOUNT}
    assert account_of(config, given) == {"objectType": "Agent", "account": ACCOUNT}


@pytest.mark.parametrize(
    "actor",
    [
        {"mbox": "mailto:kim@example.org"},
        {"mbox_sha1sum": "a" * 40},
        {"openid": "https://kim.example.org"},
    ],
    ids=["mbox", "sha1", "openid"],
)
def test_others_get_an_account_of_ours(config: Config, actor: dict[str, Any]) -> None:
    found = account_of(config, actor)
    assert found["account"]["homePage"] == config.portal_url
    assert found == account_of(config, {**actor, "name": "Kim"})
    assert "kim" not in str(found)
    other = replace(config, secret_key="another")
    assert account_of(other, actor) != found


@pytest.mark.parametrize(
    "actor",
    [{"objectType": "Group", "account": ACCOUNT}, {"name": "nobody"}],
    ids=["group", "nothing"],
)
def test_only_persons_are_launched_for(config: Config, actor: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        account_of(config, actor)
