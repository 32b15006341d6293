# Two commands do everything on a machine with Python 3.11 or newer and make:
#   make demo    simulates a flight over a cement plant, surveys it, says where the report is
#   make test    checks the code and runs all tests

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
JOBS ?= 2

.PHONY: help demo test lint lock bench clean system
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make lint    ruff and mypy alone"
	@echo "make lock    pins the requirements anew"
	@echo "make bench   measures; without NAME it lists what can be measured"
	@echo "make clean   removes the environment, caches and the demo"

demo: $(VENV)/.run
	$(VENV)/bin/kilnsight demo --out demo

# The tests run even where lint fails, so that one run says all that is wrong.
test: $(VENV)/.test system
	@lint=0; $(MAKE) --no-print-directory lint || lint=$$?; \
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS) || exit $$?; \
	[ $$lint -eq 0 ] || echo "The tests passed, but lint failed: see above or run make lint."; \
	exit $$lint

lint: $(VENV)/.test
	$(PY) -m ruff check
	$(PY) -m mypy

# A stamp is newer than what it was installed from, so that a second run starts at once.
$(VENV)/.run: pyproject.toml requirements/run.txt
	@$(make_venv)
	$(PIP) install --require-hashes --only-binary :all: -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: pyproject.toml requirements/test.txt
	@$(make_venv)
	$(PIP) install --require-hashes --only-binary :all: -r requirements/test.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.run $@

# Gives .venv an interpreter and pip: the first Python that is new enough and can make one.
define make_venv
if $(PY) -m pip --version >/dev/null 2>&1; then exit 0; fi; \
new=; \
for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
  new=$$python; \
  "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
  echo "Making $(VENV) with $$("$$python" --version)."; \
  exec "$$python" -m venv $(VENV); \
done; \
if [ -n "$$new" ]; then \
  echo "$$new cannot make a virtual environment: install its venv package" \
    "(Debian, Ubuntu: apt-get install python3-venv) and run make again." >&2; \
else \
  echo "Kilnsight needs Python 3.11 or newer and found none (python3:" \
    "$$(python3 --version 2>/dev/null || echo missing)): install it and run make again," \
    "or name it: make PYTHON=/path/to/python3.12." >&2; \
fi; exit 1
endef

# Some tests look at reports in a browser or read them with other programs. What cannot be
# installed is named, and the tests that need it skip with the reason.
system:
	@missing=; \
	lacks() { ! command -v "$$1" >/dev/null 2>&1; }; \
	if lacks chromium && lacks chromium-browser && lacks chrome; then missing="chromium"; fi; \
	if lacks pdftotext; then missing="$$missing poppler-utils"; fi; \
	if lacks exiftool; then missing="$$missing libimage-exiftool-perl"; fi; \
	if lacks fc-list || [ -z "$$(fc-list :lang=zh-cn)" ]; then missing="$$missing fonts-noto-cjk"; fi; \
	if [ -z "$$missing" ] || [ -e $(VENV)/.system ]; then exit 0; fi; \
	if ! lacks apt-get && [ "$$(id -u)" = 0 ]; then \
	  apt-get update || true; \
	  for package in $$missing; do \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$package \
	      || echo "$$package could not be installed: the tests that need it skip."; \
	  done; \
	  touch $(VENV)/.system; \
	else \
	  echo "Missing, so the tests that need it skip: $$missing"; \
	  echo "To run them too, install it as root, on Debian: apt-get install $$missing"; \
	fi

lock:
	@command -v uv >/dev/null || [ -x $(VENV)/bin/uv ] || \
	  { echo "make lock needs uv: $(PIP) install uv" >&2; exit 1; }
	$(call compile,run,)
	$(call compile,test,--extra test)

compile = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" uv pip compile pyproject.toml requirements/build.in \
	$(2) --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	-o requirements/$(1).txt

bench: $(VENV)/.test
ifdef NAME
	$(PY) bench/$(NAME).py $(ARGS)
else
	@for file in bench/*.py; do sed -n '1s/^"""//p' $$file; done
	@echo 'Run one: make bench NAME=findings_truth ARGS="--seeds 101-105"'
endif

clean:
	rm -rf $(VENV) demo build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
