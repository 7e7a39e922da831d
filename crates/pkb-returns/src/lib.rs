//! What a mail company reports of its letters: status files, lists of returned letters, bare scans. Each line is found by the
//! reference of a delivery, by the number printed on the letter, or by GOV.UK Notify's id, and noted in the delivery.
//!
//! Words and reasons are those of the NHS Notify Supplier API. There is no national form of such a file: layouts are profiles.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod args;
mod event;
mod findings;
mod follow;
mod profile;
mod reports;
pub mod run;
#[cfg(test)]
mod tests;
