//! What protocol, a session's step and a fan-out take, in time. No bound: time is the machine's; `instructions.rs` counts and holds.
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
