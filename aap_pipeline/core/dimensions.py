"""The dimensions of jobs: organizations, templates, projects, inventories, hosts, launchers, labels.

A row is identified by the controller's id within a cluster; its name follows the latest document.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import Cursor
from psycopg.rows import TupleRow

from aap_pipeline.core.source import Document
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.job_rows import DIMENSIONS, JobRow, reference_of
from aap_pipeline.documents.records import GoneTemplates, JobTemplate, Organization

_STATEMENTS: Final[tuple[tuple[str, type, LiteralString], ...]] = (
    *((name, int, f"core/store_{name}") for name in (*DIMENSIONS, "label", "host", "launcher")),
    ("host", str, "core/store_named_host"),
    ("launcher", str, "core/store_named_launcher"),
)
"""The statement that stores the rows of a dimension with an id, or those with only a name."""

Ids = dict[str, dict[Any, int]]
"""The database ids of the dimension rows of a batch: by dimension, then by HostKey, LauncherKey or controller's id."""


@dataclass(slots=True)
class Mention:
    """The fields of a dimension row in a batch. `latest`: newer than the stored row; replayed documents are not."""

    name: str | None = None
    description: str | None = None
    latest: bool = False
    mentioned: bool = False
    fingerprint: bytes | None = None

    def update(self, name: str | None, description: str | None, latest: bool) -> None:
        """Apply a later document. Fields that it omits keep their value; a replayed document only fills new rows."""
        if latest or not self.mentioned:
            self.name = self.name if name is None else name
            self.description = self.description if description is None else description
            self.latest = self.latest or latest
            self.mentioned = True


@dataclass(slots=True)
class TemplateMention(Mention):
    """The fields of one job template in a batch; see sql/core/store_job_template.sql."""

    listed: bool = False
    organization: int | None = None
    gone_at: datetime | None = None
    new_gone_at: datetime | None = None
    """The same for a new template, to which earlier listings do not apply."""


Mentions = dict[str, defaultdict[Any, Any]]
"""All dimension rows of a batch: by dimension, then by the keys of `Ids`."""


def collect(documents: Iterable[Document]) -> Mentions:
    """Return the dimension rows of `documents`, oldest first."""
    mentions: Mentions = {name: defaultdict(Mention) for name, _, _ in _STATEMENTS}
    templates: defaultdict[int, TemplateMention] = defaultdict(TemplateMention)
    mentions["job_template"] = templates
    for document in documents:
        latest = not document.replayed
        match document.content:
            case JobRow() as job:
                _collect_job(mentions, job, latest)
            case Organization() as organization:
                mention = mentions["organization"][organization.id]
                mention.update(organization.name, organization.description, latest)
                if latest:
                    mention.fingerprint = document.fingerprint
            case JobTemplate() as template:
                _collect_template(mentions, template, document.fingerprint, latest)
            case GoneTemplates(ids=ids):
                for identity in ids:
                    gone = templates[identity]
                    gone.gone_at = gone.gone_at or document.received_at
                    if gone.mentioned:
                        gone.new_gone_at = gone.new_gone_at or document.received_at
    return mentions


def _collect_job(mentions: Mentions, job: JobRow, latest: bool) -> None:
    for name, reference in zip(DIMENSIONS, job.references, strict=True):
        if reference is not None and reference.id is not None:
            mentions[name][reference.id].update(reference.name, reference.description, latest)
    for identity, label in job.labels.items():
        mentions["label"][identity].update(label, None, latest)
    for key, host_name, description in job.hosts:
        mentions["host"][key].update(host_name, description, latest)
    if job.launcher is not None:
        mentions["launcher"][job.launcher].update(job.launcher_name, None, latest)


def _collect_template(mentions: Mentions, template: JobTemplate, fingerprint: bytes, latest: bool) -> None:
    owner = reference_of(template.organization, template.summary_fields.organization)
    organization = None if owner is None else owner.id
    if owner is not None and organization is not None:
        mentions["organization"][organization].update(owner.name, owner.description, latest)
    listed = mentions["job_template"][template.id]
    listed.update(template.name, template.description, latest)
    if latest:
        listed.listed, listed.organization, listed.fingerprint = True, organization, fingerprint
        listed.gone_at = listed.new_gone_at = None
    elif listed.organization is None:
        listed.organization = organization


def store(cursor: Cursor[TupleRow], cluster_id: int, mentions: Mentions, settings: ApplicationSettings) -> Ids:
    """Upsert the dimension rows in a fixed number of statements, and return their database ids."""
    ids: Ids = {name: {} for name in mentions}
    for name, identified_by, file in _STATEMENTS:
        found = {key: each for key, each in mentions[name].items() if isinstance(_identifier(key), identified_by)}
        parameters: dict[str, object] = {
            "cluster_id": cluster_id,
            "ids": [_identifier(key) for key in found],
            "types": [key[0] for key in found if isinstance(key, tuple)],
        }
        for field in fields(TemplateMention if name == "job_template" else Mention):
            parameters[field.name] = [getattr(each, field.name) for each in found.values()]
        if name == "job_template":
            parameters["organization"] = [ids["organization"].get(each.organization) for each in found.values()]
            parameters["manual_minutes"] = settings.default_manual_minutes
            parameters["creation_minutes"] = settings.default_creation_minutes
        cursor.execute(statement(file), parameters)
        ids[name].update({key[0] if len(key) == 1 else tuple(key): identity for *key, identity in cursor})
    return ids


def _identifier(key: Any) -> int | str:
    """Return the controller's id, or the name, in a HostKey, a LauncherKey or an id."""
    found: int | str = key[1] if isinstance(key, tuple) else key
    return found
