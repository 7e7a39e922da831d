//! What a cell says in a column that decides whether a patient may be written to: `data/deciding-words.toml`, and
//! dates of death.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use jiff::civil::Date;
use pkb_values::{DateOrder, Problem, folded_header as folded, read_day_of};
use serde::Deserialize;

use crate::{
    columns::{Field, Meanings, mask},
    toml_file,
};

const FILE: &str = include_str!("../data/deciding-words.toml");

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Nothing.
    Nothing,
    /// Yes.
    Yes,
    /// No.
    No,
    /// A date that may mean no date: a different column must say so.
    FillerDate,
    /// A word or date that nobody understands.
    Unclear,
}

/// What a reason for removal means for a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Removal {
    /// The patient has died.
    Dead,
    /// The address is, or may be, an old one.
    Moved,
    /// It says nothing about where the patient lives.
    Stays,
}

/// What dates of death are measured by.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// Date of birth, if it is known.
    pub born: Option<Date>,
    /// The day of the run.
    pub today: Date,
    /// Whether the day or the month comes first.
    pub order: DateOrder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    nothing: Vec<String>,
    shown: Vec<String>,
    filler_dates: Vec<String>,
    deceased: Vocabulary,
    alive: Vocabulary,
    life_status: Vocabulary,
    patient_status: Vocabulary,
    discharge_method: Vocabulary,
    discharge_destination: Vocabulary,
    sensitive: Vocabulary,
    do_not_contact: Vocabulary,
    consent: Vocabulary,
    removal_reasons: BTreeMap<String, Reason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vocabulary {
    yes: Vec<String>,
    no: Vec<String>,
    /// Words that mean yes wherever they are in a cell, unless a "no" or "not" is in it.
    anywhere: Vec<String>,
    /// Words that say nothing of death.
    #[serde(default)]
    known: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    means: Removal,
    words: Vec<String>,
}

#[derive(Default)]
struct Words {
    nothing: HashSet<String>,
    /// Words that are nobody's name.
    shown: HashSet<String>,
    filler_dates: HashSet<Date>,
    of_field: HashMap<Field, FieldWords>,
    /// Code and meaning of each word, folded.
    removals: HashMap<String, (String, Removal)>,
}

#[derive(Default)]
struct FieldWords {
    says: HashMap<String, Says>,
    anywhere: Vec<String>,
}

/// A test sees to it that the file can be read.
static WORDS: LazyLock<Words> = LazyLock::new(|| Words::parse(FILE).unwrap_or_default());

impl Words {
    fn parse(text: &str) -> Result<Self, String> {
        let file: WordsFile = toml_file::parse(text)?;
        let filler_dates = file.filler_dates.iter();
        let filler_dates = filler_dates.map(|date| date.parse().map_err(|_| date.clone()));
        let vocabularies = [
            (Field::Deceased, file.deceased),
            (Field::Alive, file.alive),
            (Field::LifeStatus, file.life_status),
            (Field::PatientStatus, file.patient_status),
            (Field::DischargeMethod, file.discharge_method),
            (Field::DischargeDestination, file.discharge_destination),
            (Field::Sensitive, file.sensitive),
            (Field::DoNotContact, file.do_not_contact),
            (Field::Consent, file.consent),
        ];
        let mut of_field = HashMap::new();
        let mut shown = HashSet::new();
        for (field, vocabulary) in vocabularies {
            let known = [&vocabulary.yes, &vocabulary.no, &vocabulary.known];
            let words = known.into_iter().flatten().flat_map(|word| word.split(' '));
            shown.extend(words.map(str::to_owned));
            of_field.insert(field, FieldWords::of(vocabulary)?);
        }
        let mut removals = HashMap::new();
        for (code, reason) in file.removal_reasons {
            for word in reason.words.iter().chain([&code]) {
                let meaning = (code.clone(), reason.means);
                match removals.insert(folded(word), meaning) {
                    Some((other, _)) if other != code => {
                        return Err(format!("\"{word}\" means {code} and {other}"));
                    }
                    _ => {}
                }
            }
        }
        Ok(Self {
            nothing: file.nothing.iter().map(|word| folded(word)).collect(),
            shown: file.shown.into_iter().chain(shown).collect(),
            filler_dates: filler_dates.collect::<Result<_, _>>()?,
            of_field,
            removals,
        })
    }

