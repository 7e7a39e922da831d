//! A stream through a program that makes no calls: each record is looked at, changed or not, and written on, in the order it came.
//! A line that nothing changes leaves as the same bytes. What is read by several threads is written by one.

use std::{io::Read, ops::ControlFlow};

use pkb_files::in_order::in_order;

use crate::{
    Fatal, Record,
    completeness::Completeness,
    ndjson::{Block, BlockReader, NdjsonError, parse_line},
    output::Target,
    record::Row,
    rehearsal::Origins,
};

/// What becomes of a record.
pub struct Seen<N> {
    /// Whether it is no longer what was read.
    pub is_changed: bool,
    /// What is to be known of it, in the order of the stream.
    pub note: N,
}

/// A stream and where it goes.
pub struct Stream {
    /// What is read.
    pub input: Box<dyn Read + Send>,
    /// Where the records are written; `None` if they are only read.
    pub output: Option<Target>,
    /// The stream is a part on purpose: do not insist on every row.
    pub is_partial: bool,
}

/// The lines of a block when they have been worked on.
struct Done<N> {
    text: Vec<u8>,
    notes: Vec<(Row, N)>,
}

/// Works on each record with `change`, on several threads, and hands what that notes to `see`, in the order of the stream.
/// Returns how many rows there were, and whether they are those of a rehearsal.
///
/// # Errors
/// The input cannot be read or has lines that are no records, a row came twice or is missing, the output cannot be written, or what
/// `see` says. An output file is then absent, or as it was.
pub fn transform<N: Send>(
    stream: Stream,
    change: impl Fn(&mut Record) -> Result<Seen<N>, Fatal> + Sync,
    mut see: impl FnMut(&Row, N) -> Result<(), Fatal>,
) -> Result<(Completeness, Origins), Fatal> {
    let Stream {
        input,
        mut output,
        is_partial,
    } = stream;
    let is_written = output.is_some();
    let mut blocks = BlockReader::new(input);
    let mut rows = Completeness::default();
    let origins = Origins::default();
    let mut ended = Ok(());
    in_order(
        || blocks.read().transpose(),
        |block| match block {
            Ok(block) => work_on(&block, is_written, &origins, &change),
            Err(source) => Err(Fatal::io("cannot read the input", source)),
        },
        |done| {
            let taken = done.flatten().and_then(|done| {
                for (row, note) in done.notes {
                    if !rows.note(&row) {
                        return Err(came_twice(&row));
                    }
                    see(&row, note)?;
                }
                match &mut output {
                    Some(output) => output.write(&done.text),
                    None => Ok(()),
                }
            });
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(fatal) => {
                    ended = Err(fatal);
                    ControlFlow::Break(())
                }
            }
        },
    );
    ended?;
    if rows.total() == 0 || !is_partial {
        rows.check().map_err(|missing| {
            Fatal::Input(format!(
                "{missing}. Run the program before this one again, or add --partial if rows are missing on purpose"
            ))
        })?;
    }
    if let Some(output) = output {
        output.finish()?;
    }
    Ok((rows, origins))
}

fn work_on<N>(
    block: &Block,
    is_written: bool,
    origins: &Origins,
    change: &(impl Fn(&mut Record) -> Result<Seen<N>, Fatal> + Sync),
) -> Result<Done<N>, Fatal> {
    let mut done = Done {
        text: Vec::new(),
        notes: Vec::new(),
    };
    for line in block.lines() {
        let text = line.text.trim_ascii_end();
        if text.is_empty() {
            continue;
        }
        let mut record: Box<Record> = parse_line(line.place(), text).map_err(not_a_record)?;
        let Seen { is_changed, note } = change(&mut record)?;
        if is_written {
            match is_changed {
                false => done.text.extend_from_slice(text),
                true => serde_json::to_writer(&mut done.text, &record)
                    .map_err(|_| Fatal::Bug("a record cannot be written".into()))?,
            }
            done.text.push(b'\n');
        }
        origins.note_record(&record)?;
        done.notes.push((record.row, note));
    }
    Ok(done)
}

fn not_a_record(error: NdjsonError) -> Fatal {
    match error {
        NdjsonError::Read(source) => Fatal::io("cannot read the input", source),
        error => Fatal::Input(error.to_string()),
    }
}

fn came_twice(row: &Row) -> Fatal {
    Fatal::Input(format!(
        "row {} of {} came twice. Give each part of a stream once",
        row.number,
        pkb_files::shown::in_line(&row.file)
    ))
}

impl Target {
    /// Writes to it at once, so that a pipe stays live.
    ///
    /// # Errors
    /// The reader has gone, or the disk is full.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fatal> {
        let writer = self.writer();
        (writer.write_all(bytes).and_then(|()| writer.flush()))
            .map_err(|source| Fatal::io("cannot write the output", source))
    }

    /// Gives a file its name.
    ///
    /// # Errors
    /// The disk is full, or the file has records that these lack.
    fn finish(self) -> Result<(), Fatal> {
        match self {
            Self::File(file) => file.finish(),
            Self::Stream(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &[u64], of: u64) -> String {
        rows.iter()
            .map(|row| {
                format!("{{\"schema\":\"pkb-record/1\", \"row\":{{\"file\":\"a.csv\",\"number\":{row},\"of\":{of}}}}}\n")
            })
            .collect()
    }

    fn through(
        input: String,
        is_partial: bool,
        path: &std::path::Path,
    ) -> Result<Vec<u64>, String> {
        let mut seen = Vec::new();
        let stream = Stream {
            input: Box::new(std::io::Cursor::new(input)),
            output: Some(Target::file(path, true).unwrap()),
            is_partial,
        };
        let change = |record: &mut Record| {
            let is_changed = record.row.number == 3;
            record.rehearsal |= is_changed;
            Ok(Seen {
                is_changed,
                note: record.row.number,
            })
        };
        let ended = transform(stream, change, |row, note| {
            assert_eq!(row.number, note);
            seen.push(note);
            Ok(())
        });
        ended.map(|_| seen).map_err(|fatal| fatal.to_string())
    }

    #[test]
    fn lines_keep_their_order_and_only_changed_ones_are_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.ndjson");
        let rows: Vec<u64> = (2..5002).collect();
        assert_eq!(through(lines(&[2, 4], 2), false, &path), Ok(vec![2, 4]));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), lines(&[2, 4], 2));
        let more = lines(&rows, 5000).replacen("\"number\":3,", "\"number\":5002,", 1);
        through(more, false, &path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap().lines().count(),
            5000
        );
    }

    #[test]
    fn a_row_that_is_missing_or_came_twice_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.ndjson");
        for (rows, words) in [
            (&[2, 4][..], "2 of 3 rows"),
            (&[2, 4, 4], "row 4 of a.csv came twice"),
        ] {
            let ended = through(lines(rows, 3), false, &path).unwrap_err();
            assert!(ended.contains(words), "{ended}");
            assert!(!path.exists());
        }
        assert!(through(String::new(), true, &path).is_err());
        assert!(through(lines(&[2, 4], 3), true, &path).is_ok());
    }
}
