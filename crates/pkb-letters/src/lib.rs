//! Stage 4: letters, SMS sheets and the manifest.
//!
//! * Typesetting, which knows no record: [`template`], [`fonts`], [`qr`] and [`typesetter`] turn
//!   [`letter_fields::LetterFields`] into one tagged PDF.
//! * Who gets what: [`invitee`].
//! * The files: [`manifest`], [`sms`].
//! * The stage: [`args`], [`run`].
//! * Reading what was written, with other code: [`page_reader`], [`verify`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod args;
mod desk;
pub mod fonts;
pub mod invitee;
mod joining;
pub mod letter_fields;
pub mod manifest;
pub mod organisation;
mod page_check;
pub mod page_reader;
mod press;
pub mod qr;
pub mod run;
pub mod sms;
pub mod template;
pub mod typesetter;
pub mod verify;
