"""Jobs, host summaries and what they refer to, as the documents of a controller, with the same keys in the same order.

Order and absent keys follow the recorded answers of AWX 24.6.2 (`recorded/awx`): a key of `related` or `summary_fields`
is absent if its foreign key is null.
"""

from typing import Any

from aap_simulator.clock import wire
from aap_simulator.entities import HostOutcome, Inventory, JobSpec, Label, Project

Document = dict[str, Any]
SCM_REVISION = "347e44fea036c94d5f60e544de006453ee5c71ad"
LABELS_SHOWN = 10


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


# The keys of `{api}/jobs/ID/`, in their order; the list lacks eight of them.
DETAIL_ONLY: Document = {
    "job_args": "",
    "job_cwd": "",
    "job_env": {},
    "result_traceback": "",
    "event_processing_finished": True,
    "host_status_counts": None,
    "playbook_counts": {"play_count": 0, "task_count": 0},
    "custom_virtualenv": None,
}
DETAIL_KEYS = split_words(
    """id type url related summary_fields created modified name description job_type inventory project playbook
    scm_branch forks limit verbosity extra_vars job_tags force_handlers skip_tags start_at_task timeout
    use_fact_cache organization unified_job_template launch_type status execution_environment failed started
    finished canceled_on elapsed job_args job_cwd job_env job_explanation execution_node controller_node
    result_traceback event_processing_finished launched_by work_unit_id job_template passwords_needed_to_start
    allow_simultaneous artifacts scm_revision instance_group diff_mode job_slice_number job_slice_count
    webhook_service webhook_credential webhook_guid host_status_counts playbook_counts custom_virtualenv"""
)


def job(spec: JobSpec, prefix: str, node: str) -> Document:
    """A row of `{api}/jobs/`: 51 keys."""
    template = spec.template
    failed = spec.status in ("failed", "error", "canceled")
    return {
        "id": spec.id,
        "type": "job",
        "url": f"{prefix}/jobs/{spec.id}/",
        "related": _job_related(spec, prefix),
        "summary_fields": _job_summary_fields(spec),
        "created": wire(spec.created),
        "modified": wire(spec.modified),
        "name": spec.name,
        "description": spec.description,
        "unified_job_template": template.id if template else None,
        "launch_type": spec.launch_type,
        "status": spec.status,
        "execution_environment": spec.execution_environment.id if spec.execution_environment else None,
        "failed": failed,
        "started": wire(spec.started) if spec.started else None,
        "finished": wire(spec.finished) if spec.finished else None,
        "canceled_on": wire(spec.finished) if spec.status == "canceled" and spec.finished else None,
        "elapsed": spec.elapsed,
        "job_explanation": spec.explanation,
        "execution_node": node if spec.started else "",
        "controller_node": node if spec.started else "",
        "launched_by": spec.launched_by,
        "work_unit_id": None,
        "job_type": spec.job_type,
        "inventory": spec.inventory.id if spec.inventory else None,
        "project": spec.project.id if spec.project else None,
        "playbook": "site.yml",
        "scm_branch": "",
        "forks": 0,
        "limit": "",
        "verbosity": 0,
        "extra_vars": spec.extra_vars,
        "job_tags": "",
        "force_handlers": False,
        "skip_tags": "",
        "start_at_task": "",
        "timeout": 0,
        "use_fact_cache": False,
        "organization": spec.organization.id if spec.organization else None,
        "job_template": template.id if template else None,
        "passwords_needed_to_start": [],
        "allow_simultaneous": False,
        "artifacts": spec.artifacts,
        "scm_revision": SCM_REVISION if spec.project and spec.started else "",
        "instance_group": spec.instance_group.id if spec.instance_group else None,
        "diff_mode": False,
        "job_slice_number": spec.slices[0],
        "job_slice_count": spec.slices[1],
        "webhook_service": spec.webhook_service,
        "webhook_credential": None,
        "webhook_guid": spec.webhook_guid,
    }


def _job_related(spec: JobSpec, prefix: str) -> Document:
    own = f"{prefix}/jobs/{spec.id}"
    links: Document = {}
    if spec.created_by:
        links["created_by"] = f"{prefix}/users/{spec.created_by.id}/"
    links["labels"] = f"{own}/labels/"
    if spec.inventory:
        links["inventory"] = f"{prefix}/inventories/{spec.inventory.id}/"
    if spec.project:
        links["project"] = f"{prefix}/projects/{spec.project.id}/"
    if spec.organization:
        links["organization"] = f"{prefix}/organizations/{spec.organization.id}/"
    links["credentials"] = f"{own}/credentials/"
    if spec.template:
        links["unified_job_template"] = f"{prefix}/job_templates/{spec.template.id}/"
    if spec.schedule:
        links["schedule"] = f"{prefix}/schedules/{spec.schedule[0]}/"
    links["stdout"] = f"{own}/stdout/"
    if spec.execution_environment:
        links["execution_environment"] = f"{prefix}/execution_environments/{spec.execution_environment.id}/"
    if spec.workflow:
        links["source_workflow_job"] = f"{prefix}/workflow_jobs/{spec.workflow[0]}/"
    for name in ("job_events", "job_host_summaries", "activity_stream", "notifications", "create_schedule"):
        links[name] = f"{own}/{name}/"
    if spec.template:
        links["job_template"] = f"{prefix}/job_templates/{spec.template.id}/"
    links["cancel"] = f"{own}/cancel/"
    links["relaunch"] = f"{own}/relaunch/"
    return links


