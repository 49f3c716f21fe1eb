"""Write the committed dashboards of `bi/` to a folder, or install them in a running Superset.

Charts are defined in `bi/model.yaml` and, for Grafana, `bi/grafana.yaml`.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests

from aap_pipeline.errors import PipelineError

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_CURRENCY: Final = {"superset": "symbol: {}\n", "grafana": '"currency:{} "'}
"""The currency format of each bundle; the committed ones use USD."""
_DATABASE: Final = "databases/aap_savings.yaml"
_PLACEHOLDER: Final = "postgresql+psycopg2://USER:XXXXXXXXXX@HOST:5432/DATABASE"
_SECONDS: Final = 120


def bundle(tool: str, currency: str) -> dict[str, str]:
    """Return the files of `tool` (superset, grafana, dbt) by path, with this currency (ISO code)."""
    installed = _PACKAGE / "_bi"
    folder = (installed if installed.is_dir() else _PACKAGE.parent / "bi") / tool
    pattern = _CURRENCY.get(tool, "")
    return {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8").replace(
            pattern.format("USD"), pattern.format(currency)
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def with_database(files: dict[str, str], database_url: str) -> tuple[dict[str, str], str]:
    """Return the Superset bundle with the address of the database, and separately the password."""
    parts = urlsplit(database_url)
    if not (parts.hostname and parts.username and parts.path.strip("/")):
        raise PipelineError("The database URL is not valid. Use postgresql://user:password@host:5432/name.")
    place = f"{parts.username}:XXXXXXXXXX@{parts.hostname}:{parts.port or 5432}"
    masked = urlunsplit(("postgresql+psycopg2", place, parts.path, parts.query, ""))
    return files | {_DATABASE: files[_DATABASE].replace(_PLACEHOLDER, masked)}, parts.password or ""


def install_in_superset(files: dict[str, str], password: str, url: str, user: str, user_password: str) -> None:
    """Import the bundle through Superset's assets API, replacing earlier imports. Raises PipelineError."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(f"bundle/{path}", text)
    base = url.rstrip("/")
    try:
        with requests.Session() as session:
            credentials = {"username": user, "password": user_password, "provider": "db", "refresh": False}
            token = _answer(session.post(f"{base}/api/v1/security/login", json=credentials, timeout=_SECONDS))
            session.headers["Authorization"] = f"Bearer {token['access_token']}"
            csrf = _answer(session.get(f"{base}/api/v1/security/csrf_token/", timeout=_SECONDS))
            headers = {"X-CSRFToken": csrf["result"], "Referer": base}
            form = {"passwords": json.dumps({_DATABASE: password}), "sparse": "false"}
            content = {"bundle": ("bundle.zip", zipped.getvalue(), "application/zip")}
            _answer(
                session.post(
                    f"{base}/api/v1/assets/import/", data=form, files=content, headers=headers, timeout=_SECONDS
                )
            )
    except requests.RequestException as error:
        raise PipelineError(f"{base} does not respond ({type(error).__name__}). Check --url.") from None


def _answer(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON of a 2xx response."""
    if not answer.ok:
        what = urlsplit(answer.url).path
        raise PipelineError(f"Superset returned HTTP {answer.status_code} for {what}: {answer.text[:500]}")
    found: dict[str, Any] = answer.json()
    return found
