"""Runs sql/migrations/0005_upkeep.sql, then 0005_comments.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_file("0005_upkeep")
    run_sql_file("0005_comments")
