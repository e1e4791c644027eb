# Each target is one command of deploy/local.py. `make PYTHON=/path/to/python3.12 run` uses another Python.
PYTHON ?= python3
PORT ?= 8000
NAME ?=
TESTS ?=
export SMALL

.PHONY: run test lint superuser lock soak weigh bench
.SILENT:
.DEFAULT_GOAL := run

run: python
	exec $(PYTHON) deploy/local.py run "$(PORT)"

test: python
	exec $(PYTHON) deploy/local.py test $(TESTS)

lint: python
	exec $(PYTHON) deploy/local.py lint

superuser: python
	exec $(PYTHON) deploy/local.py superuser "$(NAME)"

lock: python
	exec $(PYTHON) deploy/local.py lock

soak: python
	exec $(PYTHON) deploy/local.py soak

weigh: python
	exec $(PYTHON) deploy/local.py weigh

bench: python
	exec $(PYTHON) deploy/local.py bench

.PHONY: python
python:
	command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer (Debian: apt-get install python3)." >&2; exit 1; }
