//! Stage 4: letters, SMS sheets and the manifest.
//!
//! * The words and where they stand: [`template`], [`fonts`], [`language`].
//! * Typesetting, which knows no record: [`typeset`] turns [`letter_fields::LetterFields`] into tagged PDFs.
//! * Who gets what: [`invitee`], [`address`].
//! * The files: [`press`], [`manifest`], [`sms`].
//! * The stage: [`args`], [`run`], [`stage`], [`sorting`]; letters that are made again: `again`, [`editions`].
//! * Who was sent what: [`ledger`]. What is no longer needed: [`purge`], [`seal`].
//! * Sending it through GOV.UK Notify: [`notify`].
//! * Looking before printing: [`template_check`], [`proof`].
//! * Reading what was written, with other code: [`verify`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

use pkb_core::rows;

pub mod address;
mod again;
pub mod args;
mod bound;
mod corrected;
pub mod editions;
pub mod fonts;
pub mod invitee;
mod join_url;
pub mod language;
pub mod ledger;
pub mod letter_fields;
mod made_for;
pub mod manifest;
pub mod merge;
pub mod notify;
mod numbered_batch;
pub mod press;
mod print_job;
pub mod proof;
pub mod purge;
pub mod run;
pub mod seal;
pub mod series;
pub mod sms;
pub mod sorting;
pub mod spool;
pub mod stage;
pub mod template;
pub mod template_check;
mod turns;
pub mod typeset;
pub mod verify;
mod within_limits;
mod zipping;