    fn is_nothing(&self, text: &str, folded: &str) -> bool {
        // Not so a tick, a question mark, or #### of a spreadsheet.
        let is_dash = |c: char| c.is_whitespace() || "-\u{2013}\u{2014}./,_:;'\"()\\".contains(c);
        let is_plain = |c: char| c.is_alphanumeric() || is_dash(c);
        // Zeros alone are a date or a time that was never set: 0000-00-00, 00:00:00.
        let is_zeros = || folded.len() > 1 && folded.bytes().all(|byte| byte == b'0');
        text.chars().all(is_plain)
            && (folded.is_empty() || self.nothing.contains(folded) || is_zeros())
    }
}

impl FieldWords {
    fn of(vocabulary: Vocabulary) -> Result<Self, String> {
        let mut says = HashMap::new();
        let lists = [
            (Says::Yes, vocabulary.yes),
            (Says::No, vocabulary.no),
            (Says::Nothing, vocabulary.known),
        ];
        for (meaning, words) in lists {
            for word in words {
                let earlier = says.insert(folded(&word), meaning);
                if earlier.is_some_and(|earlier| earlier != meaning) {
                    return Err(format!("\"{word}\" means two things"));
                }
            }
        }
        Ok(Self {
            says,
            anywhere: vocabulary.anywhere,
        })
    }

    /// A word of the list among those of the cell.
    fn has_word(&self, text: &str) -> Option<Says> {
        let plain = text.to_lowercase().replace(['\'', '\u{2019}'], "");
        let mut words = plain.split(|c: char| !c.is_alphabetic());
        let has = |word: &str| self.anywhere.iter().any(|other| other == word);
        if !words.clone().any(has) {
            return None;
        }
        // "Not known to be deceased", "Deceased?"
        let is_denied = words.any(|word| matches!(word, "no" | "not" | "non" | "isnt" | "never"));
        Some(if is_denied || text.contains('?') {
            Says::Unclear
        } else {
            Says::Yes
        })
    }
}

/// What a cell of a column about `field` says; `meanings` are the operator's own, and come first.
pub fn says(field: Field, text: &str, meanings: &Meanings, life: Lifetime) -> Says {
    let key = folded(text);
    let is_listed = |words: &[String]| words.iter().any(|word| folded(word) == key);
    if !text.trim().is_empty() {
        if is_listed(&meanings.yes) {
            return Says::Yes;
        }
        if is_listed(&meanings.no) {
            return Says::No;
        }
    }
    if WORDS.is_nothing(text, &key) {
        return Says::Nothing;
    }
    let Some(words) = WORDS.of_field.get(&field) else {
        return Says::Unclear;
    };
    let listed = words.says.get(&key).copied();
    match listed
        .filter(|_| !text.contains('?'))
        .or_else(|| words.has_word(text))
    {
        Some(says) => says,
        // Most discharges say nothing of death.
        None if matches!(field, Field::DischargeMethod | Field::DischargeDestination) => {
            Says::Nothing
        }
        None if field == Field::Deceased => date_of_death(text, life),
        None => Says::Unclear,
    }
}

/// A value that is not understood, as a message may show it: itself if it is a code or has only words that are known in such columns,
/// otherwise its form. It may be a patient's name in the wrong column.
pub fn shown(text: &str) -> String {
    let text = text.trim();
    let is_code = text.chars().all(char::is_alphanumeric)
        && match text.chars().all(|c| c.is_ascii_digit()) {
            true => text.len() <= 3,
            false => text.chars().count() <= 2,
        };
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let is_known = |word: &str| word.is_empty() || WORDS.shown.contains(&word.to_lowercase());
    if is_code || words.all(is_known) {
        text.to_owned()
    } else {
        mask(text)
    }
}

