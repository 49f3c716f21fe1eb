"""No secret leaves its place: planted markers are looked for in a dump of the database and in all that was said."""

from __future__ import annotations

import logging
import subprocess
from urllib.parse import urlsplit

import orjson
import pytest

from aap_pipeline.clusters.registry import rotate_key
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.core.parse import parse
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline.embedded.server import binaries
from aap_pipeline.errors import PipelineError
from aap_pipeline_tests.raw.rig import NOW, Rig, empty_world, patient
from aap_simulator.faults import Fault
from aap_simulator.server import SimulatorServer
from aap_simulator.tokens import TokenPair

MARKER = "PLANTED-a81f"
ARTIFACTS = {"facts": {"db_password": f"{MARKER}-artifacts"}}
EXTRA_VARS = f'{{"db_password": "{MARKER}-extra-vars"}}'


def dump(database_url: str) -> str:
    """The whole database as text."""
    environment = {"PGPASSWORD": urlsplit(database_url).password or ""}
    plain = database_url.replace(f":{environment['PGPASSWORD']}@", "@")
    done = subprocess.run([binaries() / "pg_dump", plain], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_no_planted_secret_is_found_anywhere(
    rig: Rig, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Guards against a token in an error, a log line, a repr, a plain column or the book-keeping."""
    caplog.set_level(logging.DEBUG)
    world = empty_world()
    server.use(world)
    number = world.add_job(finished=NOW)
    with world.lock:
        row = world.jobs.rows[number]
        world.jobs.update(row, {**row.document(), "extra_vars": EXTRA_VARS, "artifacts": ARTIFACTS})
        templates = world.objects["job_templates"]
        template = templates.rows[templates.ids[0]]
        templates.update(template, {**template.document(), "extra_vars": EXTRA_VARS})
        # Both kinds of quarantine: what stage core refuses, and what PostgreSQL cannot hold.
        for change in ({"status": "exploded"}, {"name": "half a \0"}):
            bad = world.jobs.rows[world.add_job(finished=NOW)]
            secrets = {"extra_vars": EXTRA_VARS, "artifacts": ARTIFACTS}
            bad.json = orjson.dumps({**bad.document(), **secrets, **change})
    pair = TokenPair(f"{MARKER}-access", f"{MARKER}-refresh")
    server.tokens.adopt(pair)
    server.tokens.clients[f"{MARKER}-client"] = f"{MARKER}-secret"
    rig.register(Tokens(pair.access_token, pair.refresh_token, f"{MARKER}-client", f"{MARKER}-secret"))
    said = [repr(rig.cluster), repr(rig), repr(pair)]
    rig.settings = patient(retries=1, read_timeout=0.3)
    for kind in ("status", "truncate", "html", "foreign_redirect", "reset", "expire_token", "hang"):
        server.faults.add(Fault(kind, paths=frozenset({"host_summaries"})))  # type: ignore[arg-type]
        with pytest.raises(PipelineError) as caught:
            rig.sync(notify=said.append)
        said += [str(caught.value), repr(caught.value), repr(caught.value.__cause__)]
        server.faults.clear()
        rig.register(Tokens(pair.access_token, pair.refresh_token, f"{MARKER}-client", f"{MARKER}-secret"))
        pair = TokenPair(f"{MARKER}-access-{kind}", f"{MARKER}-refresh-{kind}")
        server.tokens.adopt(pair)
        rig.register(Tokens(pair.access_token, pair.refresh_token, f"{MARKER}-client", f"{MARKER}-secret"))
    report = rig.sync(notify=said.append)
    said += [repr(report), caplog.text]
    assert not [text for text in said if MARKER in text.replace(f"{MARKER}-client", "")]
    rig.execute("INSERT INTO common_settings (type, value) VALUES ('raw_retention_days', '30')")
    for stage in (lambda *_: 0, parse):
        stage(rig.database_url, rig.cluster.id)
        text = dump(rig.database_url)
        assert template.document()["name"] in text
        assert MARKER not in text.replace(f"{MARKER}-client", "")  # a client's id is no secret
    assert rig.value("SELECT count(*) FROM pipeline.rejected_record") == 2
    assert rig.value("SELECT count(*) FROM pipeline.raw_archive WHERE kind = 'job'") == 1
    fresh = Cipher([new_key()])
    with pytest.raises(PipelineError) as wrong:
        rotate_key(rig.connection, fresh)
    assert MARKER not in str(wrong.value)
