//! The time that protocol, a session's step and a fan-out need. It has no bound, since time depends on the machine:
//! `instructions.rs` counts and has a bound.
//!
//!     cargo bench --bench micro

mod work;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, prepare) in work::ALL {
        let mut work = prepare();
        criterion.bench_function(name, |bencher| bencher.iter(&mut work));
    }
    criterion.final_summary();
}
