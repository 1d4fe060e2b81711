//! The `throughline` command. See [`throughline::cli`].

use std::process::ExitCode;

/// jemalloc had the lowest resident memory in nearly every measurement of idle connections.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    throughline::cli::main()
}
