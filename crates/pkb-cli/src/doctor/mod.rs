//! A look at everything a campaign needs, before it begins: settings, secrets, this machine, PKB, GOV.UK Notify. Each thing is
//! a line that says what to do; nothing is changed, at PKB neither.
//!
//! * `local`: secrets, files, folders, space; `remote`: servers, their clocks, credentials; `interfaces`: what this client may use of PKB, and
//!   how long that takes.

mod findings;
mod interfaces;
mod local;
mod remote;

use std::{path::Path, process::Command, sync::Arc};

use clap::Args;

use crate::{
    args::{NotifyKeyArgs, PKB, PkbArgs},
    settings::{PROGRAMS, program_of},
};
use findings::Findings;
use pkb_client::{rest::USER_PATH, upload::UPLOAD_PATH};
use pkb_core::{ExitCode, Fatal};

/// What can be asked of the doctor.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Also ask GOV.UK Notify whether the API key works
    #[arg(long)]
    notify: bool,

    /// Patients in the campaign, to say how long PKB takes
    #[arg(long, value_name = "N")]
    patients: Option<u64>,

    /// Path of byNationalId below the base address
    #[arg(long, default_value = USER_PATH, value_name = "PATH", help_heading = PKB)]
    user_path: String,

    /// Path to which batches are sent, below the base address
    #[arg(long, default_value = UPLOAD_PATH, value_name = "PATH", help_heading = PKB)]
    upload_path: String,

    /// Notify.
    #[command(flatten)]
    notify_key: NotifyKeyArgs,

    /// PKB.
    #[command(flatten)]
    pkb: PkbArgs,
}

/// Looks at everything, and says what it found on standard output.
///
/// # Errors
/// The report cannot be written.
pub async fn run(args: DoctorArgs) -> Result<ExitCode, Fatal> {
    let mut findings = Findings::default();
    settings(&args, &mut findings);
    if let Some(file) = args.pkb.secret_file() {
        local::secret_file(file, "secret", &mut findings);
    }
    notify_key(&args, &mut findings);
    local::machine(Path::new("."), &mut findings);
    remote::pkb(&args, &mut findings).await;
    if args.notify {
        remote::notify(&args.notify_key, &args.pkb, &mut findings).await;
    }
    crate::app::print(&findings.to_string())?;
    Ok(findings.exit_code())
}

fn settings(args: &DoctorArgs, findings: &mut Findings) {
    let missing = args.pkb.missing();
    match missing.is_empty() {
        true => match args.pkb.client(&Arc::default()) {
            Ok(_) => findings.ok("settings", "complete"),
            Err(fatal) => findings.fatal("settings", &fatal),
        },
        false => findings.problem(
            "settings",
            ExitCode::Usage,
            format!(
                "not set: {}. Export them, or write them below [pkb] in pkb.toml. If you have no pkb.toml yet, write one with: pkb config --toml > pkb.toml",
                missing.join(", ")
            ),
        ),
    }
    // Each program checks its own part of the file; they are installed side by side.
    for program in PROGRAMS.map(program_of) {
        let asked = std::env::current_exe().and_then(|own| {
            Command::new(own.with_file_name(&program))
                .arg("config")
                .output()
        });
        match asked {
            Ok(output) if output.status.success() => {}
            Ok(output) => findings.problem(
                "settings",
                ExitCode::Usage,
                String::from_utf8_lossy(&output.stderr)
                    .trim_end()
                    .to_owned(),
            ),
            Err(_) => findings.warn(
                "programs",
                format!("{program} is not in the folder of this program. What to do: install it"),
            ),
        }
    }
}

fn notify_key(args: &DoctorArgs, findings: &mut Findings) {
    if let Some(file) = args.notify_key.file() {
        local::secret_file(file, "Notify key", findings);
    } else if std::env::var_os("NOTIFY_API_KEY").is_none() {
        if args.notify {
            findings.problem(
                "Notify key",
                ExitCode::Usage,
                "not set: NOTIFY_API_KEY_FILE names the file that holds it",
            );
        } else {
            findings.ok(
                "Notify key",
                "not set, and only needed for texts and letters through GOV.UK Notify",
            );
        }
        return;
    }
    match args.notify_key.key() {
        Ok(_) if args.notify => {}
        Ok(_) => findings.ok(
            "Notify key",
            "has the form of one (--notify asks Notify about it)",
        ),
        Err(fatal) => findings.fatal("Notify key", &fatal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_what_has_to_be_fixed_first() {
        let mut findings = Findings::default();
        findings.warn("x", "y");
        assert_eq!(findings.exit_code(), ExitCode::Done);
        findings.problem("x", ExitCode::TryLater, "y");
        findings.problem("x", ExitCode::Credentials, "y");
        assert_eq!(findings.exit_code(), ExitCode::Credentials);
        findings.problem("x", ExitCode::Usage, "two\nlines");
        assert_eq!(findings.exit_code(), ExitCode::Usage);
        let text = findings.to_string();
        assert!(
            text.contains("\nnot ready: 3 problems and 1 warning. Correct them"),
            "{text}"
        );
    }
}
