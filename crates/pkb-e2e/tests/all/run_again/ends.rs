//! How the first run of a command ends.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{SLOW, command, faults, output_of, run_line, with_settings};
use crate::harness::{Campaign, Ended, run};

#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Success,
    /// The server fails from the sixth request on.
    Outage,
    /// A signal when the first records are settled.
    Signal(i32),
    /// `ulimit -f`, in kilobytes.
    FileLimit(u32),
}

impl End {
    /// Runs a command to this end, or to success where it is over too soon.
    pub(super) fn run(self, campaign: &Campaign, endpoint: &str, line: &str) -> Ended {
        match self {
            Self::Success => run_line(campaign, line),
            Self::Outage if endpoint.is_empty() => run_line(campaign, line),
            Self::Outage => {
                let from = match endpoint {
                    "upload" | "status_query" => 2,
                    _ => 6,
                };
                let rule = format!(
                    r#"{{"endpoint":"{endpoint}","when":{{"from":{from}}},"fault":{{"status":503}}}}"#
                );
                campaign.sandbox.set_faults(faults(&[SLOW, &rule]));
                let ended = run_line(campaign, line);
                campaign.sandbox.set_faults(faults(&[SLOW]));
                ended
            }
            Self::Signal(signal) => signalled(campaign, line, signal),
            Self::FileLimit(kilobytes) => {
                let bash = format!("ulimit -f {kilobytes}; exec {line}");
                let mut shell = Command::new("/bin/bash");
                let settings = campaign.command("pkb-upload");
                let inherited = settings.get_envs();
                shell
                    .current_dir(campaign.folder.path())
                    .env_clear()
                    .envs(inherited.filter_map(|(name, value)| Some((name, value?))))
                    .env("PATH", crate::harness::programs())
                    .args(["-c", &bash]);
                with_settings(campaign, &mut shell);
                run(&mut shell, b"")
            }
        }
    }

    /// Whether a run that was to end so may have this exit code. -1 is a program that was killed.
    pub(super) fn fits(self, code: i32) -> bool {
        matches!(code, 0 | 65)
            || match self {
                Self::Success => false,
                Self::Outage => code == 75,
                Self::Signal(9) => code == -1,
                Self::Signal(signal) => code == 128 + signal,
                Self::FileLimit(_) => code == 74,
            }
    }
}

/// Sends a signal when the journal has something in it.
fn signalled(campaign: &Campaign, line: &str, signal: i32) -> Ended {
    let place = match line.contains("--out print") {
        true => "print",
        false => output_of(line),
    };
    let journal = campaign.path(&format!("{place}.journal"));
    let mut child = command(campaign, line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let is_begun = || journal.metadata().is_ok_and(|known| known.len() > 0);
    while child.try_wait().unwrap().is_none() && !is_begun() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{line} never begins"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = rustix::process::Pid::from_child(&child);
    if let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
        // It may have ended.
        let _ = rustix::process::kill_process(pid, signal);
    }
    let ended = child.wait_with_output().unwrap();
    assert!(
        ended.status.signal().is_none_or(|by| by == 9),
        "{line}: {:?}",
        ended.status
    );
    Ended {
        code: ended.status.code().unwrap_or(-1),
        stdout: ended.stdout,
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}
