//! All tests that use the crate from outside, in one program so that they link once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command_line;
mod fault_rules;
mod faults;
mod fhir;
mod fixtures;
mod join_page;
mod ledger;
mod mark;
mod messaging;
mod mixed_up;
mod nhs_notify;
mod notify;
mod pkbs_rules;
mod processing;
mod rest;
mod support;
mod tethered_token;
mod token;
mod upload;
