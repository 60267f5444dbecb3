VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
WORLD   := go run ./test/world
LINTER  := bin/golangci-lint
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: release demo test unit cross e2e world bench lint generate build servers help

help:
	@awk '/^# /{about = substr($$0, 3); next} \
	  /^[a-z0-9]+:/ && about != "" {sub(/:.*/, ""); printf "make %-9s %s\n", $$0, about} {about = ""}' $(firstword $(MAKEFILE_LIST))

# the main job, start to end, against real servers
demo: build servers
	$(WORLD) --plugin $(CURDIR)/bin -- sh test/demo.sh

# everything; FULL=1 runs the long counts too
test: unit cross e2e

# no network, no cluster, no credentials
unit:
	go vet ./...
	go test ./...
	cd test/terraform && go vet ./... && go test ./...

# what is released must build, and its tests must compile, everywhere
cross:
	@for p in $(PLATFORMS); do echo "building and vetting for $$p"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null ./cmd/kubectl-irsa && \
	  GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./cmd/... ./pkg/... || exit 1; done

# the same promises against a real kube-apiserver, IAM, STS and S3
e2e: build servers
	$(WORLD) --plugin $(CURDIR)/bin -- go test -tags e2e -count=1 -p 1 -timeout 60m ./test/e2e/... ./pkg/trustpolicy

# a shell in that world; OPTIONS=--bare has nothing set up, OPTIONS=--help says what else
world: build servers
	$(WORLD) --plugin $(CURDIR)/bin $(OPTIONS)

# the servers are built once and kept in the user's cache directory
servers:
	$(WORLD) build

# speed, as ratios
bench: build servers
	go run ./test/bench

# the linter of the house
lint: $(LINTER)
	$(LINTER) run ./...

$(LINTER): tools/go.mod tools/go.sum
	cd tools && go build -o ../$(LINTER) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# the plugin, into bin/
build:
	CGO_ENABLED=0 go build -gcflags=github.com/aws/...=-l -gcflags=k8s.io/...=-l -ldflags "$(LDFLAGS)" -o bin/kubectl-irsa ./cmd/kubectl-irsa

# docs/cli, from the help of the commands
generate:
	go run ./docs/generate

# VERSION=v0.1.0: archives, checksums, krew's manifest in dist/; see docs/releasing.md
release:
	go run ./release --version "$(VERSION)" $(RELEASE_FLAGS)
