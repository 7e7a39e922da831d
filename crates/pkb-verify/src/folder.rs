//! A whole folder of letters, or the folders of all shards. A failure names file, sheet and row and no value.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use pkb_cli::{
    app,
    progress::{Task, tell},
};
use pkb_core::{ExitCode, Fatal, record::Edition};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::args::{QrCodeChoice, VerifyArgs};
use crate::data_files::DataFiles;
use crate::expected::{Expected, Owners};
use crate::format_files::FormatFiles;
use crate::manifests::Manifests;
use crate::objects::Bytes;
use crate::of_two_patients::OfTwoPatients;
use crate::pairing::{Entry, Files, Pairing, is_of_another_run, letters_of};
use crate::report::Report;
use crate::sheets::{self, Found, QrReading, Slot};
use crate::spreadsheets::Spreadsheets;
use pkb_core::spool::{self, Spool, SpooledRecords};
use pkb_print_files::{
    editions::{edition_of, manifest_prefix},
    manifest::{self, ManifestFile},
};

/// Of so many letters a camera looks at one, besides the first of a file with several. A look takes as long as a hundred letters.
const SAMPLE: u64 = 250;
/// So many files are looked at before the next are read.
const FILES_AT_A_TIME: usize = 16;

/// What is counted while it lasts.
const TASK: Task = Task {
    program: "pkb verify",
    unit: "letters",
    is_last: true,
    results_on_screen: false,
};

/// Verifies the letters in a folder, or in those of its folders that have letters of shards in them.
///
/// # Errors
/// The records, the manifest or the folder cannot be read at all. What is wrong with letters is listed, and
/// the program ends with [`ExitCode::SomeRowsRejected`].
pub async fn verify(args: VerifyArgs) -> Result<ExitCode, Fatal> {
    let (progress, dir) = (args.progress.clone(), args.dir.clone());
    let report = app::with_progress(&progress, TASK, async { look_at_all(&args) }).await?;
    let rehearsal = progress.monitor.origins().words();
    let code = report.print(&dir, rehearsal.as_deref())?;
    // The last word, whatever was found.
    if let Some(words) = rehearsal {
        tell(format!("pkb verify: {words}"));
    }
    Ok(code)
}

fn look_at_all(args: &VerifyArgs) -> Result<Report, Fatal> {
    let mut report = Report::default();
    let folders = folders_of_letters(&args.dir)?;
    let mut manifests = Vec::new();
    for edition in Edition::ALL {
        manifests.push(Manifests::read(&folders, edition, &mut report)?);
    }
    let mut index = Index::read(args, &manifests, &mut report)?;
    let data_files = std::mem::take(&mut index.data_files);
    let in_data_files = data_files.check(&folders, &index.records, &mut report)?;
    let format_files = std::mem::take(&mut index.format_files);
    format_files.check(&folders, &index.records, &mut report)?;
    let spreadsheets = std::mem::take(&mut index.spreadsheets);
    spreadsheets.check(&folders, &index.records, &mut report)?;
    report
        .without_letter
        .retain(|row| !in_data_files.contains(row));
    index.check_files(args, &manifests, &mut report)?;
    report.not_for_the_printer = not_for_the_printer(&args.dir, &folders);
    for folder in &folders {
        nothing_is_left_over(folder, &manifests, &mut report)?;
    }
    Ok(report)
}

/// The folder itself and those in it, as far as they have letters.
fn folders_of_letters(dir: &Path) -> Result<Vec<PathBuf>, Fatal> {
    let names = [false, true].map(|is_rehearsal| manifest_prefix(Edition::First, is_rehearsal));
    let names = names.map(|prefix| manifest::file_names(&prefix));
    let has_manifest = |folder: &Path| names.iter().any(|[csv, _]| folder.join(csv).exists());
    let cannot = |source| Fatal::cannot_read(dir, source);
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if has_manifest(&path) {
            folders.push(path);
        }
    }
    folders.sort_unstable();
    // That there are no letters at all is said of the folder that was named.
    if folders.is_empty() || has_manifest(dir) {
        folders.insert(0, dir.to_owned());
    }
    Ok(folders)
}

/// Where the record of each letter is.
struct Index {
    records: SpooledRecords,
    files: Files,
    /// Sheets of letters that were replaced by those of another edition.
    spare: HashMap<String, Vec<(u64, u64)>>,
    spreadsheets: Spreadsheets,
    data_files: DataFiles,
    format_files: FormatFiles,
}

