"""A job of the simulator: its list row as bytes, its host summaries, and whether its stats event was processed."""

from typing import Any

import orjson

from aap_simulator import render
from aap_simulator.clock import microseconds, parse
from aap_simulator.query import Value
from aap_simulator.schema import HOST_SUMMARIES, Schema
from aap_simulator.table import Row, Table, compact


class Job(Row):
    """One job.

    `arrived` are the host summaries that the controller shows. `pending` are those whose stats event has not come yet;
    None once it has, and `host_status_counts` is then no longer null.
    """

    __slots__ = ("arrived", "details", "labels", "pending")

    def __init__(self, document: dict[str, Any], labels: tuple[int, ...] = ()) -> None:
        super().__init__(document["id"], compact(document))
        self.labels = labels
        self.arrived: list[tuple[int, bytes]] = []
        self.pending: list[dict[str, Any]] | None = None
        # Recorded details, if any: before the stats event, and after it.
        self.details: list[dict[str, Any]] = []
        self.remember(document)

    def remember(self, document: dict[str, Any]) -> None:
        """Note the values that every sync filters by, so that no filter decodes the row for them."""
        finished = document["finished"]
        self.values = {
            "finished": microseconds(parse(finished)) if finished else None,
            "status": document["status"],
            "launch_type": document["launch_type"],
        }

    def replace(self, document: dict[str, Any]) -> None:
        """Put another document in place."""
        super().replace(document)
        self.details = []
        self.remember(document)

    def read(self, field: str, schema: Schema) -> Value:
        """As `Row.read`; whether the stats event came can change without the document, so it is never remembered."""
        if field == "host_status_counts":
            return None if self.pending is not None else "known"
        if field in ("labels", "labels__id"):
            return self.labels
        if field.startswith("job_host_summaries__"):  # an outer join: a job without any has one of nulls
            part = field.removeprefix("job_host_summaries__")
            return tuple(orjson.loads(row)[part] for _, row in self.arrived) or (None,)
        return super().read(field, schema)

    def deliver(self, summaries: list[dict[str, Any]]) -> None:
        """Show host summaries; the stats event has come."""
        self.arrived = [(row["id"], compact(row)) for row in sorted(summaries, key=lambda row: int(row["id"]))]
        self.pending = None

    def summaries(self) -> list[dict[str, Any]]:
        """The host summaries that the controller shows, by id."""
        return [orjson.loads(row) for _, row in self.arrived]

    def summary_table(self) -> Table[Row]:
        """The host summaries as a list that can be queried."""
        return Table(HOST_SUMMARIES, (Row(id_, row) for id_, row in self.arrived))

    def detail_document(self) -> dict[str, Any]:
        """The document of `{api}/jobs/ID/`: the row, and the eight keys that only the detail has."""
        if self.details:
            return self.details[0 if self.pending is not None else -1]
        document = {**render.DETAIL_ONLY, **self.document()}
        if self.pending is None:
            document["host_status_counts"] = render.host_status_counts(self.summaries())
            document["playbook_counts"] = {"play_count": 1, "task_count": 1}
        else:
            document["event_processing_finished"] = False
        return {key: document[key] for key in render.DETAIL_KEYS}
