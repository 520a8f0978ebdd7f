"""What an application keeps to itself in a process: connections, memory, writers."""

from dataclasses import dataclass

from sqlalchemy import Engine

from lrs.commit import Commits
from lrs.direct import Direct
from lrs.remembered import Remembered


@dataclass(frozen=True)
class Process:
    """Connections of the driver, what is remembered, writes that go in together."""

    direct: Direct
    remembered: Remembered
    commits: Commits


def make_process(engine: Engine) -> Process:
    """An empty memory and no connections yet."""
    direct = Direct(engine)
    return Process(direct, Remembered(engine, direct), Commits(engine, direct))
