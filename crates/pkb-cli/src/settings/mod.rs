//! Settings: every option of every program may also stand in `pkb.toml`. Flags beat environment variables, those beat
//! the file, and that the defaults.
//!
//! It works on clap's `Command`, so no stage has code for it and a new option is a setting by itself: what the file
//! says becomes arguments, as if they had been typed. So an option that needs another is content with one from the
//! file, a required one may come from there, and whatever an option's own parser refuses is refused here.
//!
//! * `file`: what stands in the file, with lines; `schema`: what may; `value`: the one as the other.
//! * `resolve`: what a command line comes to with the file; `clap_error`: what there is to say besides clap's words.
//! * `option`: what an option is as a setting.
//! * `commands`: what every program has besides its work; `explain`: `config`; `skeleton`: `config --toml`;
//!   `pages`: manual pages and completions.
//! * `on_terminal`: patient data are not shown on terminals unasked.
//! * `addresses`: of the file and of the environment, which must not be of a campaign and of a rehearsal.
//! * `secrets`: where they go, since they do not go here.
//!
//! Paths are taken as on the command line: from the current folder, where `pkb.toml` is looked for.

mod addresses;
mod clap_error;
mod commands;
mod early_exit;
mod explain;
mod file;
mod on_terminal;
mod option;
mod pages;
mod resolve;
mod schema;
mod secrets;
mod skeleton;
#[cfg(test)]
mod tests;
mod value;

use std::ffi::OsString;

use clap::Parser;

pub use early_exit::EarlyExit;
use resolve::Sources;
pub use schema::{PROGRAMS, program_of};

/// The arguments of `program`, from the command line `line` (the program's name first), the environment and the
/// settings file.
///
/// # Errors
/// What the program does instead of its work.
pub fn arguments<A: Parser>(program: &str, line: Vec<OsString>) -> Result<A, EarlyExit> {
    let sources = Sources::new(program, A::command());
    let first = sources.look(&line)?;
    match first.subcommand() {
        Some(("config", asked)) => return Err(explain::config(&sources, asked)),
        Some(("man", asked)) => return Err(pages::man(&sources, asked)),
        Some(("completions", asked)) => return Err(pages::completions(&sources, asked)),
        _ => {}
    }
    let mut resolved = sources.resolve(&sources.command, &first, line)?;
    if let Some(clash) = resolved.clash {
        return Err(clash.into());
    }
    let (mut leaf, mut matches) = (&sources.command, &resolved.matches);
    while let Some((name, inner)) = matches.subcommand()
        && let Some(subcommand) = leaf.find_subcommand(name)
    {
        (leaf, matches) = (subcommand, inner);
    }
    on_terminal::refuse(leaf, matches)?;
    A::from_arg_matches_mut(&mut resolved.matches)
        .map_err(|error| error.format(&mut sources.command.clone()).into())
}
