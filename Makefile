# A new user needs only `make demo` and `make test`, which first set up .venv. `make help` lists all targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BENCH  := $(VENV)/.bench-ready
# The browser test runs only if Chromium is installed, and so does the installation of Playwright, which is large.
BROWSER  := $(VENV)/.browser-ready
CHROMIUM := $(shell for each in chromium chromium-browser google-chrome; do command -v $$each; done | head -n 1)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH

.PHONY: bi bi-test screenshots help venv demo test lint types check up bench bench-full docs constraints clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

$(READY): pyproject.toml requirements/constraints.txt
	@echo "==> Setting up $(VENV) with pinned versions (once, about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint requirements/constraints.txt --editable '.[local,test,lint]'
	@touch $@

venv: $(READY)  ## Set up .venv, as the other targets do first

$(BROWSER): $(READY)
	@echo "==> Adding Playwright for the test in a browser (once)"
	@$(BIN)/python -m pip install --quiet --constraint requirements/constraints.txt --editable '.[browser]'
	@touch $@

demo: $(READY)  ## Run the pipeline on simulated controllers and print the savings
	@$(BIN)/aap-pipeline demo

test: $(READY) $(if $(CHROMIUM),$(BROWSER))  ## Run the whole test suite
	@echo "==> Running the tests (unit, orchestration, integration on an embedded PostgreSQL)"
	@$(BIN)/python -m pytest -q --numprocesses auto --dist worksteal

lint: $(READY)  ## Check style (ruff), imports and that Dagster loads the code location
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@PYTHONWARNINGS=ignore::UserWarning,ignore::FutureWarning $(BIN)/dagster definitions validate

types: $(READY)  ## Check the types (mypy; strict but for the tests)
	@$(BIN)/mypy

check: lint types test  ## Run all checks of CI

up: $(READY)  ## Start PostgreSQL, the Dagster UI and its daemon
	@$(BIN)/aap-pipeline up

$(BENCH): $(READY) requirements/bench.txt
	@echo "==> Setting up dlt for the benchmarks in build/bench-dlt"
	@rm -rf build/bench-dlt && $(PYTHON) -m venv build/bench-dlt
	@build/bench-dlt/bin/python -m pip install --quiet --requirement requirements/bench.txt
	@touch $@

bench: $(BENCH)  ## Run the benchmarks that take minutes, and write docs/benchmarks.md
	@$(BIN)/python -m benchmarks

bench-full: $(BENCH)  ## Run all benchmarks: up to an hour, 30 GB of disk
	@$(BIN)/python -m benchmarks --full

docs: $(READY)  ## Generate docs/data-dictionary.md from the catalog's comments
	@$(BIN)/python -m docs.dictionary

bi: $(READY)  ## Generate the dashboards in bi/ from bi/model.yaml
	@$(BIN)/python -m bi.generate

build/superset/.ready: requirements/superset.txt
	@echo "==> Setting up Superset in build/superset (once, 850 MB)"
	@$(PYTHON) -m venv build/superset && build/superset/bin/pip install --quiet --requirement requirements/superset.txt
	@touch $@

build/dbt/.ready: requirements/dbt.txt
	@$(PYTHON) -m venv build/dbt && build/dbt/bin/pip install --quiet --requirement requirements/dbt.txt
	@touch $@

build/grafana/.ready: Makefile
	@npm install --silent --no-audit --no-fund --prefix build/grafana @grafana/schema@13.2.3 typescript@5.9.3
	@touch $@

bi-test: $(BROWSER) build/superset/.ready build/dbt/.ready $(if $(shell command -v npm),build/grafana/.ready)  ## Test the dashboards with a real Superset, dbt, and Grafana's types (minutes)
	@$(BIN)/python -m pytest -q -n 0 -W ignore::ResourceWarning bi/tests

screenshots: $(BROWSER)  ## Update the pictures in docs/images (needs chromium)
	@$(BIN)/python -m docs.images.make

constraints:  ## Re-pin requirements/constraints.txt to the newest versions that work together
	@rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --upgrade pip && build/constraints/bin/python -m pip install --quiet '.[local,test,lint,browser]'
	@{ head -n 2 requirements/constraints.txt; build/constraints/bin/python -m pip freeze --exclude aap-pipeline --exclude-editable; } > build/constraints.txt
	@mv build/constraints.txt requirements/constraints.txt && rm -rf build/constraints

clean:  ## Remove the virtual environment and caches (not your data)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
