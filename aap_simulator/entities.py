"""The objects of a controller that jobs refer to, and a job before it is rendered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

Stats = Literal["delivered", "late", "never"]


@dataclass(slots=True)
class Organization:
    id: int
    name: str
    description: str = ""


@dataclass(slots=True)
class Project:
    id: int
    name: str
    organization: Organization


@dataclass(slots=True)
class Inventory:
    id: int
    name: str
    organization: Organization
    total_hosts: int
    kind: str = ""


@dataclass(slots=True)
class ExecutionEnvironment:
    id: int
    name: str
    image: str


@dataclass(slots=True)
class InstanceGroup:
    id: int
    name: str
    is_container_group: bool = False


@dataclass(slots=True)
class User:
    id: int
    username: str
    first_name: str = ""
    last_name: str = ""


@dataclass(slots=True)
class Label:
    id: int
    name: str
    organization: Organization


class Host(NamedTuple):
    id: int
    name: str


@dataclass(slots=True)
class Template:
    """A job template with what its jobs have in common; `weight` is its share of all runs."""

    id: int
    name: str
    description: str
    organization: Organization | None
    project: Project
    inventory: Inventory
    hosts: tuple[Host, ...]
    labels: tuple[Label, ...]
    weight: float
    median_seconds: float
    tasks: int


@dataclass(slots=True)
class Catalog:
    """Everything that jobs refer to."""

    organizations: list[Organization]
    projects: list[Project]
    inventories: list[Inventory]
    execution_environments: list[ExecutionEnvironment]
    instance_groups: list[InstanceGroup]
    users: list[User]
    labels: list[Label]
    hosts: list[Host]
    templates: list[Template]


class HostOutcome(NamedTuple):
    """What one job did on one host; `host` and `constructed` are None when the inventory has no such host."""

    name: str
    host: Host | None
    constructed: Host | None = None
    changed: int = 0
    dark: int = 0
    failures: int = 0
    ok: int = 1
    skipped: int = 0
    ignored: int = 0
    rescued: int = 0

    @property
    def failed(self) -> bool:
        """The controller's flag: unreachable, or at least one task failed."""
        return self.dark > 0 or self.failures > 0


@dataclass(slots=True)
class JobSpec:
    """One job, complete, before it is rendered as a document. Datetimes are aware and UTC; `elapsed` is in seconds."""

    id: int
    name: str
    description: str
    status: str
    launch_type: str
    job_type: str
    created: datetime
    modified: datetime
    started: datetime | None
    finished: datetime | None
    elapsed: float
    template: Template | None
    organization: Organization | None
    project: Project | None
    inventory: Inventory | None
    execution_environment: ExecutionEnvironment | None
    instance_group: InstanceGroup | None
    created_by: User | None
    labels: tuple[Label, ...]
    hosts: list[HostOutcome]
    first_summary_id: int
    launched_by: dict[str, Any] = field(default_factory=dict)
    schedule: tuple[int, str] | None = None
    workflow: tuple[int, str] | None = None
    explanation: str = ""
    extra_vars: str = ""
    artifacts: dict[str, Any] | str = field(default_factory=dict)
    slices: tuple[int, int] = (0, 1)
    webhook_service: str = ""
    webhook_guid: str = ""
    stats: Stats = "delivered"
