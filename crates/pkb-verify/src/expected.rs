//! What must be on the sheets of a letter, and what must not. It is taken from the record, not from what the letter was
//! made of, and knows nothing of templates.

use std::collections::HashMap;

use pkb_core::{
    Record,
    clock::uk_date,
    record::{Design, Invitation, Patient},
    rehearsal::Origin,
};
use pkb_languages::LetterLanguage;
use pkb_values::{LetterLanguages, Postcode};
use unicode_bidi::BidiInfo;
use unicode_normalization::UnicodeNormalization as _;

use super::page_reader::Page;

/// What stands across each page of a rehearsal's letter.
pub const REHEARSAL: &str = "REHEARSAL";

/// What a letter must say and must not say. `Debug` is not there: it is all values of a patient.
#[derive(Clone)]
pub struct Expected {
    row: u64,
    parts: Vec<Part>,
    /// Its codes; none if its design has none.
    codes: Option<[String; 2]>,
    forbidden: Vec<String>,
    /// Whether it is of a rehearsal, which each page must say; and no page of another letter.
    is_rehearsal: bool,
}

/// What must be on a letter.
#[derive(Clone)]
pub(super) struct Part {
    what: &'static str,
    /// What it says.
    pub(super) value: String,
    kind: Kind,
}

/// How a part of a letter is read.
#[derive(Clone, Copy)]
enum Kind {
    /// As a person reads it.
    Words,
    /// Likewise; its words may be broken over lines.
    AddressLine,
    /// Glyph by glyph.
    Code,
}

impl Part {
    fn new(what: &'static str, value: String, kind: Kind) -> Self {
        Self { what, value, kind }
    }
}

impl Expected {
    /// What the letter of a record must say; `None` if the record has no patient, or no codes that its design needs.
    pub fn of(record: &Record, languages: LetterLanguages, design: Design) -> Option<Self> {
        let patient = record.patient.as_ref()?;
        let name = Part::new("the name", patient.expose_full_name(), Kind::Words);
        let mut parts = vec![name];
        let mut codes = None;
        if design.has_codes() {
            let invitation = record.invitation.as_ref()?;
            let own = [
                invitation.code.expose_code(),
                invitation.token.expose_code(),
            ];
            let what = ["the invitation code", "the access code"];
            let code =
                |(what, code): (&'static str, &str)| Part::new(what, code.to_owned(), Kind::Code);
            parts.extend(what.into_iter().zip(own).map(code));
            parts.extend(last_day(invitation, languages));
            codes = Some(own.map(str::to_owned));
        }
        if design.has_address() {
            parts.extend(address(patient));
        }
        Some(Self {
            row: record.row.number,
            parts,
            codes,
            forbidden: forbidden(patient),
            is_rehearsal: Origin::of(record) == Some(Origin::Rehearsal),
        })
    }

    /// The row of the patient file.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Its codes, to be entered among those of others, if it has any.
    pub fn codes(&self) -> Option<[ShortText; 2]> {
        let codes = self.codes.as_ref()?;
        Some(codes.each_ref().map(|code| ShortText::of(code)))
    }

    /// Everything that is wrong with the text of a letter that is not printed: its lines are as they are read.
    #[must_use]
    pub fn failures_in_text(&self, text: &str, owners: &Owners) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(as_on_paper).collect();
        let page = Page {
            across: lines.first().cloned().unwrap_or_default(),
            text: lines.join("\n"),
            by_glyphs: None,
            qr: Vec::new(),
            by_camera: Vec::new(),
        };
        self.failures(None, &[&page], owners)
    }

