//! One row of a patient file: from cells to a checked patient, and to everything that is wrong or odd
//! about it.

mod address;
mod address_cells;
mod cell_words;
mod deciding_cells;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::civil::Date;
use pkb_core::{
    Reason,
    record::{Carer, NoLetter, Patient, Unknown},
};
use pkb_values::{
    DateOfBirth, DateOrder, Email, Language, LetterFormat, LocalId, NationalId, NationalIdType,
    NhsNumber, NhsNumberStatus, PersonName, Phone, Problem, UkMobile, looks_like_mojibake,
};
use serde_json::Value;

use crate::{
    columns::{BIRTH_PARTS, CARERS, Columns, Field},
    date_text::is_date,
    finding::{Fault, Finding, Place, Severity},
    normalised::{Normalised, Value as Kind},
    not_a_patient,
    not_text::{is_no_text, printed, printed_fields},
    words::Words,
};
use pkb_table::{CellType, Oddity, Row, Texts};

use address::Address;

/// What the columns say that decide whether a patient may be written to.
struct Decided {
    /// Whether the patient has died.
    deceased: bool,
    /// Why the patient was removed from a practice's list.
    removal_reason: Option<String>,
}

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
    /// Words for nothing, and words that say something about the patient.
    pub words: Arc<Words>,
}

/// A row that was looked at.
pub struct CheckedRow {
    /// The national id, also of a row that is bad for another reason.
    pub number: Option<NhsNumber>,
    /// The patient, if nothing stops the row.
    pub patient: Option<Patient>,
    /// Whether the row says that the patient must not be written to.
    pub excluded: bool,
    /// Which values were written in another way than they are kept.
    pub normalised: Normalised,
}

impl CheckedRow {
    /// A row about which nothing is known.
    fn unreadable() -> Self {
        Self {
            number: None,
            patient: None,
            excluded: false,
            normalised: Normalised::default(),
        }
    }
}

/// Checks a row, and adds to `findings` all that there is to say about it.
pub fn check(
    row: &Row,
    columns: &Columns,
    rules: &RowRules,
    findings: &mut Vec<Finding>,
) -> CheckedRow {
    let texts = row.texts();
    let mut check = RowCheck {
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
    };
    let checked = if check.has_uncertain_cells() {
        CheckedRow::unreadable()
    } else {
        check.undecodable_cells();
        if row.has_types() {
            check.typed_cells();
        }
        check.find_fillers();
        check.dates_for_texts();
        check.patient()
    };
    if checked.number.is_none()
        && let Some(what) = not_a_patient::look(row, columns)
    {
        // That says all there is to say.
        findings.clear();
        findings.push(Finding {
            place: Place::Row,
            fault: Fault::NotAPatient(what),
            severity: Severity::Rejected(Reason::NotAPatient),
        });
        return CheckedRow::unreadable();
    }
    checked
}

struct RowCheck<'a> {
    row: &'a Row,
    texts: Texts<'a>,
    are_ascii: bool,
    /// The fields whose cells have a word for nothing, a bit for each.
    fillers: u64,
    columns: &'a Columns,
    rules: &'a RowRules,
    findings: &'a mut Vec<Finding>,
    /// Something rejects or excludes the row.
    stopped: bool,
    excluded: bool,
    /// Why no letter can go to the address, as far as the record does not tell it.
    no_letter: Option<NoLetter>,
    normalised: Normalised,
}

impl<'a> RowCheck<'a> {
    /// Whether nobody knows which cell is which, or where one ends.
    fn has_uncertain_cells(&mut self) -> bool {
        if let Some(fault) = self.ragged() {
            self.reject(Place::Row, fault, Reason::RaggedRow);
        }
        match self.row.oddity() {
            None => {}
            Some(Oddity::TextAfterQuote(at)) => {
                self.reject(self.place(at), Fault::TextAfterQuote, Reason::RaggedRow);
            }
            Some(Oddity::LineBreaks) => {
                self.say(Place::Row, Fault::LineBreaks, Severity::Note);
            }
            Some(Oddity::LikeARow(at)) => {
                self.say(self.place(at), Fault::LikeARow, Severity::Warning);
            }
        }
        self.stopped
    }

    /// More or fewer cells than the header. Rows of a workbook are all as wide as the widest: there it is a cell behind the
    /// last column that has a header, such as a value that was pushed out by a cell too many.
    fn ragged(&self) -> Option<Fault> {
        let (cells, header) = (self.row.len(), self.columns.len());
        if cells != header {
            return Some(Fault::Ragged { cells, header });
        }
        let named = self.columns.named();
        let is_filled =
            |at: &usize| !matches!(self.texts.get(*at), Ok(text) if text.trim().is_empty());
        let last = (named..header).rev().find(is_filled)?;
        Some(Fault::Ragged {
            cells: last + 1,
            header: named,
        })
    }

    /// What a cell is called.
    fn place(&self, at: usize) -> Place {
        self.columns
            .field(at)
            .map_or(Place::Column(at), Place::Field)
    }

