"""The parts that every edge is handed: settings, database, storage."""

from dataclasses import dataclass

from sqlalchemy import Engine

from lrs.config import Config
from lrs.storage import Storage


@dataclass(frozen=True)
class Parts:
    """Built once in wsgi.py and passed down; never a global."""

    config: Config
    engine: Engine
    storage: Storage
