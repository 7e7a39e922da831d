//! How a trace went, for people.

use std::collections::BTreeMap;

use pkb_core::{
    ExitCode, Fatal,
    clock::uk_date,
    figures::grouped,
    record::{Row, TraceResult},
    rows::{FirstFew, counted},
};
use pkb_files::shown;

use crate::traced::{Applied, Traced};

/// What a trace did to all records.
#[derive(Default)]
pub struct TraceCounts {
    rows: u64,
    results: BTreeMap<TraceResult, u64>,
    without: u64,
    faults: FirstFew,
}

impl TraceCounts {
    /// One more record.
    pub fn add(&mut self, row: &Row, applied: &Applied) {
        self.rows += 1;
        match applied.result {
            Some(result) => *self.results.entry(result).or_default() += 1,
            None => self.without += 1,
        }
        if let Some(fault) = &applied.fault {
            self.faults.add(format!(
                "row {} of {}: {fault}",
                row.number,
                shown::in_line(&row.file)
            ));
        }
    }

    /// All records have been seen: adds what is wrong with the files themselves.
    ///
    /// # Errors
    /// No answer is about anybody.
    pub fn end(&mut self, traced: &Traced, is_partial: bool) -> Result<(), Fatal> {
        self.faults.join(traced.faults(is_partial)?);
        Ok(())
    }

    /// A line for each result, and each row that cannot be used.
    #[must_use]
    pub fn lines(&self, traced: &Traced) -> Vec<String> {
        let mut lines = vec![format!(
            "{}, answers of {}",
            counted(self.rows, "row", "rows"),
            uk_date(traced.at()).strftime("%-d %B %Y")
        )];
        for (result, rows) in &self.results {
            let words = match result.reason() {
                Some(reason) => format!(
                    "{}: {} ({})",
                    reason.kind().as_str(),
                    reason.as_str(),
                    reason.advice()
                ),
                None => result.as_str().to_owned(),
            };
            lines.push(format!("  {:>7}  {words}", grouped(*rows)));
        }
        if self.without > 0 {
            lines.push(format!(
                "  {:>7}  not mentioned in the trace",
                grouped(self.without)
            ));
        }
        if self.faults.count() > 0 {
            lines.push(format!(
                "the response has {}. Nothing was concluded from such rows:",
                counted(
                    self.faults.count(),
                    "row that cannot be used",
                    "rows that cannot be used"
                )
            ));
            lines.extend(self.faults.lines().map(|fault| format!("  {fault}")));
        }
        lines
    }

    /// How the run ended.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self.faults.count() > 0 || self.results.contains_key(&TraceResult::NoAnswer) {
            true => ExitCode::SomeRowsRejected,
            false => ExitCode::Done,
        }
    }
}
