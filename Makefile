# Every command of the project, the same by hand and in CI. `make` alone prints them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PORT ?= 8350
DATA ?= ./data
ARGS ?=

# Names another interpreter than the newest one found: make run PYTHON=/path/to/python3.12
export PYTHON

.PHONY: help
help: ## Print this list
	@echo "Posthouse (驿站). Everything is set up in .venv on first use."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## ── use ────────────────────────────────────────────────────────────────────────────────────

.PHONY: run
run: ready ## Start the house (PORT=8350 DATA=./data; more options: ARGS="…")
	@exec $(BIN)/posthouse run --port "$(PORT)" --data "$(DATA)" $(ARGS)

.PHONY: ready
ready: ## Set up .venv with what running needs
	@scripts/environment run

## ── work ───────────────────────────────────────────────────────────────────────────────────

.PHONY: dev
dev: ## Set up .venv with what testing needs as well
	@scripts/environment dev

.PHONY: test
test: dev ## Run all tests (a part: ARGS="tests/unit -k lanes")
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: judges
judges: dev ## Let frameworks of others judge the OneBot simulator (installs them beside)
	@$(BIN)/python -m tests.channels.onebot_judges.environment
	@$(BIN)/python -m pytest tests/channels/onebot_judges $(ARGS)

.PHONY: feishu-judges
feishu-judges: dev ## Let Feishu's own SDKs judge the Feishu simulator (installs them beside)
	@$(BIN)/python -m tests.channels.feishu_judges.environment
	@$(BIN)/python -m pytest tests/channels/feishu_judges $(ARGS)

.PHONY: model-judges
model-judges: dev ## Let a pretended model of others judge what is said to models (installs it)
	@$(BIN)/python -m tests.model_judges.environment
	@$(BIN)/python -m pytest tests/model_judges $(ARGS)

.PHONY: check
check: dev ## Format, lint, types, arrows and documents: all that a change must satisfy
	@scripts/check

.PHONY: format
format: dev ## Format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: bench
bench: dev ## Measure the road on this machine (options: ARGS="…")
	@$(BIN)/posthouse bench $(ARGS)

.PHONY: bench-peers
bench-peers: dev ## Measure Posthouse beside NoneBot2, some 15 minutes (options: ARGS="…")
	@$(BIN)/python -m benchmarks.peers $(ARGS)

## ── keep ───────────────────────────────────────────────────────────────────────────────────

.PHONY: lock
lock: ## Resolve pyproject.toml into the lock files (newest of everything: ARGS=--upgrade)
	@scripts/lock $(ARGS)

.PHONY: build
build: dev ## Build the wheel and the source archive into dist/
	@$(BIN)/python -m build --no-isolation

.PHONY: clean
clean: ## Remove .venv and everything made by tools; never data/
	@rm -rf .venv .venv.lock benchmarks/peers/*/.venv tests/channels/*_judges/.venv tests/model_judges/.venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