impl Index {
    /// Reads the records and pairs each with its letter. A record that has been to pkb-letters says where its letter is;
    /// for one that has not, the manifest does.
    fn read(
        args: &VerifyArgs,
        manifests: &[Manifests],
        report: &mut Report,
    ) -> Result<Self, Fatal> {
        let mut spool = Spool::create()?;
        let mut pairing = Pairing::new(manifests);
        let mut of_two_patients = OfTwoPatients::default();
        let mut spreadsheets = Spreadsheets::default();
        let mut data_files = DataFiles::default();
        let mut format_files = FormatFiles::default();
        spool::read_all(args.input.reader()?, |record, raw| {
            args.progress.monitor.origins().note_record(&record)?;
            of_two_patients.see(&record);
            if is_of_another_run(&record, manifests) {
                spreadsheets.pass_by(&record);
                data_files.pass_by(&record);
                format_files.pass_by(&record);
                return Ok(());
            }
            let letters = letters_of(&record, manifests);
            let has_text = format_files.enter(&record, || spool.add(raw))?;
            let has_letter = has_text || !letters.is_empty();
            spreadsheets.enter(&record, has_letter, || spool.add(raw))?;
            data_files.enter(&record, || spool.add(raw))?;
            let mut letters = letters.into_iter();
            letters.try_for_each(|letter| pairing.pair(&record, letter, || spool.add(raw), report))
        })?;
        let letters = pairing
            .files
            .iter()
            .flat_map(|((_, name), letters)| letters.iter().map(move |letter| (name, letter.slot)));
        of_two_patients.tell(letters, |place, words| report.fail(place, words));
        pairing.tell_unclaimed(report);
        Ok(Self {
            records: spool.finish()?,
            files: pairing.files,
            spare: pairing.spare,
            spreadsheets,
            data_files,
            format_files,
        })
    }

    /// Compares all files with their records, some at a time and on all processors.
    fn check_files(
        mut self,
        args: &VerifyArgs,
        manifests: &[Manifests],
        report: &mut Report,
    ) -> Result<(), Fatal> {
        let total = self
            .files
            .values()
            .map(|letters| letters.len() as u64)
            .sum();
        args.progress.monitor.rows(0, total);
        let mut files = std::mem::take(&mut self.files).into_iter().peekable();
        let mut digests = Digests::of(manifests);
        let mut ordinal = 0;
        while files.peek().is_some() {
            let mut batch = Vec::new();
            for ((edition, name), mut letters) in files.by_ref().take(FILES_AT_A_TIME) {
                let Some(manifests) = manifests.get(edition) else {
                    continue;
                };
                choose_qr_codes(&mut letters, args.qr_codes, &mut ordinal);
                report.letters += letters.len() as u64;
                report.files.insert(name.clone());
                let spare = self.spare.remove(&name).unwrap_or_default();
                let path = manifests.path(&name, &args.dir);
                let made = digests.of_file(edition, &name);
                batch.push((path, name, letters, spare, made));
            }
            let found: Vec<Found> = batch
                .into_par_iter()
                .map(|(path, name, letters, spare, made)| {
                    self.check_file(&path, &name, &letters, &spare, made)
                })
                .collect::<Result<_, Fatal>>()?;
            for found in found {
                report.qr_codes += found.qr_codes;
                for (place, words) in found.failures {
                    report.fail(&place, &words);
                }
            }
            args.progress.monitor.rows(report.letters, total);
        }
        digests.check_other_files(manifests, report);
        Ok(())
    }

    /// Compares a file with the records of its letters, and with the digest that the manifest has.
    fn check_file(
        &self,
        path: &Path,
        name: &str,
        letters: &[Entry],
        spare: &[(u64, u64)],
        made: Option<&ManifestFile>,
    ) -> Result<Found, Fatal> {
        let mut found = Found::default();
        let Some(pdf) = Bytes::of_file(path).ok().and_then(Bytes::read_if_short) else {
            let words = "the file is missing or cannot be read".to_owned();
            found.failures.push((name.to_owned(), words));
            return Ok(found);
        };
        if made.is_some_and(|made| !is_as_made(made, pdf.reader())) {
            found.failures.push((name.to_owned(), CHANGED.to_owned()));
        }
        let mut owners = Owners::default();
        for letter in letters {
            let row = letter.slot.row;
            if let Some(codes) = letter.codes.clone()
                && let Some(other) = owners.enter(codes, row)
            {
                let words = sheets::with_same_code(row, other);
                found.failures.push((name.to_owned(), words));
            }
        }
        let slots: Vec<Slot> = letters.iter().map(|letter| letter.slot).collect();
        let expected = |at: usize| {
            let letter = letters.get(at);
            letter
                .map(|letter| self.expected(letter).map(Cow::Owned))
                .transpose()
        };
        sheets::compare(name, pdf, &slots, expected, spare, &owners, found)
    }