    /// Everything that is wrong with the sheets of the letter. `number` is what they bear, if they bear any; `owners`
    /// says of whom the codes of the same file are.
    #[must_use]
    pub fn failures(&self, number: Option<u64>, sheets: &[&Page], owners: &Owners) -> Vec<String> {
        let text: String = sheets.iter().map(|page| page.text.as_str()).collect();
        let seen = Seen::of(&text);
        // Codes and numbers are believed of the glyphs alone, whatever is said of several together.
        let is_other = sheets.iter().any(|page| page.by_glyphs.is_some());
        let by_glyphs: Option<String> =
            is_other.then(|| sheets.iter().map(|page| page.by_glyphs()).collect());
        let seen_by_glyphs = by_glyphs.as_deref().map(Seen::of);
        let exact = seen_by_glyphs.as_ref().unwrap_or(&seen);
        let mut failures = Vec::new();
        let mut bear_it = sheets.iter().map(|page| page.across.contains(REHEARSAL));
        if self.is_rehearsal && !bear_it.all(|is_there| is_there) {
            failures.push(format!("{REHEARSAL} is not across each page"));
        } else if !self.is_rehearsal && bear_it.any(|is_there| is_there) {
            failures.push(format!(
                "{REHEARSAL} is across the letter, and its record is not from a rehearsal"
            ));
        }
        for Part { what, value, kind } in &self.parts {
            let is_there = match kind {
                Kind::Words => seen.has(value),
                Kind::AddressLine => seen.has_line(value),
                Kind::Code => exact.has(value),
            };
            if !is_there {
                failures.push(format!("{what} is not on the letter"));
            }
        }
        if let Some(number) = number
            && !exact.has(&format!("{number:06}"))
        {
            failures.push("its number is not on the letter".to_owned());
        }
        let is_seen = |value: &String| seen.has(value) || exact.has(value);
        if self.forbidden.iter().any(is_seen) {
            failures.push(
                "the date of birth or the national number is on the letter, and must not be"
                    .to_owned(),
            );
        }
        let readings = [Some(text.as_str()), by_glyphs.as_deref()];
        for word in readings
            .into_iter()
            .flatten()
            .flat_map(str::split_whitespace)
        {
            match owners.owner(word) {
                Some(owner) if owner != self.row => {
                    let words = format!("a code of row {owner} is on the letter");
                    if !failures.contains(&words) {
                        failures.push(words);
                    }
                }
                _ => {}
            }
        }
        for link in sheets
            .iter()
            .flat_map(|page| page.qr.iter().chain(&page.by_camera))
        {
            let query = link.split_once('?').map_or("", |(_, query)| query);
            let mut parts = query.split('&');
            let Some(codes) = &self.codes else {
                if parts.any(|part| part.starts_with("t1=") || part.starts_with("t2=")) {
                    failures.push(
                        "its QR code has codes, but this letter must not have any".to_owned(),
                    );
                    break;
                }
                continue;
            };
            let has = |(key, code): (&str, &String)| {
                query.split('&').any(|part| part == format!("{key}={code}"))
            };
            if !["t1", "t2"].into_iter().zip(codes).all(has) {
                failures.push("its QR code does not have the codes of this patient".to_owned());
                break;
            }
        }
        failures
    }
}

/// Of whom each code of a file is, to find it on another's sheet.
#[derive(Default)]
pub struct Owners {
    of: HashMap<ShortText, u64>,
    /// Bytes of the longest code.
    longest: usize,
}

impl Owners {
    /// Enters the codes of a letter. Returns the row of somebody else who has one of them.
    pub fn enter(&mut self, codes: [ShortText; 2], row: u64) -> Option<u64> {
        let mut other = None;
        for code in codes {
            self.longest = self.longest.max(code.as_bytes().len());
            let before = self.of.insert(code, row);
            other = before.filter(|before| *before != row).or(other);
        }
        other
    }

    /// The row whose code a word is.
    pub(super) fn owner(&self, word: &str) -> Option<u64> {
        if word.len() > self.longest {
            return None;
        }
        self.of.get(&ShortText::of(word)).copied()
    }
}

/// What is said of somebody who has a code that row `other` also has.
#[must_use]
pub fn with_same_code(other: u64) -> String {
    format!("row {other} has the same code")
}

