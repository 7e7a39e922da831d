//! Whole-pipeline tests, and what they need to read a finished letter as its patient does.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bench_calls;
pub mod demo_patient;
pub mod hostile_pkb;
pub use pkb_verify::page_reader;
