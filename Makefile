# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Quiet by default; `make install PIP_FLAGS=` shows pip's own output.
PIP_FLAGS ?= --quiet --disable-pip-version-check
WORKERS ?= 2

.PHONY: install demo check test bench format clean
.DELETE_ON_ERROR:

install: $(VENV)/.installed

# torch first and pinned: left free, pip takes a build with gigabytes of CUDA packages.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/sluice demo

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: install
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

bench: install
	$(BIN)/python -m benchmarks

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .sluice .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
