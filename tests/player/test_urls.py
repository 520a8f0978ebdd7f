"""Addresses and IRIs."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from player import urls
from statements.scalars import is_iri

if TYPE_CHECKING:
    from lrs.config import Config

ID = uuid.UUID(int=9)


def test_addresses(config: Config) -> None:
    assert urls.player_url(config, launch_id=ID, token="t.t") == (
        f"http://localhost:8000/launches/{ID}?token=t.t"
    )
    assert urls.content_origin(config, "ab") == "http://ab.content.localhost:8000"
    secure = replace(
        config, portal_url="https://p.org", content_url="https://content.net"
    )
    assert urls.content_origin(secure, "ab") == "https://ab.content.net"


@pytest.mark.parametrize(
    ("identifier", "ending"),
    [
        ("q1", "q1"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("100%", "100%25"),
        ("<x>|{y}", "%3Cx%3E%7C%7By%7D"),
        ("..", ".."),
    ],
)
def test_iris_hold_any_identifier(config: Config, identifier: str, ending: str) -> None:
    course = urls.course_iri(config, ID)
    unit = urls.unit_iri(course, "lesson-1")
    assert unit == f"http://localhost:8000/activities/{ID}/units/lesson-1"
    assert urls.attempt_iri(unit, ID) == f"{unit}/attempts/{ID}"
    assert urls.objective_iri(unit, identifier) == f"{unit}/objectives/{ending}"
    interaction = urls.interaction_iri(unit, identifier)
    assert interaction == f"{unit}/interactions/{ending}"
    assert is_iri(interaction)
