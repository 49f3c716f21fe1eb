"""Write bi/superset, bi/grafana and bi/dbt from bi/model.yaml and bi/grafana.yaml: `python -m bi.generate` (`make bi`).

The files are committed; a test compares them.
"""

from __future__ import annotations

from bi import dbt, grafana, superset
from bi.model import HERE, Files, load


def files() -> Files:
    """Return all generated files, by their paths in bi/."""
    model = load()
    return superset.files(model) | grafana.files(model) | dbt.files(model)


def main() -> None:
    """Write all files, and delete outdated ones."""
    found = files()
    for folder in ("superset", "grafana", "dbt"):
        for file in (HERE / folder).rglob("*"):
            if file.is_file() and str(file.relative_to(HERE)) not in found:
                file.unlink()
    for path, text in found.items():
        target = HERE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
