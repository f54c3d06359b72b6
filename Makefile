# The front door: `make demo` runs the main job, `make test` runs every test, `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
DEVICE ?= cpu
VENV := .venv
STAMP := $(VENV)/.installed-$(DEVICE)
.DEFAULT_GOAL := help

.PHONY: help venv
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

venv: $(STAMP) ## the environment, .venv, from the lock file (DEVICE=cpu or gpu)
$(STAMP): requirements-$(DEVICE).lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --no-deps --require-hashes -r requirements-$(DEVICE).lock
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

LOCK := --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
.PHONY: lock
lock: ## make the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra cpu --extra dev $(LOCK) --output-file requirements-cpu.lock
	uv pip compile pyproject.toml --extra gpu --extra dev $(LOCK) --output-file requirements-gpu.lock
