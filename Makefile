# Two commands: `make demo` and `make test`. The logic stands in scripts/ and xtask.
.PHONY: demo test up bench console help

help: ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

# A folder of findings and impressions for the chapter `evaluation`; the sample reports where it is empty.
PAIRS ?= $(wildcard ../shared/data/clinical-summaries)

demo: ## Install what is missing, build, pull the default models, build a knowledge base of a sample company's handbook, answer real requests, show where to click; CHAPTER=knowledge is the first part alone, CHAPTER=permissions shows denials explained, CHAPTER=import a model imported from another account, CHAPTER=inference shared prefixes, forms, a tuning and a batch, CHAPTER=hub a model deployed, compared, measured and removed, CHAPTER=evaluation radiology impressions judged and checked
	@scripts/setup.sh build console
	@scripts/console.sh build
	@cargo build --release
	@if [ "$(CHAPTER)" = import ]; then scripts/fetch-test-models.sh; fi
	@cargo run --release --quiet -- demo $(CHAPTER) $(if $(filter evaluation,$(CHAPTER)),$(addprefix --pairs ,$(PAIRS)))

test: ## Run everything: lints, unit and integration tests, the console, real clients
	@scripts/test.sh

up: ## Serve on http://127.0.0.1:4566
	@scripts/setup.sh build console
	@scripts/console.sh build
	@cargo build --release
	@cargo run --release --quiet -- up

bench: ## Measure against the peers; results belong in docs/benchmarks.md
	@scripts/bench.sh

console: ## Build the web console into console/dist
	@scripts/setup.sh console
	@scripts/console.sh build
