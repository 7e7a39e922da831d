//! The sources that say who must not be written to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fields::Fields;

/// What one file of the register said.
#[derive(Debug, Clone, Copy)]
pub struct TraceFile {
    /// When it was answered.
    pub at: Timestamp,
    /// Answers of it in the records.
    pub answers: u64,
}

/// The files of the register, by name.
#[derive(Debug, Default)]
pub struct Sources(pub BTreeMap<String, TraceFile>);

impl Sources {
    /// Counts what a record says.
    pub fn count(&mut self, fields: &Fields<'_>) {
        let Some(trace) = &fields.trace else {
            return;
        };
        let Some(name) = &trace.file else {
            return;
        };
        if !self.0.contains_key(&**name) {
            let none = TraceFile {
                at: trace.at,
                answers: 0,
            };
            self.0.insert(name.clone().into_owned(), none);
        }
        if let Some(file) = self.0.get_mut(&**name) {
            file.at = file.at.min(trace.at);
            file.answers += 1;
        }
    }
}
