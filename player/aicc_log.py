"""The log of what an AICC unit says: each command an entry of its launch.

They stand beside the entries of the browser's journal under numbers of their own, with
the same parts: what was changed, what was refused, the lines for those who look for a
mistake (`player/calls.py`). What comes too late is kept aside as there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.db import new_id
from player import aicc_values
from player.aicc_text import Request
from player.sittings import Sitting
from player.tables import Entry, Launch, SideEntry

# the numbers of the browser's journal end before
FIRST_NUMBER = 2**53 + 1
# what the log keeps of a command and of a value
LONGEST_COMMAND = 16_384
LONGEST_VALUE = 1000
# of a launch: whoever has its session may send on for ever
MOST_ASIDE = 100
# as people write them; path and performance are logged and say nothing of the model
COMMANDS = {
    name.lower(): name
    for name in (
        "GetParam",
        "PutParam",
        "PutComments",
        "PutObjectives",
        "PutInteractions",
        "PutPath",
        "PutPerformance",
        "ExitAU",
    )
}


@dataclass(frozen=True)
class Said:
    """A command for a launch at work."""

    sitting: Sitting
    request: Request
    now: datetime

    @property
    def changes(self) -> list[aicc_values.Change]:
        """What it changes in the model as it stands."""
        read = aicc_values.READERS.get(self.request.command)
        values = self.sitting.attempt.values
        return [] if read is None else read(self.request.data, values)


def log_command(
    db: Session,
    said: Said,
    kind: str,
    outcomes: Sequence[tuple[aicc_values.Change, int]] = (),
    *,
    is_implied: bool = False,
) -> None:
    """One more entry; `outcomes` are the changes with the error codes they met.

    What the unit did not say, but means by what it says, has no line of its own.
    """
    launch, attempt = said.sitting.launch, said.sitting.attempt
    rows = []
    if not is_implied:
        rows.append(_row(launch, COMMANDS[said.request.command], _data(said), 0))
    rows += [_row(launch, "SetValue", change, code) for change, code in outcomes]
    db.add(
        Entry(
            launch_id=launch.id,
            seq=FIRST_NUMBER + launch.commands - 1,
            uuid=new_id(),
            kind=kind,
            changes=[list(change) for change, code in outcomes if not code],
            findings=[
                {"name": name[:255], "code": code}
                for (name, _), code in outcomes
                if code
            ],
            calls=rows or None,
            opening=dict(attempt.values) if kind == "initialize" else None,
            client_at=said.now,
            event_at=launch.event_at,
            received_at=said.now,
            mono=launch.elapsed,
            hash=sha256(said.request.data.encode()).hexdigest(),
            is_chained=True,
        )
    )


def _data(said: Said) -> list[str]:
    data = said.request.data
    return [_cut(data, LONGEST_COMMAND)] if data else []


def _row(launch: Launch, function: str, words: Sequence[str], code: int) -> list[Any]:
    """A row of the log, as `player.calls` has them."""
    told = (
        [words[0], *(_cut(word, LONGEST_VALUE) for word in words[1:])] if words else []
    )
    return [launch.elapsed, function, told, "false" if code else "true", code, 1]


def _cut(text: str, longest: int) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)})"


def keep_aside(db: Session, said: Said, *, reason: str) -> None:
    """Keep what cannot be applied any more; once, and no more than `MOST_ASIDE`."""
    launch, changes = said.sitting.launch, said.changes
    name = uuid5(launch.id, f"{said.request.command} {said.request.data}")
    if not changes or db.get(SideEntry, (launch.id, name)) is not None:
        return
    aside = select(func.count()).where(SideEntry.launch_id == launch.id)
    if db.scalars(aside).one() >= MOST_ASIDE:
        return
    db.add(
        SideEntry(
            launch_id=launch.id,
            uuid=name,
            seq=FIRST_NUMBER + launch.commands,
            kind="commit",
            changes=[list(change) for change in changes],
            client_at=said.now,
            received_at=said.now,
            reason=reason,
        )
    )
    db.flush()
