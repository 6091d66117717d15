# Everything a person or CI does with Assay. `make help` explains the targets; each needs only Python 3.11+, make and the package registries.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast lives model model-mutants check format bench wheel lock clean

# The first that runs and is new enough: a version manager's shim may be on the PATH and still refuse.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

FROM ?= 2013-01-01
TO ?= 2013-12-31
SERVE ?= yes
PORT ?= 3000
SEED ?= 0
LIVES ?= 1000
TALES ?= all
FAULTS ?= kills,cuts
STEPS ?= 1000000

help: ## Explain the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'
	@echo "  make run takes FROM=, TO= (dates, 2013-01-01 to 2013-12-31) SERVE=no and PORT= (3000); ASSAY_HOME says where everything lies (.assay/)."

$(VENV)/.ready: pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "Assay needs Python 3.11, 3.12 or 3.13 on the PATH; found none. Name one: make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

setup: $(VENV)/.ready ## Make the virtual environment (.venv) from the lock file.

run: setup ## Set up, drop the upstream files, build bronze, silver and gold, print a summary, then serve the Dagster UI on 127.0.0.1.
	$(BIN)/assay init
	$(BIN)/python -m flights.upstream --from $(FROM) --to $(TO)
	$(BIN)/assay backfill --from $(FROM) --to $(TO)
	$(BIN)/assay summary
	@if [ "$(SERVE)" != "no" ]; then exec $(BIN)/assay serve --port $(PORT); fi

format: setup ## Format the code and mend what can be mended.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: setup ## Format, lint, strict types, compiled files, the policy for contracts and models, architecture.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/assay contracts compile --check
	$(BIN)/assay contracts policy
	$(BIN)/pytest -q tests/unit/test_architecture.py

test: setup ## Set up, run every test.
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20 # the long files first, the short ones of tests/unit last: both workers are busy to the end

test-fast: setup ## Run the unit tests: under a minute.
	$(BIN)/pytest -q -n 2 -m "not slow" tests/unit

lives: setup ## Live 1,000 drawn lives of drawn products (an hour); SEED= begins elsewhere, LIVES= says how many.
	$(BIN)/python tests/lives/many.py $(SEED) $$(( $(SEED) + $(LIVES) ))

model: setup ## Take 1,000,000 steps of the lake as a state machine (hours); STEPS= says how many, SEED= where they begin.
	ASSAY_MODEL_STEPS=$(STEPS) ASSAY_MODEL_SEED=$(SEED) $(BIN)/pytest -q --timeout 0 tests/model/test_lake_model.py

faults: setup ## Try every kill and every power cut at each commit, rename and sync (hours); TALES= and FAULTS= choose some.
	$(BIN)/python tests/faults/explore.py $(FAULTS) $(TALES)

model-mutants: setup ## Bring old faults back one by one: the model must find each (minutes).
	ASSAY_MODEL_MUTANTS=yes $(BIN)/pytest -q --timeout 0 tests/model/test_lake_mutants.py

bench: setup ## Run the measures; each prints one ratio.
	$(BIN)/python bench/run.py

wheel: setup ## Write the engine as a wheel to dist/; `assay create` in it makes a project anywhere.
	$(BIN)/python -m hatchling build -t wheel

lock: ## Resolve the dependencies anew and write requirements.lock.
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url --generate-hashes --group dev \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## Remove what `make run` made (.assay); the virtual environment stays.
	rm -rf .assay dbt_project/target dbt_project/logs
