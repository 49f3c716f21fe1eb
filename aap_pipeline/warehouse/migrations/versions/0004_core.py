"""Runs sql/migrations/0004_core.sql."""

from aap_pipeline.warehouse.migrate import run_sql_file

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    """See the SQL file."""
    run_sql_file("0004_core")
