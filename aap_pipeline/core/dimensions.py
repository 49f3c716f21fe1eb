"""The dimensions of jobs: organizations, templates, projects, inventories, hosts, launchers, labels.

A row is identified by the controller's id within a cluster; its name follows the latest document.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, LiteralString

from psycopg import Cursor
from psycopg.rows import TupleRow

from aap_pipeline.core.source import Document
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.columns import DIMENSIONS, HostKey, JobRow, LauncherKey, reference_of
from aap_pipeline.documents.records import GoneTemplates, JobTemplate, Organization

_PLAIN: Final[dict[str, LiteralString]] = {
    "project": "core/store_projects",
    "inventory": "core/store_inventories",
    "execution_environment": "core/store_execution_environments",
    "instance_group": "core/store_instance_groups",
}


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
    """The fields of one job template in a batch; see sql/core/store_job_templates.sql."""

    listed: bool = False
    organization: int | None = None
    gone_at: datetime | None = None
    new_gone_at: datetime | None = None
    """The same for a new template, to which earlier listings do not apply."""


@dataclass(slots=True)
class Mentions:
    """All dimension rows of a batch, by the controller's ids."""

    named: dict[str, dict[int, Mention]] = field(
        default_factory=lambda: {name: {} for name in DIMENSIONS if name != "job_template"}
    )
    templates: dict[int, TemplateMention] = field(default_factory=dict)
    labels: dict[int, Mention] = field(default_factory=dict)
    hosts: dict[int, Mention] = field(default_factory=dict)
    host_names: dict[str, None] = field(default_factory=dict)
    launchers: dict[tuple[str, int], Mention] = field(default_factory=dict)
    launcher_names: dict[tuple[str, str], None] = field(default_factory=dict)


@dataclass(slots=True)
class Ids:
    """The database ids of all dimension rows of a batch."""

    named: dict[str, dict[int, int]]
    labels: dict[int, int]
    hosts: dict[HostKey, int]
    launchers: dict[LauncherKey, int]


def collect(documents: Iterable[Document]) -> Mentions:
    """Return the dimension rows of `documents`, oldest first."""
    mentions = Mentions()
    for document in documents:
        latest = not document.replayed
        match document.content:
            case JobRow() as job:
                _collect_job(mentions, job, latest)
            case Organization() as organization:
                mention = mentions.named["organization"].setdefault(organization.id, Mention())
                mention.update(organization.name, organization.description, latest)
                if latest:
                    mention.fingerprint = document.fingerprint
            case JobTemplate() as template:
                _collect_template(mentions, template, document.fingerprint, latest)
            case GoneTemplates(ids=ids):
                for identity in ids:
                    gone = mentions.templates.setdefault(identity, TemplateMention())
                    gone.gone_at = gone.gone_at or document.received_at
                    if gone.mentioned:
                        gone.new_gone_at = gone.new_gone_at or document.received_at
    return mentions


def _collect_job(mentions: Mentions, job: JobRow, latest: bool) -> None:
    for name, reference in zip(DIMENSIONS, job.references, strict=True):
        if reference is not None and reference.id is not None:
            if name == "job_template":
                template = mentions.templates.setdefault(reference.id, TemplateMention())
                template.update(reference.name, reference.description, latest)
            else:
                mention = mentions.named[name].setdefault(reference.id, Mention())
                mention.update(reference.name, reference.description, latest)
    for identity, label in job.labels.items():
        mentions.labels.setdefault(identity, Mention()).update(label, None, latest)
    for key, host_name, description in job.hosts:
        if isinstance(key, str):
            mentions.host_names[key] = None
        else:
            host = mentions.hosts.get(key)
            if host is None:
                mentions.hosts[key] = Mention(host_name, description, latest, mentioned=True)
            elif host.name != host_name or host.description != description or not host.latest:
                host.update(host_name, description, latest)
    if job.launcher is not None:
        type_, who = job.launcher
        if isinstance(who, str):
            mentions.launcher_names[type_, who] = None
        else:
            mentions.launchers.setdefault((type_, who), Mention()).update(job.launcher_name, None, latest)


