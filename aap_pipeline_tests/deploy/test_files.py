"""What `deploy/` says, held against the code: commands, ports, variables, paths, metrics and limits."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dagster import DagsterInstance
from dagster_cloud_cli.config.models import load_dagster_cloud_yaml

from aap_pipeline.cli.commands import SECTIONS
from aap_pipeline.health import metrics
from aap_pipeline.orchestration.jobs import LOCATION, PARTITION_TAG
from aap_pipeline.runtime.instance import read_dagster_yaml
from aap_pipeline.settings import Settings
from aap_pipeline_tests.deploy.stack import DEPLOY, compose, image

_ROOT = DEPLOY.parent
_VARIABLES = {f"AAP_PIPELINE_{name}".upper() for name in Settings.model_fields}
_ONE_RUN_PER_CLUSTER = {"key": PARTITION_TAG, "limit": 1, "value": {"applyLimitPerUniqueValue": True}}
_MANUAL = _ROOT / "docs" / "deployment.md"
_PROGRAMS = {
    "aap-pipeline": ("aap_pipeline.cli", "aap_pipeline"),
    "dagster": ("dagster._cli", "create_dagster_cli"),
    "dagster-daemon": ("dagster._daemon.cli", "create_dagster_daemon_cli"),
    "dagster-webserver": ("dagster_webserver.cli", "dagster_webserver"),
    "dg": ("dagster_dg_cli.cli", "create_dg_cli"),
}
_INSTANCES = ("dagster.yaml", "celery/dagster.yaml")


def load(name: str) -> Any:
    """A YAML or JSON file of `deploy/`."""
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def unit(name: str) -> dict[str, str]:
    """The settings of a systemd unit."""
    lines = (DEPLOY / "systemd" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def units() -> list[str]:
    """The names of all systemd units."""
    return sorted(file.name for file in (DEPLOY / "systemd").glob("*.service"))


def documented() -> list[list[str]]:
    """The commands of a virtual environment that the manual's shell blocks start."""
    blocks = re.findall("```sh\n(.*?)```", _MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if "$(" not in line]
    words = [line[1:] if line and line[0].startswith("DAGSTER_HOME=") else line for line in lines]
    return [line for line in words if line and line[0] in {"celery", *_PROGRAMS}]


def commands() -> list[list[str]]:
    """Every command that `deploy/` or its manual starts with a program of the virtual environment."""
    found = [image()["command"], image()["healthcheck"], *documented()]
    for service in compose()["services"].values():
        if "command" in service:
            found.append(service["command"])
        if (check := service.get("healthcheck", {}).get("test", [])) and check[1].startswith("dagster"):
            found.append(check[1:])
    found += [manifest["spec"]["template"]["spec"]["containers"][0]["command"] for manifest in _manifests()]
    for name in units():
        found += [shlex.split(unit(name)[key]) for key in ("ExecStartPre", "ExecStart") if key in unit(name)]
    [deployment] = load("helm/values.yaml")["dagster-user-deployments"]["deployments"]
    found.append(["dagster", "api", "grpc", *deployment["dagsterApiGrpcArgs"]])
    return [[Path(command[0]).name, *command[1:]] for command in found]


def _manifests() -> list[dict[str, Any]]:
    return list(load("helm/values.yaml")["extraManifests"])


