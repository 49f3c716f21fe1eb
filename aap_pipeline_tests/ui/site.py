"""What an installation needs so that there is something to see: simulated controllers, and something wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aap_pipeline.database.connection import connect
from aap_pipeline_tests.cli.processes import import_clusters
from aap_simulator.server import SimulatorServer


def import_controllers(environment: Mapping[str, str], folder: Path, servers: Mapping[str, SimulatorServer]) -> None:
    """`aap-pipeline clusters import` of running simulators, {name: server}; the file is kept in `folder`."""
    entries = [
        {
            "name": name,
            "port": server.port,
            "access_token": server.token.access_token,
            "refresh_token": server.token.refresh_token,
            "client_id": server.client_id,
            "client_secret": server.client_secret,
        }
        for name, server in servers.items()
    ]
    import_clusters(environment, folder, entries)


def change_a_job_by_hand(url: str, cluster: str) -> None:
    """What nobody should do: one job's host statistics no longer are the sum of its host summaries.

    It is the next job of the sample that goes round all jobs, so that the next sync meets it.
    """
    with connect(url) as connection:
        connection.execute(
            "UPDATE clusters_job SET ok_hosts_count = ok_hosts_count + 1 WHERE id = (SELECT min(job.id) "
            "FROM clusters_job job JOIN clusters_cluster c ON c.id = job.cluster_id "
            "JOIN pipeline.host_totals_check audit USING (cluster_id) "
            "WHERE c.name = %s AND num_hosts > 0 AND job.id > audit.audited_id)",
            [cluster],
        )
