//! This machine: the files of secrets, what others can read, space.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::findings::Findings;
use pkb_core::ExitCode;

/// Less free space than this is worth a word: 100,000 letters take about 2 GiB.
const LITTLE_SPACE: u64 = 2 << 30;
/// With less than this nothing is sure to be written.
const NO_SPACE: u64 = 100 << 20;
/// Files that may hold patient data, by the ends of their names.
const PATIENT_DATA: [&str; 9] = [
    ".ndjson", ".journal", ".csv", ".csv.gz", ".xlsx", ".xls", ".ods", ".pdf", ".zip",
];

/// The file of a secret: there, ours alone, and nothing but the secret in it.
pub(super) fn secret_file(path: &Path, about: &'static str, findings: &mut Findings) {
    // What is no file's name may be the secret itself: it is not repeated.
    let Ok(metadata) = fs::metadata(path) else {
        return findings.problem(
            about,
            ExitCode::Usage,
            "the file that is named for it does not exist. Set the path of a file, not the secret",
        );
    };
    let name = path.display();
    if !metadata.is_file() {
        return findings.problem(about, ExitCode::Usage, format!("{name} is not a file"));
    }
    let mut wrong = Vec::new();
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        wrong.push(format!("others can read or change the file (mode {mode:04o}). Run: chmod 600 {name}. Ask for a new \
            secret if they may have read it"));
    }
    match fs::read(path) {
        Err(error) => wrong.push(format!(
            "the file cannot be read ({}). To see who owns it: ls -l {name}",
            error.kind()
        )),
        Ok(bytes) => wrong.extend(rubbish(&bytes).map(str::to_owned)),
    }
    if wrong.is_empty() {
        findings.ok(
            about,
            format!("{name}: mode {mode:04o}, one word and nothing else"),
        );
    }
    for what in wrong {
        findings.problem(about, ExitCode::Usage, format!("{name}: {what}"));
    }
}

/// The file of a certificate and its key: there, and ours alone. That it holds both is seen when it is used.
pub(super) fn key_file(path: &Path, about: &'static str, findings: &mut Findings) {
    let name = path.display();
    let Ok(metadata) = fs::metadata(path) else {
        return findings.problem(about, ExitCode::Usage, format!("{name} does not exist"));
    };
    let mode = metadata.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => findings.ok(about, format!("{name}: mode {mode:04o}")),
        _ => findings.problem(
            about,
            ExitCode::Usage,
            format!("{name}: others can read or change the key in it (mode {mode:04o}). Run: chmod 600 {name}. Ask for a new certificate if they may have read it"),
        ),
    }
}

/// What does not belong into the file of a secret. White space around it does no harm.
fn rubbish(bytes: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("the file is not UTF-8 text. Write it again with an editor on this machine");
    };
    let secret = text.trim();
    if secret.is_empty() {
        Some("the file is empty. Write the secret into it")
    } else if text.starts_with('\u{feff}') {
        Some(
            "the file begins with a byte-order mark. Write it again with an editor on this machine",
        )
    } else if secret.chars().any(char::is_whitespace) {
        Some("the file has several words or lines. Write only the secret into it")
    } else if secret.starts_with(['"', '\'']) || secret.ends_with(['"', '\'']) {
        Some("there are quotes around the secret. Delete them, unless they belong to the secret")
    } else if secret.chars().any(char::is_control) || !secret.is_ascii() {
        Some(
            "the file has characters that no secret has, as when it was copied from a document. Type the secret again",
        )
    } else {
        None
    }
}

/// The folder that a campaign runs in, and the machine.
pub(super) fn machine(folder: &Path, findings: &mut Findings) {
    permissions(folder, findings);
    match umask() {
        Some(mask) if mask & 0o077 != 0o077 => findings.warn(
            "umask",
            format!("{mask:04o}: others can read the files that the shell makes (>). Run: umask 077, or use --output"),
        ),
        Some(mask) => findings.ok("umask", format!("{mask:04o}")),
        None => {}
    }
    space(folder, "disk", findings);
    temporary(&std::env::temp_dir(), findings);
}

fn permissions(folder: &Path, findings: &mut Findings) {
    let mut open = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_open = |metadata: fs::Metadata| metadata.is_file() && metadata.mode() & 0o044 != 0;
        if PATIENT_DATA.iter().any(|end| name.ends_with(end))
            && fs::metadata(&path).is_ok_and(is_open)
        {
            open.push(name);
        }
    }
    open.sort_unstable();
    match open.as_slice() {
        [] => findings.ok(
            "permissions",
            "no file here that may hold patient data can be read by others",
        ),
        [..] => {
            let shown = open[..open.len().min(5)].join(" ");
            let more = if open.len() > 5 {
                format!(" and {} more", open.len() - 5)
            } else {
                String::new()
            };
            findings.warn(
                "permissions",
                format!("others can read {shown}{more}, which may hold patient data. Run chmod 600 on each of them"),
            );
        }
    }
}

/// What the shell's `umask` shows; Linux tells it without its being changed.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

fn space(folder: &Path, about: &'static str, findings: &mut Findings) {
    let Ok(system) = rustix::fs::statvfs(folder) else {
        return;
    };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let what = format!(
        "{} MiB free in {}",
        free >> 20,
        if folder == Path::new(".") {
            "this folder".into()
        } else {
            folder.display().to_string()
        }
    );
    match free {
        ..NO_SPACE => findings.problem(
            about,
            ExitCode::Io,
            format!("{what}. Make room on the disk"),
        ),
        NO_SPACE..LITTLE_SPACE => findings.warn(
            about,
            format!("{what}. 100,000 letters take about 2,000 MiB"),
        ),
        _ => findings.ok(about, what),
    }
}

fn temporary(folder: &Path, findings: &mut Findings) {
    let path: PathBuf = folder.join(format!("pkb-doctor-{}", std::process::id()));
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    let _ = fs::remove_file(&path);
    match made {
        Ok(_) => space(folder, "temporary", findings),
        Err(error) => findings.problem(
            "temporary",
            ExitCode::Io,
            format!(
                "no file can be made in {} ({}). To use a different folder: TMPDIR=DIR",
                folder.display(),
                error.kind()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_secret_holds_the_secret_and_nothing_else() {
        for good in [&b"s3cret/+="[..], b"s3cret\n", b" s3cret \r\n"] {
            assert_eq!(rubbish(good), None, "{good:?}");
        }
        for (bad, part) in [
            (&b"\n"[..], "empty"),
            (b"\xff\xfes\0e\0", "not UTF-8"),
            ("\u{feff}secret".as_bytes(), "byte-order mark"),
            (b"secret one", "several words"),
            (b"one\ntwo\n", "several words"),
            (b"\"secret\"", "quotes"),
            ("s\u{2013}cret".as_bytes(), "copied from a document"),
        ] {
            assert!(
                rubbish(bad).is_some_and(|what| what.contains(part)),
                "{part}"
            );
        }
    }
}
