//! The promises of the journal, above all: what was synced is found again, whatever was torn.

mod damage;
mod model;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::{ExitCode, lines::MAX_LINE_BYTES};

/// What a stage settles, as far as these tests mind.
#[derive(serde::Deserialize)]
struct Record {
    number: u64,
}

impl Record {
    fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

fn record(number: u64, name: &str) -> Vec<u8> {
    format!(r#"{{"schema":"pkb-record/1","file":"{name}","number":{number},"of":9}}"#).into()
}

fn key(number: u64) -> Key {
    Key::of(&[&number.to_le_bytes()])
}

/// Takes records; the row number is the key, and row 0 is not looked up.
fn read(line: &[u8], _: u64) -> Result<Option<Key>, Fatal> {
    let record = Record::of(line).ok_or_else(|| Fatal::Input("not a record".into()))?;
    Ok((record.number > 0).then(|| key(record.number)))
}

fn open(path: &Path) -> Result<Journal, Fatal> {
    Journal::open(path, read, Ok)
}

/// A folder with a place for a journal.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(content: &[u8]) -> Self {
        let place = Self::new();
        fs::write(place.path(), content).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("journal.ndjson")
    }

    fn open(&self) -> Journal {
        open(&self.path()).unwrap()
    }

    fn refusal(&self) -> Fatal {
        open(&self.path()).err().unwrap()
    }

    fn content(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }
}

/// The lines, each with its check and line end, as a journal writes them.
fn lines(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut chain = Chain::default();
    let mut content = Vec::new();
    for line in lines {
        chain.append(&mut content, line).unwrap();
        content.push(b'\n');
    }
    content
}

/// The lines, each with its line end, as an output has them.
fn unchecked(lines: &[Vec<u8>]) -> Vec<u8> {
    let ended = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat());
    ended.collect()
}

fn append(journal: &mut Journal, line: &[u8]) {
    journal.append(line, Instant::now()).unwrap();
}

fn look_up(journal: &Journal, number: u64) -> Result<Option<Vec<u8>>, Fatal> {
    let lookup = journal.lookup();
    let Some(span) = lookup.find(key(number)) else {
        return Ok(None);
    };
    Ok(Some(lookup.fetch(vec![span])?.line(span)?.to_vec()))
}

fn found(journal: &Journal, number: u64) -> Option<Vec<u8>> {
    look_up(journal, number).unwrap()
}

/// Ends the journal as `kill -9` would: what was not written is lost.
fn kill(mut journal: Journal) {
    journal.broken = true;
}

#[test]
fn a_line_is_found_when_the_journal_is_opened_again() {
    let place = Place::new();
    let mut journal = place.open();
    append(&mut journal, &record(2, "a"));
    assert_eq!(found(&journal, 2), None, "only by the next run");
    assert_eq!(place.content(), b"");
    journal.sync().unwrap();
    kill(journal);
    let journal = place.open();
    assert_eq!(journal.cut_bytes(), 0);
    assert_eq!(found(&journal, 2).unwrap(), record(2, "a"));
    assert_eq!(found(&journal, 3), None);
}

#[test]
fn a_later_line_replaces_an_earlier_one_and_a_line_without_key_is_kept_but_not_found() {
    let place = Place::new();
    let mut journal = place.open();
    let all = [record(2, "old"), record(0, "intent"), record(2, "new")];
    all.iter().for_each(|line| append(&mut journal, line));
    drop(journal);
    let journal = place.open();
    assert_eq!(found(&journal, 2).unwrap(), record(2, "new"));
    assert_eq!(found(&journal, 0), None);
    assert_eq!(place.content(), lines(&all));
}

#[test]
fn a_second_run_is_refused_while_the_first_lives() {
    let place = Place::new();
    let journal = place.open();
    let refusal = place.refusal();
    assert_eq!(refusal.exit_code(), ExitCode::TryLater);
    let expected = format!(
        "{} is in use by a different run. Wait until that run is finished, or stop it. Then run the same command again",
        place.path().display()
    );
    assert_eq!(refusal.to_string(), expected);
    drop(journal);
    place.open();
}

