//! Synthetic patients in any number: the rows of a campaign's patient file, and what PKB should know about some of them.
//!
//! Row n depends on the seed and n alone, so a longer file begins with the shorter one. Nothing is kept in memory.

use std::io::Write;

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::derive::mix;
use crate::names::{
    CULTURES, Culture, HOUSES, INWARD_LETTERS, PLACES, STREET_KINDS, STREETS, TITLES,
};
use crate::nhs_number;
use crate::world::{BirthAtPkb, WorldPatient};

/// The columns of the patient file.
pub const COLUMNS: [&str; 14] = [
    "NHS number",
    "Title",
    "First name",
    "Last name",
    "Date of birth",
    "Address 1",
    "Address 2",
    "Town",
    "County",
    "Post code",
    "Mobile",
    "Email",
    "Language",
    GENDER,
];

/// The column of genders.
pub(crate) const GENDER: &str = "Gender";

/// How many numbers the test range 999 000 0000 to 999 999 9999 holds.
pub const TEST_RANGE: usize = 909_090;

/// How many patients there can be with the numbers beyond the test range as well.
pub const BEYOND_TEST_RANGE: usize = TEST_RANGE + 818_182;

/// Ages are counted back from this day whatever the date is, so that a seed means the same file for ever.
const TODAY: Date = date(2026, 11, 22);

/// One row, and the world's entry for it.
#[derive(Clone, Debug)]
pub struct SyntheticPatient {
    /// Ten digits, never given to a person.
    pub national_id: String,
    /// May be empty.
    pub title: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// As the patient's own organisation has it.
    pub date_of_birth: Date,
    /// Two lines, town and county; any may be empty.
    pub address: [String; 4],
    /// May be empty.
    pub postcode: String,
    /// One of the numbers that Ofcom keeps for drama, or empty.
    pub mobile: String,
    /// At example.org, or empty.
    pub email: String,
    /// `en` or `cy`.
    pub language: &'static str,
    /// `M`, `F` or `U`.
    pub gender: &'static str,
    /// What PKB knows or does that the row does not say.
    pub world: Option<WorldPatient>,
}

/// `count` patients. The first [`TEST_RANGE`] have numbers of the test range.
///
/// After them come numbers that would be a Scottish CHI number of somebody born in a month 99: below every range that England,
/// Wales and Northern Ireland issue from, and no CHI number can be one. The iterator ends at [`BEYOND_TEST_RANGE`].
pub fn patients(count: usize, seed: u64) -> impl Iterator<Item = SyntheticPatient> {
    numbers(seed)
        .take(count)
        .zip(0u64..)
        .map(move |(number, index)| patient(number, seed, index))
}

/// Writes the header of the patient file.
///
/// # Errors
/// What the writer says.
pub fn write_header<W: Write>(file: &mut csv::Writer<W>) -> csv::Result<()> {
    file.write_record(COLUMNS)
}

/// Writes one row of the patient file.
///
/// # Errors
/// What the writer says.
pub fn write_row<W: Write>(
    file: &mut csv::Writer<W>,
    patient: &SyntheticPatient,
) -> csv::Result<()> {
    let date_of_birth = patient.date_of_birth.to_string();
    let [address1, address2, town, county] = &patient.address;
    file.write_record([
        &patient.national_id,
        &patient.title,
        &patient.first_name,
        &patient.last_name,
        &date_of_birth,
        address1,
        address2,
        town,
        county,
        &patient.postcode,
        &patient.mobile,
        &patient.email,
        patient.language,
        patient.gender,
    ])
}

/// Every number once, in an order that the seed chooses.
fn numbers(seed: u64) -> impl Iterator<Item = String> {
    let test_range = shuffled(1_000_000, seed).map(|tail| 999_000_000 + tail);
    let month_99 = shuffled(900_000, seed)
        .map(|place| (place / 100_000 + 1) * 10_000_000 + 9_900_000 + place % 100_000);
    test_range.chain(month_99).filter_map(nhs_number::complete)
}

