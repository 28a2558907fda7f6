# make demo   set up and show the main job on a photograph
# make test   set up and run the tests, TEST_WORKERS of their files side by side
# make lint   ruff and mypy
# make wheel  build the wheel into dist/
# make docs   write docs/systems.md from the recipes and docs/published.yaml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TEST_WORKERS ?= 2

.PHONY: demo test lint wheel docs clean

demo: $(READY)
	$(BIN)/python examples/demo.py

# a file's tests share fixtures and stay together; workers that compute on all cores would wait for one another
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile

# mypy does not follow editable installs whose package is the repository root: give it a folder where plic is a package
# one cache for all: torch is read once
lint: export MYPY_CACHE_DIR := $(CURDIR)/.mypy_cache
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ln -sfn ../.. $(VENV)/as-package/plic
	cd $(VENV)/as-package && ../bin/mypy --config-file plic/pyproject.toml -p plic.core -p plic.plugins -m plic -m plic.cli -m plic.testing
	for folder in tests examples benchmarks docs; do \
	  (cd $$folder && MYPYPATH=../$(VENV)/as-package:studies ../$(BIN)/mypy --config-file ../pyproject.toml --explicit-package-bases .) || exit 1; \
	done

wheel: $(READY)
	$(BIN)/python -m build --wheel --outdir dist .

docs: $(READY)
	$(BIN)/python docs/systems.py

clean:
	rm -rf $(VENV) build dist demo *.egg-info

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	mkdir -p $(VENV)/as-package
	touch $@
