//! Manual pages and what shells need to complete options, from the same arguments as everything else.

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

use super::{early_exit::EarlyExit, manual, resolve::Sources};
use pkb_core::Fatal;
use pkb_files::atomic_file::AtomicFile;

/// `man [DIR]`.
pub(super) fn man(sources: &Sources, asked: &ArgMatches) -> EarlyExit {
    let mut command = sources.command.clone();
    command.build();
    match asked.get_one::<PathBuf>("dir") {
        Some(dir) => write_pages(&command, &sources.program, dir)
            .map_or_else(EarlyExit::Stop, |()| EarlyExit::Print(String::new())),
        None => page(&command, &sources.program).map_or_else(EarlyExit::Stop, EarlyExit::Print),
    }
}

/// A page for the program, and one for each of its commands: `pkb-notify-sms-send.1`.
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
    let examples = command.get_before_help().map(ToString::to_string);
    let command = command
        .clone()
        .name(name.to_owned())
        .disable_help_subcommand(true);
    let has_commands = command.get_subcommands().any(|one| !one.is_hide_set());
    let environment = manual::environment(&command);
    let page = clap_mangen::Man::new(command)
        .source(concat!("pkb ", env!("CARGO_PKG_VERSION")))
        .manual("Mass registration for Patients Know Best");
    let mut text = Vec::new();
    let mut write = || {
        page.render_title(&mut text)?;
        page.render_name_section(&mut text)?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        manual::examples(examples.as_deref(), &mut text)?;
        page.render_options_section(&mut text)?;
        if has_commands {
            page.render_subcommands_section(&mut text)?;
        }
        manual::exit_status(&mut text)?;
        manual::list("ENVIRONMENT", &environment, &mut text)?;
        manual::list("FILES", &manual::files(), &mut text)
    };
    write().map_err(|_| Fatal::Bug("the manual page cannot be made".into()))?;
    String::from_utf8(text).map_err(|_| Fatal::Bug("the manual page is not UTF-8".into()))
}

/// `completions SHELL`.
pub(super) fn completions(sources: &Sources, asked: &ArgMatches) -> EarlyExit {
    let Some(shell) = asked.get_one::<Shell>("shell") else {
        return EarlyExit::Stop(Fatal::Usage("name the shell: bash, zsh or fish".into()));
    };
    let mut text = Vec::new();
    clap_complete::generate(
        *shell,
        &mut sources.command.clone(),
        &sources.program,
        &mut text,
    );
    let text = String::from_utf8_lossy(&text).into_owned();
    EarlyExit::Print(match shell {
        Shell::Bash => with_matching_names(&text, &sources.program),
        _ => text,
    })
}

/// clap_complete 4.6 writes the hyphen of a program's name in two ways, and bash then finds no subcommand's options.
fn with_matching_names(script: &str, program: &str) -> String {
    let prefix = |separator| program.replace('-', separator) + "__subcmd__";
    script.replace(&prefix("__subcmd__"), &prefix("__"))
}
