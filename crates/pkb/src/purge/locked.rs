//! Records and journals that are changed as a whole, and locked meanwhile as a stage locks its journal.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use pkb_core::{
    Fatal, Record,
    clock::uk_date,
    record::{CodesStand, Schema},
    rows::counted,
    stage::IntentLog,
};
use pkb_files::{
    atomic_file::AtomicFile,
    journal::{self, check::Chain},
};
use serde::Deserialize;

use super::whose::Whose;

/// A file that nobody else uses.
pub(super) struct Locked {
    file: File,
    pub(super) path: PathBuf,
}

/// Locks all files, or says which cannot be.
pub(super) fn lock_all(paths: &[PathBuf]) -> Result<Vec<Locked>, Fatal> {
    let mut locked = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match Locked::open(path) {
            Ok(file) => locked.push(file),
            Err(fatal) => problems.push(fatal.to_string()),
        }
    }
    if problems.is_empty() {
        return Ok(locked);
    }
    Err(Fatal::Usage(format!(
        "{}. Nothing was changed",
        problems.join("; ")
    )))
}

/// A line that tells what it is.
pub(super) enum Content {
    Record(Box<Record>),
    Intent,
    /// Half a last line, which the next run of the stage would cut off, too.
    Torn,
}

/// A line of a file.
struct Line<'a> {
    /// Without its line end and its check.
    text: &'a [u8],
    /// Whether it has a check, as lines of journals have.
    is_checked: bool,
    content: Content,
}