def _click_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The click command that `words` reach, and the words left for it."""
    module, name = _PROGRAMS[words[0]]
    found = getattr(importlib.import_module(module), name)
    command: click.Command = found() if name.startswith("create_") else found
    rest = words[1:]
    while isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), rest[0])
        assert inner is not None, words
        command, rest = inner, rest[1:]
    return command, rest


@pytest.mark.parametrize("words", commands(), ids=shlex.join)
def test_every_command_takes_its_options(words: list[str]) -> None:
    """Guards against a container that ends at once because an option was renamed."""
    if words[0] == "celery":
        pytest.importorskip("celery", reason="needs the extra celery")
        importlib.import_module(words[words.index("--app") + 1])
        return
    command, rest = _click_command(words)
    for index, word in enumerate(rest):
        if word.endswith("workspace.yaml"):
            rest[index] = str(DEPLOY / "workspace.yaml")
        if word == "token.txt":
            rest[index] = __file__
    command.make_context(words[-1], rest)


def test_code_servers_serve_our_location_at_the_port_that_others_ask() -> None:
    """Guards against a web server that finds no code location."""
    for words in commands():
        if words[:3] == ["dagster", "api", "grpc"]:
            assert words[words.index("--module-name") + 1] == "aap_pipeline.definitions"
            assert words[words.index("--location-name") + 1] == LOCATION
    for name in ("workspace.yaml", "systemd/workspace.yaml"):
        [entry] = load(name)["load_from"]
        assert entry["grpc_server"]["location_name"] == LOCATION
    server = load("workspace.yaml")["load_from"][0]["grpc_server"]
    assert server["host"] in compose()["services"]
    [deployment] = load("helm/values.yaml")["dagster-user-deployments"]["deployments"]
    assert str(server["port"]) in image()["command"]
    assert {str(server["port"]), str(deployment["port"])} < set(image()["ports"])
    assert (
        load("systemd/workspace.yaml")["load_from"][0]["grpc_server"]["socket"]
        in unit("aap-pipeline-code.service")["ExecStart"]
    )
    [location] = load("dagster_cloud.yaml")["locations"]
    assert (location["location_name"], location["code_source"]) == (
        LOCATION,
        {"module_name": "aap_pipeline.definitions"},
    )


def test_every_variable_is_one_that_somebody_reads() -> None:
    """Guards against a misspelt variable, which nothing reports."""
    read = (
        _VARIABLES
        | {"DAGSTER_HOME", "SSL_CERT_FILE"}
        | {name for file in _INSTANCES for name in _variables_of(load(file))}
    )
    given = set(compose()["x-pipeline"]["environment"])
    lines = (DEPLOY / "systemd" / "environment").read_text(encoding="utf-8").splitlines()
    for names in (given, {line.split("=")[0] for line in lines if line and not line.startswith("#")}):
        assert names <= read
        assert {"AAP_PIPELINE_DATABASE_URL", "AAP_PIPELINE_ENCRYPTION_KEYS", "DAGSTER_POSTGRES_URL"} <= names
    text = "".join(file.read_text(encoding="utf-8") for file in DEPLOY.rglob("*.*") if file.is_file())
    assert set(re.findall(r"AAP_PIPELINE_[A-Z_]+", text)) <= _VARIABLES


def _variables_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {str(value["env"])} if value.keys() == {"env"} else set().union(*map(_variables_of, value.values()))
    return set()


@pytest.mark.parametrize("name", [*_INSTANCES, "../dagster.yaml"])
def test_dagster_takes_the_instance_and_runs_one_run_per_cluster(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a key that Dagster does not know, and against two runs of a cluster that wait for each other."""
    if "celery" in name:
        pytest.importorskip("dagster_celery", reason="needs the extra celery")
    configuration = load(name) | {"storage": {"sqlite": {"base_dir": str(tmp_path)}}}
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://localhost:1/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://localhost:1/1")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert type(instance.run_launcher).__name__ in ("DefaultRunLauncher", "CeleryRunLauncher")
        limits = instance.get_concurrency_config().run_queue_config
        assert limits is not None
        assert limits.tag_concurrency_limits == [_ONE_RUN_PER_CLUSTER]
        assert (
            instance.run_monitoring_max_runtime_seconds == read_dagster_yaml()["run_monitoring"]["max_runtime_seconds"]
        )


