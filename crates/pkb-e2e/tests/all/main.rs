//! The real binaries against a local PKB over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs
)]

mod canary;
mod demo;
mod documents;
mod faults;
mod fhir;
mod fixture_journey;
mod harness;
mod ledger;
mod letters;
mod notify;
mod outcomes;
mod printing;
mod processing;
mod recovery;
mod shards;
mod sms;
mod streams;
mod upload;
mod verify;
mod whom;
