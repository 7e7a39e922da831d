//! Warns of files with patient data, codes or secrets that other users of the machine can read.
//!
//! What the programs write is their owner's alone; what they are given, or what a shell redirects, is as somebody
//! else has made it. Nothing is changed: a warning names the file and the command that mends it, once.

use std::{
    collections::HashSet,
    fs::Metadata,
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

/// Who can read a file besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// The members of its group.
    Group,
    /// Everybody with an account.
    Everybody,
}

impl Readers {
    fn as_str(self) -> &'static str {
        match self {
            Self::Group => "its group",
            Self::Everybody => "everybody on this machine",
        }
    }
}

/// Warns if others can read the file at `path`, which holds patient data or a secret.
pub fn warn_of_file(path: &Path) {
    let is_file = |found: &Metadata| found.is_file();
    warn(path, is_file, "600");
}

/// Warns if others can look into the folder at `path`, which is for patient data.
pub fn warn_of_folder(path: &Path) {
    warn(path, Metadata::is_dir, "700");
}

/// Warns if standard output, to which records are about to go, is a file that others can read.
pub fn warn_of_stdout() {
    // The system knows the file's name; nowhere else does it stand.
    if let Ok(path) = Path::new("/proc/self/fd/1").canonicalize() {
        warn_of_file(&path);
    }
}

fn warn(path: &Path, is_meant: impl Fn(&Metadata) -> bool, mode: &str) {
    let Ok(Some(readers)) = readers_of(path, is_meant) else {
        return;
    };
    if is_first_time(path) {
        let path = path.display();
        tracing::warn!(
            "{path}: {} can read this file. Run: chmod {mode} {path}. Before you make the next file, run: umask 077",
            readers.as_str()
        );
    }
}

/// Who can read what is at `path`, by its mode and those of the folders above it; nobody if it is not what
/// `is_meant`.
fn readers_of(path: &Path, is_meant: impl Fn(&Metadata) -> bool) -> io::Result<Option<Readers>> {
    // Read bits for group and everybody, as far as folders let them pass.
    const READ: [(u32, u32, Readers); 2] = [
        (0o004, 0o001, Readers::Everybody),
        (0o040, 0o011, Readers::Group),
    ];
    let path = path.canonicalize()?;
    let found = path.metadata()?;
    if !is_meant(&found) || found.file_type().is_char_device() {
        return Ok(None);
    }
    let folders: Vec<u32> = path
        .ancestors()
        .skip(1)
        .map(|folder| folder.metadata().map(|found| found.mode()))
        .collect::<Result<_, _>>()?;
    let can = |(read, pass, _): &(u32, u32, Readers)| {
        found.mode() & read != 0 && folders.iter().all(|mode| mode & pass != 0)
    };
    Ok(READ
        .iter()
        .find(|who| can(who))
        .map(|(_, _, readers)| *readers))
}

/// Whether `path` has not been warned of before.
fn is_first_time(path: &Path) -> bool {
    static WARNED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut warned = WARNED.lock();
    warned.get_or_insert_default().insert(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn who_can_read_a_file_depends_on_its_mode_and_on_the_folders_above() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("campaign");
        fs::create_dir(&inner).unwrap();
        let file = inner.join("invited.ndjson");
        fs::write(&file, "{}").unwrap();
        let everybody = Some(Readers::Everybody);
        let group = Some(Readers::Group);
        for (outer_mode, inner_mode, mode, expected) in [
            (0o755, 0o755, 0o644, everybody),
            (0o755, 0o711, 0o604, everybody),
            (0o755, 0o755, 0o640, group),
            (0o755, 0o750, 0o644, group),
            (0o755, 0o755, 0o600, None),
            (0o755, 0o700, 0o644, None),
            (0o700, 0o755, 0o666, None),
        ] {
            set(outer.path(), outer_mode);
            set(&inner, inner_mode);
            set(&file, mode);
            let found = readers_of(&file, Metadata::is_file).unwrap();
            assert_eq!(found, expected, "{outer_mode:o} {inner_mode:o} {mode:o}");
        }
    }

    #[test]
    fn only_what_is_meant_is_looked_at_and_each_path_once() {
        let null = readers_of(Path::new("/dev/null"), |_| true).unwrap();
        assert_eq!(null, None, "there is nothing to read");
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), 0o755);
        let of_file = readers_of(folder.path(), Metadata::is_file).unwrap();
        let of_folder = readers_of(folder.path(), Metadata::is_dir).unwrap();
        assert_eq!((of_file, of_folder), (None, Some(Readers::Everybody)));
        assert!(readers_of(Path::new("/nowhere/at/all"), |_| true).is_err());
        let path = folder.path().join("once");
        assert!(is_first_time(&path) && !is_first_time(&path));
    }
}
