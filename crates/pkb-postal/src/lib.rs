//! Whether a letter can go to an address, and the lines under the name: by Royal Mail's rules for addressing mail (no
//! punctuation at the ends of lines, no empty lines, post code alone on the last line; an address abroad ends with its
//! country). `pkb-upload check` says beforehand what pkb-letters will say.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod countries;
mod folded_names;
pub mod notify;
mod printed;
mod street;

use std::sync::LazyLock;

use pkb_core::record::{NoLetter, Patient};
use pkb_values::Postcode;

use countries::{Country, is_at_home, is_uk_place};
use folded_names::{FoldedNames, folded};

pub use printed::{expose_address, postal_order};

/// Why no letter can go to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unmailable {
    /// pkb-upload left the post code out.
    PostcodeLeftOut,
    /// pkb-upload left out a line.
    AddressLeftOut,
    /// The address says that nobody lives there, or that it is not known.
    NoAbode,
    /// ZZ99 and its like.
    PseudoPostcode,
    /// No post code.
    NoPostcode,
    /// No lines at all.
    NoLines,
    /// Nothing but a town, a county, a country, the number of a house or flat, or words that are no address.
    NoStreet,
    /// Abroad, and letters do not go abroad.
    Abroad,
    /// A country abroad, with a UK postcode.
    CountryDiffers,
}

impl Unmailable {
    /// The reason in words, to be read by the operator.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::PostcodeLeftOut => {
                "the postcode in the patient file is not a UK postcode, so it was left out"
            }
            Self::AddressLeftOut => {
                "a line of the address in the patient file could not be read, or the street is missing"
            }
            Self::NoAbode => "the address says that the patient has no fixed or no known address",
            Self::PseudoPostcode => "the postcode means no fixed or no known address",
            Self::NoPostcode => "the address has no postcode",
            Self::NoLines => {
                "the address has only a postcode: a letter needs at least one line between the name and the postcode"
            }
            Self::NoStreet => {
                "the address has no street, only a town, a country, the number of a house or flat, or words such as \"as above\""
            }
            Self::Abroad => "the address is abroad: to write there, use --international",
            Self::CountryDiffers => {
                "the address names a country outside the UK, but the postcode is a UK postcode"
            }
        }
    }
}

/// An address that a letter can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// In the United Kingdom or a crown dependency: the post code is the last line.
    Postcode,
    /// A Forces address with its number and without a post code: the number is the last line.
    Forces,
    /// Abroad: the country is the last line.
    Abroad,
}

/// The lines under the name, without post code, and how they end.
pub struct PostalLines<'a> {
    /// Place in [`Patient::address`], and the line as it is printed.
    pub lines: Vec<(usize, &'a str)>,
    /// What the last line is.
    pub destination: Destination,
}

/// The lines of a patient's address that are printed. `international` says whether letters go abroad.
///
/// Countries of the United Kingdom behind the other lines are left out, and so is a post code that is also in the lines.
///
/// # Errors
/// Why no letter can go there.
pub fn lines(patient: &Patient, international: bool) -> Result<PostalLines<'_>, Unmailable> {
    match patient.no_letter {
        Some(NoLetter::Abode) => return Err(Unmailable::NoAbode),
        Some(NoLetter::Address) => return Err(Unmailable::AddressLeftOut),
        Some(NoLetter::Postcode) | None => {}
    }
    let mut lines: Vec<(usize, &str)> = patient
        .address
        .iter()
        .map(|line| without_punctuation(line.expose_line()))
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .collect();
    if lines.iter().any(|(_, line)| is_nowhere(line)) {
        return Err(Unmailable::NoAbode);
    }
    let code = patient.postcode.as_ref();
    let real_code = code.filter(|code| !code.is_pseudo());
    let begins_with_country = lines.first().is_some_and(|(_, line)| is_at_home(line));
    while lines
        .last()
        .is_some_and(|(_, line)| is_at_home(line) || repeats(line, real_code))
    {
        lines.pop();
    }
    let further = lines.get(1..).unwrap_or_default();
    let destination = match real_code {
        Some(code)
            if further.iter().any(|(_, line)| differs(line, code))
                || further
                    .last()
                    .is_some_and(|(_, line)| ends_elsewhere(line, code)) =>
        {
            return Err(Unmailable::CountryDiffers);
        }
        Some(_) => Destination::Postcode,
        None if ends_abroad(&lines) && !international => return Err(Unmailable::Abroad),
        None if patient.no_letter == Some(NoLetter::Postcode) => {
            return Err(Unmailable::PostcodeLeftOut);
        }
        None if ends_abroad(&lines) => Destination::Abroad,
        None if code.is_some() => return Err(Unmailable::PseudoPostcode),
        None => match lines.iter().position(|(_, line)| is_forces_number(line)) {
            Some(at) => {
                let number = lines.remove(at);
                lines.push(number);
                Destination::Forces
            }
            None => return Err(Unmailable::NoPostcode),
        },
    };
    if lines.is_empty() {
        return Err(if patient.address.is_empty() {
            Unmailable::NoLines
        } else {
            Unmailable::NoStreet
        });
    }
    if begins_with_country || !has_street(patient, &lines, destination) {
        return Err(Unmailable::NoStreet);
    }
    Ok(PostalLines { lines, destination })
}

