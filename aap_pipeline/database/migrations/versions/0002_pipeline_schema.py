"""Runs sql/migrations/0002_pipeline_schema.sql, 0002_archive.sql and 0002_comments.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_file("0002_pipeline_schema")
    run_sql_file("0002_archive")
    run_sql_file("0002_comments")