/// A code or post code, where there are very many of them. `Debug` is not there: codes are secrets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ShortText {
    /// Its length, and its bytes followed by zeros.
    Short(u8, [u8; SHORT]),
    /// One that is longer.
    Long(Box<[u8]>),
}

/// Those of no more bytes need no memory of their own.
const SHORT: usize = 14;

impl ShortText {
    /// As it is read.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..code.len()), u8::try_from(code.len())) {
            (Some(part), Ok(length)) => {
                part.copy_from_slice(code.as_bytes());
                Self::Short(length, bytes)
            }
            _ => Self::Long(code.as_bytes().into()),
        }
    }

    /// As it was read.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Self::Long(bytes) => bytes,
        }
    }
}

/// What a file may have behind the town for an address in the United Kingdom.
pub(super) const HOME: [&str; 19] = [
    "england",
    "scotland",
    "wales",
    "cymru",
    "northern ireland",
    "united kingdom",
    "uk",
    "great britain",
    "gb",
    "n ireland",
    "lloegr",
    "yr alban",
    "gogledd iwerddon",
    "y deyrnas unedig",
    "prydain fawr",
    "gb-eng",
    "gb-sct",
    "gb-wls",
    "gb-nir",
];

fn address(patient: &Patient) -> Vec<Part> {
    let trimmed = |line: &str| line.trim_matches([' ', ',', ';', ':', '.']).to_owned();
    let mut lines: Vec<String> = patient
        .address
        .iter()
        .map(|line| trimmed(line.expose_line()))
        .filter(|line| !line.is_empty())
        .collect();
    // Mail at home bears no country, whatever the file has behind the town.
    let is_home = |line: &String| HOME.contains(&line.replace('.', "").to_lowercase().as_str());
    while lines.last().is_some_and(is_home) {
        lines.pop();
    }
    let postcode = patient.postcode.as_ref().filter(|code| !code.is_pseudo());
    let postcode = postcode.map(Postcode::expose_postcode);
    lines
        .into_iter()
        .map(|line| Part::new("a line of the address", line, Kind::AddressLine))
        .chain(postcode.map(|code| Part::new("the postcode", code.to_owned(), Kind::Words)))
        .collect()
}

/// The day that a letter or a text names, in each of its languages.
pub(super) fn last_day(
    codes: &Invitation,
    languages: LetterLanguages,
) -> impl Iterator<Item = Part> {
    let day = uk_date(codes.expires_at).yesterday().ok();
    let languages = languages.languages().iter();
    languages.filter_map(move |language| {
        let words = language.date(day?);
        Some(Part::new(
            "the day on which the codes expire",
            words,
            Kind::Words,
        ))
    })
}

/// What must not be on a letter: what the join page asks for, in the forms that people write, and the national number.
pub(super) fn forbidden(patient: &Patient) -> Vec<String> {
    let born = patient.date_of_birth.expose_date();
    ["%Y-%m-%d", "%d/%m/%Y", "%-d/%-m/%Y", "%d.%m.%Y", "%d %b %Y"]
        .into_iter()
        .map(|form| born.strftime(form).to_string())
        .chain(
            LetterLanguage::all()
                .iter()
                .map(|language| language.date(born)),
        )
        .chain([patient.national_id.value.expose_digits().to_owned()])
        .collect()
}

/// The words of a letter, as they can be compared however its lines are broken.
struct Seen(String);

impl Seen {
    fn of(text: &str) -> Self {
        Self(comparable(text))
    }

    /// Whether `value` is there. Text that runs from right to left is seen in the order of the paper, so the value is
    /// put into that order, too.
    fn has(&self, value: &str) -> bool {
        let value = comparable(&as_on_paper(value));
        self.0.contains(&value) || {
            // A town is in capitals. No code and no name of the record is: what has small letters is not found so.
            let upper = value.to_uppercase();
            upper != value && self.0.contains(&upper)
        }
    }

    /// As [`Self::has`], for a line of an address: where it is broken, words of another column may stand between its parts.
    fn has_line(&self, line: &str) -> bool {
        self.has(line) || line.split_whitespace().all(|word| self.has(word))
    }
}

