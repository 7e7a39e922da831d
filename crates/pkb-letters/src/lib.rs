//! Stage 4: letters, SMS sheets and the manifest.
//!
//! * Who gets what: [`invitee`].
//! * The files: [`press`], [`manifest`], [`sms`].
//! * The stage: [`args`], [`run`], [`stage`], [`sorting`]; letters that are made again: `again`.
//! * Looking before printing: [`template_check`], [`proof`].
//!
//! Templates and their layout are in pkb-typeset; finished letters are read again by pkb-verify.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod again;
pub mod args;
mod bound;
mod corrected;
pub mod invitee;
pub mod manifest;
mod numbered_batch;
pub mod press;
mod print_job;
pub mod proof;
pub mod run;
pub mod sms;
pub mod sorting;
pub mod stage;
pub mod template_check;
mod turns;
mod within_limits;
mod zipping;
