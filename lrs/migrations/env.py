"""Alembic's entry: runs on the connection and metadata that lrs/migrate.py hands in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    render_as_batch=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
