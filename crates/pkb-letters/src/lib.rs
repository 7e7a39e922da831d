//! Stage 4: letters, SMS sheets and the manifest.
//!
//! * The words and where they stand: [`template`], [`fonts`], [`language`].
//! * Typesetting, which knows no record: [`typeset`] turns [`letter_fields::LetterFields`] into tagged PDFs.
//! * Who gets what: [`invitee`], [`address`].
//! * The files: [`press`], [`manifest`], [`sms`].
//! * The stage: [`args`], [`run`], [`stage`], [`sorting`].
//! * Looking before printing: [`template_check`], [`proof`].
//! * Reading what was written, with other code: [`verify`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod address;
pub mod args;
pub mod fonts;
pub mod invitee;
pub mod language;
pub mod letter_fields;
pub mod manifest;
pub mod press;
pub mod proof;
pub mod run;
pub mod sms;
pub mod sorting;
pub mod spool;
pub mod stage;
pub mod template;
pub mod template_check;
pub mod typeset;
pub mod verify;
mod zipping;