    /// What a letter must say, from its record.
    fn expected(&self, letter: &Entry) -> Result<Expected, Fatal> {
        let record = self.records.record(letter.record)?;
        Expected::of(&record, letter.languages, letter.design).ok_or_else(|| {
            let words = match record.without_codes() {
                Some(_) => {
                    "its codes are gone, because pkb purge has deleted them. Nothing can be compared any more"
                }
                None => "no patient or no codes",
            };
            Fatal::Input(format!("row {}: {words}", letter.slot.row))
        })
    }
}

/// Puts the letters of a file into the order of their pages, and chooses those that a camera is to look at.
fn choose_qr_codes(letters: &mut [Entry], choice: QrCodeChoice, ordinal: &mut u64) {
    letters.sort_unstable_by_key(|letter| (letter.slot.pages.0, letter.sequence));
    let has_several = letters.len() > 1;
    for (at, letter) in letters.iter_mut().enumerate() {
        let is_sample = ordinal.is_multiple_of(SAMPLE) || (has_several && at == 0);
        *ordinal += 1;
        letter.slot.qr_codes = match choice {
            QrCodeChoice::Optional => QrReading::Pictures,
            QrCodeChoice::All if !is_sample => QrReading::Needed,
            QrCodeChoice::All | QrCodeChoice::Camera => QrReading::Camera,
        };
    }
}

const CHANGED: &str = "the file was changed after it was made (SHA-256)";

/// Whether a file has the bytes that the manifest says.
fn is_as_made(made: &ManifestFile, bytes: impl io::Read) -> bool {
    manifest::digest_of(bytes).is_ok_and(|found| found == (made.bytes, made.sha256.clone()))
}

/// The files of each edition whose digests have yet to be compared, by name.
struct Digests<'m>(Vec<BTreeMap<&'m str, &'m ManifestFile>>);

impl<'m> Digests<'m> {
    fn of(manifests: &'m [Manifests]) -> Self {
        let editions = manifests.iter().map(|manifests| {
            let files = manifests.files().iter();
            files.map(|file| (file.file.as_str(), file)).collect()
        });
        Self(editions.collect())
    }

    fn of_file(&mut self, edition: usize, name: &str) -> Option<&'m ManifestFile> {
        self.0.get_mut(edition)?.remove(name)
    }

    /// Compares the files that no record has a letter in.
    fn check_other_files(self, manifests: &[Manifests], report: &mut Report) {
        for (manifests, files) in manifests.iter().zip(self.0) {
            for (name, made) in files {
                match fs::File::open(manifests.path(name, Path::new(""))) {
                    Ok(file) if is_as_made(made, &file) => {}
                    Ok(_) => report.fail(name, CHANGED),
                    Err(_) => report.fail(name, "the file is missing or cannot be read"),
                }
            }
        }
    }
}

/// Journals and records in the folders of the letters: they have codes, and whoever copies a folder copies them.
fn not_for_the_printer(dir: &Path, folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    let all = folders.iter().map(PathBuf::as_path).chain([dir]);
    let entries = all.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let paths = entries.map(|entry| entry.path());
    let has_codes = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("journal" | "ndjson"))
    };
    paths.filter(has_codes).collect()
}

/// Nothing may be in the folder that no manifest is about.
fn nothing_is_left_over(
    dir: &Path,
    manifests: &[Manifests],
    report: &mut Report,
) -> Result<(), Fatal> {
    let known: HashSet<&str> = manifests
        .iter()
        .flat_map(|manifests| manifests.files_in(dir))
        .collect();
    let mut names = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = dir.join(&folder);
        let cannot = |source| Fatal::cannot_read(&path, source);
        for entry in fs::read_dir(&path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let name = folder.join(entry.file_name());
            let is_folder = entry.file_type().map_err(cannot)?.is_dir();
            match name.to_str() {
                Some(text) if is_folder && edition_of(text).is_some() => {
                    folders.push(name);
                }
                Some(text) => {
                    names.insert(text.to_owned());
                }
                None => {}
            }
        }
    }
    for name in names {
        let stem = name.strip_suffix(".zip");
        let is_of = |file: &&str, stem: &str| {
            file.strip_prefix(stem)
                .is_some_and(|rest| rest.starts_with(['.', '/']))
        };
        let is_known = match stem {
            Some(stem) => known.iter().any(|file| is_of(file, stem)),
            None => known.contains(name.as_str()),
        };
        let is_letters = stem.is_some() || name.ends_with(".pdf");
        if edition_of(&name).is_some() && is_letters && !is_known {
            report.fail(&name, "no record has a letter in this file");
        }
    }
    Ok(())
}
