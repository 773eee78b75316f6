# SQLite is compiled in, and the race detector needs cgo as well.
export CGO_ENABLED = 1

# Empty outside of a git checkout: the binary then keeps its own default.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -s -w $(if $(VERSION),-X main.version=$(VERSION))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: need
need:
	@scripts/need.sh

# -buildvcs=false: the version says it already, and stamping fails where git distrusts
# the owner of the checkout.
.PHONY: build
build: need ## build bin/alwrity-sub
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/alwrity-sub .

# SQLite without what it would load at run time, and Go's own look-ups of names and users: nothing is left that needs
# the C library of the machine.
.PHONY: static
static: need ## build bin/alwrity-sub without any library, for containers
	go build -trimpath -buildvcs=false -tags 'netgo osusergo sqlite_omit_load_extension' \
		-ldflags '$(LDFLAGS) -linkmode external -extldflags "-static"' -o bin/alwrity-sub .

.PHONY: demo
demo: build ## build, then show a throw-away database with sample usage: its reports, and its pages in a browser
	scripts/demo.sh

.PHONY: test
test: need ## format, lint and all tests, on SQLite and on a PostgreSQL of its own
	scripts/check.sh

.PHONY: nightly
nightly: need ## all that takes long: all tests with the race detector, torture, fuzz
	scripts/tools.sh && scripts/postgres.sh scripts/nightly.sh

.PHONY: lint
lint: need ## lint alone
	scripts/lint.sh

.PHONY: fmt
fmt: need ## format the code
	gofmt -w .

.PHONY: bench
bench: need ## measure speed and size beside the tools of both databases
	scripts/bench.sh

.PHONY: torture
torture: need ## attack the program: 64 at once, kill -9 at random moments
	scripts/torture.sh

.PHONY: fuzz
fuzz: need ## fuzz what parses, 60 seconds for each target (FUZZ_TIME=10m)
	FUZZ_TIME=$${FUZZ_TIME:-60s} scripts/fuzz.sh

.PHONY: docs
docs: need ## write docs/cli.md anew from the commands
	UPDATE_DOCS=1 go test -count=1 -run '^TestDocs|InDocs' ./cmd

.PHONY: clean
clean: ## remove what was built (bin/ and .tools/)
	rm -rf bin .tools