impl Locked {
    fn open(path: &Path) -> Result<Self, Fatal> {
        let cannot_read = |source| Fatal::cannot_read(path, source);
        // A symbolic link would be replaced by a file, and what it points to be left as it is.
        let path = &path.canonicalize().map_err(cannot_read)?;
        if !path.metadata().map_err(cannot_read)?.is_file() {
            return Err(Fatal::Usage(format!("{} is not a file", path.display())));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| Fatal::cannot_write(path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                file,
                path: path.clone(),
            }),
            Err(TryLockError::WouldBlock) => Err(Fatal::Usage(format!(
                "{} is in use by a different run",
                path.display()
            ))),
            Err(TryLockError::Error(source)) => {
                Err(Fatal::io(format!("cannot lock {}", path.display()), source))
            }
        }
    }

    /// Sees each record.
    pub(super) fn read(&self, mut see: impl FnMut(Record)) -> Result<(), Fatal> {
        self.lines(|line| {
            if let Content::Record(record) = line.content {
                see(*record);
            }
            Ok(())
        })
    }

    /// Writes the file anew, without the codes that `whose` says.
    pub(super) fn purge(
        &self,
        whose: &Whose,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<Counts, Fatal> {
        let cannot_write = |source| Fatal::cannot_write(&self.path, source);
        let mut counts = Counts::default();
        let mut output = match dry_run {
            true => None,
            false => Some(AtomicFile::create(&self.path)?),
        };
        // Checks are those of the lines as they are now.
        let mut chain = Chain::default();
        let mut written = Vec::new();
        self.lines(|line| {
            let mut changed = None;
            match line.content {
                Content::Record(mut record) => {
                    if counts.count(whose, &mut record, now) {
                        let bytes = serde_json::to_vec(&record)
                            .map_err(|_| Fatal::Bug("a record cannot be written".into()))?;
                        changed = Some(bytes);
                    }
                }
                Content::Intent => {}
                Content::Torn => {
                    counts.is_torn = true;
                    return Ok(());
                }
            }
            let Some(output) = &mut output else {
                return Ok(());
            };
            let text = changed.as_deref().unwrap_or(line.text);
            written.clear();
            if line.is_checked {
                chain.append(&mut written, text)?;
            } else {
                chain.pass(text);
                written.extend_from_slice(text);
            }
            written.push(b'\n');
            output.write_all(&written).map_err(cannot_write)
        })?;
        // A file in which nothing is to be changed stays as it is.
        match output {
            Some(output) if counts.changed() > 0 => output.finish()?,
            _ => {}
        }
        Ok(counts)
    }

    /// Sees each line.
    fn lines(&self, mut see: impl FnMut(Line<'_>) -> Result<(), Fatal>) -> Result<(), Fatal> {
        let cannot_read = |source| Fatal::cannot_read(&self.path, source);
        let mut input = BufReader::with_capacity(256 << 10, &self.file);
        std::io::Seek::rewind(&mut input).map_err(cannot_read)?;
        let mut line = Vec::new();
        let mut chain = Chain::default();
        for number in 1_u64.. {
            line.clear();
            if input.read_until(b'\n', &mut line).map_err(cannot_read)? == 0 {
                break;
            }
            let is_whole = line.ends_with(b"\n");
            line.truncate(line.trim_ascii_end().len());
            let mut is_checked = false;
            let content = match content_of(&line) {
                Some(_) => {
                    let check = chain.take_out(&mut line);
                    is_checked =
                        check.map_err(|damage| journal::damaged(&self.path, number, damage))?;
                    content_of(&line)
                }
                None => (!is_whole).then_some(Content::Torn),
            };
            let content = content.ok_or_else(|| {
                Fatal::Input(format!(
                    "{}, line {number} is neither a record of version {} nor an intent. The file was not changed",
                    self.path.display(),
                    Schema::NAME
                ))
            })?;
            see(Line {
                text: &line,
                is_checked,
                content,
            })?;
        }
        Ok(())
    }
}

pub(super) fn content_of(line: &[u8]) -> Option<Content> {
    #[derive(Deserialize)]
    struct Intent {
        schema: String,
    }
    if let Ok(record) = serde_json::from_slice(line) {
        return Some(Content::Record(record));
    }
    let intent: Intent = serde_json::from_slice(line).ok()?;
    (intent.schema == IntentLog::SCHEMA).then_some(Content::Intent)
}

/// What became of the codes in a file.
#[derive(Default)]
pub(super) struct Counts {
    taken_out: u64,
    before: u64,
    good: u64,
    good_until: Option<Timestamp>,
    /// Records of patients who were erased; `None` if that was not asked for.
    erased: Option<u64>,
    is_torn: bool,
}

impl Counts {
    /// Takes out of a record what is to go. Whether it was changed.
    fn count(&mut self, whose: &Whose, record: &mut Record, now: Timestamp) -> bool {
        let Whose::Ended = whose else {
            let is_erased = whose.is(record) && record.erase(now);
            *self.erased.get_or_insert_default() += u64::from(is_erased);
            return is_erased;
        };
        match record.purge(now) {
            CodesStand::None => false,
            CodesStand::TakenOut => {
                self.taken_out += 1;
                true
            }
            CodesStand::OutBefore => {
                self.before += 1;
                false
            }
            CodesStand::Good(until) => {
                self.good += 1;
                self.good_until = self.good_until.max(Some(until));
                false
            }
        }
    }

    /// Records that are changed.
    fn changed(&self) -> u64 {
        self.taken_out + self.erased.unwrap_or_default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.erased {
            Some(erased) => write!(
                f,
                "patient data deleted from {}",
                counted(erased, "record", "records")
            )?,
            None => write!(
                f,
                "codes deleted from {}",
                counted(self.taken_out, "record", "records")
            )?,
        }
        if self.before > 0 {
            write!(f, ", and from {} in an earlier run", self.before)?;
        }
        if let Some(until) = self.good_until {
            write!(
                f,
                ". {} that are still valid, the last until {}. Run pkb purge again then",
                counted(self.good, "record has codes", "records have codes"),
                uk_date(until)
            )?;
        }
        if self.is_torn {
            f.write_str(
                ". The last line is incomplete, because a run was killed, and is left out",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9,"x":1},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"END"},"deliveries":[{"channel":"letter","file":"letters-0001.pdf","date":"2026-11-22","y":2}],"z":{"a":[3]}}"#;
    const INTENT: &str = r#"{"file":"letters-0001.pdf","schema":"pkb-intent/1","stage":"letters"}"#;

    fn now() -> Timestamp {
        "2027-01-01T00:00:00Z".parse().unwrap()
    }

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    fn purged(content: &str) -> (String, Counts) {
        let file = file(content);
        let locked = Locked::open(file.path()).unwrap();
        let counts = locked.purge(&Whose::Ended, now(), false).unwrap();
        (std::fs::read_to_string(file.path()).unwrap(), counts)
    }

    #[test]
    fn codes_go_when_they_have_ended_and_not_a_second_before_and_nothing_else_is_changed() {
        let ended = RECORD.replace("END", "2027-01-01T00:00:00Z");
        let good = RECORD.replace("END", "2027-01-01T00:00:01Z");
        let content = format!("{ended}\n{INTENT}\n{good}\n");
        let (text, counts) = purged(&content);
        let invitation = r#""invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2027-01-01T00:00:00Z"}"#;
        let instead =
            r#""purged":{"expires_at":"2027-01-01T00:00:00Z","purged_at":"2027-01-01T00:00:00Z"}"#;
        let expected = content.replace(invitation, instead);
        assert_eq!(text, expected);
        assert_eq!((counts.taken_out, counts.good), (1, 1));
        let (again, counts) = purged(&text);
        assert_eq!(again, text);
        assert_eq!((counts.taken_out, counts.before), (0, 1));
    }

    #[test]
    fn a_journal_has_the_checks_of_what_is_left_in_it_and_a_damaged_one_stays_as_it_is() {
        let checked = |lines: &[&str]| {
            let mut chain = Chain::default();
            let mut out = Vec::new();
            for line in lines {
                chain.append(&mut out, line.as_bytes()).unwrap();
                out.push(b'\n');
            }
            String::from_utf8(out).unwrap()
        };
        let ended = RECORD.replace("END", "2027-01-01T00:00:00Z");
        let good = RECORD.replace("END", "2027-01-01T00:00:01Z");
        let (plain, _) = purged(&format!("{ended}\n{INTENT}\n{good}\n"));
        let plain: Vec<&str> = plain.lines().collect();
        let journal = checked(&[&ended, INTENT, &good]);
        assert_eq!(purged(&journal).0, checked(&plain));
        let lost = journal.lines().enumerate().filter(|(at, _)| *at != 1);
        let lost: String = lost.map(|(_, line)| format!("{line}\n")).collect();
        let file = file(&lost);
        let refused = Locked::open(file.path())
            .unwrap()
            .purge(&Whose::Ended, now(), false);
        let words = refused.err().unwrap().to_string();
        assert!(words.contains("line 2 does not follow"), "{words}");
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), lost);
    }

    #[test]
    fn half_a_last_line_goes_and_with_another_broken_line_the_file_is_as_it_was() {
        let ended = RECORD.replace("END", "2026-12-22T09:00:00Z");
        let (text, counts) = purged(&format!("{ended}\n{}", &ended[..200]));
        assert!(counts.is_torn);
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains("NKcYiAciBU"));
        let broken = format!("{ended}\n{{\"half\n{ended}\n");
        let file = file(&broken);
        let refused = Locked::open(file.path())
            .unwrap()
            .purge(&Whose::Ended, now(), false);
        assert!(refused.err().unwrap().to_string().contains("line 2"));
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), broken);
    }

    #[test]
    fn a_file_in_use_is_refused_and_a_dry_run_changes_nothing() {
        let ended = RECORD.replace("END", "2026-12-22T09:00:00Z");
        let file = file(&ended);
        let locked = Locked::open(file.path()).unwrap();
        let counts = locked.purge(&Whose::Ended, now(), true).unwrap();
        assert_eq!(counts.taken_out, 1);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), ended);
        let paths = [file.path().to_owned(), PathBuf::from("/nowhere")];
        let words = lock_all(&paths).err().unwrap().to_string();
        for part in ["in use by a different run", "/nowhere: no such file"] {
            assert!(words.contains(part), "{words}");
        }
    }
}
