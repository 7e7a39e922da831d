//! Manual pages and what shells need to complete options, from the same arguments as everything else.

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

use super::{Instead, Sources};
use pkb_core::Fatal;
use pkb_files::atomic_file::AtomicFile;

/// `man [DIR]`.
pub(super) fn man(sources: &Sources, asked: &ArgMatches) -> Instead {
    let mut command = sources.command.clone();
    command.build();
    match asked.get_one::<PathBuf>("dir") {
        Some(dir) => write_pages(&command, &sources.program, dir)
            .map_or_else(Instead::Stop, |()| Instead::Print(String::new())),
        None => page(&command, &sources.program).map_or_else(Instead::Stop, Instead::Print),
    }
}

/// A page for the program, and one for each of its commands: `pkb-letters-sms-send.1`.
fn write_pages(command: &Command, name: &str, dir: &Path) -> Result<(), Fatal> {
    AtomicFile::write(
        &dir.join(format!("{name}.1")),
        page(command, name)?.as_bytes(),
    )?;
    for subcommand in command.get_subcommands() {
        if !subcommand.is_hide_set() && subcommand.get_name() != "help" {
            write_pages(
                subcommand,
                &format!("{name}-{}", subcommand.get_name()),
                dir,
            )?;
        }
    }
    Ok(())
}

fn page(command: &Command, name: &str) -> Result<String, Fatal> {
    let mut text = Vec::new();
    let command = command
        .clone()
        .name(name.to_owned())
        .disable_help_subcommand(true);
    clap_mangen::Man::new(command)
        .source(concat!("pkb ", env!("CARGO_PKG_VERSION")))
        .manual("Mass registration for Patients Know Best")
        .render(&mut text)
        .map_err(|_| Fatal::Bug("the manual page cannot be made".into()))?;
    String::from_utf8(text).map_err(|_| Fatal::Bug("the manual page is not UTF-8".into()))
}

/// `completions SHELL`.
pub(super) fn completions(sources: &Sources, asked: &ArgMatches) -> Instead {
    let Some(shell) = asked.get_one::<Shell>("shell") else {
        return Instead::Stop(Fatal::Usage("name the shell: bash, zsh or fish".into()));
    };
    let mut text = Vec::new();
    clap_complete::generate(
        *shell,
        &mut sources.command.clone(),
        &sources.program,
        &mut text,
    );
    let text = String::from_utf8_lossy(&text).into_owned();
    Instead::Print(match shell {
        Shell::Bash => with_matching_names(&text, &sources.program),
        _ => text,
    })
}

/// clap_complete 4.6 writes the hyphen of a program's name in two ways, and bash then finds no subcommand's options.
fn with_matching_names(script: &str, program: &str) -> String {
    let prefix = |separator| program.replace('-', separator) + "__subcmd__";
    script.replace(&prefix("__subcmd__"), &prefix("__"))
}
