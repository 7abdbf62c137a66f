# Searchpack. `make help` lists the targets; README.md says what they are for.
.DEFAULT_GOAL := help
SHELL := /bin/bash

GO ?= go
export SEARCHPACK_TOOLS := $(CURDIR)/.cache/tools

# What `make demo` takes: OPENSEARCH=2.19.0 PORT=0 DATA=DIR DEMO_EXIT=1 DEMO_REPORT=FILE
export OPENSEARCH PORT DATA DEMO_EXIT DEMO_REPORT
# What `make drill` takes: VERSION=2.19.0 CASE=REGEXP SEEDS=N
export VERSION CASE SEEDS

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build searchpack and searchpack-dev into bin/
	$(GO) build -o bin/searchpack ./cmd/searchpack
	$(GO) build -C dev -o ../bin/searchpack-dev ./cmd/searchpack-dev

.PHONY: demo
demo: ## Show the whole job on a real three-node OpenSearch
	@scripts/need.sh demo
	@$(MAKE) --no-print-directory build
	@exec bin/searchpack-dev demo

.PHONY: check
check: ## The fast part: format, vet, lint, unit tests (no JVM)
	@scripts/check.sh

.PHONY: test
test: ## Everything: check, then real databases, clients and OpenSearch clusters
	@scripts/test.sh

.PHONY: drill
drill: ## Every scenario on every version, the long simulation (VERSION=, CASE=, SEEDS=)
	@scripts/drill.sh

.PHONY: bench
bench: ## Measure what docs/benchmarks.md quotes; CASE=rollout,agents,... only that
	@scripts/bench.sh

.PHONY: tidy
tidy: ## Format and tidy all three modules
	gofmt -w $$(git ls-files '*.go')
	$(GO) mod tidy && (cd dev && $(GO) mod tidy) && (cd tools && $(GO) mod tidy)

.PHONY: clean
clean: ## Remove what was built here (not the OpenSearch cache)
	rm -rf bin .cache
