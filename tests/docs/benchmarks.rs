//! The instruction counts in docs/BENCHMARKS.md are those of the baseline.

use throughline::protocol::code::grouped;

use crate::{file, markdown};

#[test]
fn each_figure_of_the_baseline_stands_in_the_table() {
    let benchmarks = file("docs/BENCHMARKS.md");
    let (_, prose) = markdown::split(&benchmarks);
    let rows = markdown::rows(&prose);
    let start = rows.iter().position(|row| row.starts_with(&["piece of work", "instructions"])).expect("the table");
    let table = rows.iter().skip(start + 1).take_while(|row| row.len() == rows[start].len());
    let told: Vec<_> = table.map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let baseline = file("benches/instructions.baseline");
    let figures = baseline.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (figure, name) = line.trim_start().split_once("  ").unwrap_or_else(|| panic!("no figure: {line}"));
        (name.to_owned(), grouped(&figure))
    });
    assert_eq!(told, figures.collect::<Vec<_>>(), "docs/BENCHMARKS.md (left), benches/instructions.baseline (right)");
}
