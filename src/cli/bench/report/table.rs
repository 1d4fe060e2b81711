//! The table in the terminal: a column for each transport, a line for each figure.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use crate::cli::bench::figures::{Figures, METRICS, median};

/// The table of these runs.
pub(in crate::cli::bench) fn of(transports: &[String], runs: &[Figures]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(std::iter::once("").chain(transports.iter().map(String::as_str)));
    for metric in &METRICS {
        let cell = |transport: &String| {
            let runs: Vec<&Figures> = runs.iter().filter(|run| run.transport == *transport).collect();
            median(metric, &runs).map_or_else(|| "n/a".to_owned(), |(value, ..)| metric.unit.show(value))
        };
        table.add_row(std::iter::once(metric.name.to_owned()).chain(transports.iter().map(cell)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
