//! What a run that was killed at the wrong moment leaves behind: between the last byte and the final name a file has a
//! name of its own for an instant, `.letters-0001.pdf.Ab3dEf7h.unfinished`, and on file systems without files that have no name all
//! the time. It holds patient data, so the next run that makes the same file removes it.
//!
//! Whoever writes a file holds a lock on it. What nobody has locked is nobody's any more.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

/// The end of such a name, behind [`RANDOM`] letters and digits: nobody else calls a file so.
const END: &[u8] = b".unfinished";
/// Random letters and digits.
const RANDOM: usize = 8;

/// A name for the file that is to stand at `path`, until it does.
pub(super) fn name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let random: String = (0..RANDOM).map(|_| fastrand::alphanumeric()).collect();
    name.push(format!(".{random}"));
    name.push(OsStr::from_bytes(END));
    path.with_file_name(name)
}

/// Removes what earlier runs left of the file that is to stand at `path`. What cannot be removed stays.
pub(super) fn remove(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return;
    };
    let beginning = [b".", name.as_bytes(), b"."].concat();
    for leftover in of_folder(folder) {
        let bytes = leftover.as_bytes();
        if bytes.starts_with(&beginning) && bytes.len() == beginning.len() + RANDOM + END.len() {
            let leftover = folder.join(&leftover);
            if File::open(&leftover).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(leftover);
            }
        }
    }
}

/// All names in a folder that look like leftovers. Each folder is read once in a run: it may have thousands of files, each
/// of which is about to be asked for, and what this run leaves behind it removes itself.
fn of_folder(folder: &Path) -> Vec<OsString> {
    static SEEN: Mutex<Option<HashMap<PathBuf, Vec<OsString>>>> = Mutex::new(None);
    let mut seen = SEEN.lock();
    let seen = seen.get_or_insert_default();
    if let Some(names) = seen.get(folder) {
        return names.clone();
    }
    let place = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let names: Vec<OsString> = entries
        .map(|entry| entry.file_name())
        .filter(|name| is_like_one(name.as_bytes()))
        .collect();
    seen.insert(folder.to_owned(), names.clone());
    names
}

/// What a run that was killed has left in a folder, if nobody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// It may hold patient data: a file without its final name, or the mark of a place that was in use.
    Abandoned,
    /// A run has it open.
    InUse,
}

/// Whether a file is one that only a run that was killed leaves, by its name; and whether a run has it still.
pub fn look_at(path: &Path) -> Option<Leftover> {
    let name = path.file_name()?.as_bytes();
    let is_mark = name.starts_with(b".") && name.ends_with(b".in-use") || name == b".in-use";
    if !is_mark && !is_like_one(name) {
        return None;
    }
    Some(match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => Leftover::Abandoned,
        _ => Leftover::InUse,
    })
}

fn is_like_one(name: &[u8]) -> bool {
    let Some((rest, random)) = name
        .strip_suffix(END)
        .and_then(|name| name.split_last_chunk::<RANDOM>())
    else {
        return false;
    };
    rest.len() > 2
        && rest.starts_with(b".")
        && rest.ends_with(b".")
        && random.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::super::AtomicFile;
    use super::*;

    #[test]
    fn what_a_killed_run_left_of_a_file_is_removed_when_the_file_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            ".a.pdf.Ab3dEf7h.unfinished",
            ".a.pdf.Ab3dEf7hi.unfinished",
            ".b.pdf.Ab3dEf7h.unfinished",
            ".a.pdf.backup",
            ".a.pdf.backup-1.unfinished",
            "a.pdf.Ab3dEf7h.unfinished",
        ] {
            fs::write(at(name), "half").unwrap();
        }
        // Somebody is still writing this one.
        fs::write(at(".a.pdf.00000000.unfinished"), "half").unwrap();
        let alive = File::open(at(".a.pdf.00000000.unfinished")).unwrap();
        alive.lock().unwrap();

        AtomicFile::write(&at("a.pdf"), b"whole").unwrap();
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                ".a.pdf.00000000.unfinished",
                ".a.pdf.Ab3dEf7hi.unfinished",
                ".a.pdf.backup",
                ".a.pdf.backup-1.unfinished",
                ".b.pdf.Ab3dEf7h.unfinished",
                "a.pdf",
                "a.pdf.Ab3dEf7h.unfinished"
            ]
        );
    }
}
