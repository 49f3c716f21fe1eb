"""A seeded controller without its jobs: organizations, projects, inventories, hosts, labels, users and job templates.

Distributions: template weights are Zipf (exponent 0.9); a template always addresses the same group of hosts, whose
size is lognormal
(sigma 0.8) around `hosts_per_job`, so that host groups repeat; median durations are lognormal (median 90 s, sigma
1.0); a template has 0 to 4 labels.
"""

import random

from aap_simulator.entities import (
    Catalog,
    ExecutionEnvironment,
    Host,
    InstanceGroup,
    Inventory,
    Label,
    Organization,
    Project,
    Template,
    User,
)

ORGANIZATIONS = (
    "Platform Engineering",
    "Netzwerk & Öffentlicher Dienst",
    'Payments & Risk "Q3"',
    "Data Center EMEA",
    "クラウド基盤",
    "Security",
)
VERBS = (
    "Patch",
    "Deploy",
    "Harden",
    "Back up",
    "Restart",
    "Provision",
    "Rotate secrets on",
    "Audit",
    "Configure",
    "Upgrade",
)
NOUNS = (
    "RHEL servers",
    "PostgreSQL",
    "load balancers",
    "web tier",
    "Windows fleet",
    "Kubernetes nodes",
    "switches",
    "message queue",
    "SAP",
    "DNS",
)
LABELS = (
    "prod",
    "staging",
    "test",
    "weekly",
    "pci",
    "emea",
    "apac",
    "network",
    "database",
    "étiquette ✓",
    "tier-1",
    "tier-2",
    "self-service",
    "dr",
    "24x7",
)
PEOPLE = (
    ("jörg.müller", "Jörg", "Müller"),
    ("akiko", "明子", "佐藤"),
    ("o'brien", "Sinéad", "O'Brien"),
    ("svc-ci", "", ""),
    ("admin", "", ""),
)
LONG_NAME = "A template whose name fills all that the controller allows — " + "x" * 500
MANY_LABELS = 15


def build(seed: int, *, templates: int, organizations: int, hosts: int, hosts_per_job: float, spread: bool) -> Catalog:
    """The catalog of a seed; `spread=False` gives every template exactly `hosts_per_job` hosts."""
    rng = random.Random(f"{seed}/catalog")  # noqa: S311 - reproducible, not secret
    orgs = [Organization(i + 1, _numbered(ORGANIZATIONS, i), "") for i in range(organizations)]
    all_hosts = [Host(i + 1, f"srv{i:04d}.example.invalid" if i != 7 else "ホスト-0007") for i in range(hosts)]
    labels = [
        Label(i + 1, _numbered(LABELS, i), orgs[i % len(orgs)]) for i in range(max(MANY_LABELS, organizations * 3))
    ]
    projects = [Project(i + 1, f"project-{i + 1}", orgs[i % len(orgs)]) for i in range(organizations * 2)]
    inventories = [Inventory(i + 1, f"inventory-{org.id}", org, hosts) for i, org in enumerate(orgs)]
    users = [User(1, "admin"), *(User(i + 2, *_person(i)) for i in range(24))]
    rows = [
        _template(rng, rank, orgs, projects, inventories, labels, _group(rng, all_hosts, hosts_per_job, spread))
        for rank in range(templates)
    ]
    if templates > 3:
        rows[-1].name = LONG_NAME[:512]
        rows[-2].organization = None
        rows[-3].name = "Überprüfung – 東京 🚀"
    return Catalog(
        organizations=orgs,
        projects=projects,
        inventories=inventories,
        execution_environments=[
            ExecutionEnvironment(1, "Default execution environment", "quay.io/example/ee:latest"),
            ExecutionEnvironment(2, "EE custom 日本", "quay.io/example/ee:1.2"),
        ],
        instance_groups=[
            InstanceGroup(1, "controlplane"),
            InstanceGroup(2, "default"),
            InstanceGroup(3, "k8s-group", True),
        ],
        users=users,
        labels=labels,
        hosts=all_hosts,
        templates=rows,
    )


def _numbered(names: tuple[str, ...], index: int) -> str:
    return names[index] if index < len(names) else f"{names[index % len(names)]} {index // len(names) + 1}"


def _person(index: int) -> tuple[str, str, str]:
    return PEOPLE[index] if index < len(PEOPLE) - 1 else (f"user{index:02d}", "User", f"{index:02d}")


def _group(rng: random.Random, hosts: list[Host], mean: float, spread: bool) -> tuple[Host, ...]:
    size = round(rng.lognormvariate(0, 0.8) * mean * 0.73) if spread else round(mean)
    size = max(1, min(size, len(hosts)))
    first = rng.randrange(len(hosts))
    return tuple(hosts[(first + step) % len(hosts)] for step in range(size))


def _template(
    rng: random.Random,
    rank: int,
    orgs: list[Organization],
    projects: list[Project],
    inventories: list[Inventory],
    labels: list[Label],
    group: tuple[Host, ...],
) -> Template:
    org = orgs[rank % len(orgs)]
    verb, noun = VERBS[rank % len(VERBS)], NOUNS[(rank // len(VERBS) + rank) % len(NOUNS)]
    suffix = f" {rank // 100 + 1}" if rank >= 100 else ""
    return Template(
        id=rank + 7,
        name=f"{verb} {noun}{suffix}",
        description=f"{verb} {noun} of {org.name}",
        organization=org,
        project=projects[rank % len(projects)],
        inventory=inventories[rank % len(inventories)],
        hosts=group,
        labels=tuple(rng.sample(labels, rng.randrange(5))),
        weight=1 / (rank + 1) ** 0.9,
        median_seconds=min(3000.0, rng.lognormvariate(4.5, 1.0)),
        tasks=rng.randrange(3, 60),
    )