def _job_summary_fields(spec: JobSpec) -> Document:
    fields: Document = {}
    if org := spec.organization:
        fields["organization"] = {"id": org.id, "name": org.name, "description": org.description}
    if spec.inventory:
        fields["inventory"] = inventory_summary(spec.inventory)
    if ee := spec.execution_environment:
        fields["execution_environment"] = {"id": ee.id, "name": ee.name, "description": "", "image": ee.image}
    if spec.project:
        fields["project"] = project_summary(spec.project)
    if template := spec.template:
        fields["job_template"] = {"id": template.id, "name": template.name, "description": template.description}
    if spec.schedule:
        fields["schedule"] = {"id": spec.schedule[0], "name": spec.schedule[1], "description": ""}
    if template:
        fields["unified_job_template"] = {**fields["job_template"], "unified_job_type": "job"}
    if group := spec.instance_group:
        fields["instance_group"] = {"id": group.id, "name": group.name, "is_container_group": group.is_container_group}
    if user := spec.created_by:
        full_name = {"first_name": user.first_name, "last_name": user.last_name}
        fields["created_by"] = {"id": user.id, "username": user.username, **full_name}
    fields["user_capabilities"] = {"delete": False, "start": False}
    fields["labels"] = labels_summary(spec.labels)
    if spec.workflow:
        id_, name = spec.workflow
        rest = {"description": "", "status": "successful", "failed": False, "elapsed": 3600.0}
        fields["source_workflow_job"] = {"id": id_, "name": name, **rest}
    fields["credentials"] = []
    return fields


def labels_summary(labels: tuple[Label, ...]) -> Document:
    """All are counted, ten are shown, sorted by name."""
    shown = sorted(labels, key=lambda label: label.name)[:LABELS_SHOWN]
    return {"count": len(labels), "results": [{"id": label.id, "name": label.name} for label in shown]}


def inventory_summary(inventory: Inventory) -> Document:
    """`summary_fields.inventory`."""
    return {
        "id": inventory.id,
        "name": inventory.name,
        "description": "",
        "has_active_failures": False,
        "total_hosts": inventory.total_hosts,
        "hosts_with_active_failures": 0,
        "total_groups": 0,
        "has_inventory_sources": False,
        "total_inventory_sources": 0,
        "inventory_sources_with_failures": 0,
        "organization_id": inventory.organization.id,
        "kind": inventory.kind,
    }


def project_summary(project: Project) -> Document:
    """`summary_fields.project`."""
    rest = {"description": "", "status": "successful", "scm_type": "git", "allow_override": False}
    return {"id": project.id, "name": project.name, **rest}


def job_reference(document: Document) -> Document:
    """What a host summary says of its job, from the job's own document."""
    reference = {key: document[key] for key in ("id", "name", "description", "status", "failed", "elapsed", "type")}
    if template := document["summary_fields"].get("job_template"):
        reference["job_template_id"] = template["id"]
        reference["job_template_name"] = template["name"]
    return reference


def host_summary(id_: int, outcome: HostOutcome, reference: Document, written: str, prefix: str) -> Document:
    """A row of `{api}/jobs/ID/job_host_summaries/`; `reference` comes from `job_reference`, `written` is a wire
    datetime.
    """
    related = {"job": f"{prefix}/jobs/{reference['id']}/"}
    fields: Document = {}
    if host := outcome.host:
        related["host"] = f"{prefix}/hosts/{host.id}/"
        fields["host"] = {"id": host.id, "name": host.name, "description": ""}
    if constructed := outcome.constructed:
        fields["constructed_host"] = {"id": constructed.id, "name": constructed.name, "description": ""}
    fields["job"] = reference
    return {
        "id": id_,
        "type": "job_host_summary",
        "url": f"{prefix}/job_host_summaries/{id_}/",
        "related": related,
        "summary_fields": fields,
        "created": written,
        "modified": written,
        "job": reference["id"],
        "host": host.id if host else None,
        "constructed_host": constructed.id if constructed else None,
        "host_name": outcome.name,
        "changed": outcome.changed,
        "dark": outcome.dark,
        "failures": outcome.failures,
        "ok": outcome.ok,
        "processed": 1,
        "skipped": outcome.skipped,
        "failed": outcome.failed,
        "ignored": outcome.ignored,
        "rescued": outcome.rescued,
    }


def host_summaries(spec: JobSpec, document: Document, prefix: str) -> list[Document]:
    """All host summaries of a job, in the order of their ids."""
    reference = job_reference(document)
    written = document["finished"] or document["modified"]
    return [
        host_summary(spec.first_summary_id + index, outcome, reference, written, prefix)
        for index, outcome in enumerate(spec.hosts)
    ]


def host_status_counts(summaries: list[Document]) -> dict[str, int]:
    """The detail's `host_status_counts`: hosts by their worst outcome, as the stats event leaves it."""
    counts: dict[str, int] = {}
    for row in summaries:
        for key in ("dark", "failures", "changed", "ok"):
            if row[key]:
                counts[key] = counts.get(key, 0) + 1
                break
    return counts
