//! The bars on a terminal. Without a terminal there are none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One bar, for one run on one transport. Dropping it removes it.
pub(in crate::cli::bench) struct Bar(ProgressBar);

impl Bar {
    pub(in crate::cli::bench) fn new(name: &str) -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>16} {msg:<12} {bar:40} {percent:>3} %") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// Begins a further step, of so many parts.
    pub(in crate::cli::bench) fn begin(&self, step: &'static str, parts: u64) {
        // This comes first: otherwise the new step briefly shows the end of the step before.
        self.0.set_position(0);
        self.0.set_length(parts.max(1));
        self.0.set_message(step);
    }

    pub(in crate::cli::bench) fn at(&self, part: u64) {
        self.0.set_position(part.min(self.0.length().unwrap_or(part)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
