//! Names and titles of a row, and what the words in its cells say.

use pkb_core::{Reason, record::NoLetter};
use pkb_values::{PersonName, Problem, has_lost_letter, looks_like_mojibake};

use super::row_check::RowCheck;
use crate::{
    columns::{ADDRESS, Field},
    finding::{Fault, FindingPlace},
    normalised::ValueKind,
    words::{Filler, Meaning, NameOrFiller, NameSigns, Scope},
};

/// A name that cannot be had.
const NAME_REASONS: [Reason; 2] = [Reason::MissingName, Reason::BadName];

/// Whether the words for nothing of a field's cells are taken as empty, and whose words.
fn takes_fillers(field: Field, filler: Filler) -> bool {
    match field {
        // Said by themselves, or with words of their own.
        Field::FirstName | Field::LastName | Field::LetterFormat | Field::Language => false,
        field if field.decides_who_is_written_to() => false,
        // "Unknown" is a gender, and "0" may be an identifier.
        Field::OrganisationId | Field::TeamId | Field::Gender => filler == Filler::OfPrograms,
        _ => true,
    }
}

/// Whether a cell is an error of a spreadsheet that is better named than taken as empty.
fn is_better_named(field: Field, text: &str) -> bool {
    text.trim_start().starts_with('#') && !ADDRESS.contains(&field)
}

impl RowCheck<'_> {
    /// Finds the cells that have a word for nothing, and says so.
    pub(super) fn find_fillers(&mut self) {
        for at in 0..self.row.len() {
            let (Some(field), Ok(text)) = (self.columns.field(at), self.texts.get(at)) else {
                continue;
            };
            let filler = self.rules.words.fillers.of(text);
            if filler.is_some_and(|filler| takes_fillers(field, filler))
                && !is_better_named(field, text)
                && self.columns.place(field) == Some(at)
            {
                self.fillers |= bit(field);
                self.note(field, Problem::Filler);
            }
        }
    }

    /// Whether the cell of a field has a word for nothing that counts as empty.
    pub(super) fn is_filler(&self, field: Field) -> bool {
        self.fillers & bit(field) != 0
    }

    pub(super) fn title(&mut self) -> Option<PersonName> {
        if let Some(text) = self.cell(Field::Title).filter(|text| !text.is_empty()) {
            self.say_what_words_mean(Field::Title, text, Scope::Title);
        }
        self.optional(Field::Title, PersonName::parse, Reason::BadName)
    }

    /// The first name, without a title that it repeats.
    pub(super) fn first_name(&mut self, title: Option<&PersonName>) -> Option<PersonName> {
        let rules = self.rules;
        let title = title.map(PersonName::expose_name);
        let mut is_repeated = false;
        let name = self.name(Field::FirstName, |text| {
            let name = PersonName::parse(text)?;
            match rules
                .words
                .without_repeated_title(name.expose_name(), title)
            {
                Some(rest) => {
                    is_repeated = true;
                    PersonName::parse(rest)
                }
                None => Ok(name),
            }
        });
        if is_repeated {
            self.normalised.add(ValueKind::Name);
        }
        name
    }

    /// A first or last name, and all that is odd about it.
    pub(super) fn name(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<PersonName, Problem>,
    ) -> Option<PersonName> {
        let text = self.cell(field)?;
        let fillers = &self.rules.words.fillers;
        if text.contains(char::is_alphanumeric) && fillers.of(text).is_some() {
            match fillers.name(text) {
                NameOrFiller::Name => {}
                NameOrFiller::Perhaps => self.warn(field, Problem::PerhapsFiller),
                NameOrFiller::Filler => {
                    let fault = Fault::Value(Problem::FillerForName);
                    self.reject(FindingPlace::Field(field), fault, Reason::MissingName);
                    return None;
                }
            }
        }
        if (!self.are_ascii && looks_like_mojibake(text)) || has_lost_letter(text) {
            // It would be printed, and PKB would know the patient by it.
            let fault = Fault::Value(Problem::Mojibake);
            self.reject(FindingPlace::Field(field), fault, Reason::BadName);
        }
        let Some(name) = self.needed(field, parse, NAME_REASONS) else {
            self.stop_if_marked(field, text);
            return None;
        };
        // Not the cell: a title that was twice is not odd any more.
        let is_said = self.say_what_words_mean(field, name.expose_name(), Scope::Name);
        if !is_said {
            match NameSigns::of(name.expose_name()) {
                NameSigns::Usual => {}
                NameSigns::Comma => self.warn(field, Problem::CommaInName),
                NameSigns::Others => self.warn(field, Problem::NotOfAName),
            }
        }
        Some(name)
    }

    /// Excludes the row, keeps the letter back or warns, as the words of a cell say. Whether they say anything.
    pub(super) fn say_what_words_mean(&mut self, field: Field, text: &str, scope: Scope) -> bool {
        let meanings = self.rules.words.meanings(text, scope);
        for meaning in meanings.each() {
            self.say_meaning(field, meaning);
        }
        !meanings.is_empty()
    }

    /// Excludes the row if a cell that is neither name nor address says that the patient must not be invited.
    pub(super) fn stop_if_marked(&mut self, field: Field, text: &str) {
        let meanings = self.rules.words.meanings(text, Scope::Address);
        for meaning in [Meaning::Deceased, Meaning::DoNotUse, Meaning::DoNotContact] {
            if meanings.has(meaning) {
                self.say_meaning(field, meaning);
            }
        }
    }

    fn say_meaning(&mut self, field: Field, meaning: Meaning) {
        match meaning {
            Meaning::Deceased => {
                self.exclude(field, Problem::MarkedDeceased, Reason::MarkedDeceased);
            }
            Meaning::DoNotUse => {
                self.exclude(field, Problem::MarkedDoNotUse, Reason::MarkedDoNotUse);
            }
            Meaning::DoNotContact => {
                let reason = Reason::MarkedDoNotContact;
                self.exclude(field, Problem::MarkedDoNotContact, reason);
            }
            Meaning::NoAbode => self.keep_letter_back(field, Problem::NoAbode, NoLetter::Abode),
            Meaning::Prison => self.warn(field, Problem::Prison),
            Meaning::Newborn => self.warn(field, Problem::Newborn),
            Meaning::Test => self.warn(field, Problem::TestPatient),
            Meaning::NotOfAName => self.warn(field, Problem::NotOfAName),
            Meaning::TitleInName => self.warn(field, Problem::TitleInName),
            Meaning::TitleForName => {
                let fault = Fault::Value(Problem::TitleForName);
                self.reject(FindingPlace::Field(field), fault, Reason::MissingName);
            }
        }
    }
}

fn bit(field: Field) -> u64 {
    1_u64.checked_shl(field as u32).unwrap_or(0)
}
