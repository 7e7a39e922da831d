//! A look at the first records of a stream, for what has to be known before the first is worked on.

use std::io::{self, Cursor, Read};

use super::{Origin, Origins};
use crate::{Fatal, Record};

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes that are looked at: only records that have nothing of any PKB come before, and nothing is done for them.
const MOST_BYTES: usize = 256 << 20;

/// Reads a stream until a record tells whether the run is a rehearsal, which `origins` hear. The stream that is left is
/// whole. What is not a record is left to who reads it next.
///
/// # Errors
/// It cannot be read, or the record tells the opposite of what is known.
pub fn look_ahead(
    mut input: Box<dyn Read + Send>,
    origins: &Origins,
) -> Result<Box<dyn Read + Send>, Fatal> {
    let (mut seen, mut looked_at) = (Vec::new(), 0);
    let mut block = vec![0; BLOCK_BYTES];
    let (mut is_told, mut is_at_end) = (false, false);
    while !is_told && !is_at_end && seen.len() < MOST_BYTES {
        // What is there, and no more: a stream may come slowly.
        match input.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(Fatal::io("cannot read the records", source)),
            Ok(bytes) => {
                is_at_end = bytes == 0;
                seen.extend_from_slice(block.get(..bytes).unwrap_or_default());
            }
        }
        let whole = match is_at_end {
            true => seen.len(),
            false => memchr::memrchr(b'\n', &seen).map_or(looked_at, |end| looked_at.max(end + 1)),
        };
        let lines = seen.get(looked_at..whole).unwrap_or_default();
        for line in lines.split(|byte| *byte == b'\n') {
            if let Ok(record) = serde_json::from_slice::<Record>(line)
                && Origin::of(&record).is_some()
            {
                origins.note_record(&record)?;
                is_told = true;
                break;
            }
        }
        looked_at = whole;
    }
    Ok(Box::new(Cursor::new(seen).chain(input)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, and an error where nothing should be read any more.
    struct Slow(Vec<u8>, usize);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = buffer.len().min(7).min(self.0.len() - self.1);
            buffer[..bytes].copy_from_slice(&self.0[self.1..self.1 + bytes]);
            self.1 += bytes;
            Ok(bytes)
        }
    }

    #[test]
    fn the_first_record_that_tells_is_found_and_the_stream_stays_whole() {
        let line = |number: u64, more: &str| {
            format!(
                r#"{{"schema":"pkb-record/1","row":{{"file":"a.csv","number":{number},"of":9}}{more}}}"#
            )
        };
        let plain = line(2, "");
        let marked = line(3, r#","rehearsal":true"#);
        let real = line(
            4,
            r#","upload":{"state":"sent","at":"2026-11-22T09:00:00Z"}"#,
        );
        let prepared = line(
            5,
            r#","upload":{"state":"prepared","at":"2026-11-22T09:00:00Z"}"#,
        );
        for (lines, known) in [
            (vec![&plain, &marked, &real], Some(Origin::Rehearsal)),
            (vec![&plain, &real, &marked], Some(Origin::Real)),
            (vec![&plain, &prepared], None),
            (vec![&marked], Some(Origin::Rehearsal)),
            (vec![], None),
        ] {
            let lines: Vec<&str> = lines.into_iter().map(String::as_str).collect();
            for end in ["", "\n", "\nno record\n"] {
                let text = lines.join("\n") + end;
                let origins = Origins::default();
                let input = Slow(text.clone().into_bytes(), 0);
                let mut rest = String::new();
                let mut input = look_ahead(Box::new(input), &origins).unwrap();
                input.read_to_string(&mut rest).unwrap();
                assert_eq!(origins.known(), known);
                assert_eq!(rest, text);
            }
        }
    }
}
