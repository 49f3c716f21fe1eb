"""Organizations, job templates, labels and the other objects that lists of a controller show, as documents."""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from aap_simulator import render
from aap_simulator.clock import wire
from aap_simulator.entities import (
    Catalog,
    ExecutionEnvironment,
    Host,
    InstanceGroup,
    Inventory,
    Label,
    Organization,
    Template,
)
from aap_simulator.render import Document, split_words

BORN = wire(datetime(2024, 1, 2, 8, 30, 15, 250_000, tzinfo=UTC))
TEMPLATE_LINKS = split_words(
    """labels credentials jobs schedules activity_stream launch webhook_key notification_templates_started
    notification_templates_success notification_templates_error access_list survey_spec object_roles instance_groups
    slice_workflow_jobs copy"""
)
ORGANIZATION_LINKS = split_words(
    """execution_environments projects inventories job_templates workflow_job_templates users admins teams credentials
    applications activity_stream notification_templates notification_templates_started
    notification_templates_success notification_templates_error notification_templates_approvals object_roles
    access_list instance_groups galaxy_credentials"""
)
ORGANIZATION_COUNTS = {"inventories": 1, "teams": 0, "users": 0, "job_templates": 0, "admins": 0, "projects": 1}
ASK = split_words(
    """scm_branch diff_mode variables limit tags skip_tags job_type verbosity inventory credential
    execution_environment labels forks job_slice_count timeout instance_groups"""
)


def catalog_documents(catalog: Catalog, prefix: str) -> dict[str, list[Document]]:
    """The documents of every list but jobs, by the name of the list."""
    return {
        "organizations": [organization(row, prefix) for row in catalog.organizations],
        "job_templates": [job_template(row, prefix) for row in catalog.templates],
        "hosts": [host(row, catalog.inventories[0], prefix) for row in catalog.hosts],
        "labels": [label(row, prefix) for row in catalog.labels],
        "execution_environments": [execution_environment(row, prefix) for row in catalog.execution_environments],
        "instance_groups": [instance_group(row, prefix) for row in catalog.instance_groups],
    }


def organization(row: Organization, prefix: str) -> Document:
    """A row of `{api}/organizations/`."""
    own = f"{prefix}/organizations/{row.id}"
    return {
        "id": row.id,
        "type": "organization",
        "url": f"{own}/",
        "related": {name: f"{own}/{name}/" for name in ORGANIZATION_LINKS},
        "summary_fields": {
            "resource": {"ansible_id": str(uuid5(NAMESPACE_URL, own)), "resource_type": "shared.organization"},
            "object_roles": {},
            "user_capabilities": {"edit": False, "delete": False},
            "related_field_counts": dict(ORGANIZATION_COUNTS),
        },
        "created": BORN,
        "modified": BORN,
        "name": row.name,
        "description": row.description,
        "max_hosts": 0,
        "custom_virtualenv": None,
        "default_environment": None,
    }


def job_template(row: Template, prefix: str) -> Document:
    """A row of `{api}/job_templates/`."""
    own = f"{prefix}/job_templates/{row.id}"
    related = {
        "inventory": f"{prefix}/inventories/{row.inventory.id}/",
        "project": f"{prefix}/projects/{row.project.id}/",
        **{name: f"{own}/{name}/" for name in TEMPLATE_LINKS},
    }
    fields: Document = {}
    if org := row.organization:
        related["organization"] = f"{prefix}/organizations/{org.id}/"
        fields["organization"] = {"id": org.id, "name": org.name, "description": org.description}
    fields["inventory"] = render.inventory_summary(row.inventory)
    fields["project"] = render.project_summary(row.project)
    fields["object_roles"] = {}
    fields["user_capabilities"] = dict.fromkeys(("edit", "delete", "start", "schedule", "copy"), False)
    fields["labels"] = render.labels_summary(row.labels)
    fields["recent_jobs"] = []
    fields["credentials"] = []
    return {
        "id": row.id,
        "type": "job_template",
        "url": f"{own}/",
        "related": related,
        "summary_fields": fields,
        "created": BORN,
        "modified": BORN,
        "name": row.name,
        "description": row.description,
        "job_type": "run",
        "inventory": row.inventory.id,
        "project": row.project.id,
        "playbook": "site.yml",
        "scm_branch": "",
        "forks": 0,
        "limit": "",
        "verbosity": 0,
        "extra_vars": "",
        "job_tags": "",
        "force_handlers": False,
        "skip_tags": "",
        "start_at_task": "",
        "timeout": 0,
        "use_fact_cache": False,
        "organization": org.id if org else None,
        "last_job_run": None,
        "last_job_failed": False,
        "next_job_run": None,
        "status": "never updated",
        "execution_environment": None,
        "host_config_key": "",
        **{f"ask_{name}_on_launch": False for name in ASK},
        "survey_enabled": False,
        "become_enabled": False,
        "diff_mode": False,
        "allow_simultaneous": False,
        "custom_virtualenv": None,
        "job_slice_count": 1,
        "webhook_service": "",
        "webhook_credential": None,
        "prevent_instance_group_fallback": False,
    }


