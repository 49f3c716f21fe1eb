"""The server as a whole: who sees what, which product answers where, and that nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import requests
from click.testing import CliRunner

from aap_pipeline.errors import PipelineError
from aap_simulator.__main__ import main
from aap_simulator.faults import KINDS, Fault
from aap_simulator.process import SimulatorProcess
from aap_simulator.products import PRODUCTS
from aap_simulator.server import SimulatorServer
from aap_simulator.synthetic import synthetic
from aap_simulator.tokens import AUDITOR, PLAIN, Account

pytestmark = pytest.mark.usefixtures("starts_server")

SIZES: dict[str, Any] = {"seed": 4, "jobs": 30, "days": 5, "templates": 4, "organizations": 2, "hosts": 8}


def _get(server: SimulatorServer, path: str, token: str | None = None, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or server.token.access_token}"}
    return requests.get(server.url + path, headers=headers, timeout=10, **options)


@pytest.mark.parametrize("name", PRODUCTS)
def test_each_product_answers_where_it_should(name: str) -> None:
    """Guards the version probe's ground: ping paths, prefixes, and the HTML 404 of AAP 2.5 and later under /api/v2."""
    with SimulatorServer(synthetic(name, **SIZES)) as server:
        product = server.world.product
        jobs = _get(server, f"{product.prefix}/jobs/")
        assert (jobs.status_code, jobs.json()["count"]) == (200, 30)
        assert jobs.headers["X-API-Product-Name"] == product.product_name
        old, gateway = (_get(server, path) for path in ("/api/v2/ping/", "/api/gateway/v1/ping/"))
        if product.gateway_version:
            assert (old.status_code, old.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert gateway.json()["version"] == product.gateway_version
        else:
            assert old.json()["version"] == product.controller_version
            assert gateway.status_code == 404
            assert "X-API-Product-Version" not in old.headers
        assert jobs.json()["results"][0]["url"].startswith(product.prefix)


def test_awx_answers_under_both_prefixes_with_links_under_the_one_asked() -> None:
    """Guards the second prefix: rows, `next` and labels all stay under it."""
    with SimulatorServer(synthetic("awx", **SIZES)) as server:
        body = _get(server, "/api/controller/v2/jobs/?page_size=2").json()
        assert body["next"].startswith("/api/controller/v2/jobs/")
        assert "/api/v2/" not in str(body)


@pytest.mark.parametrize(("account", "count", "status"), [(AUDITOR, 30, 200), (PLAIN, 0, 403)])
def test_a_user_without_permission_sees_no_job_and_an_auditor_sees_all(
    account: Account, count: int, status: int
) -> None:
    """Guards the trap of an empty list that is no error, and the 403 that gives it away."""
    with SimulatorServer(synthetic(**SIZES), account=account) as server:
        assert _get(server, "/api/v2/jobs/").json()["count"] == count
        job = min(server.world.truth().jobs)
        assert _get(server, f"/api/v2/jobs/{job}/job_host_summaries/").status_code == status
        me = _get(server, "/api/v2/me/").json()["results"][0]
        assert (me["username"], me["is_system_auditor"]) == (account.username, account is AUDITOR)


def test_what_is_no_endpoint_or_method_is_refused() -> None:
    """Guards the rest of the URL space."""
    with SimulatorServer(synthetic(**SIZES)) as server:
        paths = {
            "/api/v2/jobs/x/": 404,
            "/api/v2/jobs/9999999/job_host_summaries/": 404,
            "/elsewhere": 404,
            "/api/v2/organizations/1/": 200,
        }
        assert {path: _get(server, path).status_code for path in paths} == paths
        slash = _get(server, "/api/v2/jobs?page_size=3", allow_redirects=False)
        assert (slash.status_code, slash.headers["location"]) == (301, "/api/v2/jobs/?page_size=3")
        assert requests.post(f"{server.url}/api/v2/jobs/", timeout=10).status_code == 405
        head = requests.head(f"{server.url}/api/v2/ping/", timeout=10)
        assert (head.status_code, head.content) == (200, b"")


def test_many_clients_and_a_changing_world_agree() -> None:
    """Guards the lock: no request fails or sees half a change while jobs come and go."""
    with SimulatorServer(synthetic(**SIZES)) as server:

        def read(_: int) -> bool:
            body = _get(server, "/api/v2/jobs/?page_size=200").json()
            return bool(body["count"] == len(body["results"]))

        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(read, range(80))
            for _ in range(80):
                server.world.delete_job(server.world.add_job(hosts=2))  # type: ignore[attr-defined]
            assert all(answers)
        assert server.log.total == 80


def test_a_stopped_server_leaves_no_thread_and_no_open_port() -> None:
    """Guards clean ends, also with a request that hangs and connections that are kept alive."""
    threads, files = set(threading.enumerate()), psutil.Process().num_fds()
    for _ in range(2):
        with SimulatorServer(synthetic(**SIZES)) as server, requests.Session() as session:
            session.get(f"{server.url}/api/v2/ping/", timeout=10)
            server.faults.add(Fault("hang"))
            with pytest.raises(requests.Timeout):
                session.get(f"{server.url}/api/v2/ping/", timeout=0.1)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}/api/v2/ping/", timeout=10)
    assert set(threading.enumerate()) == threads
    assert psutil.Process().num_fds() <= files + 1


def test_a_taken_port_is_one_clear_sentence() -> None:
    """Guards the most likely start-up failure."""
    with SimulatorServer(synthetic(jobs=0, history=False)) as server:
        second = SimulatorServer(synthetic(jobs=0, history=False), port=server.port)
        with pytest.raises(PipelineError, match=rf"cannot listen on 127.0.0.1:{server.port}: .* Choose another --port"):
            second.start()


def test_a_child_simulator_serves_and_ends_with_the_block() -> None:
    """Guards the form that benchmarks use."""
    with SimulatorProcess("--replay", "all", servers=3) as child:
        assert [(address.product, address.jobs) for address in child.addresses] == [
            ("aap24", 4),
            ("aap25", 4),
            ("awx", 35),
        ]
        headers = {"Authorization": f"Bearer {child.addresses[2].access_token}"}
        jobs = requests.get(f"{child.addresses[2].url}/api/v2/jobs/", headers=headers, timeout=10).json()
        assert jobs["count"] == 35
        process = psutil.Process(child.pid)
    assert not process.is_running()


def test_a_child_simulator_dies_with_a_killed_parent() -> None:
    """Guards against orphans: the parent is killed with -9 and cannot clean up."""
    code = (
        "from aap_simulator.process import SimulatorProcess; import time\n"
        "with SimulatorProcess('--jobs', '10') as child:\n    print(child.pid, flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        child.wait(timeout=20)
    assert not child.is_running()


def test_the_help_teaches_every_fault() -> None:
    """Guards the help against faults that it does not name."""
    shown = CliRunner().invoke(main, ["--help"]).output
    assert all(kind in shown for kind in KINDS)
    assert "--replay" in shown


def test_a_wrong_fault_on_the_command_line_names_the_choices() -> None:
    """Guards the refusal, before anything is started."""
    answer = CliRunner().invoke(main, ["--fault", "nonsense"])
    assert answer.exit_code == 2
    assert "There is no fault 'nonsense'" in answer.output
