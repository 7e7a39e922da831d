//! `pkb-notify`: text messages and letters through GOV.UK Notify, and messages through NHS Notify, without a spreadsheet and a browser.
//!
//! * `args`, `run`: what can be asked, and who does it.
//! * `sending`: the stage. `once`: whatever happens, nothing is sent twice. `freshness`: what must be true on the day something is sent.
//! * `sms`, `template`, `organisation`: what is the text messages' own, and the values of their templates.
//! * `post`, `letter_file`: what is the letters' own, and whether Notify would print them.
//! * `rows`, `row_files`: letters that GOV.UK Notify makes of a template, from the rows that pkb-letters wrote.
//! * `nhs`: messages through NHS Notify.
//! * `statuses`: what became of all of them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod freshness;
mod letter_file;
mod nhs;
mod once;
mod organisation;
mod post;
mod row_files;
mod rows;
mod run;
mod sending;
mod sending_hours;
mod sms;
mod statuses;
mod template;

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-notify", run::run)
}
