"""The address that a unit is launched with (8.1)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from player.cmi5.launch_url import launch_url, parameters_of, plain_url
from tests.player.cmi5.sample import ACTOR, au

GIVEN = {"endpoint": "https://p.org/xapi/", "actor": '{"name":"Zoë & co"}'}


@pytest.mark.parametrize(
    ("address", "start", "end"),
    [
        ("https://a.org/x.html", "https://a.org/x.html?endpoint=", ""),
        ("https://a.org/x.html?", "https://a.org/x.html?endpoint=", ""),
        ("https://a.org/x?a=1&b=%20", "https://a.org/x?a=1&b=%20&endpoint=", ""),
        ("https://a.org/x?a=1&", "https://a.org/x?a=1&endpoint=", ""),
        ("https://a.org/x#/p?q=1", "https://a.org/x?endpoint=", "#/p?q=1"),
        ("https://a.org/x?a=1#p", "https://a.org/x?a=1&endpoint=", "#p"),
    ],
    ids=["plain", "empty query", "own query", "open query", "fragment", "both"],
)
def test_own_query_and_fragment_stay(address: str, start: str, end: str) -> None:
    made = launch_url(address, GIVEN)
    assert made.startswith(start)
    assert made.endswith(end)
    query = urlsplit(made).query
    assert dict(parse_qsl(query, keep_blank_values=True)).items() >= GIVEN.items()
    assert "&actor=%7B%22name%22%3A%22Zo%C3%AB%20%26%20co%22%7D" in made


def test_the_five_parameters() -> None:
    found = parameters_of(
        portal_url="https://p.org",
        fetch_token="t",
        actor=ACTOR,
        registration="r",
        activity="https://p.org/a",
    )
    assert found | {"actor": orjson.loads(found["actor"])} == {
        "endpoint": "https://p.org/xapi/",
        "fetch": "https://p.org/cmi5/fetch/t",
        "actor": ACTOR,
        "registration": "r",
        "activityId": "https://p.org/a",
    }


def test_units_of_the_package_and_of_other_servers() -> None:
    inside = au(0)
    assert plain_url("https://a.content.net", inside) == (
        "https://a.content.net/unit%200/index.html?lang=en#start"
    )
    outside = au(0, launch="https://cdn.example/unit", parameters="?a=1")
    assert plain_url("https://a.content.net", outside) == (
        "https://cdn.example/unit?a=1"
    )
