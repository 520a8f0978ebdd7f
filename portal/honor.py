"""The Honor Code: versioned texts, and its attestation as a statement.

A text is a file named after the day from which it holds. What was attested is kept
with the statement: the version and the SHA-256 of the text.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules.terms import day_of
from portal.acts import record_own_act
from portal.enrolments import Enrolment
from statements.errors import Conflict, Invalid
from statements.vocabulary import extension

# Within this pause a second answer is the same click.
TWICE = timedelta(minutes=1)


class OtherHonorCode(Conflict):
    """The text has changed meanwhile; read the one that holds now."""


@dataclass(frozen=True)
class HonorCode:
    """One version of the text."""

    version: str
    body: str

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8, hexadecimal."""
        return hashlib.sha256(self.body.encode()).hexdigest()


@lru_cache(maxsize=1)
def versions() -> tuple[HonorCode, ...]:
    """All versions, oldest first."""
    found = [
        HonorCode(
            path.name.removesuffix(".txt"), path.read_text(encoding="utf-8").strip()
        )
        for path in files("portal").joinpath("honor").iterdir()
        if path.name.endswith(".txt")
    ]
    return tuple(sorted(found, key=lambda text: text.version))


def text_at(now: datetime, *, zone: str) -> HonorCode:
    """The text that holds now; the first one for any earlier day."""
    today = day_of(now, zone)
    holding = [text for text in versions() if date.fromisoformat(text.version) <= today]
    return holding[-1] if holding else versions()[0]


def attest(
    db: Session,
    *,
    config: Config,
    enrolment: Enrolment,
    version: str,
    answer: str,
    now: datetime,
) -> None:
    """Record the learner's attestation; one sent twice in a row counts once.

    Last step of the transaction. Raises Invalid when the answer is not yes.
    """
    if answer != "yes":
        message = "The Honor Code is attested by answering yes."
        raise Invalid(message)
    text = text_at(now, zone=config.timezone)
    if version != text.version:
        raise OtherHonorCode
    db.refresh(enrolment, with_for_update=True)
    if enrolment.attested_at is not None and now - enrolment.attested_at < TWICE:
        return
    enrolment.attested_version = version
    enrolment.attested_at = now
    record_own_act(
        db,
        config=config,
        enrolment=enrolment,
        verb="attested",
        result={
            "response": "yes",
            "extensions": {
                extension("honor_code"): {
                    "version": text.version,
                    "sha256": text.sha256,
                }
            },
        },
        now=now,
    )
