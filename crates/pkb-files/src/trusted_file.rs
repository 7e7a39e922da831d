//! Files that are believed: settings say where secrets are sent, certificates who is PKB, templates and maps what goes to
//! whom. So they are read only if nobody but their owner and root can have changed them, and the owner is whoever runs the
//! program, or root.
//!
//! A file is looked at as it was opened, and so is each link that leads to it: what stands at the path a moment later is
//! another matter.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat, readlinkat};

use crate::{Fatal, shown};

/// Links that lead to a file one after the other.
const MOST_LINKS: usize = 16;

/// What a file is read for, and so why it matters who can change it. It fits after "who can change it decides".
#[derive(Debug, Clone, Copy)]
pub struct Purpose(pub &'static str);

impl Purpose {
    /// `pkb.toml`.
    pub const SETTINGS: Self = Self("where secrets and patients' data are sent");
    /// A secret, or the authorities that are believed.
    pub const CREDENTIALS: Self = Self("who is believed to be PKB, or who signs in there");
    /// A letter template, or the words of text messages.
    pub const WORDS: Self = Self("what patients read, and where their codes lead them");
    /// The public key of a mail company.
    pub const RECIPIENT: Self = Self("who can read the codes of all patients");
    /// A map of columns, a profile, a list of words.
    pub const RULES: Self = Self("who is written to, and what PKB is told");
}

/// Why a file was not read.
#[derive(Debug)]
pub enum Unread {
    /// The system's reason.
    Io(io::Error),
    /// It must not be believed.
    Doubtful(Fatal),
}

impl Unread {
    /// The same as what stops a program, where the system's reason has words of its own.
    pub fn or(self, words: impl FnOnce(io::Error) -> Fatal) -> Fatal {
        match self {
            Self::Io(error) => words(error),
            Self::Doubtful(fatal) => fatal,
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for Unread {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, or somebody else could have changed it.
pub fn read(path: &Path, purpose: Purpose) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    open(path, purpose)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of text.
///
/// # Errors
/// As [`read`], or it is not in UTF-8.
pub fn read_to_string(path: &Path, purpose: Purpose) -> Result<String, Unread> {
    let mut text = String::new();
    open(path, purpose)?.read_to_string(&mut text)?;
    Ok(text)
}

fn open(path: &Path, purpose: Purpose) -> Result<File, Unread> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let file = match openat(
            CWD,
            &at,
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::LOOP) => match behind(&at, path)? {
                Behind::Path(next) => {
                    at = next;
                    continue;
                }
                Behind::Open => File::open(&at)?,
            },
            Err(error) => return Err(error.into()),
        };
        check(&file.metadata()?, path, purpose)?;
        return Ok(file);
    }
    Err(Unread::Io(rustix::io::Errno::LOOP.into()))
}

/// What is behind a link.
enum Behind {
    Path(PathBuf),
    /// A file that is open already, as a shell's `<(…)` is: it has no path.
    Open,
}

/// Follows the link at `at`, which `path` has led to.
fn behind(at: &Path, path: &Path) -> Result<Behind, Unread> {
    let link = openat(
        CWD,
        at,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let found = fstat(&link)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
        // It has just been replaced by something else, which is opened next.
        return Ok(Behind::Path(at.to_owned()));
    }
    let target = readlinkat(&link, "", Vec::new())?;
    let target = PathBuf::from(std::ffi::OsString::from(
        target.to_string_lossy().into_owned(),
    ));
    if !is_ours(found.st_uid) {
        return Err(Unread::Doubtful(Fatal::Usage(format!(
            "{}: this path uses a link that a different user (user id {}) owns. What to do: check the file that the link points to, \
             {}. Then give the path of that file, or of your own copy of it",
            named(path),
            found.st_uid,
            named(&target)
        ))));
    }
    if at.starts_with("/proc") && !target.is_absolute() {
        return Ok(Behind::Open);
    }
    let folder = at.parent().unwrap_or(Path::new(""));
    Ok(Behind::Path(folder.join(target)))
}

/// Whether a user of this number could change everything of ours anyway.
fn is_ours(user: u32) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&user)
}