/// Without white space, joiners and direction marks.
fn comparable(text: &str) -> String {
    let mut comparable = String::with_capacity(text.len());
    // No character of one line goes together with one of another.
    for line in text.split_inclusive('\n') {
        if line.is_ascii() {
            comparable.extend(line.chars().filter(|c| !c.is_whitespace()).map(unmirrored));
        } else {
            comparable.extend(composed(line));
        }
    }
    comparable
}

fn composed(text: &str) -> impl Iterator<Item = char> {
    text.nfc()
        .filter(|c| {
            let is_invisible = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2069}' | '\u{AD}' | '\u{640}');
            !c.is_whitespace() && !is_invisible
        })
        .map(unmirrored)
}

/// In text from right to left a bracket is drawn as its mirror image.
fn unmirrored(character: char) -> char {
    match character {
        ')' => '(',
        ']' => '[',
        '}' => '{',
        '>' => '<',
        '»' => '«',
        '›' => '‹',
        other => other,
    }
}

/// The characters of a line from left to right, as a bidirectional text is printed (Unicode Annex 9).
fn as_on_paper(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let bidi = BidiInfo::new(text, Some(unicode_bidi::Level::ltr()));
    bidi.paragraphs
        .iter()
        .map(|paragraph| bidi.reorder_line(paragraph, paragraph.range.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(first_name: &str) -> Expected {
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 3, "of": 3},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "first_name": first_name, "last_name": "Lee",
                "date_of_birth": "1990-05-01",
            },
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        });
        let record: Record = serde_json::from_value(record).unwrap();
        Expected::of(&record, LetterLanguages::default(), Design::Insert).unwrap()
    }

    fn failures(first_name: &str, text: &str, by_glyphs: Option<&str>) -> Vec<String> {
        let page = Page {
            text: text.to_owned(),
            by_glyphs: by_glyphs.map(str::to_owned),
            qr: Vec::new(),
            by_camera: Vec::new(),
            across: String::new(),
        };
        let mut owners = Owners::default();
        owners.enter(["OtherCode1", "OtherTokn1"].map(ShortText::of), 9);
        expected(first_name).failures(None, &[&page], &owners)
    }

    const REST: &str = "NKcYiAciBU KVPnrFYPay 22 December 2026";

    #[test]
    fn a_name_is_read_as_a_person_reads_it_and_a_code_glyph_by_glyph() {
        let (together, alone) = (format!("Ayọ̀ Lee {REST}"), format!("Ayọ̀ọ̀ Lee {REST}"));
        assert!(failures("Ayọ̀", &together, Some(&alone)).is_empty());
        assert_eq!(
            failures("Ayọ̀", &alone, None),
            ["the name is not on the letter"]
        );
        // Whatever a PDF says that glyphs mean together, no code is taken from it.
        let other = alone.replace("NKcYiAciBU", "NKcYiAciBX");
        assert_eq!(
            failures("Ayọ̀", &together, Some(&other)),
            ["the invitation code is not on the letter"]
        );
        let others = format!("{alone} OtherTokn1");
        assert_eq!(
            failures("Ayọ̀", &together, Some(&others)),
            ["a code of row 9 is on the letter"]
        );
        let born = format!("{alone} 01/05/1990");
        assert_eq!(
            failures("Ayọ̀", &together, Some(&born)),
            ["the date of birth or the national number is on the letter, and must not be"]
        );
    }

    #[test]
    fn a_name_with_different_marks_is_a_different_name() {
        for (name, other) in [
            ("राम", "रमा"),
            ("Ọ̀la", "Ọ́la"),
            ("שָׁלוֹם", "שְׁלוֹם"),
            ("น้ำ", "น่ำ"),
        ] {
            let text = format!("{} Lee {REST}", as_on_paper(other));
            assert_eq!(
                failures(name, &text, None),
                ["the name is not on the letter"],
                "{name}"
            );
        }
    }
}
