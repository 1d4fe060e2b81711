//! The reports for people and programs: progress during a run, then a table, JSON, a page. None of them measures or
//! decides.
//!
//! # Layout
//! - `progress`: bars on the terminal
//! - `table`: the figures in the terminal
//! - `json`: the figures for programs, written and read
//! - `baseline`: two runs beside each other
//! - `words`: the sentences of table and page
//! - `html`, `charts`: a page

pub(super) mod baseline;
mod charts;
pub(super) mod html;
pub(super) mod json;
pub(super) mod progress;
pub(super) mod table;
mod words;

#[cfg(test)]
mod tests {
    use super::{html, table, words};

    #[test]
    fn the_table_and_the_page_mark_a_doubted_figure_and_say_why() {
        let unsure = words::tests::results(136.0);
        let line = words::doubts(&unsure).remove(0);
        let table = table::of(&unsure, None);
        assert!(table.contains("148 ms *") && table.contains(&line), "{table}");
        let page = html::of(&unsure, None).unwrap();
        assert!(page.contains("148 ms<b class=\"doubt\"") && page.contains(&line), "{page}");
    }
}
