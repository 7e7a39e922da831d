//! The address of a row, and whether a letter can go there. Nothing in an address keeps a record from being created.

use pkb_core::record::{NoLetter, Patient};
use pkb_postal::Unmailable;
use pkb_values::{AddressLine, Postcode, Problem};

use super::row_check::RowCheck;
use crate::{
    columns::{ADDRESS, Field},
    finding::{Fault, Finding, FindingPlace, Severity},
    normalised::ValueKind,
    words::{Filler, Scope},
};

/// Lines that an address may have, town and county included.
const MAX_LINES: usize = 5;

/// Longest line that two are joined to, in characters: GOV.UK Notify's printer cuts off what is longer.
const MAX_JOINED: usize = 45;

/// The lines without gaps, and which of them are town and county.
#[derive(Default)]
pub(super) struct Address {
    pub(super) lines: Vec<AddressLine>,
    pub(super) town_line: Option<u8>,
    pub(super) county_line: Option<u8>,
}

impl Address {
    /// Notes that a line is the town or the county.
    fn name_line(&mut self, field: Field, at: usize) {
        let at = u8::try_from(at).ok();
        match field {
            Field::Town => self.town_line = at,
            Field::County => self.county_line = at,
            _ => {}
        }
    }
}

impl RowCheck<'_> {
    /// A cell may hold several lines.
    pub(super) fn address(&mut self) -> Address {
        let mut address = Address {
            lines: Vec::with_capacity(4),
            ..Address::default()
        };
        let mut is_first = true;
        let columns = self.columns;
        for field in columns.address().iter().copied() {
            let before = address.lines.len();
            let Some(text) = self.address_cell(field) else {
                continue;
            };
            let text = text.as_ref();
            if text.is_empty() {
                is_first &= !self.says_unknown_street(field, is_first);
                continue;
            }
            is_first = false;
            if let Some(at) = self.line_of_whole_address(&address.lines, field, text) {
                address.name_line(field, at);
                continue;
            }
            self.say_what_words_mean(field, text, Scope::Address);
            let wrong = if has_separator(text) {
                let each = text.split(is_separator);
                each.fold(None, |wrong, line| {
                    add_line(&mut address.lines, line).or(wrong)
                })
            } else {
                add_line(&mut address.lines, text)
            };
            if let Some(problem) = wrong {
                self.keep_letter_back(field, problem, NoLetter::Address);
            } else if may_have_separator(text)
                && ValueKind::AddressLine.is_unusual(text, self.are_ascii)
            {
                self.normalised.add(ValueKind::AddressLine);
            }
            self.warn_of_mojibake(field);
            if address.lines.len() == before + 1 {
                address.name_line(field, before);
            }
        }
        match address.join_lines() {
            Ok(0) => {}
            Ok(_) => self.normalised.add(ValueKind::AddressLine),
            Err(problem) => {
                let first = columns.address().first().copied();
                let first = first.unwrap_or(Field::Address1);
                self.keep_letter_back(first, problem, NoLetter::Address);
            }
        }
        address
    }

    /// Whether people wrote a word for an unknown address where the street should be. The town below is none.
    fn says_unknown_street(&mut self, field: Field, is_first: bool) -> bool {
        if !is_first || !self.is_filler(field) || matches!(field, Field::Town | Field::County) {
            return false;
        }
        let text = self
            .columns
            .place(field)
            .and_then(|at| self.texts.get(at).ok());
        let filler = text.and_then(|text| self.rules.words.fillers.of(text));
        if filler == Some(Filler::OfPeople) {
            self.keep_letter_back(field, Problem::NoAbode, NoLetter::Abode);
            return true;
        }
        false
    }

    /// The post code; one that is not of the United Kingdom is left out.
    pub(super) fn postcode(&mut self) -> Option<Postcode> {
        let text = self.cell(Field::Postcode)?;
        match Postcode::parse(text) {
            Ok(code) => {
                if text.trim() != code.expose_postcode() {
                    self.normalised.add(ValueKind::Postcode);
                }
                Some(code)
            }
            Err(Problem::Empty) => None,
            Err(problem) => {
                self.keep_letter_back(Field::Postcode, problem, NoLetter::Postcode);
                self.stop_if_marked(Field::Postcode, text);
                None
            }
        }
    }

    /// The record is created, and no letter goes to the address.
    pub(super) fn keep_letter_back(&mut self, field: Field, problem: Problem, why: NoLetter) {
        // The post code has a way out, abroad; the others have not.
        if self
            .no_letter
            .is_none_or(|before| before == NoLetter::Postcode)
        {
            self.no_letter = Some(why);
        }
        self.find(field, problem, Severity::NoLetter);
    }

    /// Says what pkb-letters will say of the address, unless something is said already.
    pub(super) fn say_whether_a_letter_can_go(&mut self, patient: &Patient) {
        let Err(why) = pkb_postal::lines(patient, false) else {
            return;
        };
        let has_column = |field: &Field| self.columns.place(*field).is_some();
        let is_said = self.no_letter.is_some();
        if is_said || !ADDRESS.iter().chain([&Field::Postcode]).any(has_column) {
            return;
        }
        let (place, problem) = match why {
            Unmailable::PostcodeLeftOut | Unmailable::AddressLeftOut => return,
            Unmailable::NoAbode => (FindingPlace::Address, Problem::NoAbode),
            Unmailable::PseudoPostcode => (
                FindingPlace::Field(Field::Postcode),
                Problem::PseudoPostcode,
            ),
            Unmailable::NoPostcode => (FindingPlace::Field(Field::Postcode), Problem::Empty),
            Unmailable::NoLines => (FindingPlace::Address, Problem::Empty),
            Unmailable::NoStreet => (FindingPlace::Address, Problem::NoStreet),
            Unmailable::Abroad => (FindingPlace::Address, Problem::Abroad),
            Unmailable::CountryDiffers => (FindingPlace::Address, Problem::CountryDiffers),
        };
        self.findings.push(Finding {
            place,
            fault: Fault::Value(problem),
            severity: Severity::NoLetter,
        });
    }
}

