"""Alembic's entry: runs the revisions on the connection that `migrate` hands over, or prints their SQL."""

from typing import Any

from alembic import context

from aap_pipeline.database.migrate import VERSION_TABLE, VERSION_TABLE_SCHEMA

options: dict[str, Any]
if context.is_offline_mode():
    options = {"dialect_name": "postgresql", "output_buffer": context.config.output_buffer}
else:
    options = {"connection": context.config.attributes["connection"]}
context.configure(**options, version_table=VERSION_TABLE, version_table_schema=VERSION_TABLE_SCHEMA)
with context.begin_transaction():
    context.run_migrations()