def test_helm_limits_runs_as_dagster_yaml_does() -> None:
    """Guards against values that drift from the instance that everything else uses."""
    daemon = load("helm/values.yaml")["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    plain = read_dagster_yaml()
    assert queue["tagConcurrencyLimits"] == [_ONE_RUN_PER_CLUSTER]
    assert queue["maxConcurrentRuns"] == plain["concurrency"]["runs"]["max_concurrent_runs"]
    assert daemon["runMonitoring"]["maxRuntimeSeconds"] == plain["run_monitoring"]["max_runtime_seconds"]


def test_every_file_that_the_image_copies_is_there() -> None:
    """Guards against a build that ends at a file that was moved."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    sources = [word for line in re.findall(r"^COPY ([^-].*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert sources
    assert [source for source in sources if not (_ROOT / source).exists()] == []
    folders = {target.rstrip("/") for _, target in image()["copied"]}
    assert image()["environment"]["DAGSTER_HOME"] in folders
    assert image()["user"].split(":")[0] not in ("root", "0")


def test_the_image_copies_everything_that_the_package_includes() -> None:
    """Guards against `docker build` that fails because hatchling cannot find a file that the wheel must include."""
    build = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY ([^-].*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    needed = [*wheel["force-include"], *wheel["packages"], "pyproject.toml", "README.md", "LICENSE"]
    assert [path for path in needed if not copied & {path, path.split("/")[0]}] == []


def test_the_image_and_the_manual_install_extras_that_exist() -> None:
    """Guards against an image that cannot be built, or that lacks a launcher, because an extra was renamed."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8") + _MANUAL.read_text(encoding="utf-8")
    named = {
        extra for names in re.findall(r"EXTRAS=([\w,]+)|'\.\[([\w,]+)\]'", text) for extra in ",".join(names).split(",")
    }
    assert named >= {"celery", "cloud", "dev", "kubernetes"}
    assert named - {""} <= project["optional-dependencies"].keys()


def test_units_are_confined_and_refer_to_each_other_by_name() -> None:
    """Guards against a unit that waits for one that does not exist, or that runs as root."""
    for name in units():
        settings = unit(name)
        assert settings["User"] != "root"
        after = {each for each in settings["After"].split() if each.startswith("aap-pipeline")}
        assert after <= set(units())


def test_dagster_cloud_takes_its_file() -> None:
    """Guards against a key that Dagster+ refuses at deployment."""
    [location] = load_dagster_cloud_yaml((DEPLOY / "dagster_cloud.yaml").read_text(encoding="utf-8")).locations
    assert location.location_name == LOCATION


@pytest.mark.usefixtures("starts_server")
@pytest.mark.parametrize(
    ("program", "arguments", "files"),
    [
        ("systemd-analyze", ["verify"], sorted((DEPLOY / "systemd").glob("*.service"))),
        ("promtool", ["check", "rules"], [DEPLOY / "prometheus" / "rules.yaml"]),
    ],
)
def test_the_programs_that_read_the_files_take_them(program: str, arguments: list[str], files: list[Path]) -> None:
    """Guards against units and rules that systemd and Prometheus ignore."""
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    done = subprocess.run([program, *arguments, *files], capture_output=True, text=True, check=False)
    faults = [line for line in done.stderr.splitlines() if "is not executable" not in line]  # not installed here
    assert faults == []


def test_dashboard_and_rules_ask_for_metrics_that_are_served() -> None:
    """Guards against panels without data and alerts that never fire."""
    served = {each.name for each in metrics.Metrics("postgresql://127.0.0.1:1/none").collect()}
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [rule for group in load("prometheus/rules.yaml")["groups"] for rule in group["rules"]]
    for expression in [*shown, *(rule["expr"] for rule in rules)]:
        assert set(re.findall(r"aap_pipeline_\w+", expression)) <= served, expression
    shown_metrics = set(re.findall(r"aap_pipeline_\w+", " ".join(shown)))
    assert served <= shown_metrics, served - shown_metrics
    known = {name for entries in SECTIONS.values() for name in entries}
    for rule in rules:
        assert rule["annotations"]["runbook"].split()[1] in known