/// A line without what people put at the ends of lines.
fn without_punctuation(line: &str) -> &str {
    let ends = [line.as_bytes().first(), line.as_bytes().last()];
    if ends.into_iter().flatten().all(u8::is_ascii_alphanumeric) {
        return line;
    }
    line.trim()
        .trim_end_matches([',', ';', ':', '.', ' '])
        .trim_start_matches([',', ';', ' '])
}

/// Whether the line is the post code once more.
fn repeats(line: &str, code: Option<&Postcode>) -> bool {
    code.is_some_and(|code| {
        line.as_bytes().last().is_some_and(u8::is_ascii_alphabetic)
            && line.len() <= 10
            && Postcode::parse(line).as_ref() == Ok(code)
    })
}

/// Whether a line names a country that the post code is not in.
fn differs(line: &str, code: &Postcode) -> bool {
    let area = code.area().unwrap_or_default();
    match Country::at_the_end_of(line) {
        None => false,
        Some(Country::Dependency(areas)) => !areas.contains(&area),
        Some(Country::Foreign) => !is_uk_place(line, area),
    }
}

/// Whether the last line names a country abroad behind a town, and the post code is not of a place with that name.
fn ends_elsewhere(line: &str, code: &Postcode) -> bool {
    Country::is_behind_a_town(line) && !is_uk_place(line, code.area().unwrap_or_default())
}

/// Whether the last line names a country that is not at home. One line alone is no address.
fn ends_abroad(lines: &[(usize, &str)]) -> bool {
    let last = lines.last();
    last.is_some_and(|(_, line)| {
        matches!(Country::at_the_end_of(line), Some(Country::Foreign))
            || Country::is_behind_a_town(line)
    })
}

/// `BFPO 57`, `BFPO c/o 57`: the number of a Forces post office.
#[must_use]
pub fn is_forces_number(line: &str) -> bool {
    let Some((word, rest)) = line.trim().split_at_checked(4) else {
        return false;
    };
    let rest = rest.trim_start();
    let number = match rest.split_at_checked(3) {
        Some((about, number)) if about.eq_ignore_ascii_case("c/o") => number.trim_start(),
        _ => rest,
    };
    word.eq_ignore_ascii_case("bfpo")
        && (1..=4).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a line is left that may be a street: none of town, county and country, no flat or house number alone, and no
/// words such as "as above". A Forces number is enough with a
/// unit or a name above it, and stands for the street where a post code follows.
fn has_street(patient: &Patient, lines: &[(usize, &str)], destination: Destination) -> bool {
    let is = |part: Option<u8>, at: usize| part.map(usize::from) == Some(at);
    let mut streets = lines
        .iter()
        .enumerate()
        .filter(|(_, (at, _))| !is(patient.town_line, *at) && !is(patient.county_line, *at));
    // Without a column for it the town is probably the last line.
    let may_be_town = |order: usize, line: &str| {
        patient.town_line.is_none()
            && order > 0
            && order + 1 == lines.len()
            && !line.contains(|c: char| c.is_ascii_digit())
    };
    match destination {
        Destination::Postcode => {
            streets.any(|(order, (_, line))| {
                !may_be_town(order, line) && street::may_be_street(line, patient)
            }) || lines.iter().any(|(_, line)| is_forces_number(line))
        }
        Destination::Forces => true,
        Destination::Abroad => lines.len() > 1,
    }
}

/// Ways to say that there is no address.
static NOWHERE: LazyLock<FoldedNames> = LazyLock::new(|| {
    FoldedNames::of([
        "no fixed abode",
        "of no fixed abode",
        "nfa",
        "no fixed address",
        "no abode",
        "address unknown",
        "not known",
        "unknown",
        "homeless",
        "gone away",
    ])
});

/// Whether a line says that there is no address.
fn is_nowhere(line: &str) -> bool {
    NOWHERE.has(line)
        || (memchr::memchr2(b'x', b'X', line.as_bytes()).is_some() && {
            let folded = folded(line);
            folded.contains("no fixed abode") || folded.contains("no fixed address")
        })
}

#[cfg(test)]
mod tests;