    fn patient(mut self) -> CheckedRow {
        let number = self.needed(
            Field::NationalId,
            NhsNumber::parse,
            [Reason::MissingNationalId, Reason::BadNationalId],
        );
        let scheme = self
            .optional(
                Field::NumberType,
                NationalIdType::parse,
                Reason::BadNationalId,
            )
            .unwrap_or(self.rules.scheme);
        let national_id = number.map(|value| NationalId { scheme, value });
        if national_id.is_some_and(|id| id.in_other_range()) {
            self.warn(Field::NationalId, Problem::OtherSchemesRange);
        }
        let title = self.title();
        let first_name = self.first_name(title.as_ref());
        let last_name = self.name(Field::LastName, PersonName::parse);
        let date_of_birth = self.date_of_birth();
        let mut address = self.address();
        let mut post_code = self.post_code();
        self.compare_post_codes(&mut address, &mut post_code);
        let Address {
            lines: address,
            town_line,
            county_line,
        } = address;
        let mut home_phone = self.if_good(Field::HomePhone, Phone::parse);
        let work_phone = self.if_good(Field::WorkPhone, Phone::parse);
        let mut other_phone = self.if_good(Field::OtherPhone, Phone::parse);
        let mobile = self.mobile([&mut home_phone, &mut other_phone]);
        let email = self.if_good(Field::Email, Email::parse);
        let language = self.if_good(Field::Language, Language::parse);
        let format = self.if_good(Field::LetterFormat, LetterFormat::parse);
        let organisation_id = self.if_good(Field::OrganisationId, LocalId::parse);
        let team_id = self.if_good(Field::TeamId, LocalId::parse);
        let nhs_number_status = self.if_good(Field::NhsNumberStatus, NhsNumberStatus::parse);
        let Decided {
            deceased,
            removal_reason,
        } = self.deciding_cells(date_of_birth);
        let carers = CARERS
            .into_iter()
            .filter_map(|[first, last, email]| self.carer(first, last, email))
            .collect();
        let patient = match (national_id, first_name, last_name, date_of_birth) {
            (Some(national_id), Some(first_name), Some(last_name), Some(date_of_birth))
                if !self.stopped =>
            {
                let patient = Patient {
                    national_id,
                    title,
                    first_name,
                    last_name,
                    date_of_birth,
                    address,
                    town_line,
                    county_line,
                    post_code,
                    no_letter: self.no_letter,
                    mobile,
                    email,
                    language,
                    format,
                    organisation_id,
                    team_id,
                    home_phone,
                    work_phone,
                    other_phone,
                    carers,
                    deceased,
                    removal_reason,
                    nhs_number_status,
                    household: None,
                    extra: self.extra(),
                    unknown: Unknown::new(),
                };
                self.say_whether_a_letter_can_go(&patient);
                Some(patient)
            }
            _ => None,
        };
        CheckedRow {
            number,
            patient,
            excluded: self.excluded,
            normalised: self.normalised,
        }
    }

