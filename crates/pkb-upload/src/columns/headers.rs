//! What headers mean: `data/columns.toml`, and the words in a header that nobody has listed.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use pkb_values::folded_header;
use serde::Deserialize;

use super::field::Field;
use crate::toml_file;

const FILE: &str = include_str!("../../data/columns.toml");

/// What a column that no field knows is about, by the words of its header, if it decides whether a patient may be
/// written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
    /// Whether somebody has died.
    Death,
    /// Whether a record is sensitive.
    Sensitivity,
    /// Whether somebody wants to be contacted.
    Contact,
    /// Whether somebody was removed from a list.
    Removal,
}

impl Concern {
    /// For a sentence, after "about".
    pub fn words(self) -> &'static str {
        match self {
            Self::Death => "death",
            Self::Sensitivity => "sensitivity",
            Self::Contact => "consent or contact",
            Self::Removal => "removal from a list",
        }
    }

    /// The fields that a column with this header may be mapped to, each with a hint where there are several.
    pub fn fields(self, header: &str) -> &'static [(Field, &'static str)] {
        match self {
            Self::Death => match asks(header) {
                Some(Field::Alive) => &[(Field::Alive, "")],
                Some(Field::LifeStatus) => &[(Field::LifeStatus, "")],
                _ => &[(Field::Deceased, "")],
            },
            Self::Sensitivity => &[(Field::Sensitive, "")],
            Self::Contact => &[
                (
                    Field::DoNotContact,
                    "   # if yes means: must not be contacted",
                ),
                (Field::Consent, "   # if yes means: agrees"),
            ],
            Self::Removal => &[
                (Field::RemovalReason, "   # if it has reasons"),
                (Field::RemovalDate, "   # if it has dates"),
            ],
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnsFile {
    headers: BTreeMap<String, Vec<String>>,
    first_line_or_whole: Names,
    concerns: BTreeMap<Concern, Words>,
    others: Others,
    address: AddressWords,
}

/// Words in the headers of columns about other people.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Others {
    people: Vec<String>,
    /// Words of columns that speak of the patient, whoever writes in them.
    but_not: Vec<String>,
    relatives: Vec<String>,
    /// What else the header of a column about a relative's life has.
    life: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    headers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    words: Vec<String>,
    parts: Vec<String>,
    #[serde(default)]
    whole: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressWords {
    words: Vec<String>,
    of_others: Vec<String>,
}

#[derive(Default)]
struct Headers {
    /// The field of each header, folded.
    fields: HashMap<String, Field>,
    /// Headers of [`Field::Address1`], folded, that may be a whole address.
    may_be_whole: HashSet<String>,
    concerns: BTreeMap<Concern, Words>,
    others: Others,
    address: AddressWords,
}

/// A test sees to it that the file can be read.
static HEADERS: LazyLock<Headers> = LazyLock::new(|| Headers::parse(FILE).unwrap_or_default());

impl Headers {
    fn parse(text: &str) -> Result<Self, String> {
        let file: ColumnsFile = toml_file::parse(text)?;
        let mut fields = HashMap::new();
        for field in Field::ALL {
            for spelling in [field.name(), field.key()] {
                fields.insert(folded_header(spelling), *field);
            }
        }
        for (key, headers) in &file.headers {
            let field = Field::of_key(key).ok_or_else(|| format!("{key} is not a field"))?;
            for header in headers {
                match fields.insert(folded_header(header), field) {
                    Some(other) if other != field => {
                        return Err(format!("\"{header}\" means {key} and {}", other.key()));
                    }
                    _ => {}
                }
            }
        }
        let mut may_be_whole = HashSet::new();
        for header in &file.first_line_or_whole.headers {
            let folded = folded_header(header);
            if let Some(other) = fields.insert(folded.clone(), Field::Address1) {
                return Err(format!("\"{header}\" also means {}", other.key()));
            }
            may_be_whole.insert(folded);
        }
        Ok(Self {
            fields,
            may_be_whole,
            concerns: file.concerns,
            others: file.others,
            address: file.address,
        })
    }
}

impl Field {
    /// The field that a header means.
    pub fn of_header(header: &str) -> Option<Self> {
        HEADERS.fields.get(&folded_header(header)).copied()
    }

    /// How alike a header is to the nearest spelling of this field, from 0 to 1 (Jaro-Winkler), whatever the order of its
    /// words.
    pub fn likeness(self, header: &str) -> f64 {
        let as_written = folded_header(header);
        let mut sorted = words(header);
        sorted.sort();
        let sorted = sorted.concat();
        let spellings = HEADERS.fields.iter().filter(|(_, field)| **field == self);
        spellings
            .flat_map(|(spelling, _)| {
                [&as_written, &sorted].map(|header| strsim::jaro_winkler(spelling, header))
            })
            .fold(0.0, f64::max)
    }
}

/// Whether a header is that of a first address line, or of a whole address where there are no other lines.
pub fn may_be_whole_address(header: &str) -> bool {
    HEADERS.may_be_whole.contains(&folded_header(header))
}

/// Whether a column is about somebody else: the name of the GP, the next of kin, "Mother deceased".
pub fn is_of_others(header: &str) -> bool {
    let words = words(header);
    let has = |listed: &[String]| words.iter().any(|word| listed.contains(word));
    let others = &HEADERS.others;
    (has(&others.people) && !has(&others.but_not)) || is_life_of_a_relative(&words)
}

/// "Mother deceased", but not "Death reported by mother".
fn is_life_of_a_relative(words: &[String]) -> bool {
    let others = &HEADERS.others;
    let [first, rest @ ..] = words else {
        return false;
    };
    others.relatives.contains(first) && rest.iter().all(|word| others.life.contains(word))
}

/// What the words of a header say that the column is about, if that decides whether patients may be written to.
pub fn concern(header: &str) -> Option<Concern> {
    let words = words(header);
    if is_life_of_a_relative(&words) {
        return None;
    }
    let spaced = format!(" {} ", words.join(" "));
    let folded = folded_header(header);
    let is_in = |listed: &Words| {
        listed.parts.iter().any(|part| folded.contains(part))
            || listed.whole.contains(&folded)
            || (listed.words.iter()).any(|word| spaced.contains(&format!(" {word} ")))
    };
    HEADERS
        .concerns
        .iter()
        .find(|(_, words)| is_in(words))
        .map(|(concern, _)| *concern)
}

/// What a header asks, by its words: who has died, who is alive, or which of both.
pub fn asks(header: &str) -> Option<Field> {
    let words = words(header);
    let has = |listed: &[&str]| words.iter().any(|word| listed.contains(&word.as_str()));
    let folded = folded_header(header);
    let is_life = has(&["alive", "living", "lives", "byw"]);
    let is_death = has(&[
        "dead", "died", "dod", "rip", "decd", "expired", "demised", "marw",
    ]) || ["death", "deceas"].iter().any(|part| folded.contains(part));
    let is_status = has(&["status", "stat", "state"]);
    match (is_life, is_death) {
        (true, true) => Some(Field::LifeStatus),
        (true, false) if is_status => Some(Field::LifeStatus),
        (true, false) => Some(Field::Alive),
        (false, true) => Some(Field::Deceased),
        (false, false) => None,
    }
}

/// Whether the words of a header say that it may be a line of the patient's address.
pub fn looks_like_address(header: &str) -> bool {
    let words = words(header);
    let has = |listed: &[String]| words.iter().any(|word| listed.contains(word));
    has(&HEADERS.address.words) && !has(&HEADERS.address.of_others) && concern(header).is_none()
}

/// The words of a header in lower case: `ReasonForRemoval`, `PAT_DEATH_DATE` and `Dec'd` have three, three and one.
fn words(header: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = header
        .chars()
        .filter(|c| !matches!(c, '\'' | '\u{2019}'))
        .collect();
    for (at, c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let next = letters.get(at + 1);
        let begins = before.is_some_and(|before| {
            let hump = c.is_uppercase() && before.is_lowercase();
            // The last capital of a run belongs to the word that follows: NHSNumber.
            let end_of_run = c.is_uppercase()
                && before.is_uppercase()
                && next.is_some_and(|next| next.is_lowercase());
            hump || end_of_run || c.is_numeric() != before.is_numeric()
        });
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_file_of_headers_is_good_and_no_header_means_two_fields() {
        let headers = Headers::parse(FILE).unwrap();
        for field in Field::ALL {
            let of_it = headers.fields.values().filter(|other| *other == field);
            assert!(of_it.count() > 0, "{}", field.key());
        }
    }

    #[test]
    fn headers_are_known_in_any_dress() {
        for (header, field) in [
            ("NHS No", Field::NationalId),
            ("nhs_number", Field::NationalId),
            ("CHI Number", Field::NationalId),
            ("H&C No.", Field::NationalId),
            ("FORENAME", Field::FirstName),
            ("Surname ", Field::LastName),
            ("D.O.B.", Field::DateOfBirth),
            ("Addr1", Field::Address1),
            ("Postcode", Field::PostCode),
            ("Mobile Tel", Field::Mobile),
            ("E-mail", Field::Email),
            ("Hospital No.", Field::OrganisationId),
            ("YYYY", Field::BirthYear),
            ("DECEASED_IND", Field::Deceased),
            ("Deceased Y/N", Field::Deceased),
            ("Dec'd", Field::Deceased),
            ("Dec\u{2019}d", Field::Deceased),
            ("R.I.P.", Field::Deceased),
            ("PAT_DEATH_DATE", Field::Deceased),
            ("ReasonForRemoval", Field::RemovalReason),
            ("NHS_NUMBER_STATUS", Field::NhsNumberStatus),
            ("Name_Last", Field::LastName),
            ("House Name Flat Number", Field::Building),
        ] {
            assert_eq!(Field::of_header(header), Some(field), "{header}");
        }
        assert_eq!(Field::of_header("Ward"), None);
        assert_eq!(Field::of_header(""), None);
    }

    #[test]
    fn the_words_of_a_header_say_what_it_is_about() {
        for (header, concern) in [
            ("CAUSE_OF_DEATH", Concern::Death),
            ("PatDeathRegistered", Concern::Death),
            ("RIP_FLAG", Concern::Death),
            ("Pt dead?", Concern::Death),
            ("Date dec\u{2019}d by GP", Concern::Death),
            ("Safeguarding alert", Concern::Sensitivity),
            ("RESTRICTEDACCESS", Concern::Sensitivity),
            ("SMS consent", Concern::Contact),
            ("Type 1 Opt-Out", Concern::Contact),
            ("DO_NOT_TEXT", Concern::Contact),
            ("DoNotPhone", Concern::Contact),
            ("List removal notes", Concern::Removal),
        ] {
            assert_eq!(super::concern(header), Some(concern), "{header}");
        }
        for header in [
            "Ward",
            "Description",
            "Prescription",
            "Studied",
            "Deadline",
            "Date of birth",
            "Option code",
            "Trip",
            "Adoption",
            "",
        ] {
            assert_eq!(super::concern(header), None, "{header}");
        }
    }

    #[test]
    fn headers_that_may_be_address_lines_are_told_from_those_of_others() {
        for header in ["ADDR_LINE_6", "Road 2", "Address (part 2)", "HomeTownName"] {
            assert!(looks_like_address(header), "{header}");
        }
        for header in ["GP address", "Email address 2", "NOK addr 1", "Ward"] {
            assert!(!looks_like_address(header), "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_death_word_anywhere_among_others_is_noticed(
            before in "[A-Z][a-z]{0,6}",
            word in prop::sample::select(vec!["DEATH", "Deceased", "dead", "Died", "RIP", "Dec'd"]),
            after in "[A-Z]{0,5}",
            between in prop::sample::select(vec![" ", "_", "-", ".", " / "]),
        ) {
            let header = format!("{before}{between}{word}{between}{after}");
            prop_assert!(concern(&header).is_some() || Field::of_header(&header).is_some(), "{}", header);
        }

        #[test]
        fn any_text_has_words_without_anything_between(header in "\\PC{0,30}") {
            prop_assert!(words(&header).iter().all(|word| !word.is_empty()));
        }
    }
}
