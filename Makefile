# Each target makes its own virtual environment first; a second run finds it ready.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

bin := $(VENV)/bin
install = $(bin)/python -m pip install --quiet --disable-pip-version-check \
          --root-user-action=ignore --constraint constraints.txt
given := pyproject.toml constraints.txt

# $(call need,commands,packages,what for): apt installs them for root, others are told.
need = command -v $(1) >/dev/null || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends $(2) >/dev/null </dev/null; \
  else \
    echo "$(3): install it first, on Debian and Ubuntu with: sudo apt-get install $(2)" >&2; exit 1; \
  fi; }

.PHONY: run demo test check bench soak reference browser compiler prometheus proxy

run: $(VENV)/.ready
	@$(bin)/python app.py $(ARGS)

# Eight simulated H100s, in a history of their own.
demo: $(VENV)/.ready
	@$(bin)/python app.py --data data/demo --gpu-source demo $(ARGS)

test: browser compiler prometheus proxy $(VENV)/.ready-test
	$(bin)/python -m pytest --cov $(ARGS)

check: $(VENV)/.ready-check
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy

bench: compiler $(VENV)/.ready-test
	@$(bin)/python -m benchmarks $(ARGS)

soak: $(VENV)/.ready-test
	@$(bin)/python -m benchmarks.soak $(ARGS)

reference: $(VENV)/.ready
	@$(bin)/python -m docs.reference

browser:
	@$(call need,chromedriver,chromium chromium-driver,The tests of the page drive Chromium)

# Where systemd runs, Debian's package also starts a server of its own, on port 9090.
prometheus:
	@$(call need,prometheus,prometheus,The tests of /metrics run Prometheus)

compiler:
	@$(call need,cc,gcc libc6-dev,The tests of NVML build a small library in C)

# In sbin, which is not on everyone's PATH.
proxy: export PATH := $(PATH):/usr/sbin
proxy:
	@$(call need,nginx,nginx-light,The tests of the deployment run nginx)
	@$(call need,openssl,openssl,The tests of the deployment make certificates)

$(bin)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=python3.12 names one." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { $(call need,a-python-with-venv,python3-venv,Python lacks its venv module); }
	@$(PYTHON) -m venv $(VENV)

# -e takes the source from here. One stamp for each set of packages.
$(VENV)/.ready: $(given) | $(bin)/python
	@echo "Installing into $(VENV) (once)"
	@$(install) --editable .
	@touch $@

$(VENV)/.ready-%: $(given) | $(bin)/python
	@echo "Installing into $(VENV) (once), with the packages of '$*'"
	@$(install) --editable '.[$*]'
	@touch $(VENV)/.ready $@