/// A date of death, with or without a time, of whatever exactness.
fn date_of_death(text: &str, life: Lifetime) -> Says {
    let date = match read_day_of(text, life.order) {
        Ok(date) => date,
        Err(Problem::MonthFirst) => return Says::Yes,
        Err(Problem::TwoDigitYear) => return short_year(text, life),
        Err(Problem::ExcelDayNumber) => return day_number(text, life),
        Err(_) => return partial_date(text, life),
    };
    if WORDS.filler_dates.contains(&date) {
        return Says::FillerDate;
    }
    let is_in_life = date <= life.today && life.born.is_none_or(|born| born <= date);
    if is_in_life { Says::Yes } else { Says::Unclear }
}

/// A date with a year of two digits: the century does not matter, but six digits may also be a code.
fn short_year(text: &str, life: Lifetime) -> Says {
    let digits = text.trim();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() != 6 {
        return Says::Yes;
    }
    let (start, middle, end) = (&digits[..2], &digits[2..4], &digits[4..]);
    let is_date = |day: &str, year: &str| {
        read_day_of(&format!("{day}/{middle}/20{year}"), life.order).is_ok()
    };
    if is_date(start, end) || is_date(end, start) {
        Says::Yes
    } else {
        Says::Unclear
    }
}

/// Excel's number of a day, which may also be a code.
fn day_number(text: &str, life: Lifetime) -> Says {
    let days = text.trim().get(..5).and_then(|days| days.parse().ok());
    let date = days.and_then(|days: i32| {
        Date::constant(1899, 12, 30)
            .checked_add(jiff::Span::new().days(days))
            .ok()
    });
    match date {
        Some(date) if date <= life.today && life.born.is_none_or(|born| born <= date) => Says::Yes,
        _ => Says::Unclear,
    }
}

/// A year, or a month and a year.
fn partial_date(text: &str, life: Lifetime) -> Says {
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    let (month, year) = match parts.as_slice() {
        [year] => ("1", *year),
        [year, month] if year.len() == 4 => (*month, *year),
        [month, year] => (*month, *year),
        _ => return Says::Unclear,
    };
    match read_day_of(&format!("1 {} {year}", month_name(month)), life.order) {
        Ok(first) if first <= life.today && first.year() > 1900 => {
            let is_born = life.born.is_none_or(|born| born.year() <= first.year());
            if is_born { Says::Yes } else { Says::Unclear }
        }
        _ => Says::Unclear,
    }
}

/// The name of a month that is a number.
fn month_name(month: &str) -> &str {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let number = month.parse().ok().filter(|_| month.len() <= 2);
    let name = number.and_then(|number: usize| NAMES.get(number.checked_sub(1)?));
    name.copied().unwrap_or(month)
}

/// Code and meaning of a reason for removal; `Ok(None)` if the cell says nothing.
///
/// # Errors
/// The reason is not understood.
pub fn removal(text: &str, meanings: &Meanings) -> Result<Option<(String, Removal)>, ()> {
    let key = folded(text);
    let is_listed = |words: &[String]| words.iter().any(|word| folded(word) == key);
    if WORDS.is_nothing(text, &key) || is_listed(&meanings.no) {
        return Ok(None);
    }
    match WORDS.removals.get(&key) {
        Some(found) => Ok(Some(found.clone())),
        None if is_listed(&meanings.yes) => Ok(Some((text.trim().to_owned(), Removal::Moved))),
        None => Err(()),
    }
}

/// Whether a cell of a column of dates has a date in it, or anything else that is not empty.
pub fn has_date(text: &str, order: DateOrder) -> bool {
    let is_filler = || read_day_of(text, order).is_ok_and(|day| WORDS.filler_dates.contains(&day));
    !WORDS.is_nothing(text, &folded(text)) && !is_filler()
}

#[cfg(test)]
mod tests;
