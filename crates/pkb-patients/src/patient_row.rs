//! One row of a patient file: from cells to a checked patient, and to everything that is wrong or odd
//! about it.

mod address;
mod address_cells;
mod cell_words;
mod deciding_cells;
mod row_check;

use pkb_core::{
    Reason,
    record::{Carer, Patient, Unknown},
};
use pkb_values::{
    DateOfBirth, Email, Gender, Language, LetterFormat, LocalId, NationalId, NationalIdType,
    NhsNumber, NhsNumberStatus, PersonName, Phone, Problem, UkMobile,
};
use serde_json::Value;

use crate::{
    columns::{BIRTH_PARTS, CARERS, Columns, Field},
    date_text::is_date,
    finding::{Fault, Finding, FindingPlace, Severity},
    normalised::Normalised,
    not_a_patient,
    not_text::{is_no_text, printed, printed_fields},
};
use pkb_table::{CellType, Oddity, Row};

use address::Address;
use deciding_cells::Decided;
use row_check::RowCheck;
pub use row_check::RowRules;

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

/// The numbers of a patient.
struct Phones {
    mobile: Option<UkMobile>,
    home: Option<Phone>,
    work: Option<Phone>,
    other: Option<Phone>,
}

/// Checks a row, and adds to `findings` all that there is to say about it.
pub fn check(
    row: &Row,
    columns: &Columns,
    rules: &RowRules,
    findings: &mut Vec<Finding>,
) -> CheckedRow {
    let mut check = RowCheck::new(row, columns, rules, findings);
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
            place: FindingPlace::Row,
            fault: Fault::NotAPatient(what),
            severity: Severity::Rejected(Reason::NotAPatient),
        });
        return CheckedRow::unreadable();
    }
    checked
}

impl<'a> RowCheck<'a> {
    /// Whether nobody knows which cell is which, or where one ends.
    fn has_uncertain_cells(&mut self) -> bool {
        if let Some(fault) = self.ragged() {
            self.reject(FindingPlace::Row, fault, Reason::RaggedRow);
        }
        match self.row.oddity() {
            None => {}
            Some(Oddity::TextAfterQuote(at)) => {
                self.reject(self.place(at), Fault::TextAfterQuote, Reason::RaggedRow);
            }
            Some(Oddity::LineBreaks) => {
                self.say(FindingPlace::Row, Fault::LineBreaks, Severity::Note);
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

    fn patient(mut self) -> CheckedRow {
        let national_id = self.national_id();
        let title = self.title();
        let first_name = self.first_name(title.as_ref());
        let last_name = self.name(Field::LastName, PersonName::parse);
        let date_of_birth = self.date_of_birth();
        let gender = self.if_good(Field::Gender, Gender::parse);
        let mut address = self.address();
        let mut postcode = self.postcode();
        self.compare_postcodes(&mut address, &mut postcode);
        let Address {
            lines: address,
            town_line,
            county_line,
        } = address;
        let phones = self.phones();
        let email = self.if_good(Field::Email, Email::parse);
        let language = self.if_good(Field::Language, Language::parse);
        let format = self.if_good(Field::LetterFormat, LetterFormat::parse);
        let organisation_id = self.if_good(Field::OrganisationId, LocalId::parse);
        let team_id = self.if_good(Field::TeamId, LocalId::parse);
        let nhs_number_status = self.if_good(Field::NhsNumberStatus, NhsNumberStatus::parse);
        self.look_whether_verified(nhs_number_status);
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
                    gender,
                    address,
                    town_line,
                    county_line,
                    postcode,
                    no_letter: self.no_letter,
                    mobile: phones.mobile,
                    email,
                    language,
                    format,
                    organisation_id,
                    team_id,
                    home_phone: phones.home,
                    work_phone: phones.work,
                    other_phone: phones.other,
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
            number: national_id.map(|id| id.value),
            patient,
            excluded: self.excluded,
            normalised: self.normalised,
        }
    }

    fn national_id(&mut self) -> Option<NationalId> {
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
        national_id
    }

    /// PKB wants verified numbers: it keeps others waiting for somebody, and a wrong number makes a second record for good. A file
    /// without statuses, as Scotland has them, says nothing either way.
    fn look_whether_verified(&mut self, status: Option<NhsNumberStatus>) {
        let problem = match status {
            Some(NhsNumberStatus::Verified) => return,
            Some(_) => Problem::NumberNotVerified,
            None if self.rules.verified_only => Problem::NoNumberStatus,
            None => return,
        };
        match self.rules.verified_only {
            true => self.exclude(Field::NhsNumberStatus, problem, Reason::NumberUnverified),
            false => self.warn(Field::NhsNumberStatus, problem),
        }
    }

    fn phones(&mut self) -> Phones {
        let mut home = self.if_good(Field::HomePhone, Phone::parse);
        let work = self.if_good(Field::WorkPhone, Phone::parse);
        let mut other = self.if_good(Field::OtherPhone, Phone::parse);
        Phones {
            mobile: self.mobile([&mut home, &mut other]),
            home,
            work,
            other,
        }
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
                Some(reason) => self.reject(FindingPlace::Field(field), fault, reason),
                None => self.findings.push(Finding {
                    place: FindingPlace::Field(field),
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
                self.reject(FindingPlace::Field(field), fault, reason);
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
}
