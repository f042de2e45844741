# Needs make and Python 3.11 or later with venv; everything else goes into .venv, which may be deleted at any time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

export CUSTOM_COMPILE_COMMAND := make lock

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format coverage docs dashboards rules bench soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed ## create .venv with the locked dependencies and the exporter

demo: .venv/installed ## PostgreSQL, a simulated agent fleet and the exporter; needs no configuration
	@$(BIN)/resource-exporter demo $(ARGS)

test: .venv/installed ## run the tests (ARGS="-k waste" chooses some)
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv/installed ## check style and types
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary

format: .venv/installed ## put the code in order
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

coverage: .venv/installed ## run the tests and list the lines that none of them reached
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

docs: .venv/installed ## write docs/metrics.md again from the catalogue in the code
	@$(BIN)/python -m docs.generate

dashboards: .venv/installed ## write grafana/dashboards/ again from the code in grafana/
	@$(BIN)/python -m grafana.generate

rules: .venv/installed ## write the PrometheusRule in deploy/kubernetes/ again from rules/
	@$(BIN)/python -m deploy.generate

bench: .venv/installed .bench/installed ## measure beside other exporters (SIZE=small takes about three minutes)
	@$(BIN)/python -m bench --size $(or $(SIZE),full) $(ARGS)

soak: .venv/installed ## bring the exporter through ten minutes of faults (ARGS="--minutes 60 --seed 2")
	@$(BIN)/python -m bench.soak $(ARGS)

lock: .venv/locked ## resolve the dependencies again (ARGS=--upgrade takes the newest)
	@$(BIN)/pip-compile --quiet --no-config --no-strip-extras --allow-unsafe --generate-hashes --extra=demo --extra=dev \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file=requirements.lock pyproject.toml $(ARGS)

clean: ## remove what was built, .venv included
	@rm -rf .venv .bench build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

# --clear: the environment holds what the lock says, and nothing from the lock before.
.venv/locked: requirements.lock
	@echo "Installing the locked dependencies into .venv"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

# Apart from the lock: what the exporter is compared with is no dependency of it.
.bench/installed:
	@$(PYTHON) -m venv .bench
	@.bench/bin/pip install --disable-pip-version-check -qq query-exporter==5.0.2 'psycopg[binary]' && touch $@ \
		|| echo "query-exporter cannot be installed and is left out"

.venv/installed: .venv/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
