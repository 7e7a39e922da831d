//! The real binaries against a local PKB over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs
)]

mod campaign_controls;
mod campaign_mk;
mod canary;
mod command_line;
mod corrected;
mod damaged_files;
mod damaged_journals;
mod data_files;
mod data_protection;
mod demo;
mod doctor;
mod every_command;
mod extreme_numbers;
mod faults;
mod fhir;
mod fixture_journey;
mod formats;
mod guide;
mod harness;
mod hostile;
mod hostile_campaign;
mod hostile_text;
mod kept;
mod known_patients;
mod ledger;
mod letters;
mod lost_uploads;
mod messaging;
mod mixed_up;
mod nhs_login;
mod nhs_notify;
mod nobody_wrong;
mod notify;
mod one_patient;
mod outcomes;
mod pace;
mod plan;
mod prices;
mod printing;
mod processing;
mod recovery;
mod rehearsal;
mod report;
mod run_again;
mod settings;
mod shards;
mod sms;
mod stopped;
mod streams;
mod terminal;
mod upload;
mod uptake;
mod verify;
mod whom;
mod words;
