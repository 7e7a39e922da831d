//! A package that a customer uploaded: its done marker, the digests in it, and what is in its files, which may be encrypted or in a
//! zip. Nothing is believed that can be checked.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use pkb_synthetic::derive;

use super::MailError;
use super::data_table::{Layout, Row};
use super::delivery::{self, Letter, Standing, is_reference, refused};

/// Characters of a line that fit into the window: GOV.UK Notify's printer cuts what is longer
/// (alphagov/notifications-api, `dvla.py`).
const LONGEST_LINE: usize = 45;

/// What can be done with a package.
pub(super) struct Intake<'a> {
    pub(super) folder: &'a Path,
    /// The secret key of age; for gpg, the keyring of the user.
    pub(super) key: Option<&'a Path>,
    /// Languages that the template has.
    pub(super) languages: &'a [String],
}

/// Letters, and what was printed of them from data.
pub(super) struct Taken {
    pub(super) letters: Vec<Letter>,
    pub(super) printed: Option<String>,
}

/// The done marker of a folder, if it has one.
pub(super) fn marker(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|end| end == "done"))
}

impl Intake<'_> {
    /// Takes the package with this marker.
    pub(super) fn take(&self, marker: &Path) -> Result<Taken, MailError> {
        let files = self.files(marker)?;
        let stopped = stopped(&files)?;
        let Some(manifest) = files.get("manifest.csv") else {
            return self.of_data(&files, &stopped);
        };
        let mut letters = of_pdfs(manifest, &files)?;
        for letter in &mut letters {
            if stopped.contains(&letter.reference) {
                letter.standing = Standing::Stopped;
            }
        }
        Ok(Taken {
            letters,
            printed: None,
        })
    }

    /// All files of the marker, once their digests were checked, as they were before they were packed.
    fn files(&self, marker: &Path) -> Result<BTreeMap<String, Vec<u8>>, MailError> {
        let text = read(marker)?;
        let text = String::from_utf8(text).map_err(|_| refused("the done marker is not text"))?;
        let mut files = BTreeMap::new();
        for line in text.lines() {
            let (digest, name) = line
                .split_once("  ")
                .ok_or_else(|| refused("a line of the done marker is not \"sha256  name\""))?;
            let is_plain = !name.starts_with(['/', '.']) && !name.contains("..");
            if !is_plain {
                return Err(refused(
                    "a name in the done marker leads out of the package",
                ));
            }
            let bytes = read(&self.folder.join(name))?;
            if derive::sha256_hex(&bytes) != digest {
                return Err(refused(format!(
                    "the SHA-256 of {name} does not match the done marker"
                )));
            }
            self.open(name, bytes, &mut files)?;
        }
        Ok(files)
    }

    /// Decrypts and unpacks a file.
    fn open(
        &self,
        name: &str,
        bytes: Vec<u8>,
        files: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<(), MailError> {
        if let Some(plain) = name.strip_suffix(".gpg") {
            let mut gpg = Command::new("gpg");
            gpg.args(["--batch", "--quiet", "--decrypt"]);
            return self.open(plain, decrypted(gpg, name, &bytes)?, files);
        }
        if let Some(plain) = name.strip_suffix(".age") {
            let key = self
                .key
                .ok_or_else(|| refused(format!("{name} needs --key with the secret key of age")))?;
            let mut age = Command::new("age");
            age.args(["--decrypt", "--identity"]).arg(key);
            return self.open(plain, decrypted(age, name, &bytes)?, files);
        }
        if name.ends_with(".zip") {
            let damaged = |_| refused(format!("{name} cannot be unpacked"));
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
            for at in 0..archive.len() {
                let mut file = archive.by_index(at).map_err(damaged)?;
                let mut bytes = Vec::new();
                let inner = file.name().map_err(damaged)?.into_owned();
                let read = file.read_to_end(&mut bytes);
                read.map_err(|_| refused(format!("{name} cannot be unpacked")))?;
                self.open(&inner, bytes, files)?;
            }
            return Ok(());
        }
        files.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// Letters from data.
    fn of_data(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        stopped: &HashSet<String>,
    ) -> Result<Taken, MailError> {
        let layout = files
            .get("data-profile.toml")
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or_else(|| refused("the package has neither a manifest nor a layout of data"))?;
        let layout = Layout::parse(layout).map_err(refused)?;
        let is_data = |name: &&String| name.ends_with(".csv") || name.ends_with(".jsonl");
        let (mut letters, mut printed) = (Vec::new(), String::new());
        let mut references = HashSet::new();
        for name in files.keys().filter(is_data) {
            let rows = layout.rows(&files[name]);
            let rows = rows.map_err(|words| refused(format!("{name}: {words}")))?;
            for (number, row) in (1..).zip(&rows) {
                let wrong = |what: &str| refused(format!("letter {number} of {name} {what}"));
                let reference = row.cell("reference").to_owned();
                if !is_reference(&reference) {
                    return Err(wrong("has no reference of up to 20 letters and digits"));
                }
                if !references.insert(reference.to_lowercase()) {
                    return Err(wrong("has the reference of an earlier one"));
                }
                is_counted(row, number, rows.len()).map_err(wrong)?;
                let standing = match stopped.contains(&reference) {
                    true => Standing::Stopped,
                    false => self.standing(row),
                };
                if standing == Standing::Sound {
                    printed.push_str(&letter_of(row));
                }
                letters.push(Letter {
                    reference,
                    pages: 1,
                    row: number.to_string(),
                    standing,
                });
            }
        }
        match letters.is_empty() {
            true => Err(refused("the data have no rows")),
            false => Ok(Taken {
                letters,
                printed: Some(printed),
            }),
        }
    }

    /// Whether a letter can be printed.
    fn standing(&self, row: &Row) -> Standing {
        let lines = row.lines();
        if lines.iter().any(|line| line.chars().count() > LONGEST_LINE) {
            return Standing::Refused("A line of the address is too long");
        }
        if lines.len() < 3 {
            return Standing::Refused("The address has fewer than three lines");
        }
        let language = row.cell("language");
        if !language.is_empty() && !self.languages.iter().any(|own| own == language) {
            return Standing::Refused("The template does not have the language");
        }
        Standing::Sound
    }
}

/// Whether a row says its number and the number of all, where it says them.
fn is_counted(row: &Row, number: usize, of: usize) -> Result<(), &'static str> {
    for (meaning, right) in [("sequence", number), ("of", of)] {
        let cell = row.cell(meaning);
        if !cell.is_empty() && cell != right.to_string() {
            return Err("does not have its number, or the number of all");
        }
    }
    Ok(())
}

