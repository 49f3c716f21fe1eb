"""Runs sql/migrations/0001_public_schema.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql_file("0001_public_schema")
