//! The `throughline` command. See [`throughline::cli`].

use std::process::ExitCode;

/// Lowest resident memory in nearly every measurement of idle connections.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    throughline::cli::main()
}
