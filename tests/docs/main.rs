//! Keeps the documents true: quoted frames decode, named files exist, commands work.

mod benchmarks;
mod commands;
mod configuration;
mod exchange;
mod facts;
mod frames;
mod gateway;
mod limits;
mod links;
mod markdown;
mod peers;

/// Every document, from the repository's root.
const DOCUMENTS: [&str; 22] = [
    "README.md",
    "PROTOCOL.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
    "client-js/README.md",
    "docs/API.md",
    "docs/AUTH.md",
    "docs/BENCH.md",
    "docs/BENCHMARKS.md",
    "docs/CONFIGURATION.md",
    "docs/DOCTOR.md",
    "docs/HTTP.md",
    "docs/LIMITS.md",
    "docs/MOVING.md",
    "docs/NETLAB.md",
    "docs/NETWORKS.md",
    "docs/OPERATING.md",
    "docs/PROMISE.md",
    "docs/TERMINAL.md",
];

/// A file of the repository.
fn file(path: &str) -> String {
    let path = self::path(path);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Where a file of the repository is.
fn path(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
