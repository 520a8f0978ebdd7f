"""Migrations: bring a database to the state that the code expects.

Expand, then contract: a migration never breaks the release before it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, text

FOLDER = Path(__file__).parent / "migrations"
# any number; the same in every process that migrates
ADVISORY_LOCK = 7_205_759_403_792_793


def migrate(engine: Engine) -> None:
    """Apply all migrations, in one transaction; nothing to do is fine.

    Two processes may start at once: the second waits for the first.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK}
            )
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database is at the newest migration."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def write_revision(
    engine: Engine, metadata: MetaData, message: str, rev_id: str
) -> None:
    """Write a migration for what differs between `metadata` and the database."""
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata
        command.revision(config, message=message, autogenerate=True, rev_id=rev_id)


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(FOLDER))
    return config
