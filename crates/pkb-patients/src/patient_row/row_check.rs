//! What a row is checked with: its cells by field, and what is found.

use std::sync::Arc;

use jiff::civil::Date;
use pkb_core::{Reason, record::NoLetter};
use pkb_table::{Row, Texts};
use pkb_values::{DateOrder, NationalIdType, Problem, looks_like_mojibake};

use crate::{
    columns::{Columns, Field},
    finding::{Fault, Finding, FindingPlace, Severity},
    normalised::{Normalised, ValueKind},
    not_text::is_no_text,
    words::Words,
};

/// What a row is measured by.
#[derive(Debug, Clone)]
pub struct RowRules {
    /// The day on which dates of birth are looked at.
    pub today: Date,
    /// Whether the day or the month comes first.
    pub dates: DateOrder,
    /// The scheme of numbers whose row does not say it.
    pub scheme: NationalIdType,
    /// Whether columns without a field are kept.
    pub keep_extra: bool,
    /// Whether rows are left out whose number is not said to be verified.
    pub verified_only: bool,
    /// Words for nothing, and words that say something about the patient.
    pub words: Arc<Words>,
}

/// A row, and what was found in it so far.
pub(super) struct RowCheck<'a> {
    pub(super) row: &'a Row,
    pub(super) texts: Texts<'a>,
    pub(super) are_ascii: bool,
    /// The fields whose cells have a word for nothing, a bit for each.
    pub(super) fillers: u64,
    pub(super) columns: &'a Columns,
    pub(super) rules: &'a RowRules,
    pub(super) findings: &'a mut Vec<Finding>,
    /// Something rejects or excludes the row.
    pub(super) stopped: bool,
    pub(super) excluded: bool,
    /// Why no letter can go to the address, as far as the record does not tell it.
    pub(super) no_letter: Option<NoLetter>,
    pub(super) normalised: Normalised,
}

impl<'a> RowCheck<'a> {
    /// Nothing is looked at yet.
    pub(super) fn new(
        row: &'a Row,
        columns: &'a Columns,
        rules: &'a RowRules,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        let texts = row.texts();
        Self {
            row,
            texts,
            are_ascii: texts.are_ascii(),
            fillers: 0,
            columns,
            rules,
            findings,
            stopped: false,
            excluded: false,
            no_letter: None,
            normalised: Normalised::default(),
        }
    }

    /// What a cell is called.
    pub(super) fn place(&self, at: usize) -> FindingPlace {
        self.columns
            .field(at)
            .map_or(FindingPlace::Column(at), FindingPlace::Field)
    }

    /// The text of a field; empty if the file has no such column, `None` if it is not text, which has
    /// been said already.
    pub(super) fn cell(&self, field: Field) -> Option<&'a str> {
        let Some(at) = self.columns.place(field) else {
            return Some("");
        };
        let text = self.cell_at(at, field)?;
        let text = if self.is_filler(field) { "" } else { text };
        if self.columns.has_further() && text.trim().is_empty() {
            let fillers = &self.rules.words.fillers;
            let is_filled = |text: &&str| !text.trim().is_empty() && fillers.of(text).is_none();
            let mut further = self.columns.further(field);
            let filled = further.find_map(|at| self.cell_at(at, field).filter(is_filled));
            return Some(filled.unwrap_or(text));
        }
        Some(text)
    }

    /// The text of a column as it is; `None` if it is not text, which has been said already.
    pub(super) fn cell_at(&self, at: usize, field: Field) -> Option<&'a str> {
        let text = self.texts.get(at).ok()?;
        let cell_type = self.row.cell_type(at);
        let is_text = cell_type.is_none_or(|of| !is_no_text(field, of));
        is_text.then_some(text)
    }

    /// A cell that the row is no good without; the reasons are those for an empty and a bad one.
    pub(super) fn needed<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
        reasons: [Reason; 2],
    ) -> Option<T> {
        let text = self.cell(field)?;
        let parsed = parse(text);
        if parsed.is_ok() {
            self.normalise(field, text);
        }
        self.sort_out_needed(field, parsed, reasons)
    }

    pub(super) fn sort_out_needed<T>(
        &mut self,
        field: Field,
        parsed: Result<T, Problem>,
        [if_missing, if_bad]: [Reason; 2],
    ) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(problem) => {
                let reason = if problem == Problem::Empty {
                    if_missing
                } else {
                    if_bad
                };
                self.reject(FindingPlace::Field(field), Fault::Value(problem), reason);
                None
            }
        }
    }

    /// A cell that may be empty but not wrong.
    pub(super) fn optional<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
        if_bad: Reason,
    ) -> Option<T> {
        match self.present(field, parse)? {
            Ok(value) => Some(value),
            Err(problem) => {
                self.reject(FindingPlace::Field(field), Fault::Value(problem), if_bad);
                None
            }
        }
    }

    /// A cell that is left out if it is wrong: the patient can be invited without it.
    pub(super) fn if_good<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let text = self.cell(field)?;
        match self.present(field, parse)? {
            Ok(value) => {
                self.normalise(field, text);
                Some(value)
            }
            Err(problem) => {
                self.leave_out(field, problem);
                self.stop_if_marked(field, text);
                None
            }
        }
    }

    /// What a cell is parsed to; `None` if it is empty.
    pub(super) fn present<T>(
        &self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<Result<T, Problem>> {
        let text = self.cell(field).filter(|text| !text.is_empty())?;
        match parse(text) {
            Err(Problem::Empty) => None,
            parsed => Some(parsed),
        }
    }

    pub(super) fn warn_of_mojibake(&mut self, field: Field) {
        if !self.are_ascii && self.cell(field).is_some_and(looks_like_mojibake) {
            self.warn(field, Problem::Mojibake);
        }
    }

    pub(super) fn reject(&mut self, place: FindingPlace, fault: Fault, reason: Reason) {
        self.stopped = true;
        self.say(place, fault, Severity::Rejected(reason));
    }

    /// The patient must not be invited.
    pub(super) fn exclude(&mut self, field: Field, problem: Problem, reason: Reason) {
        self.stopped = true;
        self.excluded = true;
        self.find(field, problem, Severity::Excluded(reason));
    }

    /// Counts a value that is kept in another way than it is written.
    pub(super) fn normalise(&mut self, field: Field, text: &str) {
        let kind = match field {
            Field::NationalId => ValueKind::Number,
            Field::Mobile | Field::HomePhone | Field::WorkPhone | Field::OtherPhone => {
                ValueKind::Telephone
            }
            Field::FirstName | Field::LastName | Field::Title => ValueKind::Name,
            Field::DateOfBirth => ValueKind::Date,
            _ => return,
        };
        if kind.is_unusual(text, self.are_ascii) {
            self.normalised.add(kind);
        }
    }

    pub(super) fn exclude_at(&mut self, at: usize, problem: Problem, reason: Reason) {
        self.stopped = true;
        self.excluded = true;
        self.findings.push(Finding {
            place: FindingPlace::Column(at),
            fault: Fault::Value(problem),
            severity: Severity::Excluded(reason),
        });
    }

    pub(super) fn leave_out(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::LeftOut);
    }

    pub(super) fn warn(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::Warning);
    }

    pub(super) fn note(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::Note);
    }

    pub(super) fn find(&mut self, field: Field, problem: Problem, severity: Severity) {
        self.say(FindingPlace::Field(field), Fault::Value(problem), severity);
    }

    pub(super) fn say(&mut self, place: FindingPlace, fault: Fault, severity: Severity) {
        self.findings.push(Finding {
            place,
            fault,
            severity,
        });
    }
}
