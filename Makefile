# `make` alone lists the targets. Everything is installed into .venv; the rest of the machine is not changed.

BIN := .venv/bin
# Touched when an install has come to its end, so that the next run skips it.
INSTALLED := .venv/installed
INSTALLED_DEV := .venv/installed-dev
# What `make bench` compares with, in an environment of its own.
PEERS := benchmarks/build/peers
INSTALLED_PEERS := $(PEERS)/installed

# Extra arguments for pytest and the benchmarks, as in: make test ARGS="-k cursor", make bench ARGS=--quick
ARGS ?=
# The Python to make .venv with, 3.11 or newer; found by scripts/find-python when it isn't given.
export PYTHON

.PHONY: help run demo test coverage campaign-model campaign-rolling campaign-upgrade bench capacity ha lint format types client \
	client-check client-packages client-packages-check migrations-check check release-check lock clean

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## install, apply migrations, serve on 127.0.0.1:8080
	@exec $(BIN)/notifygate serve

demo: $(INSTALLED) ## the same as run, with a demo page at http://127.0.0.1:8080/demo
	@NOTIFYGATE_DEMO=1 exec $(BIN)/notifygate serve

test: $(INSTALLED_DEV) ## run all tests, with a Redis and a PostgreSQL of their own and the machine's browsers
	@scripts/test $(ARGS)

coverage: $(INSTALLED_DEV) ## run all tests and list the uncovered lines of notifygate/
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

campaign-model: $(INSTALLED_DEV) ## run 1,000 random programs against the model of an inbox, some 45 minutes; EXAMPLES=100 for less
	NOTIFYGATE_MODEL_EXAMPLES=$(or $(EXAMPLES),1000) $(BIN)/python -m pytest -s tests/model

campaign-rolling: $(INSTALLED_DEV) ## restart gateways ten times behind both proxies, some 2 minutes
	NOTIFYGATE_TEST_ROLLING_RUNS=10 $(BIN)/python -m pytest -s tests/deploy/test_rolling_restart.py

campaign-upgrade: $(INSTALLED_DEV) ## upgrade gateways of version 0.1 under load on a PostgreSQL, some 5 minutes
	$(BIN)/python -m pytest -s tests/deploy/campaign_upgrade.py

ha: $(INSTALLED_DEV) ## fail over Redis and PostgreSQL under load (Sentinel, TLS, Patroni, PgBouncer), some 8 minutes
	CI=1 $(BIN)/python -m pytest -s -o python_files="test_*.py campaign_*.py" \
		tests/ha tests/longpoll/test_failover.py tests/longpoll/test_pgbouncer.py $(ARGS)

bench: $(INSTALLED_DEV) $(INSTALLED_PEERS) ## measure the gateway and its peers, some 20 minutes; ARGS=--quick for less
	$(BIN)/python -m benchmarks $(ARGS)

capacity: $(INSTALLED_DEV) ## measure what this machine carries with PostgreSQL, Redis and nginx, some 10 minutes; ARGS=--quick for less
	$(BIN)/python -m benchmarks.capacity $(ARGS)

lint: $(INSTALLED_DEV) ## lint, and check the format of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED_DEV) ## format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED_DEV) ## check the types: all of the source, and of tests that names and arguments exist
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright -p tests

client: $(INSTALLED_DEV) ## build the browser client and the bell from clients/js/ into notifygate/web/static/
	@scripts/client build

client-check: $(INSTALLED_DEV) ## check types, unit tests, sizes and the build of the browser client
	@scripts/client check

client-packages: $(INSTALLED_DEV) ## build the npm packages with the wrappers for frameworks into clients/js/dist/
	@scripts/client packages

client-packages-check: $(INSTALLED_DEV) ## check exports, types and wrappers of the npm packages, and load them on a server
	@scripts/client check-packages

migrations-check: $(INSTALLED_DEV) ## check that the migrations give the tables of the code
	$(BIN)/python -m pytest tests/project/test_migrations.py

release-check: $(INSTALLED_DEV) ## check whether this can be released, and put what is released into dist/
	@$(BIN)/python -m scripts.release_check

check: lint types client-check client-packages-check test ## everything that CI checks; the tests include migrations-check

# The pins are those of the .in files; what they in turn need is kept as it is locked: make lock UPGRADE=--upgrade
UPGRADE ?=
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url $(UPGRADE)

lock: $(INSTALLED_DEV) ## update requirements*.txt from requirements*.in
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) --constraints requirements.txt requirements-build.in --output-file requirements-build.txt
	$(COMPILE) --constraints requirements.txt requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) --constraints requirements.txt benchmarks/requirements.in --output-file benchmarks/requirements.txt

clean: ## remove .venv and files of tools; var/ with the gateway's data stays
	rm -rf .venv build dist benchmarks/build clients/js/node_modules clients/js/dist clients/js/packages/*/dist *.egg-info .coverage .coverage.* htmlcov .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt requirements-build.txt pyproject.toml scripts/install
	@scripts/install requirements.txt
	@touch $@

# After the other, so that `make -j` doesn't run two installs at once.
$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@scripts/install requirements-dev.txt
	@touch $@

$(INSTALLED_PEERS): benchmarks/requirements.txt $(INSTALLED)
	@echo "Installing the peers of benchmarks/requirements.txt into $(PEERS) ..."
	@$(BIN)/python -m venv --clear $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@touch $@
