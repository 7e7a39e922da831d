//! How large the numbers of a record may be. A stream comes from a file, which a person or a bad disk may have changed:
//! what a program counts, adds up, or keeps a set of must not make it hang or swell, so a number that no campaign has is
//! refused where it is read.

use serde::{Deserialize, Deserializer};

/// The largest number of a row, and the most rows of a patient file: more than there are people in the United Kingdom.
pub const MAX_ROW: u64 = 100_000_000;
/// The largest number of a letter: 999 shards have a million each.
pub const MAX_SEQUENCE: u64 = 10_000_000_000;
/// The last page of a file: 50,000 letters of ten pages.
pub const MAX_PAGE: u64 = 1_000_000;

/// A row's number, or how many rows there are.
///
/// # Errors
/// It is more than [`MAX_ROW`].
pub fn row<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    up_to(MAX_ROW, u64::deserialize(from)?)
}

/// A letter's number.
///
/// # Errors
/// It is more than [`MAX_SEQUENCE`].
pub fn sequence<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    up_to(MAX_SEQUENCE, u64::deserialize(from)?)
}

/// The same where there may be none.
///
/// # Errors
/// As [`sequence`].
pub fn some_sequence<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<u64>::deserialize(from)?;
    number.map(|number| up_to(MAX_SEQUENCE, number)).transpose()
}

/// First and last page, from 1.
///
/// # Errors
/// One of them is more than [`MAX_PAGE`].
pub fn some_pages<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(u64, u64)>, D::Error> {
    let pages = Option::<(u64, u64)>::deserialize(from)?;
    if let Some((first, last)) = pages {
        up_to(MAX_PAGE, first.max(last))?;
    }
    Ok(pages)
}

fn up_to<E: serde::de::Error>(limit: u64, number: u64) -> Result<u64, E> {
    if number > limit {
        return Err(E::custom(format_args!(
            "a number that is too large: it can be up to {limit}"
        )));
    }
    Ok(number)
}