/// 0..size in another order. A step that shares no factor with the size visits every place once; both sizes here are made of 2, 3 and 5.
fn shuffled(size: u32, seed: u64) -> impl Iterator<Item = u32> {
    let size = u64::from(size);
    let start = mix(seed) % size;
    let step = mix(seed ^ 1) % (size / 30) * 30 + 7;
    (0..size).map(move |index| ((start + index * step) % size) as u32)
}

/// What is out of the ordinary about a patient.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Ordinary,
    Deceased,
    Registered,
    OtherBirthAtPkb,
    Missing,
    NoAccess,
    NoAddress,
}

impl Fate {
    fn draw(rng: &mut fastrand::Rng) -> Self {
        match rng.u32(..1000) {
            0..10 => Self::Deceased,
            10..60 => Self::Registered,
            60..63 => Self::OtherBirthAtPkb,
            63..66 => Self::Missing,
            66..69 => Self::NoAccess,
            69..72 => Self::NoAddress,
            _ => Self::Ordinary,
        }
    }

    fn world(self, national_id: &str, born: Date, rng: &mut fastrand::Rng) -> Option<WorldPatient> {
        let mut entry = WorldPatient::new(national_id);
        match self {
            Self::Ordinary | Self::NoAddress => return None,
            Self::Deceased => entry.deceased = Some(days_before(TODAY, rng.i64(1..700)).max(born)),
            Self::Registered => entry.registered = true,
            Self::OtherBirthAtPkb => {
                entry.date_of_birth = BirthAtPkb::On(days_before(born, rng.i64(1..400)))
            }
            Self::Missing => entry.missing = true,
            Self::NoAccess => entry.no_access = true,
        }
        Some(entry)
    }
}

fn patient(national_id: String, seed: u64, index: u64) -> SyntheticPatient {
    let mut rng = fastrand::Rng::with_seed(mix(mix(seed) ^ index));
    let rng = &mut rng;
    let fate = Fate::draw(rng);
    let culture = draw_culture(rng);
    let is_child = rng.u32(..100) < 8;
    let date_of_birth = draw_birth(is_child, rng);
    let (address, postcode) = if fate == Fate::NoAddress {
        Default::default()
    } else {
        draw_address(rng)
    };
    let mobile = if rng.u32(..100) < 15 {
        String::new()
    } else {
        format!("07700 900{:03}", rng.u32(..1000))
    };
    // A child's address is usually a parent's, and PKB wants each in one record only.
    let email = if is_child || rng.u32(..100) >= 30 {
        String::new()
    } else {
        format!("patient{index}@example.org")
    };
    let title = if is_child { "" } else { pick(TITLES, rng) };
    SyntheticPatient {
        title: title.to_owned(),
        gender: gender(title, index),
        first_name: pick(culture.first, rng).to_owned(),
        last_name: pick(culture.last, rng).to_owned(),
        date_of_birth,
        address,
        postcode,
        mobile,
        email,
        language: culture.language,
        world: fate.world(&national_id, date_of_birth, rng),
        national_id,
    }
}

/// As the title says, and otherwise by the place in the file.
fn gender(title: &str, index: u64) -> &'static str {
    match title {
        "Mr" => "M",
        "Mrs" | "Ms" | "Miss" => "F",
        _ => ["M", "F", "M", "F", "U"][(index % 5) as usize],
    }
}

fn draw_culture(rng: &mut fastrand::Rng) -> &'static Culture {
    let mut roll = rng.u32(..1000);
    for culture in CULTURES {
        if roll < culture.per_mille {
            return culture;
        }
        roll -= culture.per_mille;
    }
    &CULTURES[CULTURES.len() - 1]
}

/// Under sixteen, or from sixteen to ninety-nine.
fn draw_birth(is_child: bool, rng: &mut fastrand::Rng) -> Date {
    let sixteen_years = 5844;
    if is_child {
        days_before(TODAY, rng.i64(30..sixteen_years - 1))
    } else {
        days_before(TODAY, rng.i64(sixteen_years..36_500))
    }
}

