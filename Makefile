# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Quiet by default; `make install PIP_FLAGS=` shows pip's own output.
PIP_FLAGS ?= --quiet --disable-pip-version-check
# One more than there are processors: a test in three waits for a server or a process that it has killed.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# An index of PyTorch's CPU builds makes the environment 1.3 GB instead of 7.3 (README, Install); empty: what pip finds.
TORCH_INDEX ?=

.PHONY: install demo check test bench docs reference format clean
.DELETE_ON_ERROR:

install: $(VENV)/.installed

# torch first and pinned, so that everything else is resolved against that build. On Linux the package index's own build brings
# CUDA, pinned or not: only another index has one without.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] < (3, 14); \
	  ok or sys.exit(f"Sluice needs Python 3.11 to 3.13, and $(PYTHON) is {sys.version.split()[0]}: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_FLAGS) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/sluice demo

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/mkdocs build --strict

test: install
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

bench: install
	$(BIN)/python -m benchmarks

# docs/ as a site, with the API from docstrings: build/site/index.html
docs: install
	$(BIN)/mkdocs build --strict

# docs/settings.md and docs/commands.md, from the models and the commands
reference: install
	$(BIN)/python -m tools

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .sluice .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
