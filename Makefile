# Every command sets up what it needs and says what it does. Start with `make demo`.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   = -s -w -X github.com/your-org/keeper/cli.Version=$(VERSION)
TOOL      = $(GO) tool -modfile=tools/go.mod
MODULES   = . test/vaultengine test/vaultcore
export CGO_ENABLED = 0

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the one binary, ./keeper
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o keeper .

.PHONY: run
run: build ## serve on http://localhost:8989 with embedded defaults
	./keeper run

.PHONY: demo
demo: ## show the main job with an AWS and a Vault that it starts itself
	@scripts/setup demo
	@$(GO) run ./test/demo

.PHONY: test
test: ## set up what the tests need, then run them all
	@scripts/setup test
	@scripts/test

.PHONY: test-vault
test-vault: ## the conformance suite on the real Vault core (its first build takes minutes)
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 30m -tags vaultcore -run 'Core' ./sync/vaultkv ./test/vaulttest
	cd test/vaultcore && $(GO) test -count=1 -timeout 30m ./...

.PHONY: test-long
test-long: ## kills, seeds, soak and fuzz in full; writes docs/long-tests.md
	@scripts/setup test
	@scripts/test-long

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_TIME, an hour if not set (FUZZ_ONLY='web|saml' for some)
	@scripts/fuzz

.PHONY: bench
bench: ## measure beside Vault, and what keys, syncing and pages cost; writes docs/benchmarks.md
	@$(GO) run ./test/bench -out docs/benchmarks.md
	@$(GO) run ./test/bench -keys -out docs/benchmarks.md
	@$(GO) run ./test/bench -sync -out docs/benchmarks.md
	@$(GO) run ./test/bench -pages -out docs/benchmarks.md

.PHONY: lint
lint: ## every linter, known vulnerabilities included
	$(TOOL) golangci-lint run ./...
	@scripts/vulncheck

.PHONY: typecheck
typecheck: ## compile everything, tests included, without running it
	$(GO) vet -tags vaultcore ./...
	@for m in test/vaultengine; do (cd $$m && $(GO) vet ./...) || exit 1; done

.PHONY: format
format: ## format the sources
	$(TOOL) gofumpt -w $$(git ls-files '*.go')

.PHONY: generate
generate: ## make the generated code anew
	$(GO) generate ./...

.PHONY: coverage
coverage: ## coverage of all packages, in coverage.html
	@scripts/setup test
	KEEPER_TEST_ALL=1 $(GO) test -coverpkg=./... -coverprofile=coverage.out ./...
	$(GO) tool cover -func=coverage.out | tail -n 1
	$(GO) tool cover -html=coverage.out -o coverage.html

.PHONY: screenshots
screenshots: ## pictures of every page in .tmp/screenshots, the best of them in docs/screenshots
	@scripts/setup test
	@$(GO) run ./test/screenshots -all -out .tmp/screenshots -best docs/screenshots
