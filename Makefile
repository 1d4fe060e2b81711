# The commands of README.md and CONTRIBUTING.md. Each step prints its name and its time. The first that fails ends it all, and
# prints its command.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.PHONY: run test matrix soak fuzz bench bench-peers lint
.NOTPARALLEL:

# The build that JavaScript's tests start.
export THROUGHLINE_BIN ?= $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/throughline

# $(call step,name,command)
step = @printf '\n━━ %s\n' '$(1)'; SECONDS=0; if $(2); then printf '━━ %s: done in %d s\n' '$(1)' $$SECONDS; \
	else status=$$?; printf '━━ %s: FAILED after %d s. By itself: %s\n' '$(1)' $$SECONDS '$(2)' >&2; exit $$status; fi

# The gateway and its demo.
run:
	cargo run --release

# Everything, on a machine that may have nothing but Rust and Node.
test:
	$(call step,What the tests need,tests/setup.sh)
	@$(MAKE) lint
	$(call step,Rust tests,cargo test)
	$(call step,Release build,cargo build --release)
	$(call step,JavaScript tests,npm --prefix client-js test)
	$(call step,End-to-end tests: browsers and Node,$(END_TO_END))
	@printf '\n━━ All passed.\n'

END_TO_END = tests/end-to-end.sh tests/browser tests/node tests/matrix

# Every row of the matrix of hostile networks at its full length: half an hour and more.
matrix:
	$(call step,What the tests need,tests/setup.sh)
	$(call step,Release build,cargo build --release)
	$(call step,The matrix,THROUGHLINE_MATRIX=whole tests/end-to-end.sh tests/matrix)

# Ten minutes of random networks. THROUGHLINE_SEED=n repeats those of a run.
soak:
	$(call step,What the tests need,tests/setup.sh)
	$(call step,Release build,cargo build --release)
	$(call step,The soak,THROUGHLINE_SOAK_S=600 node --test --test-reporter=spec tests/matrix/soak.test.js)

# Each fuzz target in turn, on stable Rust. It fails on a finding, and says how to reproduce it.
SECONDS_EACH ?= 60
fuzz:
	$(call step,Fuzzing: $(SECONDS_EACH) s for each target,fuzz/run.sh $(SECONDS_EACH))

# The checks that run nothing of the product.
lint:
	$(call step,rustfmt,cargo fmt --check)
	$(call step,rustfmt: fuzz,cargo fmt --check --manifest-path fuzz/Cargo.toml)
	$(call step,clippy,cargo clippy --all-targets -- -D warnings)
	$(call step,clippy: the library without the command,cargo clippy --lib --no-default-features -- -D warnings)
	$(call step,rustdoc,RUSTDOCFLAGS="-D warnings" cargo doc --no-deps)
	$(call step,cargo-deny: bans licenses sources,cargo deny check bans licenses sources)
	@echo 'Not checked: advisories. Their database is on GitHub; where that can be reached: cargo deny check advisories'
	$(call step,Biome: client-js,npm --prefix client-js run lint)
	$(call step,Biome: tests,npm --prefix tests run lint)
	$(call step,TypeScript: client-js,npm --prefix client-js run types)
	$(call step,TypeScript: tests,npm --prefix tests run types)
	$(call step,Plain English,npm --prefix tests run language)

# Each prints its figure and its bound, and fails above it.
bench:
	$(call step,What the benches need,tests/setup.sh)
	$(call step,Benchmarks,cargo bench)
	$(call step,Release build,cargo build --release)
	$(call step,What a publish costs the client,node benches/client/publish.mjs)

# Released clients of others and ours, behind the same hostile networks: about eight minutes.
bench-peers: export FRONTS_BIN = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/examples/fronts
bench-peers:
	$(call step,Gateway and fronts,cargo build --release --bin throughline --example fronts)
	$(call step,The clients of others,npm ci --prefix benches/peers --ignore-scripts --no-audit --no-fund)
	$(call step,Clients behind hostile networks,node benches/peers/run.mjs)
