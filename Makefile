# `make demo` and `make test` do all the set-up on a machine with Python 3.11 to 3.14.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
PORT ?= 8000
STORE ?= shop
WORKERS ?= 2
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$name && break; done)
export WHYBUY_DATA ?= ../shared/data
export WHYBUY_SHOPS ?= ../shops

BIN := .venv/bin
RUNTIME := .venv/installed-runtime
DEV := .venv/installed-dev

# pip with a dot for each package instead of its log; errors are shown in full.
define pip_install
	@printf 'Installing $(1) '
	@{ $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off --no-compile -c constraints.txt -e '$(1)' 2>&1; \
	echo "exit $$?"; } | awk '/^Collecting / { printf "."; fflush() } /^(ERROR|error|  error)/ { print "\n" $$0 } \
	/^exit / { code = $$2 } END { print code ? "" : " done"; exit code }'
endef

# What takes seconds and not minutes: no test that trains long, starts servers or writes a whole shop.
FAST := not slow and not browser and not heavy

.PHONY: help install demo test test-fast check bench shops intentionqa clean python

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s%s\n", $$1, $$2 }' Makefile

install: $(DEV) ## Make .venv with all that development needs

demo: $(RUNTIME) ## Build the demo shop and serve its pages on PORT
	@$(BIN)/whybuy demo --store $(STORE) --port $(PORT)

test: $(DEV) ## Run the tests; ARGS go to pytest
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile $(ARGS)

test-fast: $(DEV) ## Run those that take 90 seconds together, while you work; ARGS go to pytest
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m '$(FAST)' --hypothesis-profile fast $(ARGS)

check: $(DEV) ## Lint, format, types, import contract
	@status=0; $(BIN)/ruff check --no-cache --quiet || status=1; $(BIN)/ruff format --no-cache --check --quiet || status=1; \
	$(BIN)/mypy --no-error-summary || status=1; \
	$(BIN)/lint-imports --no-cache >.venv/lint-imports.log || { cat .venv/lint-imports.log; status=1; }; \
	[ $$status -eq 0 ] && echo 'ruff, mypy and the import contract find nothing.'; exit $$status

bench: $(DEV) ## Measure at size: ten million events, and the sets in WHYBUY_DATA
	@$(BIN)/python benchmarks/pairs_10m.py
	@for name in lexical_homedepot.py "types_hidden.py hidden"; do \
	if [ -d "$(WHYBUY_DATA)" ]; then $(BIN)/python benchmarks/$$name || exit 1; \
	else echo "$$name: skipped, since there is no $(WHYBUY_DATA)"; fi; done

shops: $(RUNTIME) ## Build shops from the data sets, or SHOP alone, in WHYBUY_SHOPS
	@$(BIN)/python benchmarks/shops.py $(SHOP)

intentionqa: $(DEV) ## Train a critic on IntentionQA in WHYBUY_SHOPS
	@$(BIN)/python benchmarks/intentionqa.py "$(WHYBUY_SHOPS)/intentionqa-critic" $(ARGS)

clean: ## Delete .venv and all caches
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks

python: # Say which Python is taken
	@echo $(PYTHON)

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	$(call pip_install,.)
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	$(call pip_install,.[dev])
	@touch $@ $(RUNTIME)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'whybuy needs Python 3.11 to 3.14; none is on the PATH. Name one: make PYTHON=/path/to/python3.12'; exit 1; }
	@$(PYTHON) -m venv .venv
