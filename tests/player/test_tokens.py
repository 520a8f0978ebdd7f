"""Launch tokens and content labels."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from player import tokens

if TYPE_CHECKING:
    from datetime import datetime

    from lrs.config import Config

LAUNCH = uuid.UUID(int=7)
ALMOST = tokens.LIFETIME - timedelta(seconds=1)


def test_a_token_opens_its_launch_for_twelve_hours(
    config: Config, now: datetime
) -> None:
    token = tokens.make_token(config, launch_id=LAUNCH, expires=now + tokens.LIFETIME)
    expires = now + timedelta(hours=12)
    for moment in (now, now + ALMOST):
        found = tokens.read_token(config, token, launch_id=LAUNCH, now=moment)
        assert found == expires
    with pytest.raises(tokens.TokenExpired):
        tokens.read_token(config, token, launch_id=LAUNCH, now=expires)
    assert tokens.parse_token(config, token) == tokens.Token(LAUNCH, expires)


def test_a_token_opens_nothing_else(config: Config, now: datetime) -> None:
    token = tokens.make_token(config, launch_id=LAUNCH, expires=now + tokens.LIFETIME)
    other = replace(config, secret_key="another")
    with pytest.raises(tokens.InvalidToken):
        tokens.read_token(config, token, launch_id=uuid.UUID(int=8), now=now)
    with pytest.raises(tokens.InvalidToken):
        tokens.read_token(other, token, launch_id=LAUNCH, now=now)


def test_no_part_of_a_token_can_be_changed(config: Config, now: datetime) -> None:
    token = tokens.make_token(config, launch_id=LAUNCH, expires=now + tokens.LIFETIME)
    version, launch, expires, signature = token.split(".")
    longer = str(int(expires) + 1)
    forged = [
        "",
        "v1",
        token + "A",
        token[:-1],
        token.upper(),
        f"v2.{launch}.{expires}.{signature}",
        f"{version}.{uuid.UUID(int=8).hex}.{expires}.{signature}",
        f"{version}.{launch}.{longer}.{signature}",
        f"{version}.{launch}.{expires}.{'A' * 43}",
        f"{version}.{launch}.{expires}.",
        f"{version}.{launch}.٣.{signature}",
        f"\n{token}",
        f"{token}\n",
    ]
    for text in forged:
        with pytest.raises(tokens.InvalidToken):
            tokens.parse_token(config, text)


def test_a_label_is_of_one_learner_and_one_package(config: Config) -> None:
    label = tokens.content_label(
        config, actor="mbox::mailto:a@b.org", package_id=LAUNCH
    )
    assert len(label) == 32
    assert int(label, 16) >= 0
    others = {
        tokens.content_label(config, actor="mbox::mailto:a@c.org", package_id=LAUNCH),
        tokens.content_label(
            config, actor="mbox::mailto:a@b.org", package_id=uuid.UUID(int=8)
        ),
        tokens.content_label(
            replace(config, secret_key="x"),
            actor="mbox::mailto:a@b.org",
            package_id=LAUNCH,
        ),
    }
    assert len(others | {label}) == 4


def test_a_journal_key_is_of_one_learner(config: Config) -> None:
    keys = {tokens.journal_key(config, actor=actor) for actor in ("a", "b", "a")}
    assert len(keys) == 2


def test_without_a_secret_nothing_is_signed(config: Config, now: datetime) -> None:
    with pytest.raises(ValueError, match="secret"):
        tokens.make_token(
            replace(config, secret_key=""),
            launch_id=LAUNCH,
            expires=now + tokens.LIFETIME,
        )


def test_ids_of_statements_are_made_from_the_secret(config: Config) -> None:
    key = tokens.statement_key(config, launch_id=LAUNCH)
    assert key == tokens.statement_key(config, launch_id=LAUNCH)
    assert key != tokens.statement_key(config, launch_id=uuid.UUID(int=8))
    other = replace(config, secret_key="another")
    assert key != tokens.statement_key(other, launch_id=LAUNCH)
