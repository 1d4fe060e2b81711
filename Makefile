# The commands of README. Each step prints its name and its time; the first that fails ends it all.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.PHONY: run test bench bench-peers lint
.NOTPARALLEL:

# The build that JavaScript's tests start.
export THROUGHLINE_BIN ?= $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/throughline

# $(call step,name,command)
step = @printf '\n━━ %s\n' '$(1)'; SECONDS=0; if $(2); then printf '━━ %s: done in %d s\n' '$(1)' $$SECONDS; \
	else status=$$?; printf '━━ %s: FAILED after %d s\n' '$(1)' $$SECONDS >&2; exit $$status; fi

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

# One file at a time: they measure time, and share two cores with the browsers. Node 20 knows no globs here, hence find.
END_TO_END = node --test --test-concurrency=1 --test-reporter=spec \
	$$(find tests/browser tests/node -name '*.test.js' 2>/dev/null | LC_ALL=C sort)

# What can be said without running anything.
lint:
	$(call step,rustfmt,cargo fmt --check)
	$(call step,clippy,cargo clippy --all-targets -- -D warnings)
	$(call step,rustdoc,RUSTDOCFLAGS="-D warnings" cargo doc --no-deps)
	$(call step,cargo-deny: bans licenses sources,cargo deny check bans licenses sources)
	@echo 'Not checked: advisories. Their database is on GitHub; where that can be reached: cargo deny check advisories'
	$(call step,Biome: client-js,npm --prefix client-js run lint)
	$(call step,Biome: tests,npm --prefix tests run lint)
	$(call step,TypeScript: client-js,npm --prefix client-js run types)
	$(call step,TypeScript: tests,npm --prefix tests run types)

# Each prints its figure and its bound, and fails above it.
bench:
	$(call step,Benchmarks,cargo bench)

# Released clients of others and ours, behind the same hostile networks: about ten minutes.
bench-peers: export FRONTS_BIN = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/examples/fronts
bench-peers:
	$(call step,Gateway and fronts,cargo build --release --bin throughline --example fronts)
	$(call step,The clients of others,npm ci --prefix benches/peers --ignore-scripts --no-audit --no-fund)
	$(call step,Clients behind hostile networks,node benches/peers/run.mjs)
