//! The commands, and how each ends.

mod failure;
mod made_files;
mod stand_ins;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use atomic_write_file::AtomicWriteFile;
use clap::Parser;
use pkb_synthetic::PrivateFile;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::args::{Cli, Command, Env, Serve};
use crate::{
    CLIENT_ID, CLIENT_SECRET, Config, Faults, NHS_NOTIFY_API_KEY, NHS_NOTIFY_KEY_ID,
    NHS_NOTIFY_PRIVATE_KEY, NHS_NOTIFY_ROUTING_PLANS, NOTIFY_API_KEY, NOTIFY_LETTER_TEMPLATE,
    NOTIFY_TEMPLATES, NhsNotifyConfig, NotifyConfig, NotifyTemplate, REFRESH_TOKEN, Sandbox, World,
};
use failure::{Failure, USAGE};
use made_files::{patients, world_of};

/// Runs the command that the process was started with.
///
/// Exit codes: 0 done, 2 wrong usage, 65 a delivery that is not what its manifest says, 66 no world, faults or other input file, 74 an address or a file could not be used (silent if the reader of
/// standard output went away).
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            let code = if help_or_error.use_stderr() { USAGE } else { 0 };
            let _ = help_or_error.print();
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        Command::Serve(args) => serve(args),
        Command::Env(args) => env(&args),
        Command::Patients(args) => patients(&args),
        Command::World(args) => world_of(&args),
        Command::Mesh(args) => stand_ins::mesh(&args),
        Command::MailCompany(args) => stand_ins::mail_company(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(error) = failure.error {
                let _ = writeln!(io::stderr(), "pkb-sandbox: {error:#}");
            }
            ExitCode::from(failure.code)
        }
    }
}

