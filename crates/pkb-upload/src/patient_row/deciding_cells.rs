//! The cells that decide whether a patient may be written to. Whatever is not understood stops the row: nobody is
//! uploaded as alive and willing if a cell may say dead, sensitive or unwilling.

use pkb_core::Reason;
use pkb_values::{DateOfBirth, Problem};

use super::{Decided, RowCheck};
use crate::{
    columns::{DecidingColumn, Field},
    deciding_words::{self, Lifetime, Removal, Says},
    finding::{Fault, Finding, Place, Severity},
};
use pkb_table::CellType;

impl RowCheck<'_> {
    /// Reads them all: any column that says dead, sensitive or unwilling is believed, whatever the others say.
    pub(super) fn deciding_cells(&mut self, born: Option<DateOfBirth>) -> Decided {
        let columns = self.columns;
        let mut deaths: Vec<(usize, Says)> = Vec::new();
        let mut removal_reason = None;
        let mut removed_at = None;
        for column in columns.deciding() {
            let Some(text) = self.cell_at(column.at, column.field) else {
                continue;
            };
            if text.trim().is_empty() {
                // A formula should say it, and its result is not in the file.
                if self.row.cell_type(column.at) == Some(CellType::Uncalculated) {
                    let fault = Fault::Typed(CellType::Uncalculated);
                    self.reject(Place::Column(column.at), fault, Reason::UnclearFlag);
                }
                continue;
            }
            match column.field {
                Field::SearchedText => deaths.extend(self.searched_text(column, text)),
                field if field.is_about_death() => {
                    deaths.push((column.at, self.says(column, text, born)));
                }
                Field::RemovalReason => {
                    let (code, says) = self.removal(column, text);
                    removal_reason = removal_reason.or(code);
                    deaths.extend(says.map(|says| (column.at, says)));
                }
                Field::RemovalDate => {
                    if deciding_words::has_date(text, self.rules.dates) {
                        removed_at = Some(column.at);
                    }
                }
                _ => self.wish(column, self.says(column, text, born)),
            }
        }
        if let (Some(at), None) = (removed_at, &removal_reason) {
            self.exclude_at(at, Problem::SaysRemoved, Reason::Removed);
        }
        self.words_in_unused_columns();
        Decided {
            deceased: self.deceased(&deaths),
            removal_reason,
        }
    }

    /// Stops the row if a column that nobody reads speaks of death or against contact: a note, an alert.
    fn words_in_unused_columns(&mut self) {
        let columns = self.columns;
        for at in columns.searched() {
            let text = self.texts.get(*at).unwrap_or_default();
            let note = self.rules.words.of_note(text);
            for (is_said, problem) in [
                (note.death, Problem::SpeaksOfDeath),
                (note.no_contact, Problem::SpeaksOfNoContact),
            ] {
                if is_said {
                    self.reject(
                        Place::Column(*at),
                        Fault::Value(problem),
                        Reason::UnclearFlag,
                    );
                }
            }
        }
    }

    /// What a text says of which the operator wants the words of death and against contact to count, and no others.
    fn searched_text(&mut self, column: &DecidingColumn, text: &str) -> Option<(usize, Says)> {
        let note = self.rules.words.of_note(text);
        if note.no_contact {
            self.exclude_at(column.at, Problem::SaysDoNotContact, Reason::DoNotContact);
        }
        let says = if note.is_denied {
            Says::Unclear
        } else {
            Says::Yes
        };
        note.death.then_some((column.at, says))
    }

    fn says(&self, column: &DecidingColumn, text: &str, born: Option<DateOfBirth>) -> Says {
        let life = Lifetime {
            born: born.map(|born| born.expose_date()),
            today: self.rules.today,
            order: self.rules.dates,
        };
        let says = deciding_words::says(column.field, text, &column.meanings, life);
        if says != Says::Unclear || !column.field.is_about_death() {
            return says;
        }
        // "no longer with us", "passed away at home".
        let note = self.rules.words.of_note(text);
        if note.death && !note.is_denied && !text.contains('?') {
            Says::Yes
        } else {
            Says::Unclear
        }
    }

    /// Sensitivity, do not contact, consent.
    fn wish(&mut self, column: &DecidingColumn, says: Says) {
        match (column.field, says) {
            (_, Says::Nothing) => {}
            (_, Says::Unclear | Says::FillerDate) => self.unclear(column.at),
            (Field::Sensitive, Says::Yes) => {
                self.exclude_at(column.at, Problem::SaysSensitive, Reason::Sensitive);
            }
            (Field::DoNotContact, Says::Yes) | (Field::Consent, Says::No) => {
                self.exclude_at(column.at, Problem::SaysDoNotContact, Reason::DoNotContact);
            }
            _ => {}
        }
    }

    /// The code of a reason for removal, and whether it is death.
    fn removal(&mut self, column: &DecidingColumn, text: &str) -> (Option<String>, Option<Says>) {
        match deciding_words::removal(text, &column.meanings) {
            Ok(None) => (None, None),
            Ok(Some((code, Removal::Dead))) => (Some(code), Some(Says::Yes)),
            Ok(Some((code, Removal::Stays))) => (Some(code), None),
            Ok(Some((code, Removal::Moved))) => {
                self.exclude_at(column.at, Problem::SaysRemoved, Reason::Removed);
                (Some(code), None)
            }
            Err(()) => {
                self.unclear(column.at);
                (None, None)
            }
        }
    }

    /// Whether the patient has died: any column that says so is believed.
    fn deceased(&mut self, deaths: &[(usize, Says)]) -> bool {
        let of = |wanted: Says| {
            let columns = deaths.iter().filter(move |(_, says)| *says == wanted);
            columns.map(|(at, _)| *at)
        };
        if let Some(at) = of(Says::Yes).next() {
            self.say_at(at, Problem::SaysDead, Severity::Note);
            for at in of(Says::No) {
                self.say_at(at, Problem::DeathDisagrees, Severity::Warning);
            }
            return true;
        }
        for at in of(Says::Unclear) {
            self.unclear(at);
        }
        for at in of(Says::FillerDate) {
            // On its own it may stand for a death whose day nobody knew.
            if of(Says::No).next().is_some() {
                self.say_at(at, Problem::FillerDate, Severity::Note);
            } else {
                self.unclear(at);
            }
        }
        false
    }

    fn unclear(&mut self, at: usize) {
        let field = self.columns.field(at);
        let problem = match field.is_some_and(Field::is_about_death) {
            true => Problem::UnclearLife,
            false => Problem::UnclearFlag,
        };
        let shown = deciding_words::shown(self.texts.get(at).unwrap_or_default());
        let fault = Fault::NotUnderstood { problem, shown };
        self.reject(Place::Column(at), fault, Reason::UnclearFlag);
    }

    fn say_at(&mut self, at: usize, problem: Problem, severity: Severity) {
        self.findings.push(Finding {
            place: Place::Column(at),
            fault: Fault::Value(problem),
            severity,
        });
    }
}
