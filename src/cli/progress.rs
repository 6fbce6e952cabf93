//! Progress: bars on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use prodmirror::backend::{Progress, Report};

use super::ui::{DIM, GREEN, Ui};

/// Draws what the library reports.
pub struct Drawn<'a> {
    ui: &'a Ui,
    bars: MultiProgress,
    open: Mutex<HashMap<String, ProgressBar>>,
    /// The last wait that was said on a plain stream, so that it is said once.
    said: Mutex<HashMap<String, String>>,
    draws: bool,
}

impl<'a> Drawn<'a> {
    pub fn new(ui: &'a Ui) -> Self {
        Self {
            ui,
            bars: MultiProgress::new(),
            open: Mutex::default(),
            said: Mutex::default(),
            draws: ui.draws(),
        }
    }

    fn begin(&self, step: &str, what: &str) {
        if !self.draws {
            self.ui.say(what);
            return;
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        let earlier = self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), bar);
        // A step that began anew: another way was found to do it.
        if let Some(earlier) = earlier {
            earlier.finish_and_clear();
            self.bars.remove(&earlier);
        }
    }

    fn bytes(&self, step: &str, done: u64, total: Option<u64>) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bar) = open.get(step) else { return };
        if let Some(total) = total.filter(|total| bar.length() != Some(*total)) {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {eta:.dim}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    fn waiting(&self, step: &str, what: &str) {
        if self.draws {
            if let Some(bar) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(step) {
                bar.set_message(what.to_owned());
            }
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(step.to_owned(), what.to_owned()).as_deref() != Some(what) {
            self.ui.say(format!("  {what}"));
        }
    }

    fn done(&self, step: &str, millis: u64) {
        if let Some(bar) = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(step) {
            let message = bar.message();
            bar.finish_and_clear();
            self.bars.remove(&bar);
            let line = format!("{GREEN}✓{GREEN:#} {message} {DIM}{:.1} s{DIM:#}", millis as f64 / 1000.0);
            self.bars.suspend(|| self.ui.say(line));
        }
    }
}

impl Report for Drawn<'_> {
    fn event(&self, event: Progress) {
        match event {
            Progress::Begun { step, what } => self.begin(&step, &what),
            Progress::Bytes { step, done, total } => self.bytes(&step, done, total),
            Progress::Waiting { step, what } => self.waiting(&step, &what),
            Progress::Done { step, millis } => self.done(&step, millis),
            Progress::Note(text) => self.bars.suspend(|| self.ui.say(format!("note: {text}"))),
        }
    }
}

impl Drop for Drawn<'_> {
    fn drop(&mut self) {
        for (_, bar) in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            bar.finish_and_clear();
        }
    }
}