def host(row: Host, inventory: Inventory, prefix: str) -> Document:
    """A row of `{api}/hosts/`."""
    own = f"{prefix}/hosts/{row.id}"
    return {
        "id": row.id,
        "type": "host",
        "url": f"{own}/",
        "related": {name: f"{own}/{name}/" for name in ("job_host_summaries", "groups", "ansible_facts")},
        "summary_fields": {"inventory": render.inventory_summary(inventory), "recent_jobs": []},
        "created": BORN,
        "modified": BORN,
        "name": row.name,
        "description": "",
        "inventory": inventory.id,
        "enabled": True,
        "instance_id": "",
        "variables": "",
    }


def label(row: Label, prefix: str) -> Document:
    """A row of `{api}/labels/` and of `{api}/jobs/ID/labels/`."""
    org = row.organization
    return {
        "id": row.id,
        "type": "label",
        "url": f"{prefix}/labels/{row.id}/",
        "related": {"organization": f"{prefix}/organizations/{org.id}/"},
        "summary_fields": {"organization": {"id": org.id, "name": org.name, "description": org.description}},
        "created": BORN,
        "modified": BORN,
        "name": row.name,
        "organization": org.id,
    }


def execution_environment(row: ExecutionEnvironment, prefix: str) -> Document:
    """A row of `{api}/execution_environments/`."""
    own = f"{prefix}/execution_environments/{row.id}"
    return {
        "id": row.id,
        "type": "execution_environment",
        "url": f"{own}/",
        "related": {name: f"{own}/{name}/" for name in ("activity_stream", "unified_job_templates", "copy")},
        "summary_fields": {"user_capabilities": {"edit": False, "delete": False, "copy": False}},
        "created": BORN,
        "modified": BORN,
        "name": row.name,
        "description": "",
        "organization": None,
        "image": row.image,
        "managed": False,
        "credential": None,
        "pull": "",
    }


def instance_group(row: InstanceGroup, prefix: str) -> Document:
    """A row of `{api}/instance_groups/`."""
    own = f"{prefix}/instance_groups/{row.id}"
    zeros = ("capacity", "consumed_capacity")
    return {
        "id": row.id,
        "type": "instance_group",
        "url": f"{own}/",
        "related": {name: f"{own}/{name}/" for name in ("jobs", "instances", "access_list", "object_roles")},
        "name": row.name,
        "created": BORN,
        "modified": BORN,
        **dict.fromkeys(zeros, 0),
        "percent_capacity_remaining": 0.0,
        **dict.fromkeys(("jobs_running", "max_concurrent_jobs", "max_forks", "jobs_total", "instances"), 0),
        "is_container_group": row.is_container_group,
        "credential": None,
        "policy_instance_percentage": 100,
        "policy_instance_minimum": 0,
        "policy_instance_list": [],
        "pod_spec_override": "",
        "summary_fields": {"object_roles": {}, "user_capabilities": {"edit": False, "delete": False}},
    }
