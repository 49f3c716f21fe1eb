"""Runs sql/migrations/0004_core.sql, then 0004_comments.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_file("0004_core")
    run_sql_file("0004_comments")
