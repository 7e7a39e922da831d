//! What the folder of letters and text messages has in it: what its files are called, which numbers are theirs, and the manifests.
//! Written by pkb-letters; read by what verifies, purges, and tells who was sent what.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod data_profile;
pub mod editions;
pub mod formats;
pub mod made_for;
pub mod manifest;
pub mod series;
pub mod shared_mobiles;

/// The batch of a file: `letters-0001` of `letters-0001.pdf` and of `letters-0001/000123-….pdf`.
#[must_use]
pub fn stem(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}
