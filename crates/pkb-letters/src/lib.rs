//! Stage 4: what each patient gets by which channel, the files, and the manifest.
//!
//! * The channels: `channels`, a folder for each.
//! * The stage: [`args`], [`run`], `stage`, `sorting`; letters that are made again: `made_again`, `corrected`; letters to staff: `seeds`; codes that
//!   expire: `expiry`.
//! * Looking before printing: `template_check`, `within_limits`.
//!
//! Templates and their layout are in pkb-typeset; finished letters are read again by pkb-verify.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod args;
pub mod channels;
mod corrected;
pub mod expiry;
mod letter_name;
mod made_again;
pub mod run;
mod seeds;
mod sorting;
mod stage;
mod template_check;
mod within_limits;