/// An invented address, two lines with town and county, and its postcode.
pub fn draw_address(rng: &mut fastrand::Rng) -> ([String; 4], String) {
    let place = &PLACES[rng.usize(..PLACES.len())];
    let street = format!(
        "{} {} {}",
        rng.u32(1..200),
        pick(STREETS, rng),
        pick(STREET_KINDS, rng)
    );
    let (address1, address2) = match rng.u32(..10) {
        0 => (pick(HOUSES, rng).to_owned(), street),
        1 => (format!("Flat {}, {street}", rng.u32(1..40)), String::new()),
        _ => (street, String::new()),
    };
    let letter =
        |rng: &mut fastrand::Rng| char::from(INWARD_LETTERS[rng.usize(..INWARD_LETTERS.len())]);
    let outward = format!("{}{}", place.area, rng.u32(1..=place.districts));
    let postcode = format!("{outward} {}{}{}", rng.u32(..10), letter(rng), letter(rng));
    (
        [
            address1,
            address2,
            place.town.to_owned(),
            place.county.to_owned(),
        ],
        postcode,
    )
}

fn pick<'a>(list: &[&'a str], rng: &mut fastrand::Rng) -> &'a str {
    list[rng.usize(..list.len())]
}

fn days_before(day: Date, days: i64) -> Date {
    day.saturating_sub(days.days())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    fn csv_of(count: usize, seed: u64) -> String {
        let mut file = csv::Writer::from_writer(Vec::new());
        write_header(&mut file).unwrap();
        for patient in patients(count, seed) {
            write_row(&mut file, &patient).unwrap();
        }
        String::from_utf8(file.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn a_seed_gives_the_same_file_and_a_longer_one_begins_with_it() {
        assert_eq!(csv_of(500, 3), csv_of(500, 3));
        assert_ne!(csv_of(500, 3), csv_of(500, 4));
        assert!(csv_of(600, 3).starts_with(&csv_of(500, 3)));
    }

    #[test]
    fn every_number_there_is_is_valid_and_comes_once() {
        let mut seen = HashSet::new();
        for (index, number) in numbers(11).enumerate() {
            let fits = if index < TEST_RANGE {
                number.starts_with("999")
            } else {
                number.starts_with('0') && number[2..4] == *"99"
            };
            assert!(fits && nhs_number::is_valid(&number));
            assert!(seen.insert(number));
        }
        assert_eq!(seen.len(), BEYOND_TEST_RANGE);
    }

    #[test]
    fn mobiles_are_ofcoms_and_emails_are_nobodys() {
        for patient in patients(2_000, 1) {
            assert!(
                patient.mobile.is_empty()
                    || (patient.mobile.starts_with("07700 900") && patient.mobile.len() == 12)
            );
            assert!(patient.email.is_empty() || patient.email.ends_with("@example.org"));
        }
    }

    #[test]
    fn exceptions_come_about_as_often_as_promised() {
        let all: Vec<_> = patients(20_000, 5).collect();
        let share = |test: &dyn Fn(&SyntheticPatient) -> bool| {
            all.iter().filter(|patient| test(patient)).count() as f64 / all.len() as f64
        };
        let world = |test: fn(&WorldPatient) -> bool| {
            share(&|patient| patient.world.as_ref().is_some_and(test))
        };
        let near = |share: f64, wanted: f64| (share - wanted).abs() < wanted / 2.0;
        assert!(near(world(|entry| entry.deceased.is_some()), 0.01));
        assert!(near(world(|entry| entry.registered), 0.05));
        assert!(near(world(|entry| entry.missing), 0.003));
        assert!(near(world(|entry| entry.no_access), 0.003));
        assert!(near(
            world(|entry| entry.date_of_birth != BirthAtPkb::AsUploaded),
            0.003
        ));
        assert!(near(share(&|patient| patient.address[0].is_empty()), 0.003));
        assert!(near(share(&|patient| patient.mobile.is_empty()), 0.15));
        assert!(near(
            share(&|patient| patient.date_of_birth > date(2010, 11, 22)),
            0.08
        ));
        assert!(near(share(&|patient| patient.language == "cy"), 0.04));
    }

    #[test]
    fn the_shares_of_the_cultures_make_a_thousand() {
        assert_eq!(
            CULTURES
                .iter()
                .map(|culture| culture.per_mille)
                .sum::<u32>(),
            1000
        );
    }
}
