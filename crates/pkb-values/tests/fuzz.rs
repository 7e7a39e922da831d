//! Fuzz targets of the value parsers: whatever stands in a cell, a parser refuses it, or makes of it a
//! value that it reads again as the same. `scripts/fuzz` runs them for a minute each.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use pkb_values::{
    AddressLine, DateOfBirth, DateOrder, Email, Language, LocalId, NationalIdType, NhsNumber,
    PersonName, Phone, Postcode, Problem, UkMobile, looks_like_mojibake,
};
use proptest::{prelude::*, test_runner::TestRunner};

/// What cells are made of; random bytes alone would hardly ever be nearly right.
const PARTS: [&str; 64] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "07700",
    "900123",
    "999",
    "576067891",
    "1999",
    "2000",
    "21",
    "04",
    "31",
    "12",
    "Apr",
    "april",
    "September",
    "/",
    "-",
    ".",
    " ",
    "  ",
    ",",
    ":",
    "00:00",
    "T00:00:00",
    "Z",
    "+",
    "E+09",
    "+44",
    "(0)",
    "#N/A",
    "####",
    "=\"",
    "\"",
    "'",
    "@",
    "example",
    ".org",
    "a",
    "Z",
    "O'Brien",
    "é",
    "e\u{301}",
    "Ã©",
    "NE1",
    "1XC",
    "ZZ99",
    "GIR",
    "0AA",
    "en",
    "cy",
    "\u{202e}",
    "\u{a0}",
    "\t",
    "\n",
    "\0",
    "\u{fffd}",
];

fn text_of(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| PARTS[usize::from(*byte) % PARTS.len()])
        .collect()
}

/// Parses texts, and what they become; for PKB_FUZZ_SECONDS, or one round of cases.
fn fuzz<T: PartialEq + Debug>(
    parse: impl Fn(&str) -> Result<T, Problem>,
    expose: impl Fn(&T) -> String,
) {
    let seconds = std::env::var("PKB_FUZZ_SECONDS").ok();
    let seconds = seconds.map_or(0, |seconds| seconds.parse().expect("a number"));
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let cells = proptest::collection::vec(any::<u8>(), 0..12);
        TestRunner::default()
            .run(&cells, |bytes| {
                let text = text_of(&bytes);
                if let Ok(value) = parse(&text) {
                    prop_assert_eq!(parse(&expose(&value)), Ok(value), "{:?}", text);
                }
                Ok(())
            })
            .unwrap();
        if Instant::now() >= end {
            break;
        }
    }
}

#[test]
fn national_numbers() {
    fuzz(NhsNumber::parse, |value| value.expose_digits().to_owned());
}

#[test]
fn number_types() {
    fuzz(NationalIdType::parse, |value| value.rest_name().to_owned());
}

#[test]
fn dates_day_first() {
    fuzz(
        |text| DateOfBirth::parse_as_written(text, DateOrder::DayFirst),
        DateOfBirth::expose_iso,
    );
}

#[test]
fn dates_month_first() {
    fuzz(
        |text| DateOfBirth::parse_as_written(text, DateOrder::MonthFirst),
        DateOfBirth::expose_iso,
    );
}

#[test]
fn dates_of_the_stream() {
    fuzz(DateOfBirth::parse, DateOfBirth::expose_iso);
}

#[test]
fn names() {
    fuzz(PersonName::parse, |value| {
        let name = value.expose_name();
        looks_like_mojibake(name);
        name.to_owned()
    });
}

#[test]
fn address_lines() {
    fuzz(AddressLine::parse, |value| value.expose_line().to_owned());
}

#[test]
fn post_codes() {
    fuzz(Postcode::parse, |value| value.expose_postcode().to_owned());
}

#[test]
fn mobiles() {
    fuzz(UkMobile::parse, |value| value.expose_e164().to_owned());
}

#[test]
fn telephones() {
    fuzz(Phone::parse, |value| value.expose_e164().to_owned());
}

#[test]
fn emails() {
    fuzz(Email::parse, |value| value.expose_address().to_owned());
}

#[test]
fn local_identifiers() {
    fuzz(LocalId::parse, |value| value.expose_id().to_owned());
}

#[test]
fn languages() {
    fuzz(Language::parse, |value| value.expose_code().to_owned());
}
