"""The schema of the database, as Alembic revisions of a few lines that run the plain SQL files of `sql/migrations/`."""