fn serve(args: Serve) -> Result<(), Failure> {
    log_requests(args.quiet);
    let world = match &args.world {
        Some(path) => World::read(path)?,
        None => World::default(),
    };
    let faults = match &args.faults {
        Some(path) => Faults::read(path)?,
        None => Faults::default(),
    };
    let mut notify = NotifyConfig::default();
    for (id, path) in &args.notify_template {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        notify
            .templates
            .push(NotifyTemplate::text(id, text.trim_end()));
    }
    let mut nhs_notify = NhsNotifyConfig::default();
    if let Some(path) = &args.nhs_jwks {
        nhs_notify.jwks = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    let config = Config {
        notify,
        nhs_notify,
        listen: args.listen,
        world,
        seed: args.seed,
        faults,
        same_codes: args.same_codes,
        processing_ms: args.processing_ms,
        fixed_time: args.fixed_time,
        org_id: args.org_id,
        team_aliases: args.team_alias,
        value_date_time: args.value_date_time,
        json_mounts: args.json_mounts,
        one_at_a_time: args.one_at_a_time,
        not_enabled: args.not_enabled,
        max_status_query: args.max_status_query,
        max_invitation_tokens: args.max_invitation_tokens,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(async {
        // Before the address is known to anybody: a signal that comes at once must find its handler.
        let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
        let sandbox = Sandbox::start(config).await?;
        if let Some(path) = &args.port_file {
            announce(path, sandbox.address())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let _ = writeln!(io::stderr(), "listening on {}", sandbox.base_url());
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sandbox.stop().await;
        Ok(())
    })
}

/// RUST_LOG is not heard: at its finer levels the HTTP library would show what it carries.
fn log_requests(quiet: bool) {
    let ours = if quiet {
        LevelFilter::WARN
    } else {
        LevelFilter::INFO
    };
    let filter = Targets::new()
        .with_target("pkb_sandbox", ours)
        .with_default(LevelFilter::WARN);
    let to_stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    // An error means that there is a subscriber already, which is as good.
    let _ = tracing_subscriber::registry()
        .with(to_stderr)
        .with(filter)
        .try_init();
}

fn announce(path: &Path, address: SocketAddr) -> io::Result<()> {
    let mut file = AtomicWriteFile::open(path)?;
    writeln!(file, "{address}")?;
    file.commit()
}

fn env(args: &Env) -> Result<(), Failure> {
    let address = args.listen;
    let token_path = match &args.tethered {
        Some(path) => {
            write_secret(path, REFRESH_TOKEN)?;
            "apiToken.action"
        }
        None => "api/oauth/token",
    };
    // The shell may go to another folder before they are read.
    let secrets = std::path::absolute(args.secrets.clone().unwrap_or_else(temporary_folder))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&secrets)
        .with_context(|| format!("cannot make the folder {}", secrets.display()))?;
    let secret = |name: &str, value: &str| -> Result<String, Failure> {
        let path = secrets.join(name);
        write_secret(&path, value)?;
        let path = path.into_os_string().into_string();
        Ok(path.map_err(|_| anyhow::anyhow!("the folder of secrets is not UTF-8 text"))?)
    };
    let secret_file = secret("client-secret", CLIENT_SECRET)?;
    let key_file = secret("notify-key", NOTIFY_API_KEY)?;
    let nhs_key_file = secret("nhs-notify-key", NHS_NOTIFY_API_KEY)?;
    let nhs_private_key = secret(
        "nhs-notify-private-key.pem",
        NHS_NOTIFY_PRIVATE_KEY.trim_end(),
    )?;
    let program = std::env::current_exe().context("cannot find this program's own folder")?;
    let mut text = String::new();
    for (name, value) in [
        ("PKB_BASE_URL", format!("http://{address}")),
        ("PKB_TOKEN_URL", format!("http://{address}/{token_path}")),
        ("PKB_CLIENT_ID", CLIENT_ID.to_owned()),
        // A file, which beats one that a settings file names; and the variable, in the place of one that is set already.
        ("PKB_CLIENT_SECRET_FILE", secret_file),
        ("PKB_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("PKB_FHIR_URL", format!("http://{address}/fhir")),
        ("PKB_MESSAGING_URL", format!("http://{address}/phr-fhir")),
        ("PKB_ORG_ID", args.org_id.clone()),
        ("PKB_JOIN_URL", format!("http://{address}/join/")),
        ("NOTIFY_BASE_URL", format!("http://{address}")),
        ("NOTIFY_API_KEY_FILE", key_file),
        ("NOTIFY_API_KEY", NOTIFY_API_KEY.to_owned()),
        ("NOTIFY_TEMPLATE_IDS", NOTIFY_TEMPLATES[..2].join(",")),
        (
            "NOTIFY_LETTER_TEMPLATE_ID",
            NOTIFY_LETTER_TEMPLATE.to_owned(),
        ),
        ("NHS_NOTIFY_BASE_URL", format!("http://{address}/comms")),
        (
            "NHS_NOTIFY_TOKEN_URL",
            format!("http://{address}/oauth2/token"),
        ),
        ("NHS_NOTIFY_API_KEY_FILE", nhs_key_file),
        ("NHS_NOTIFY_API_KEY", NHS_NOTIFY_API_KEY.to_owned()),
        ("NHS_NOTIFY_KEY_ID", NHS_NOTIFY_KEY_ID.to_owned()),
        ("NHS_NOTIFY_PRIVATE_KEY_FILE", nhs_private_key),
        (
            "NHS_NOTIFY_ROUTING_PLAN",
            NHS_NOTIFY_ROUTING_PLANS[0].to_owned(),
        ),
    ] {
        text.push_str(&format!("export {name}={}\n", shell_quote(&value)));
    }
    if let Some(path) = &args.tethered {
        // The shell may go to another folder before it is read.
        let path = std::path::absolute(path)?;
        let path = path
            .to_str()
            .context("the name of the refresh token's file is not UTF-8 text")?;
        text.push_str(&format!(
            "export PKB_REFRESH_TOKEN_FILE={}\n",
            shell_quote(path)
        ));
    }
    let folder = program
        .parent()
        .and_then(Path::to_str)
        .context("the name of this program's folder is not UTF-8 text")?;
    text.push_str(&format!("export PATH={}:\"$PATH\"\n", shell_quote(folder)));
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Where secrets go that open nothing but sandboxes: a folder for each user.
fn temporary_folder() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("pkb-sandbox-{user}"))
}

fn write_secret(path: &Path, secret: &str) -> Result<(), Failure> {
    let mut file = PrivateFile::create(path)?;
    writeln!(file, "{secret}")?;
    file.finish()?;
    Ok(())
}

/// A word that a POSIX shell takes as it is.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_folder_name_stays_inside_the_word() {
        assert_eq!(shell_quote("/home/o'brien/$x"), r"'/home/o'\''brien/$x'");
    }
}
