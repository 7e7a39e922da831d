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
//!   `pages`, `manual`: manual pages, and completions.
//! * `help`: what `-h` and `--help` show; `must`: what a value must be; `meant`: commands that were meant.
//! * `on_terminal`: patient data are not shown on terminals unasked; `no_input`: nobody waits in silence.
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
mod help;
mod manual;
mod meant;
mod must;
mod no_input;
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

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
};

use clap::Parser;

pub use early_exit::EarlyExit;
pub use meant::COMMANDS;
use resolve::Sources;
pub use schema::{PROGRAMS, program_of};

/// What a command line comes to.
pub struct Settled<A> {
    /// The arguments.
    pub args: A,
    /// How often more log was asked for (`-v`).
    pub verbose: u8,
}

/// The arguments of `program`, from the command line `line` (the program's name first), the environment and the
/// settings file.
///
/// # Errors
/// What the program does instead of its work.
pub fn arguments<A: Parser>(program: &str, line: Vec<OsString>) -> Result<Settled<A>, EarlyExit> {
    let mut sources = Sources::new(program, A::command());
    if line.len() == 1 && io::stdin().is_terminal() {
        let mut command = help::short(sources.command);
        return Err(EarlyExit::Help(command.render_help().to_string()));
    }
    if help::is_short(&line) {
        sources.command = help::short(sources.command);
    }
    let first = sources.look(&line)?;
    match first.subcommand() {
        Some(("config", asked)) => return Err(explain::config(&sources, asked)),
        Some(("man", asked)) => return Err(pages::man(&sources, asked)),
        Some(("completions", asked)) => return Err(pages::completions(&sources, asked)),
        _ => {}
    }
    if let Some(meant) = meant::instead(&sources.command, &line) {
        return Err(EarlyExit::Usage(meant));
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
    no_input::refuse(leaf, matches)?;
    on_terminal::refuse(leaf, matches)?;
    let verbose = commands::verbose(matches);
    let args = A::from_arg_matches_mut(&mut resolved.matches)
        .map_err(|error| EarlyExit::from(error.format(&mut sources.command.clone())))?;
    Ok(Settled { args, verbose })
}
