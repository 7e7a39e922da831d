//! What there is in the folder of a campaign, as far as it may hold codes. Files are known by what is in them, not by their names:
//! journals are called as somebody has called them.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use pkb_core::{Fatal, record::Edition};
use pkb_files::atomic_file::leftovers;

use super::locked::content_of;
use pkb_print_files::{
    editions::{edition_of, manifest_prefix, plain_name},
    manifest,
};

/// The first line of a file of records is no longer than this.
const LONGEST_LINE: u64 = 1 << 20;
/// What files that were compressed begin with: zip (also workbooks), gzip, PDF.
const NOT_LOOKED_INTO: [&[u8]; 3] = [b"PK\x03\x04", b"\x1f\x8b", b"%PDF"];

/// Why a file stays as it is.
pub(super) type Left = (PathBuf, String);

/// What was found.
#[derive(Default)]
pub(super) struct CampaignFiles {
    /// Records and journals.
    pub(super) records: Vec<PathBuf>,
    /// Folders with letters or sheets, and their manifests.
    pub(super) letters: Vec<PathBuf>,
    /// What runs that were killed have left.
    pub(super) abandoned: Vec<PathBuf>,
    /// What stays, and why.
    pub(super) left: Vec<Left>,
    /// All others.
    pub(super) others: Vec<PathBuf>,
}

impl CampaignFiles {
    /// Finds what is in folders; a file is taken for records.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Self, Fatal> {
        let mut found = Self::default();
        for path in paths {
            match path.is_dir() {
                true => found.look_into(path, false)?,
                false => found.records.push(path.clone()),
            }
        }
        found.records.sort();
        found.records.dedup();
        Ok(found)
    }

    /// `is_batch` says that it is a folder of separate letters: the manifest of the folder above has them.
    fn look_into(&mut self, folder: &Path, is_batch: bool) -> Result<(), Fatal> {
        let cannot_read = |source| Fatal::cannot_read(folder, source);
        let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(cannot_read)?.collect();
        let mut entries = entries.map_err(cannot_read)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let has_letters = [false, true].into_iter().any(|is_rehearsal| {
            let [_, manifest] =
                manifest::file_names(&manifest_prefix(Edition::First, is_rehearsal));
            folder.join(manifest).is_file()
        });
        if has_letters {
            self.letters.push(folder.to_owned());
        }
        for entry in entries {
            let path = entry.path();
            // Of the entry itself: a link is not followed.
            let kind = entry.file_type().map_err(cannot_read)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && name.starts_with('.') && name.ends_with(".unfinished") {
                self.unfinished(folder, path);
            } else if kind.is_dir() {
                self.look_into(&path, has_letters && edition_of(&name).is_some())?;
            } else if kind.is_symlink() {
                self.leave(
                    path,
                    "it is a link. If it leads to files of this campaign, name these files",
                );
            } else if kind.is_file() {
                self.sort_out(path, &name, has_letters || is_batch);
            }
        }
        Ok(())
    }

    /// A folder of letters that did not get its name.
    fn unfinished(&mut self, beside: &Path, path: PathBuf) {
        match leftovers::look_at(&beside.join(".in-use")) {
            Some(leftovers::Leftover::InUse) => {
                self.leave(
                    path,
                    "a run is writing this folder. Run the same command again when that run is finished",
                );
            }
            _ => self.abandoned.push(path),
        }
    }

    fn sort_out(&mut self, path: PathBuf, name: &str, has_letters: bool) {
        match leftovers::look_at(&path) {
            Some(leftovers::Leftover::Abandoned) => return self.abandoned.push(path),
            Some(leftovers::Leftover::InUse) => {
                return self.leave(
                    path,
                    "a run is using it. Run the same command again when that run is finished",
                );
            }
            None => {}
        }
        let start = start_of(&path);
        let is_made = [".pdf", ".zip", ".csv", ".json"]
            .iter()
            .any(|end| name.ends_with(end));
        if content_of(start.trim_ascii_end()).is_some() {
            self.records.push(path);
        } else if plain_name(name) == "proof.pdf" {
            self.leave(path, "its codes are false, but it has names and addresses. Delete it when you have looked at it");
        } else if start.starts_with(b"age-encryption.org/v1") {
            self.leave(
                path,
                "it is sealed. Delete it when nobody needs it any more",
            );
        } else if has_letters && is_made {
            // Letters and sheets, of which the manifest tells; none of them is looked for again.
        } else if NOT_LOOKED_INTO.iter().any(|kind| start.starts_with(kind)) {
            let what = match start.starts_with(b"%PDF") {
                true => "it is a PDF that is in no manifest",
                false => "it is compressed, and was not looked into",
            };
            self.leave(
                path,
                &format!("{what}. Delete it if it belongs to this campaign"),
            );
        } else {
            self.others.push(path);
        }
    }

    fn leave(&mut self, path: PathBuf, why: &str) {
        self.left.push((path, why.to_owned()));
    }
}

/// The first line of a file, as far as it can be read.
fn start_of(path: &Path) -> Vec<u8> {
    let mut line = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = BufReader::new(file.take(LONGEST_LINE)).read_until(b'\n', &mut line);
    }
    line
}
