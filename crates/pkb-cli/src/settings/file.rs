//! The settings file as it is written: tables, keys and values with their lines. What they mean is not known here.

use std::{
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Id;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose, Unread};

/// Read if it is in the current folder and no other file is named.
pub(super) const DEFAULT_NAME: &str = "pkb.toml";

/// Something wrong in the file.
#[derive(Debug)]
pub(super) struct FileProblem {
    pub(super) line: usize,
    pub(super) what: String,
}

/// A settings file.
#[derive(Debug, Default)]
pub(super) struct SettingsFile {
    /// Where it is; `None` if there is none.
    pub(super) path: Option<PathBuf>,
    pub(super) tables: Vec<FileTable>,
}

/// A table: `[letters.sms]`.
#[derive(Debug)]
pub(super) struct FileTable {
    /// `["letters", "sms"]`; empty for what stands above the first header.
    pub(super) name: Vec<String>,
    pub(super) line: usize,
    pub(super) entries: Vec<FileEntry>,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct FileEntry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: FileValue,
}

/// A value, as far as options can have it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileValue {
    Switch(bool),
    /// Also numbers and times, as they are written: the option's own parser says whether they will do.
    Text(String),
    List(Vec<FileValue>),
    /// A table in a list, which no option takes.
    Table,
}

/// A setting that is taken from the file.
pub(super) struct FromFile {
    pub(super) id: Id,
    pub(super) long: String,
    pub(super) line: usize,
    pub(super) arguments: Vec<OsString>,
}

impl SettingsFile {
    /// The file that is `named` (it must be there), or the one of the current folder (it need not).
    ///
    /// # Errors
    /// It cannot be read, or must not be trusted.
    pub(super) fn open(named: Option<&Path>) -> Result<(Self, Vec<FileProblem>), Fatal> {
        let path = named.unwrap_or(Path::new(DEFAULT_NAME));
        let is_missing = |unread: &Unread| matches!(unread, Unread::Io(error) if error.kind() == ErrorKind::NotFound);
        let bytes = match trusted_file::read(path, Purpose::SETTINGS) {
            Ok(bytes) => bytes,
            Err(unread) if is_missing(&unread) && named.is_none() => {
                return Ok((Self::default(), Vec::new()));
            }
            Err(unread) if is_missing(&unread) => {
                return Err(Fatal::Usage(format!(
                    "{}: no such settings file. Correct --settings or PKB_SETTINGS",
                    path.display()
                )));
            }
            Err(unread) => return Err(unread.or(|error| Fatal::cannot_read(path, error))),
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            Fatal::Usage(format!(
                "{} is not in UTF-8. Save it as UTF-8",
                path.display()
            ))
        })?;
        let (tables, problems) = parse(&text);
        Ok((
            Self {
                path: Some(path.to_owned()),
                tables,
            },
            problems,
        ))
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string())
    }
}

fn parse(text: &str) -> (Vec<FileTable>, Vec<FileProblem>) {
    let lines = Lines::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let problems = errors
        .iter()
        .map(|error| FileProblem {
            line: error.span().map_or(1, |span| lines.at(span.start)),
            // Not the error's own picture of the line, which may hold anything.
            what: format!("the line is not TOML: {}", error.message()),
        })
        .collect();
    let mut tables = Vec::new();
    collect(root.get_ref(), Vec::new(), 1, &lines, &mut tables);
    (tables, problems)
}

fn collect(
    table: &DeTable<'_>,
    name: Vec<String>,
    line: usize,
    lines: &Lines,
    tables: &mut Vec<FileTable>,
) {
    let at = tables.len();
    tables.push(FileTable {
        name: name.clone(),
        line,
        entries: Vec::new(),
    });
    for (key, value) in table {
        let line = lines.at(key.span().start);
        if let DeValue::Table(inner) = value.get_ref() {
            let mut name = name.clone();
            name.push(key.get_ref().to_string());
            collect(inner, name, line, lines, tables);
        } else {
            tables[at].entries.push(FileEntry {
                key: key.get_ref().to_string(),
                line,
                value: read_value(value),
            });
        }
    }
}

fn read_value(value: &Spanned<DeValue<'_>>) -> FileValue {
    match value.get_ref() {
        DeValue::String(text) => FileValue::Text(text.to_string()),
        DeValue::Integer(number) => FileValue::Text(match number.radix() {
            10 => number.as_str().to_owned(),
            radix => i64::from_str_radix(number.as_str(), radix)
                .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
        }),
        DeValue::Float(number) => FileValue::Text(number.as_str().to_owned()),
        DeValue::Boolean(on) => FileValue::Switch(*on),
        DeValue::Datetime(time) => FileValue::Text(time.to_string()),
        DeValue::Array(values) => FileValue::List(values.iter().map(read_value).collect()),
        DeValue::Table(_) => FileValue::Table,
    }
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line that a byte is in, from 1.
    fn at(&self, byte: usize) -> usize {
        1 + self.0.partition_point(|end| *end < byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_they_are_written() {
        let (tables, problems) = parse(
            "# a comment\n[upload]\nrate = 50_0\nsms_price = 2.40\nzip = true\nexclude = [\"a\", 2]\nsend_after = 17:00:00\n[upload.check]\n",
        );
        assert!(problems.is_empty());
        let values: Vec<_> = tables[1]
            .entries
            .iter()
            .map(|e| (e.key.as_str(), e.line, &e.value))
            .collect();
        let text = |text: &str| FileValue::Text(text.into());
        let list = FileValue::List(vec![text("a"), text("2")]);
        for wanted in [
            ("rate", 3, &text("500")),
            ("sms_price", 4, &text("2.40")),
            ("zip", 5, &FileValue::Switch(true)),
            ("exclude", 6, &list),
            ("send_after", 7, &text("17:00:00")),
        ] {
            assert!(values.contains(&wanted), "{wanted:?} in {values:?}");
        }
        assert_eq!(
            (tables[2].name.join("."), tables[2].line),
            ("upload.check".into(), 8)
        );
    }

    #[test]
    fn what_is_not_toml_is_said_with_its_lines_and_without_the_text() {
        let (_, problems) = parse("[upload]\nrate = Canary\nx = 1\n[pkb\n");
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert!(lines.contains(&2) && lines.contains(&4), "{problems:?}");
        assert!(!format!("{problems:?}").contains("Canary"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(\\PC|\n|[\\[\\]=\"a.]){0,60}") {
            parse(&text);
        }
    }
}
