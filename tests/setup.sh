#!/usr/bin/env bash
# Installs the missing requirements of the tests, and reports each step. Does nothing if nothing is missing.
# Runs as root, or as a user with sudo. Names every requirement that it cannot install, with the remedy, and
# fails.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian package = the program in it that the tests need.
PACKAGES=(chromium=chromium firefox-esr=firefox-esr nginx=nginx haproxy=haproxy apache2=apache2 caddy=caddy curl=curl systemd=systemd-analyze openssl=openssl iproute2=ip python3=python3)
# Packages whose service Debian starts on installation. The tests start their own copies on free ports.
SERVICES=(nginx haproxy apache2 caddy)
# Folders with a package-lock.json.
NODE_PROJECTS=(client-js tests)
CARGO_DENY=0.20.2
SCHEMATHESIS=4.32.5
# The version that rolldown and vite need.
NODE='Node 20.19, 22.12 or newer'

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}
# Debian keeps servers in sbin, which is not on every user's path.
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo -n "$@"; fi
}

require_tools() {
  has cargo || fail "cargo is missing" "install Rust (the version is in Cargo.toml, rust-version) with rustup"
  { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
    fail "rustfmt or clippy is missing" "rustup component add rustfmt clippy"
  { has node && has npm; } || fail "node or npm is missing" "install $NODE"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "node is $(node --version)" "install $NODE"
}

install_packages() {
  local missing=() entry
  for entry in "${PACKAGES[@]}"; do
    has "${entry#*=}" || missing+=("${entry%=*}")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  local by_hand="install by hand: ${missing[*]}"
  has apt-get || fail "missing: ${missing[*]}, and this system has no apt-get" "$by_hand"
  if [[ $EUID -ne 0 ]]; then
    has sudo || fail "missing: ${missing[*]}, and only root may install them" "$by_hand, or run this as root once"
    sudo -n true 2>/dev/null || sudo true || fail "missing: ${missing[*]}, and sudo was refused" "$by_hand, or run this as root once"
  fi
  say "installing the Debian packages ${missing[*]} (apt-get)"
  local log
  log=$(mktemp)
  if ! { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "apt-get failed (above; all of it in $log)" "$by_hand"
  fi
  rm -f "$log"
  stop_services "${missing[@]}"
  for entry in "${PACKAGES[@]}"; do
    has "${entry#*=}" || fail "${entry#*=} is missing although its package ${entry%=*} is installed" "install it by hand"
  done
}

# Stops the services of the packages that this script has just installed. It leaves other services alone.
stop_services() {
  local package service
  for package in "$@"; do
    for service in "${SERVICES[@]}"; do
      [[ $package == "$service" ]] || continue
      say "stopping the service $service that Debian starts on installation"
      if [[ -d /run/systemd/system ]]; then
        as_root systemctl disable --now --quiet "$service" || say "could not stop $service: the tests do not mind"
      else
        as_root "/etc/init.d/$service" stop >/dev/null 2>&1 || say "$service was not running"
      fi
    done
  done
}

# node_modules is fresh if it was installed from this very lock file, of which it keeps a copy.
install_node_modules() {
  local project=$1 mark=$1/node_modules/.installed-lock.json
  [[ -f $project/package-lock.json ]] || fail "$project/package-lock.json is missing" "it belongs in the repository: git checkout it"
  if cmp -s "$project/package-lock.json" "$mark"; then return 0; fi
  say "installing the npm packages of $project (npm ci)"
  (cd "$project" && npm ci --no-audit --no-fund --loglevel=error) ||
    fail "npm ci failed in $project (above)" "is the npm registry reachable? Then: cd $project && npm ci"
  cp "$project/package-lock.json" "$mark"
}

# Older releases cannot read today's `cargo metadata`, and PyPI has only an old one. The build has no
# optimisation: this halves its time, and the program runs for only half a second.
install_cargo_deny() {
  local version
  version=$(cargo deny --version 2>/dev/null | sed -n 's/^cargo-deny //p') || version=
  if [[ -n $version && $(printf '%s\n' "$CARGO_DENY" "$version" | sort -V | head -n 1) == "$CARGO_DENY" ]]; then return 0; fi
  say "installing cargo-deny $CARGO_DENY (cargo install, one to two minutes on two cores)"
  local build
  build=$(mktemp -d)
  if ! CARGO_TARGET_DIR="$build" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo install --quiet --locked --force "cargo-deny@$CARGO_DENY"; then
    rm -rf "$build"
    fail "cargo-deny could not be installed (above)" "it needs crates.io and a C compiler: cargo install --locked cargo-deny@$CARGO_DENY"
  fi
  rm -rf "$build"
  cargo deny --version >/dev/null 2>&1 || fail "cargo does not find cargo-deny" "put ${CARGO_HOME:-$HOME/.cargo}/bin on PATH"
}

# It examines the API of the inner listener. It gets an environment of Python of its own.
install_schemathesis() {
  local folder=tests/.python
  if [[ $("$folder/bin/schemathesis" --version 2>/dev/null) == *" $SCHEMATHESIS" ]]; then return 0; fi
  say "installing schemathesis $SCHEMATHESIS (pip, into $folder)"
  { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"; } ||
    fail "schemathesis could not be installed (above)" "is PyPI reachable, and is the Debian package python3-venv here?"
}

require_tools
install_packages
for project in "${NODE_PROJECTS[@]}"; do install_node_modules "$project"; done
install_cargo_deny
install_schemathesis
say "everything the tests need is here"
