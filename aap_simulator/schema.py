"""The fields of each list that can be filtered and sorted, their kinds, and the default order."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["int", "float", "datetime", "str", "bool", "json", "many_int", "many_str"]


@dataclass(frozen=True)
class Schema:
    """One list's model name (as error bodies give it), its filterable fields and its default order."""

    model: str
    fields: dict[str, Kind]
    default_order: tuple[str, ...]
    forbidden: frozenset[str] = field(default=frozenset())


def _fields(**names: str) -> dict[str, Kind]:
    """`int="id job"` and so on, turned round; a foreign key's `__id` and `__name` come with `key=`."""
    found: dict[str, Kind] = {}
    for kind, listed in names.items():
        for name in listed.split():
            if kind == "key":
                found |= {name: "int", f"{name}__id": "int", f"{name}__name": "str"}
            else:
                found[name] = kind  # type: ignore[assignment]
    return found


JOBS = Schema(
    model="Job",
    fields=_fields(
        int="id forks verbosity timeout job_slice_number job_slice_count webhook_credential",
        float="elapsed",
        datetime="created modified started finished canceled_on",
        str="name description status launch_type job_type playbook limit "
        "execution_node controller_node webhook_service",
        bool="failed allow_simultaneous diff_mode",
        key="organization job_template unified_job_template inventory project "
        "execution_environment instance_group created_by",
        json="host_status_counts",
        many_int="labels labels__id job_host_summaries__host job_host_summaries__id",
        many_str="labels__name",
    ),
    default_order=("id",),
    forbidden=frozenset({"extra_vars", "job_args", "job_env", "artifacts", "start_args"}),
)
HOST_SUMMARIES = Schema(
    model="JobHostSummary",
    fields=_fields(
        int="id changed dark failures ok processed skipped ignored rescued",
        datetime="created modified",
        str="host_name",
        bool="failed",
        key="job host constructed_host",
    ),
    default_order=("-id",),
)
_NAMED = _fields(int="id", datetime="created modified", str="name description")
ORGANIZATIONS = Schema("Organization", _NAMED, ("name",))
JOB_TEMPLATES = Schema(
    "JobTemplate",
    {**_NAMED, **_fields(key="organization inventory project", str="job_type playbook status")},
    ("name",),
    frozenset({"extra_vars"}),
)
HOSTS = Schema("Host", {**_NAMED, **_fields(bool="enabled", key="inventory")}, ("name",))
LABELS = Schema("Label", {**_NAMED, **_fields(key="organization")}, ("organization__name", "name"))
EXECUTION_ENVIRONMENTS = Schema(
    "ExecutionEnvironment", {**_NAMED, **_fields(str="image", bool="managed")}, ("-created",)
)
INSTANCE_GROUPS = Schema("InstanceGroup", {**_NAMED, **_fields(bool="is_container_group")}, ("id",))
TOKENS = Schema(
    "OAuth2AccessToken",
    _fields(int="id", datetime="created modified expires last_used", str="description scope", key="user application"),
    ("id",),
    frozenset({"token"}),
)

OBJECTS = {
    "organizations": ORGANIZATIONS,
    "job_templates": JOB_TEMPLATES,
    "hosts": HOSTS,
    "labels": LABELS,
    "execution_environments": EXECUTION_ENVIRONMENTS,
    "instance_groups": INSTANCE_GROUPS,
}
