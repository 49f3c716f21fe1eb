"""What may happen to a cluster and its controller, as events that hypothesis strings together to scripts."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

PAST_DEADLINE = 150  # minutes


@dataclass(frozen=True)
class Jobs:
    """Jobs that finish, all at one moment or a second apart, `ago` minutes before now: some turn up behind others."""

    count: int
    hosts: int = 1
    stats: str = "delivered"
    ago: int = 0
    at_once: bool = False


@dataclass(frozen=True)
class Deliver:
    """The controller writes host summaries that are late: of every job, or of every other one."""

    every: int = 1


@dataclass(frozen=True)
class Delete:
    """The controller deletes a job."""

    which: int


@dataclass(frozen=True)
class Wait:
    """Time goes by at the controller."""

    minutes: int


@dataclass(frozen=True)
class Trouble:
    """A fault during a sync, on requests of some kind."""

    kind: str
    path: str = ""
    skip: int = 0
    times: int = 1
    probability: float = 1.0


@dataclass(frozen=True)
class Sync:
    """A sync; `dies` before or after its n-th transaction; a backfill that pauses after a slice if `since` (minutes
    ago) is given; `blind`: the token's user has lost the role meanwhile."""

    troubles: tuple[Trouble, ...] = ()
    dies: int | None = None
    since: int | None = None
    blind: bool = False


@dataclass(frozen=True)
class Parse:
    """Stage core takes what is there."""


Event = Jobs | Deliver | Delete | Wait | Sync | Parse

KINDS = (
    "status",
    "reset",
    "truncate",
    "html",
    "maintenance",
    "html_404",
    "expire_token",
    "count_too_high",
    "drop_row",
    "foreign_next",
    "foreign_redirect",
    "delete_job",
    "insert_behind",
)
PATHS = ("", "jobs", "host_summaries", "job_templates", "organizations", "token", "ping")

troubles = st.builds(
    Trouble,
    kind=st.sampled_from(KINDS),
    path=st.sampled_from(PATHS),
    skip=st.integers(0, 12),
    times=st.integers(1, 12),
    probability=st.sampled_from((1.0, 0.5, 0.2)),
)
syncs = st.just(Sync()) | st.builds(
    Sync,
    troubles=st.lists(troubles, max_size=3).map(tuple),
    dies=st.none() | st.integers(0, 40),
    since=st.none() | st.integers(1, 300),
    blind=st.sampled_from((False, False, False, True)),
)
jobs = st.builds(
    Jobs,
    count=st.integers(1, 12),
    hosts=st.integers(0, 3),
    stats=st.sampled_from(("delivered", "late", "never")),
    ago=st.integers(0, 6),
    at_once=st.booleans(),
)
events = st.one_of(
    jobs,
    jobs,
    syncs,
    syncs,
    st.builds(Deliver, every=st.integers(1, 2)),
    st.builds(Delete, which=st.integers(0, 50)),
    st.builds(Wait, minutes=st.sampled_from((0, 1, 5, 30, PAST_DEADLINE))),
    st.just(Parse()),
)
