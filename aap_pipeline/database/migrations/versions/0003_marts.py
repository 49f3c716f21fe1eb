"""Runs sql/migrations/0003_marts_*.sql."""

from aap_pipeline.database.migrate import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for part in ("tables", "formula", "rates", "access", "money", "refresh", "views", "questions", "comments"):
        run_sql_file(f"0003_marts_{part}")
