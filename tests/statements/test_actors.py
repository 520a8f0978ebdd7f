from __future__ import annotations

from typing import Any

import pytest

from statements.actors import actor_of, ifi, ifis, is_group
from statements.errors import Invalid
from tests.statements.cases import AGENT, GROUP, OTHER_AGENT


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"mbox": "mailto:a@example.org"}, "mbox::mailto:a@example.org"),
        ({"mbox": "MAILTO:a@Example.ORG"}, "mbox::mailto:a@example.org"),
        ({"mbox": "mailto:A@example.org"}, "mbox::mailto:A@example.org"),
        ({"mbox_sha1sum": "A" * 40}, f"mbox_sha1sum::{'a' * 40}"),
        ({"openid": "http://a.example/"}, "openid::http://a.example/"),
        (
            {"account": {"homePage": "http://example.org", "name": "a|b"}},
            "account::http://example.org|a|b",
        ),
        ({"objectType": "Group", "member": [AGENT]}, None),
    ],
)
def test_identifiers(actor: dict[str, Any], expected: str | None) -> None:
    assert ifi(actor) == expected


def test_two_accounts_never_share_a_spelling() -> None:
    """A home page is an IRI and holds no bar, so the first bar ends it."""
    one = {"account": {"homePage": "http://example.org", "name": "a|b"}}
    other = {"account": {"homePage": "http://example.org/a", "name": "b"}}
    assert ifi(one) != ifi(other)


@pytest.mark.parametrize(
    "actor",
    [
        AGENT,
        {"mbox_sha1sum": "a" * 40},
        {"openid": "http://a.example/"},
        {"account": {"homePage": "http://example.org", "name": "a|b::c"}},
    ],
)
def test_an_actor_comes_back_from_its_identifier(actor: dict[str, Any]) -> None:
    text = ifi(actor)
    assert text is not None
    assert actor_of(text) == {"objectType": "Agent"} | actor


@pytest.mark.parametrize("text", ["", "mbox", "name::x", "::x"])
def test_other_texts_are_no_identifiers(text: str) -> None:
    with pytest.raises(Invalid):
        actor_of(text)


def test_a_group_brings_its_members() -> None:
    assert list(ifis(GROUP)) == [
        "account::http://example.org|patrol",
        "mbox::mailto:officer@example.org",
        "mbox::mailto:dispatcher@example.org",
    ]
    assert list(ifis({"objectType": "Group", "member": [OTHER_AGENT]})) == [
        "mbox::mailto:dispatcher@example.org"
    ]
    assert list(ifis(AGENT)) == ["mbox::mailto:officer@example.org"]
    assert is_group(GROUP)
    assert not is_group(AGENT)
