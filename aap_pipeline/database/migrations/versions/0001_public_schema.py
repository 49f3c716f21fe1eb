"""Runs sql/migrations/0001_public_schema.sql, then 0001_comments.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """See the SQL files."""
    run_sql_file("0001_public_schema")
    run_sql_file("0001_comments")