def _collect_template(mentions: Mentions, template: JobTemplate, fingerprint: bytes, latest: bool) -> None:
    owner = reference_of(template.organization, template.summary_fields.organization)
    organization = None if owner is None else owner.id
    if owner is not None and organization is not None:
        mention = mentions.named["organization"].setdefault(organization, Mention())
        mention.update(owner.name, owner.description, latest)
    listed = mentions.templates.setdefault(template.id, TemplateMention())
    listed.update(template.name, template.description, latest)
    if latest:
        listed.listed, listed.organization, listed.fingerprint = True, organization, fingerprint
        listed.gone_at = listed.new_gone_at = None
    elif listed.organization is None:
        listed.organization = organization


def store(cursor: Cursor[TupleRow], cluster_id: int, mentions: Mentions, settings: ApplicationSettings) -> Ids:
    """Upsert the dimension rows in a fixed number of statements, and return their database ids."""
    organizations = mentions.named["organization"]
    cursor.execute(
        statement("core/store_organizations"),
        {**_arrays(cluster_id, organizations), "fingerprints": [each.fingerprint for each in organizations.values()]},
    )
    named: dict[str, dict[int, int]] = {"organization": dict(cursor.fetchall())}
    for name, file in _PLAIN.items():
        cursor.execute(statement(file), _arrays(cluster_id, mentions.named[name]))
        named[name] = dict(cursor.fetchall())
    named["job_template"] = _store_templates(cursor, cluster_id, mentions, named["organization"], settings)
    cursor.execute(statement("core/store_labels"), _arrays(cluster_id, mentions.labels))
    labels: dict[int, int] = dict(cursor.fetchall())
    return Ids(
        named, labels, _store_hosts(cursor, cluster_id, mentions), _store_launchers(cursor, cluster_id, mentions)
    )


def _store_templates(
    cursor: Cursor[TupleRow],
    cluster_id: int,
    mentions: Mentions,
    organizations: dict[int, int],
    settings: ApplicationSettings,
) -> dict[int, int]:
    templates = mentions.templates.values()
    cursor.execute(
        statement("core/store_job_templates"),
        {
            **_arrays(cluster_id, mentions.templates),
            "mentioned": [each.mentioned for each in templates],
            "listed": [each.listed for each in templates],
            "organizations": [
                None if each.organization is None else organizations[each.organization] for each in templates
            ],
            "fingerprints": [each.fingerprint for each in templates],
            "gone_at": [each.gone_at for each in templates],
            "new_gone_at": [each.new_gone_at for each in templates],
            "manual_minutes": settings.default_manual_minutes,
            "creation_minutes": settings.default_creation_minutes,
        },
    )
    return dict(cursor.fetchall())


def _store_hosts(cursor: Cursor[TupleRow], cluster_id: int, mentions: Mentions) -> dict[HostKey, int]:
    cursor.execute(statement("core/store_hosts"), _arrays(cluster_id, mentions.hosts))
    hosts: dict[HostKey, int] = dict(cursor.fetchall())
    cursor.execute(statement("core/store_named_hosts"), {"cluster_id": cluster_id, "names": list(mentions.host_names)})
    hosts.update(cursor.fetchall())
    return hosts


def _store_launchers(cursor: Cursor[TupleRow], cluster_id: int, mentions: Mentions) -> dict[LauncherKey, int]:
    cursor.execute(
        statement("core/store_launchers"),
        {
            "cluster_id": cluster_id,
            "types": [type_ for type_, _ in mentions.launchers],
            "ids": [identity for _, identity in mentions.launchers],
            "names": [each.name for each in mentions.launchers.values()],
            "latest": [each.latest for each in mentions.launchers.values()],
        },
    )
    launchers: dict[LauncherKey, int] = {(type_, who): identity for type_, who, identity in cursor}
    cursor.execute(
        statement("core/store_named_launchers"),
        {
            "cluster_id": cluster_id,
            "types": [type_ for type_, _ in mentions.launcher_names],
            "names": [name for _, name in mentions.launcher_names],
        },
    )
    launchers.update({(type_, who): identity for type_, who, identity in cursor})
    return launchers


def _arrays(cluster_id: int, mentions: dict[int, Mention] | dict[int, TemplateMention]) -> dict[str, object]:
    values = mentions.values()
    return {
        "cluster_id": cluster_id,
        "ids": list(mentions),
        "names": [each.name for each in values],
        "descriptions": [each.description for each in values],
        "latest": [each.latest for each in values],
    }