fn check(found: &Metadata, path: &Path, purpose: Purpose) -> Result<(), Unread> {
    let name = named(path);
    let who_can_change_it = match found.mode() & 0o022 {
        _ if !is_ours(found.uid()) => {
            return Err(Unread::Doubtful(Fatal::Usage(format!(
                "{name} is owned by a different user ({}), who can change it and so decide {}. What to do: look at what it \
                 says. Then make a copy of your own and name the copy: install -m 600 {name} {name}.own",
                found.uid(),
                purpose.0
            ))));
        }
        // A device or a pipe holds nothing that could have been changed.
        _ if found.file_type().is_char_device() || found.file_type().is_fifo() => return Ok(()),
        0 => return Ok(()),
        0o020 => "its group",
        _ => "everybody on this machine",
    };
    Err(Unread::Doubtful(Fatal::Usage(format!(
        "{name}: {who_can_change_it} can change it and so decide {}. What to do: look at what it says. Then run: chmod go-w \
         {name}",
        purpose.0
    ))))
}

fn named(path: &Path) -> String {
    shown::in_line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    };

    use super::*;

    fn refusal(path: &Path) -> Option<String> {
        match read(path, Purpose::SETTINGS) {
            Ok(bytes) => {
                assert_eq!(bytes, b"x");
                None
            }
            Err(Unread::Doubtful(fatal)) => {
                assert_eq!(fatal.exit_code().code(), 2);
                Some(fatal.to_string())
            }
            Err(Unread::Io(error)) => panic!("{error}"),
        }
    }

    fn file(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_that_others_can_write_to_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, who) in [
            (0o600, None),
            (0o644, None),
            (0o440, None),
            (0o620, Some("its group")),
            (0o664, Some("its group")),
            (0o602, Some("everybody")),
            (0o666, Some("everybody")),
        ] {
            let path = file(folder.path(), "pkb.toml", mode);
            let refused = refusal(&path);
            assert_eq!(refused.is_some(), who.is_some(), "{mode:o}");
            if let (Some(words), Some(who)) = (refused, who) {
                assert!(words.contains(who), "{words}");
                let mend = words.split("Then run: ").nth(1).unwrap();
                let mended = std::process::Command::new("sh").args(["-c", mend]).status();
                assert!(mended.unwrap().success());
                assert_eq!(refusal(&path), None);
            }
        }
    }

    #[test]
    fn links_of_our_own_are_followed_and_what_is_behind_them_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (
            file(folder.path(), "good", 0o600),
            file(folder.path(), "bad", 0o666),
        );
        for (name, target) in [
            ("a", good.as_path()),
            ("b", Path::new("good")),
            ("c", Path::new("a")),
            ("d", bad.as_path()),
        ] {
            symlink(target, folder.path().join(name)).unwrap();
        }
        for (name, is_good) in [("a", true), ("b", true), ("c", true), ("d", false)] {
            assert_eq!(
                refusal(&folder.path().join(name)).is_none(),
                is_good,
                "{name}"
            );
        }
        symlink("round", folder.path().join("round")).unwrap();
        let round = read(&folder.path().join("round"), Purpose::RULES);
        assert!(matches!(round, Err(Unread::Io(_))));
    }

    /// Only root can give files away.
    #[test]
    fn what_is_another_users_is_refused_and_so_is_another_users_link() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = file(folder.path(), "theirs", 0o600);
        if chown(&theirs, Some(12_345), None).is_err() {
            return;
        }
        let words = refusal(&theirs).unwrap();
        assert!(
            words.contains("a different user (12345)") && words.contains("install -m 600"),
            "{words}"
        );
        file(folder.path(), "ours", 0o600);
        let link = folder.path().join("link");
        symlink("ours", &link).unwrap();
        lchown(&link, Some(12_345), None).unwrap();
        let words = refusal(&link).unwrap();
        assert!(
            words.contains("a link that a different user (user id 12345) owns")
                && words.contains("ours. Then give"),
            "{words}"
        );
        let second = folder.path().join("second");
        symlink("link", &second).unwrap();
        assert!(refusal(&second).is_some(), "also behind a link of our own");
    }

    #[test]
    fn a_device_and_what_a_shell_has_open_can_be_read() {
        assert_eq!(read(Path::new("/dev/null"), Purpose::RULES).unwrap(), b"");
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "x", 0o600);
        let script = format!("cat {} | cat /dev/stdin", path.display());
        assert!(
            std::process::Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
        let open = File::open(&path).unwrap();
        let fd = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
        assert_eq!(read(Path::new(&fd), Purpose::RULES).unwrap(), b"x");
    }
}
