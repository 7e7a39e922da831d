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
    file: String,
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
fn read(line: &[u8], _: u64) -> Result<Entry, Fatal> {
    let record = Record::of(line).ok_or_else(|| Fatal::Input("not a record".into()))?;
    Ok(Some(record.number)
        .filter(|number| *number > 0)
        .map(key)
        .into())
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

fn append(journal: &mut Journal, number: u64, line: &[u8]) {
    journal
        .append(Some(key(number)), line, Instant::now())
        .unwrap();
}

fn found(journal: &mut Journal, number: u64) -> Option<Vec<u8>> {
    journal.get(key(number)).unwrap().map(<[u8]>::to_vec)
}

/// Ends the journal as `kill -9` would: what was not written is lost.
fn kill(mut journal: Journal) {
    journal.broken = true;
}

#[test]
fn a_line_is_found_at_once_after_a_sync_and_after_opening_again() {
    let place = Place::new();
    let mut journal = place.open();
    assert!(journal.is_empty());
    append(&mut journal, 2, &record(2, "a"));
    assert_eq!(found(&mut journal, 2).unwrap(), record(2, "a"));
    assert_eq!(place.content(), b"");
    journal.sync().unwrap();
    assert_eq!(found(&mut journal, 2).unwrap(), record(2, "a"));
    assert_eq!(found(&mut journal, 3), None);
    kill(journal);
    let mut journal = place.open();
    assert_eq!((journal.len(), journal.cut_bytes()), (1, 0));
    assert!(journal.contains(key(2)) && !journal.contains(key(3)));
    assert_eq!(found(&mut journal, 2).unwrap(), record(2, "a"));
}

#[test]
fn a_later_line_replaces_an_earlier_one_and_a_line_without_key_is_kept_but_not_found() {
    let place = Place::new();
    let mut journal = place.open();
    append(&mut journal, 2, &record(2, "old"));
    journal
        .append(None, &record(0, "intent"), Instant::now())
        .unwrap();
    append(&mut journal, 2, &record(2, "new"));
    for _ in 0..2 {
        assert_eq!(journal.len(), 1);
        assert_eq!(found(&mut journal, 2).unwrap(), record(2, "new"));
        drop(journal);
        journal = place.open();
    }
    let all = [record(2, "old"), record(0, "intent"), record(2, "new")];
    assert_eq!(place.content(), lines(&all));
}

#[test]
fn a_second_run_is_refused_while_the_first_lives() {
    let place = Place::new();
    let journal = place.open();
    let refusal = place.refusal();
    assert_eq!(refusal.exit_code(), ExitCode::TryLater);
    let expected = format!("{}: another run is using it", place.path().display());
    assert_eq!(refusal.to_string(), expected);
    drop(journal);
    place.open();
}

#[test]
fn a_sync_is_due_after_enough_lines_or_enough_time() {
    let place = Place::new();
    let mut journal = place.open().with_sync_limits(2, Duration::from_millis(100));
    let start = Instant::now();
    let later = |milliseconds| start + Duration::from_millis(milliseconds);
    assert_eq!(journal.sync_due(), None);
    assert!(!journal.sync_if_due(later(1000)).unwrap());

    let line = record(1, "a");
    journal.append(None, &line, start).unwrap();
    assert_eq!(journal.sync_due(), Some(later(100)));
    assert!(!journal.sync_if_due(later(99)).unwrap());
    assert!(journal.sync_if_due(later(100)).unwrap());
    assert_eq!(journal.sync_due(), None);

    journal.append(None, &line, later(200)).unwrap();
    journal.append(None, &line, later(201)).unwrap();
    assert!(journal.sync_if_due(later(201)).unwrap());
    assert_eq!(place.content(), lines(&[line.clone(), line.clone(), line]));
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
        let refused = journal.append(None, line, now).unwrap_err();
        assert!(matches!(refused, Fatal::Bug(_)));
    }
    let room = MAX_LINE_BYTES - ADDED_BYTES - record(1, "").len();
    let longest = record(1, &"x".repeat(room));
    append(&mut journal, 1, &longest);
    let too_long = record(2, &"x".repeat(room + 1));
    let refused = journal.append(Some(key(2)), &too_long, now).unwrap_err();
    assert!(matches!(refused, Fatal::Input(_)));
    drop(journal);
    let mut journal = place.open();
    assert_eq!(found(&mut journal, 1).unwrap(), longest);
    assert_eq!(journal.len(), 1);
}

#[test]
fn look_ups_in_any_order_over_many_blocks_find_their_lines() {
    const COUNT: u64 = 5000;
    let line = |number| record(number, &"x".repeat(number as usize % 300));
    let place = Place::new();
    let mut journal = place.open();
    for number in 1..=COUNT {
        append(&mut journal, number, &line(number));
    }
    for _ in 0..2 {
        let forth = 1..=COUNT;
        let back = (1..=COUNT).rev();
        let jumping = (0..COUNT).map(|step| step * 1237 % COUNT + 1);
        for number in forth.chain(back).chain(jumping) {
            assert_eq!(found(&mut journal, number).unwrap(), line(number));
        }
        drop(journal);
        journal = place.open();
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
        assert!(fatal.to_string().contains("no locks at work"));
    }
    assert!(matches!(refusal(5), Fatal::Io { .. }));
}

#[test]
fn lines_that_were_replaced_or_hidden_answer_nobody() {
    let all = [(1, "a"), (2, "a"), (3, "a"), (2, "found"), (3, "hides")];
    let all = all.map(|(number, name)| record(number, name));
    let place = Place::with(&lines(&all));
    let read = |line: &[u8], _| {
        let row = Record::of(line).unwrap();
        Ok(match row.file.as_str() {
            "found" => Entry::Found(key(row.number)),
            "hides" => Entry::Hides(key(row.number)),
            _ => Entry::Ready(key(row.number)),
        })
    };
    let journal = Journal::open(&place.path(), read, Ok).unwrap();
    let lookup = journal.lookup();
    let found = [1, 2, 3].map(|number| lookup.find(key(number)));
    assert!(found[1].is_some() && found[2].is_none());
    let first = found[0].unwrap();
    assert_eq!(lookup.near(first, 9, 9), [first]);
}