#[test]
fn a_sync_is_due_after_enough_lines_or_enough_time() {
    let place = Place::new();
    let mut journal = place.open();
    let start = Instant::now();
    let later = |milliseconds| start + Duration::from_millis(milliseconds);
    assert_eq!(journal.sync_due(), None);

    let line = record(1, "a");
    journal.append(&line, start).unwrap();
    journal.append(&line, later(5)).unwrap();
    assert_eq!(journal.sync_due(), Some(start + MAX_UNSYNCED_WAIT));
    journal.sync().unwrap();
    assert_eq!(journal.sync_due(), None);

    for number in 0..MAX_UNSYNCED_LINES {
        let due = (number > 0).then(|| later(200) + MAX_UNSYNCED_WAIT);
        assert_eq!(journal.sync_due(), due);
        journal.append(&line, later(200)).unwrap();
    }
    assert_eq!(journal.sync_due(), Some(later(200)), "at once");
    journal.sync().unwrap();
    assert_eq!(place.content(), lines(&vec![line; MAX_UNSYNCED_LINES + 2]));
}

#[test]
fn a_new_journal_is_private() {
    let place = Place::new();
    place.open();
    let mode = place.path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_not_a_regular_file_is_refused_with_the_io_exit_code() {
    for path in ["/dev/full", "/dev/null", "/"] {
        let refusal = open(Path::new(path)).err().unwrap();
        assert_eq!(refusal.exit_code(), ExitCode::Io);
        let expected = format!("cannot use {path} as a journal: not a regular file");
        assert_eq!(refusal.to_string(), expected);
    }
}

#[test]
fn a_file_or_folder_that_cannot_be_written_is_named() {
    let place = Place::with(b"");
    fs::set_permissions(place.path(), PermissionsExt::from_mode(0o400)).unwrap();
    let mut paths = vec![place.path()];
    if fs::OpenOptions::new()
        .write(true)
        .open(place.path())
        .is_ok()
    {
        // Run as root, who may write everywhere but in the kernel's own folders.
        paths = [
            "/sys/journal",
            "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
        ]
        .map(PathBuf::from)
        .to_vec();
        paths.retain(|path| path.parent().is_some_and(Path::exists));
    }
    for path in paths {
        let refusal = open(&path).err().unwrap();
        assert_eq!(refusal.exit_code(), ExitCode::Io);
        let start = format!("cannot write {}: ", path.display());
        assert!(refusal.to_string().starts_with(&start), "{refusal}");
    }
    let refusal = open(Path::new("/nowhere/journal")).err();
    let text = refusal.unwrap().to_string();
    assert_eq!(
        text,
        "cannot write /nowhere/journal: no such file or directory"
    );
}

#[test]
fn only_a_json_object_on_one_line_of_at_most_1_mib_is_appended() {
    let place = Place::new();
    let mut journal = place.open();
    let now = Instant::now();
    for line in [&b""[..], b"[]", b"{}", b"{}\n", b"{\n}", b"{"] {
        let refused = journal.append(line, now).unwrap_err();
        assert!(matches!(refused, Fatal::Bug(_)));
    }
    let room = MAX_LINE_BYTES - ADDED_BYTES - record(1, "").len();
    let longest = record(1, &"x".repeat(room));
    append(&mut journal, &longest);
    let too_long = record(2, &"x".repeat(room + 1));
    let refused = journal.append(&too_long, now).unwrap_err();
    assert!(matches!(refused, Fatal::Input(_)));
    drop(journal);
    let journal = place.open();
    assert_eq!(found(&journal, 1).unwrap(), longest);
    assert_eq!(found(&journal, 2), None);
}

#[test]
fn look_ups_in_any_order_over_many_blocks_find_their_lines() {
    const COUNT: u64 = 5000;
    let line = |number| record(number, &"x".repeat(number as usize % 300));
    let place = Place::with(&lines(&(1..=COUNT).map(line).collect::<Vec<_>>()));
    let lookup = place.open().lookup();
    let forth: Vec<u64> = (1..=COUNT).collect();
    let back: Vec<u64> = (1..=COUNT).rev().collect();
    let jumping: Vec<u64> = (0..COUNT).map(|step| step * 1237 % COUNT + 1).collect();
    for numbers in [forth, back, jumping] {
        for some in numbers.chunks(777).chain(numbers[..9].chunks(1)) {
            let spans: Vec<_> = some
                .iter()
                .map(|it| lookup.find(key(*it)).unwrap())
                .collect();
            let fetched = lookup.fetch(spans.clone()).unwrap();
            for (number, span) in some.iter().zip(spans) {
                assert_eq!(fetched.line(span).unwrap(), line(*number));
            }
        }
    }
}

#[test]
fn keys_tell_parts_apart_and_do_not_show_themselves() {
    let keys = [
        Key::of(&[]),
        Key::of(&[b""]),
        Key::of(&[b"", b""]),
        Key::of(&[b"ab", b"c"]),
        Key::of(&[b"a", b"bc"]),
        Key::of(&[b"abc"]),
    ];
    let different: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert_eq!(Key::of(&[b"abc"]), keys[5]);
    assert_eq!(format!("{:?}", keys[5]), "Key(…)");
}

#[test]
fn a_journal_is_read_without_its_lock_and_left_as_it_is() {
    let whole = [record(1, "a"), record(2, "b")].map(|line| [line, b"\n".to_vec()].concat());
    let whole = whole.concat();
    let read_all = |place: &Place| {
        let mut rows = Vec::new();
        let torn = super::read(&place.path(), |line| {
            rows.push(Record::of(line).unwrap().number);
            Ok(())
        });
        (rows, torn.unwrap())
    };
    let place = Place::with(&whole);
    let journal = place.open();
    assert_eq!(read_all(&place), (vec![1, 2], false));
    drop(journal);
    // Cut at every byte: the lines that are whole, and whether there is more. A line that lacks only
    // its line end is whole.
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in 0..whole.len() {
        let place = Place::with(&whole[..cut]);
        let rows = if cut < first {
            vec![]
        } else if cut < whole.len() - 1 {
            vec![1]
        } else {
            vec![1, 2]
        };
        let torn = ![0, first, first + 1, whole.len() - 1].contains(&cut);
        assert_eq!(read_all(&place), (rows, torn), "cut at {cut}");
        assert_eq!(place.content(), &whole[..cut]);
    }
}

#[test]
fn what_is_appended_while_a_journal_is_read_is_not_seen() {
    let line = [record(1, "a"), b"\n".to_vec()].concat();
    let place = Place::with(&line);
    let mut lines = 0;
    let torn = super::read(&place.path(), |_| {
        lines += 1;
        let mut content = place.content();
        content.extend_from_slice(&line[..20]);
        fs::write(place.path(), content).unwrap();
        Ok(())
    });
    assert_eq!((lines, torn.unwrap()), (1, false));
}

#[test]
fn only_a_journal_is_read() {
    let place = Place::new();
    let refusal =
        |place: &Place| super::read(&place.path(), |line| read(line, 0).map(drop)).unwrap_err();
    assert_eq!(refusal(&place).exit_code(), ExitCode::Input);
    let damaged = [b"{\"sch\n".to_vec(), record(1, "a"), b"\n".to_vec()].concat();
    assert_eq!(refusal(&Place::with(&damaged)).exit_code(), ExitCode::Input);
    fs::create_dir(place.path()).unwrap();
    assert_eq!(refusal(&place).exit_code(), ExitCode::Io);
}

#[test]
fn a_file_system_without_locks_is_refused_for_good_and_a_full_one_is_not() {
    use std::{fs::TryLockError, io};
    let refusal = |errno| {
        let error = TryLockError::Error(io::Error::from_raw_os_error(errno));
        super::cannot_lock(std::path::Path::new("x.journal"), error)
    };
    // ENOLCK, ENOSYS and EOPNOTSUPP; EIO.
    for errno in [37, 38, 95] {
        let fatal = refusal(errno);
        assert!(matches!(fatal, Fatal::Usage(_)), "{errno}");
        assert!(fatal.to_string().contains("a file system without locks"));
    }
    assert!(matches!(refusal(5), Fatal::Io { .. }));
}