/// A letter, as the company's template has it.
fn letter_of(row: &Row) -> String {
    let address = row.lines().join("\n");
    let mut codes = vec![row.cell("invitation_code"), row.cell("access_code")];
    codes.retain(|code| !code.is_empty());
    format!(
        "{address}\n\nRegister at {} with {}\n{}\nUse by {}\n{}\n\u{C}\n",
        row.cell("join_address"),
        codes.join(" and "),
        row.cell("join_link"),
        row.cell("codes_end_text"),
        row.cell("reference"),
    )
}

fn of_pdfs(manifest: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Letter>, MailError> {
    let (letters, named) = delivery::rows(manifest)?;
    for name in named.keys() {
        let bytes = files.get(name);
        let bytes = bytes.ok_or_else(|| refused(format!("{name} is not in the package")))?;
        if !bytes.starts_with(b"%PDF-") {
            return Err(refused(format!("{name} is not a PDF")));
        }
    }
    Ok(letters)
}

/// References that the instruction sheet stops.
fn stopped(files: &BTreeMap<String, Vec<u8>>) -> Result<HashSet<String>, MailError> {
    let mut sheets = files.iter().filter(|(name, _)| name.ends_with(".json"));
    let (name, bytes) = sheets
        .next()
        .ok_or_else(|| refused("the package has no instruction sheet"))?;
    let wrong = || refused(format!("{name} is not an instruction sheet"));
    let sheet: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| wrong())?;
    let stop = sheet["stop"].as_array().ok_or_else(wrong)?;
    let references = stop.iter().filter_map(|own| own.as_str());
    Ok(references.map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, MailError> {
    fs::read(path).map_err(|source| MailError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// What a program makes of an encrypted file. The file has its name on the disk already.
fn decrypted(mut program: Command, name: &str, bytes: &[u8]) -> Result<Vec<u8>, MailError> {
    use std::io::Write as _;
    use std::process::Stdio;
    let failed = || refused(format!("{name} cannot be decrypted"));
    program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = program.spawn().map_err(|_| failed())?;
    let mut stdin = child.stdin.take().ok_or_else(failed)?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes));
        child.wait_with_output()
    });
    let output = output.map_err(|_| failed())?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(failed()),
    }
}