/// What parts the lines of a cell: all that any reader takes for the end of a line.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn has_separator(text: &str) -> bool {
    may_have_separator(text) && text.contains(is_separator)
}

/// One pass without a branch: nearly no line has any.
fn may_have_separator(text: &str) -> bool {
    text.bytes()
        .fold(false, |may, byte| may | !(b' '..0x80).contains(&byte))
}

/// Adds a line of an address, unless there is nothing in it; or says what is wrong with it.
fn add_line(lines: &mut Vec<AddressLine>, line: &str) -> Option<Problem> {
    // A dash or a comma alone says that there is nothing.
    if !line.contains(char::is_alphanumeric) && !line.contains(char::is_control) {
        return None;
    }
    match AddressLine::parse(line) {
        Ok(line) => lines.push(line),
        Err(Problem::Empty) => {}
        Err(problem) => return Some(problem),
    }
    None
}

impl Address {
    /// Joins neighbouring lines with a comma until five are left: always the two that are shortest together, among
    /// those above the town. How many were joined.
    ///
    /// # Errors
    /// A line would be too long.
    fn join_lines(&mut self) -> Result<usize, Problem> {
        let mut joined = 0;
        while self.lines.len() > MAX_LINES {
            let town = self.town_line.or(self.county_line).map(usize::from);
            // Without a column for it the town is probably the last line.
            let streets = town.unwrap_or(self.lines.len() - 1).min(self.lines.len());
            let length = |at: usize| self.lines[at].expose_line().chars().count();
            let shortest = (1..streets).min_by_key(|second| length(second - 1) + length(*second));
            let second = shortest.ok_or(Problem::TooManyLines)?;
            if length(second - 1) + length(second) + 2 > MAX_JOINED {
                return Err(Problem::TooManyLines);
            }
            let above = self.lines[second - 1]
                .expose_line()
                .trim_end_matches([',', ' ']);
            let line = format!("{above}, {}", self.lines[second].expose_line());
            self.lines[second - 1] =
                AddressLine::parse(&line).map_err(|_| Problem::TooManyLines)?;
            self.lines.remove(second);
            for place in [&mut self.town_line, &mut self.county_line] {
                *place = place.map(|at| at.saturating_sub(1));
            }
            joined += 1;
        }
        Ok(joined)
    }
}