    /// The text of a field; empty if the file has no such column, `None` if it is not text, which has
    /// been said already.
    fn cell(&self, field: Field) -> Option<&'a str> {
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
    fn cell_at(&self, at: usize, field: Field) -> Option<&'a str> {
        let text = self.texts.get(at).ok()?;
        let cell_type = self.row.cell_type(at);
        let is_text = cell_type.is_none_or(|of| !is_no_text(field, of));
        is_text.then_some(text)
    }

    fn undecodable_cells(&mut self) {
        if self.are_ascii {
            return;
        }
        for at in 0..self.row.len() {
            if self.texts.get(at).is_err() {
                let place = self.place(at);
                self.reject(place, Fault::Value(Problem::Undecodable), Reason::NotUtf8);
            }
        }
    }

    /// Cells of which the spreadsheet has made something else than the text that somebody typed.
    fn typed_cells(&mut self) {
        for at in 0..self.row.len() {
            let (Some(field), Some(cell_type)) = (self.columns.field(at), self.row.cell_type(at))
            else {
                continue;
            };
            if !is_no_text(field, cell_type) {
                continue;
            }
            let fault = Fault::Typed(cell_type);
            match printed(field) {
                Some(reason) => self.reject(Place::Field(field), fault, reason),
                None => self.findings.push(Finding {
                    place: Place::Field(field),
                    fault,
                    severity: Severity::LeftOut,
                }),
            }
        }
    }

    /// Texts that a spreadsheet made dates of before it wrote a text file.
    fn dates_for_texts(&mut self) {
        for field in printed_fields() {
            let date = self.cell(field).is_some_and(is_date);
            if let (true, Some(reason)) = (date, printed(field)) {
                let fault = Fault::Typed(CellType::Date);
                self.reject(Place::Field(field), fault, reason);
            }
        }
    }

    /// From one column, or from three.
    fn date_of_birth(&mut self) -> Option<DateOfBirth> {
        let (today, dates) = (self.rules.today, self.rules.dates);
        let reasons = [Reason::MissingDateOfBirth, Reason::BadDateOfBirth];
        let born = if self.columns.place(Field::DateOfBirth).is_some() {
            self.needed(
                Field::DateOfBirth,
                |text| DateOfBirth::parse_as_written(text, dates)?.check_plausible(today),
                reasons,
            )
        } else {
            let [day, month, year] = BIRTH_PARTS.map(|part| self.cell(part));
            let parsed = DateOfBirth::from_parts(day?, month?, year?)
                .and_then(|born| born.check_plausible(today));
            self.sort_out_needed(Field::DateOfBirth, parsed, reasons)
        };
        if born.is_some_and(|born| born.over_120_on(today)) {
            self.warn(Field::DateOfBirth, Problem::Over120Years);
        }
        born
    }

    /// The mobile; a landline in its column moves to a free place among the others.
    fn mobile(&mut self, others: [&mut Option<Phone>; 2]) -> Option<UkMobile> {
        let text = self.cell(Field::Mobile)?;
        match UkMobile::parse(text) {
            Ok(mobile) => {
                self.normalise(Field::Mobile, text);
                return Some(mobile);
            }
            Err(Problem::Empty) => {}
            Err(Problem::Landline) => {
                let phone = Phone::parse(text).ok();
                if others.iter().all(|other| **other != phone) {
                    let Some(free) = others.into_iter().find(|other| other.is_none()) else {
                        self.leave_out(Field::Mobile, Problem::NotAMobile);
                        return None;
                    };
                    *free = phone;
                }
                self.note(Field::Mobile, Problem::Landline);
            }
            Err(problem) => {
                self.leave_out(Field::Mobile, problem);
                self.stop_if_marked(Field::Mobile, text);
            }
        }
        None
    }

    fn carer(&mut self, first: Field, last: Field, email: Field) -> Option<Carer> {
        if [first, last, email]
            .into_iter()
            .all(|field| self.columns.place(field).is_none())
        {
            return None;
        }
        let carer = Carer {
            first_name: self.if_good(first, PersonName::parse),
            last_name: self.if_good(last, PersonName::parse),
            email: self.if_good(email, Email::parse),
        };
        (carer.first_name.is_some() || carer.last_name.is_some() || carer.email.is_some())
            .then_some(carer)
    }

    /// Cells that this program has no use for, by their headers.
    fn extra(&self) -> serde_json::Map<String, Value> {
        if !self.rules.keep_extra {
            return serde_json::Map::new();
        }
        self.columns
            .unused()
            .filter_map(|at| {
                let text = self.texts.get(at).ok()?.trim();
                (!text.is_empty()).then(|| (self.columns.extra_key(at), Value::from(text)))
            })
            .collect()
    }

    /// A cell that the row is no good without; the reasons are those for an empty and a bad one.
    fn needed<T>(
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

    fn sort_out_needed<T>(
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
                self.reject(Place::Field(field), Fault::Value(problem), reason);
                None
            }
        }
    }

    /// A cell that may be empty but not wrong.
    fn optional<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
        if_bad: Reason,
    ) -> Option<T> {
        match self.present(field, parse)? {
            Ok(value) => Some(value),
            Err(problem) => {
                self.reject(Place::Field(field), Fault::Value(problem), if_bad);
                None
            }
        }
    }

    /// A cell that is left out if it is wrong: the patient can be invited without it.
    fn if_good<T>(
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
    fn present<T>(
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

    fn warn_of_mojibake(&mut self, field: Field) {
        if !self.are_ascii && self.cell(field).is_some_and(looks_like_mojibake) {
            self.warn(field, Problem::Mojibake);
        }
    }

    fn reject(&mut self, place: Place, fault: Fault, reason: Reason) {
        self.stopped = true;
        self.say(place, fault, Severity::Rejected(reason));
    }

    /// The patient must not be invited.
    fn exclude(&mut self, field: Field, problem: Problem, reason: Reason) {
        self.stopped = true;
        self.excluded = true;
        self.find(field, problem, Severity::Excluded(reason));
    }

    /// Counts a value that is kept in another way than it is written.
    fn normalise(&mut self, field: Field, text: &str) {
        let kind = match field {
            Field::NationalId => Kind::Number,
            Field::Mobile | Field::HomePhone | Field::WorkPhone | Field::OtherPhone => {
                Kind::Telephone
            }
            Field::FirstName | Field::LastName | Field::Title => Kind::Name,
            Field::DateOfBirth => Kind::Date,
            _ => return,
        };
        if kind.is_unusual(text, self.are_ascii) {
            self.normalised.add(kind);
        }
    }

    fn exclude_at(&mut self, at: usize, problem: Problem, reason: Reason) {
        self.stopped = true;
        self.excluded = true;
        self.findings.push(Finding {
            place: Place::Column(at),
            fault: Fault::Value(problem),
            severity: Severity::Excluded(reason),
        });
    }

    fn leave_out(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::LeftOut);
    }

    fn warn(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::Warning);
    }

    fn note(&mut self, field: Field, problem: Problem) {
        self.find(field, problem, Severity::Note);
    }

    fn find(&mut self, field: Field, problem: Problem, severity: Severity) {
        self.say(Place::Field(field), Fault::Value(problem), severity);
    }

    fn say(&mut self, place: Place, fault: Fault, severity: Severity) {
        self.findings.push(Finding {
            place,
            fault,
            severity,
        });
    }
}
