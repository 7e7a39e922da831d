//! Letters and sheets all of whose codes have ended.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Component, Path, PathBuf},
};

use jiff::Timestamp;
use pkb_cli::progress::tell;
use pkb_core::{
    Fatal, Record,
    record::{Channel, Design, Edition},
    rows::counted,
};

use super::{Whose, campaign_files::Left};
use pkb_print_files::{
    editions::manifest_prefix,
    manifest::{self, ManifestJson},
    stem,
};

/// A letter: its file, its number and the row that it is for.
type Letter = (String, u64, u64);

/// The files of a folder, and when the codes on them end.
pub(super) struct LetterFiles {
    folder: PathBuf,
    design: Design,
    /// The letters of each batch (a file, or a folder of separate letters), by the manifests.
    batches: BTreeMap<String, BTreeSet<Letter>>,
    /// When the codes of each letter end, by the records.
    ends: HashMap<Letter, Timestamp>,
    /// When the last of the codes on each sheet end, by the records.
    sheets: BTreeMap<String, Timestamp>,
    /// Letters to patients who are to be erased.
    erased: BTreeSet<Letter>,
    /// Sheets with such patients.
    erased_in_sheets: BTreeSet<String>,
    /// Texts of such patients' letters, which have nobody else's.
    erased_texts: BTreeSet<String>,
}

impl LetterFiles {
    /// The files in `folder`.
    ///
    /// # Errors
    /// There is no manifest in it, or one is damaged.
    pub(super) fn open(folder: &Path) -> Result<Self, Fatal> {
        let mut files = Self {
            folder: folder.to_owned(),
            design: Design::default(),
            batches: BTreeMap::new(),
            ends: HashMap::new(),
            sheets: BTreeMap::new(),
            erased: BTreeSet::new(),
            erased_in_sheets: BTreeSet::new(),
            erased_texts: BTreeSet::new(),
        };
        let is_rehearsal = manifest::is_rehearsal(folder);
        for edition in Edition::ALL {
            let [_, name] = manifest::file_names(&manifest_prefix(edition, is_rehearsal));
            let path = folder.join(&name);
            if edition != Edition::First && !path.exists() {
                continue;
            }
            let json = fs::read(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
            let json: ManifestJson = serde_json::from_slice(&json).map_err(|_| {
                Fatal::Input(format!(
                    "{} is not a manifest, or is damaged",
                    path.display()
                ))
            })?;
            files.design = json.design;
            for row in json.letters {
                let letters = files.batches.entry(stem(&row.file).to_owned()).or_default();
                letters.insert((row.file, row.sequence, row.row));
            }
        }
        Ok(files)
    }

    /// Sees a record of one of the files.
    pub(super) fn see(&mut self, whose: &Whose, record: &Record) {
        let is_erased = whose.is(record);
        let Some(end) = record.codes_expire_at() else {
            return;
        };
        for delivery in record.all_deliveries() {
            let is_own = delivery.design.unwrap_or_default() == self.design;
            if let Some(sequence) = delivery.sequence.filter(|_| is_own) {
                let letter = (delivery.file.clone(), sequence, record.row.number);
                if is_erased {
                    self.erased.insert(letter.clone());
                }
                later(self.ends.entry(letter).or_insert(end), end);
            }
            if delivery.pages.is_none() {
                if is_erased {
                    let files = match delivery.channel {
                        Channel::Format => &mut self.erased_texts,
                        _ => &mut self.erased_in_sheets,
                    };
                    files.insert(delivery.file.clone());
                }
                later(self.sheets.entry(delivery.file.clone()).or_insert(end), end);
            }
        }
    }

    /// Deletes the files all of whose codes have ended by `now`, or says what would be deleted.
    ///
    /// # Errors
    /// A file cannot be deleted.
    pub(super) fn remove(&self, now: Timestamp, dry_run: bool) -> Result<(), Fatal> {
        let has_ended = |letter: &Letter| self.ends.get(letter).is_some_and(|end| *end <= now);
        let (ended, kept): (Vec<_>, Vec<_>) = self
            .batches
            .iter()
            .partition(|(_, letters)| letters.iter().all(has_ended));
        let (old_sheets, new_sheets): (Vec<_>, Vec<_>) =
            self.sheets.iter().partition(|(_, end)| **end <= now);
        let mut names: Vec<String> = old_sheets
            .into_iter()
            .map(|(name, _)| name.clone())
            .collect();
        for (batch, letters) in ended {
            names.extend(letters.iter().map(|(file, ..)| file.clone()));
            names.push(format!("{batch}.zip"));
        }
        names.dedup();
        let mut deleted = 0_u64;
        for path in names.iter().filter_map(|name| self.path_of(name)) {
            if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
                continue;
            }
            deleted += 1;
            if dry_run {
                tell(format!("pkb purge: would be deleted: {}", path.display()));
                continue;
            }
            fs::remove_file(&path)
                .map_err(|source| Fatal::io(format!("cannot delete {}", path.display()), source))?;
            if let Some(folder) = path.parent().filter(|folder| *folder != self.folder) {
                // That of separate letters, once it is empty; until then it has others in it.
                let _ = fs::remove_dir(folder);
            }
        }
        tell(format!(
            "pkb purge: {}: {} {}. {} of its batches or sheets stay, because their codes are valid \
             or are not in the records given",
            self.folder.display(),
            counted(
                deleted,
                "file with expired codes",
                "files with expired codes"
            ),
            if dry_run {
                "would be deleted"
            } else {
                "deleted"
            },
            kept.len() + new_sheets.len()
        ));
        Ok(())
    }

    /// Deletes the letters to patients who are to be erased, where a file has no other. Says which files stay, and why.
    ///
    /// # Errors
    /// A file cannot be deleted.
    pub(super) fn erase(&self, dry_run: bool) -> Result<Vec<Left>, Fatal> {
        let mut left = Vec::new();
        let mut leave = |name: &str, why: &str| {
            if let Some(path) = self.path_of(name).filter(|path| path.exists()) {
                left.push((path, why.to_owned()));
            }
        };
        const OTHERS: &str = "the file also has the codes of others. Delete the file when it is no longer needed, or \
            purge this folder when all codes have \
         expired";
        let mut batches = BTreeSet::new();
        for (file, ..) in &self.erased {
            let batch = stem(file);
            let letters = self.batches.get(batch).into_iter().flatten();
            let is_alone = letters.filter(|(other, ..)| other == file).count() == 1;
            let path = self.path_of(file).filter(|path| path.exists());
            match path {
                Some(path) if is_alone => super::delete(&path, dry_run)?,
                Some(_) => leave(file, OTHERS),
                None => {}
            }
            if batches.insert(batch) {
                leave(&format!("{batch}.zip"), OTHERS);
            }
        }
        for text in &self.erased_texts {
            if let Some(path) = self.path_of(text).filter(|path| path.exists()) {
                super::delete(&path, dry_run)?;
            }
        }
        for sheet in &self.erased_in_sheets {
            leave(sheet, OTHERS);
        }
        Ok(left)
    }

    /// Where a file is. A name that leads out of the folder is none of ours.
    fn path_of(&self, name: &str) -> Option<PathBuf> {
        let is_within = |part: Component<'_>| matches!(part, Component::Normal(_));
        let path = Path::new(name);
        path.components()
            .all(is_within)
            .then(|| self.folder.join(path))
    }
}

fn later(end: &mut Timestamp, other: Timestamp) {
    *end = (*end).max(other);
}
