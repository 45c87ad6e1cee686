# `make` alone says what there is. Options are variables: `make up home=/tmp/other`, `make logs name=booking-api follow=1`.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup up down reset status logs demo test check format lock bench chaos compose-test

home ?= .mdh
run = .venv/bin/python -m deploy.local --home "$(home)"
# Two to compute, one whose journeys mostly wait; 0 for all in this one process.
processes ?= 3
# The processes and the programs that they start read the same modules: whoever is first keeps what was compiled.
export PYTHONDONTWRITEBYTECODE =

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## Python packages, as locked; done by the others when needed
	@deploy/local/setup.sh

up: setup ## start the whole system on this machine
	@$(run) up

down: setup ## stop it, keep the data
	@$(run) down

reset: setup ## stop it and delete the data
	@$(run) reset

status: setup ## what runs, and where
	@$(run) status

logs: setup ## what the programs say: name=booking-api for one, follow=1 to keep watching
	@$(run) logs $(name) $(if $(follow),--follow)

demo: setup ## book, pay and review through the gateway, step by step
	@$(run) demo

test: check ## check, then every test; needs no running system
	@.venv/bin/python -m deploy.local install
	@.venv/bin/python -m pytest -n $(processes) --no-loadscope-reorder

check: setup ## style, types, architecture, generated documents
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/mdh docs check

format: setup ## let ruff put the code in order
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

lock: setup ## choose the newest versions of all packages, then install them
	@PATH="$(CURDIR)/.tools/uv/bin:$$PATH" uv pip compile pyproject.toml --group local --group dev --universal --upgrade \
	    --generate-hashes --no-emit-index-url --quiet -o requirements.lock
	@deploy/local/setup.sh

bench: setup ## measure, on a system of its own
	@.venv/bin/python -m bench

chaos: setup ## break a running system in many ways and see that the promises hold
	@.venv/bin/python -m deploy.local install
	@.venv/bin/python -m pytest tests/chaos

compose-test: setup ## the containers: start, demo, stop
	@.venv/bin/python -m deploy.compose.test
