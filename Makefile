# Everything a person or CI runs. `make serve` and `make test` set up whatever they need.
PYTHON ?= $(firstword $(foreach p,python3.11 python3 python,$(shell command -v $(p) 2>/dev/null)))
PORT ?= 8080
HOST ?= 127.0.0.1
MODELS ?= mbv2_simam,retinanet_mbv2_simam
PIP_ARGS ?=
# Whoever reaches the gateway may load and unload models: only where that is this machine alone.
FOVEA_MODEL_CONTROL ?= $(if $(filter 127.0.0.1 localhost ::1,$(HOST)),true,false)
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
comma := ,
NAMES := $(subst $(comma), ,$(MODELS))
TRAINED := $(basename $(notdir $(wildcard zoo/weights/*.safetensors)))
FILE := model_repository/%/1/model.pt
ZOO_SOURCES := $(shell find zoo contract -name '*.py')

.DEFAULT_GOAL := help
.PHONY: help setup lock check test thorough models serve bench clean \
  up down images sbom test-deploy lock-images

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY)  ## make .venv with the pinned packages and the Triton wheel

$(READY): pyproject.toml constraints.txt runtime/requirements.txt
	@test -n "$(PYTHON)" || { echo "make: no Python found; install Python 3.11, or name one: make setup PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; name a newer one: make setup PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Setting up $(VENV): the first time takes a minute or two"
	$(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[service,zoo,dev]'
	@# Only the server inside this wheel is wanted; its Python layer would pin numpy < 2.
	$(PY) -m pip install --disable-pip-version-check $(PIP_ARGS) --no-deps -r runtime/requirements.txt
	@touch $@

lock: $(READY)  ## write constraints.txt from what .venv holds
	{ sed -n '/^#/p' constraints.txt; \
	  $(PY) -m pip freeze --exclude-editable --exclude nvidia-pytriton | sed 's/+cpu$$//'; } > constraints.new
	mv constraints.new constraints.txt
	@touch $(READY)

models: $(TRAINED:%=$(FILE))  ## build model_repository/<name>/1/model.pt of all trained weights

# One recipe for every model: the weights, the definitions or the exporter changed.
$(FILE): $(READY) $(ZOO_SOURCES) $(wildcard zoo/weights/*)
	$(PY) -m zoo export $*

serve: $(NAMES:%=$(FILE))  ## Triton and the gateway on this machine, no Docker (PORT=8080 MODELS=a,b)
	@exec $(PY) -m runtime --repository model_repository --models $(MODELS) -- \
	  env FOVEA_MODEL_CONTROL=$(FOVEA_MODEL_CONTROL) \
	  $(PY) -m service --host $(HOST) --port $(PORT)

check: $(READY)  ## lint, format, types, import rules
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	@# The backend lives in Triton's interpreter, where its folder is the import path.
	MYPYPATH=runtime/backends/pytorch $(VENV)/bin/mypy --strict -m model
	$(VENV)/bin/mypy k8s/scripts docker
	$(VENV)/bin/lint-imports

# One process a core, a file at a time, long ones early; what kills servers and takes times runs alone.
ALONE := tests/e2e/test_lifecycle.py tests/runtime
# Beside what is served, models to choose from.
CHOSEN := mbv2_none mbv2_cbam mbv2_ulsam
test: $(NAMES:%=$(FILE)) $(CHOSEN:%=$(FILE))  ## the tests, against the real tritonserver; a quarter of an hour on two cores
	$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ALONE:%=--ignore=%)
	$(PY) -m pytest $(ALONE)

thorough:  ## the tests, with every network where one of a kind is enough
	THOROUGH=1 $(MAKE) test

bench: $(NAMES:%=$(FILE))  ## measure the served path; results in benchmarks/results
	$(PY) -m benchmarks

# What the images say of themselves.
export REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
export CREATED ?= $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
COMPOSE := docker compose
IMAGES := fovea/gateway:0.1.0 fovea/exporter:0.1.0 fovea/triton-cpu:0.1.0

images:  ## build the Docker images
	$(COMPOSE) build

up:  ## the whole stack in Docker, with Prometheus and Grafana (docs/deploy.md)
	$(COMPOSE) up --detach --build --wait
	@echo "Fovea listens on http://$$($(COMPOSE) port gateway 8080)"

down:  ## stop it; `docker compose down --volumes` forgets models, figures and secrets too
	$(COMPOSE) down

sbom: images  ## what is in the images, and under which licences, into build/sbom
	mkdir -p build/sbom
	for image in $(IMAGES); do \
	  name=$${image#*/}; name=$${name%:*}; inside="docker run --rm -i --network none --entrypoint python $$image -I -"; \
	  $$inside sbom $$image < docker/sbom.py > build/sbom/$$name.cdx.json || exit; \
	  $$inside licences $$image < docker/sbom.py > build/sbom/$$name.licences.txt || exit; \
	done

test-deploy: $(READY)  ## build, start, load, restart and remove the stack in Docker; some minutes
	DEPLOY=1 $(PY) -m pytest tests/deploy/test_compose_lab.py

lock-images:  ## write the lock files of the images (needs pip-compile, of pip-tools)
	docker/lock

clean:  ## remove what the other targets built
	rm -rf $(VENV) benchmarks/alternatives/.venv build *.egg-info model_repository/*/[0-9]* \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
