//! `pkb-notify`: text messages and letters through GOV.UK Notify, without a spreadsheet and a browser.
//!
//! * `args`, `run`: what can be asked, and who does it.
//! * `sending`: the stage. `once`: whatever happens, nothing is sent twice. `freshness`: what must be true on the day something is sent.
//! * `sms`, `template`, `organisation`: what is the text messages' own, and the values of their templates.
//! * `post`, `letter_file`, `address`: what is the letters' own, and whether Notify would print them.
//! * `statuses`: what became of both.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod address;
mod args;
mod freshness;
mod letter_file;
mod once;
mod organisation;
mod post;
mod run;
mod sending;
mod sms;
mod statuses;
mod template;

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-notify", run::run)
}
