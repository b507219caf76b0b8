//! A bar with rate and time left on a terminal, nothing in a pipe.

use capture::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// Follows the reading of one input.
pub(crate) struct Bar {
    bar: ProgressBar,
    progress: Progress,
}

impl Bar {
    /// Shown when standard error is a terminal.
    pub(crate) fn new(name: &str, progress: Progress) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(progress.total_bytes(), target);
        let template = match progress.total_bytes() {
            Some(_) => {
                "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} {msg}"
            }
            None => "{prefix} {spinner} {binary_bytes} {binary_bytes_per_sec} {elapsed} {msg}",
        };
        // The templates are constants; were one wrong, the default style would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Self { bar, progress }
    }

    /// Shows how far reading has come. `flows` is asked only when someone looks.
    pub(crate) fn update(&self, flows: impl FnOnce() -> u64) {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{} flows", flows()));
            self.bar.set_position(self.progress.read_bytes());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
