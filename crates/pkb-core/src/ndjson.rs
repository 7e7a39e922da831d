//! Newline-delimited JSON: one record a line.
//!
//! Errors name the line and the field and never the value; serde's own messages repeat values, so
//! they stop here.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use crate::record::{Record, Schema};

pub use pkb_files::lines::MAX_LINE_BYTES;
pub(crate) use pkb_files::lines::{Block, BlockReader, Place};

/// Bytes that the reader asks the operating system for at a time.
const BLOCK_BYTES: usize = 128 << 10;

/// A record with the bytes it was read from (without the line end).
#[derive(Debug, Clone)]
pub struct Line {
    /// As it was read; what is written when nothing changes it.
    pub raw: Box<[u8]>,
    /// What it says; boxed, since lines are handed from queue to queue.
    pub record: Box<Record>,
}

/// Why a line is not a record. Line numbers are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum NdjsonError {
    /// The input could not be read.
    #[error("cannot read the input: {0}")]
    Read(#[from] io::Error),
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error(
        "line {line} is longer than 1 MiB, so this is not a record stream. Give the output of the stage before"
    )]
    TooLong {
        /// Line number.
        line: u64,
    },
    /// A line is not UTF-8.
    #[error(
        "line {line} is not UTF-8, so this is not a record stream. Give the output of the stage before"
    )]
    NotUtf8 {
        /// Line number.
        line: u64,
    },
    /// A line is not JSON, or breaks off.
    #[error("line {line} is not a complete JSON object: {}", if *.last { "the input ends here. Run the stage before this one again" } else { "the line is damaged. Run the stage before this one again" })]
    NotJson {
        /// Line number.
        line: u64,
        /// Whether it is the unfinished last line of the input.
        last: bool,
    },
    /// The input begins with something else than an object.
    #[error(
        "line 1: this is not a record stream. Give the output of the stage before. A patient file goes to pkb-upload first"
    )]
    NoStream,
    /// A line has another version or none.
    #[error(
        "line {line} is not a record of version {}. A different version of pkb may have made this record. Run the earlier \
         stages again",
        Schema::NAME
    )]
    OtherSchema {
        /// Line number.
        line: u64,
    },
    /// A field is missing or has a value that is not allowed.
    #[error(
        "line {line}: the field {field} is missing or wrong. Run the stage before this one again"
    )]
    Field {
        /// Line number.
        line: u64,
        /// Path of the field: `patient.national_id.value`.
        field: String,
    },
}

/// Reads records line by line.
pub struct NdjsonReader<R> {
    input: BufReader<R>,
    line: u64,
    buffer: Vec<u8>,
    /// Bytes before the line that was read last, and behind it.
    span: (u64, u64),
}

impl<R: Read> NdjsonReader<R> {
    /// A reader at the start of `input`.
    pub fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(BLOCK_BYTES, input),
            line: 0,
            buffer: Vec::new(),
            span: (0, 0),
        }
    }

    /// Where the record that was read last begins, in bytes from the start of the input.
    pub fn offset(&self) -> u64 {
        self.span.0
    }

    /// The next record, or `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// [`NdjsonError`]. After any error but [`NdjsonError::Read`] reading may go on with the next line.
    pub fn read(&mut self) -> Result<Option<Line>, NdjsonError> {
        let Some((text, place)) = self.read_text()? else {
            return Ok(None);
        };
        let record = parse_line::<Box<Record>>(place, text)?;
        let raw = text.into();
        Ok(Some(Line { raw, record }))
    }

    /// As [`Self::read`], but only the fields of a record that `T` has: read several times as fast.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_fields<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>, NdjsonError> {
        self.read_text()?
            .map(|(text, place)| parse_line(place, text))
            .transpose()
    }

    /// The next line that is not empty, without its end.
    fn read_text(&mut self) -> Result<Option<(&[u8], Place)>, NdjsonError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let limit = MAX_LINE_BYTES as u64 + 1;
            (&mut self.input)
                .take(limit)
                .read_until(b'\n', &mut self.buffer)?;
            self.span = (self.span.1, self.span.1 + self.buffer.len() as u64);
            let ended = self.buffer.last() == Some(&b'\n');
            if self.buffer.is_empty() {
                return Ok(None);
            }
            if !ended && self.buffer.len() > MAX_LINE_BYTES {
                self.input.skip_until(b'\n')?;
                return Err(NdjsonError::TooLong { line });
            }
            let length = self.buffer.trim_ascii_end().len();
            if length > 0 {
                return Ok(Some((&self.buffer[..length], Place { line, last: !ended })));
            }
        }
    }
}

/// Reads the line that stands at `place`.
///
/// # Errors
/// Why it is not a record.
pub(crate) fn parse_line<'a, T: Deserialize<'a>>(
    place: Place,
    text: &'a [u8],
) -> Result<T, NdjsonError> {
    let line = place.line;
    if text.len() > MAX_LINE_BYTES {
        return Err(NdjsonError::TooLong { line });
    }
    let text = std::str::from_utf8(text).map_err(|_| NdjsonError::NotUtf8 { line })?;
    serde_json::from_str(text).map_err(|_| explain::<T>(text, place))
}

/// Reads a bad line again, slowly, to say what is wrong with it.
fn explain<'a, T: Deserialize<'a>>(text: &'a str, Place { line, last }: Place) -> NdjsonError {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: Option<serde_json::Value>,
    }
    match serde_json::from_str::<Head>(text) {
        Err(_) if line == 1 && !text.starts_with('{') => NdjsonError::NoStream,
        Err(_) => NdjsonError::NotJson { line, last },
        Ok(Head { schema }) if schema.as_ref().and_then(|s| s.as_str()) != Some(Schema::NAME) => {
            NdjsonError::OtherSchema { line }
        }
        Ok(_) => {
            let mut json = serde_json::Deserializer::from_str(text);
            let field = match serde_path_to_error::deserialize::<_, T>(&mut json) {
                Err(error) => path_and_missing_field(&error),
                Ok(_) => "after the object".to_owned(),
            };
            NdjsonError::Field { line, field }
        }
    }
}

/// The path of the field; of a missing field serde names only the parent, and its own message
/// (which then holds no value) has the name.
fn path_and_missing_field(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let parent = error.path().to_string();
    let message = error.inner().to_string();
    match message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        Some(name) if parent == "." => name.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None => parent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = r#"{"schema":"pkb-record/1","row":{"file":"p.csv","number":2,"of":1,"tag":[1,{"x":null}]},"patient":{"national_id":{"type":"NHS_NUMBER","value":"5760678914"},"first_name":"Read","last_name":"Richards","date_of_birth":"2000-09-15","ward":"B4"},"theirs":{"b":1.5,"a":"é"}}"#;

    fn read_all(input: &[u8]) -> Vec<Result<Line, NdjsonError>> {
        let mut reader = NdjsonReader::new(input);
        std::iter::from_fn(|| reader.read().transpose()).collect()
    }

    fn message(input: &str) -> String {
        read_all(input.as_bytes())
            .pop()
            .unwrap()
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn unknown_fields_survive_a_round_trip_at_every_level() {
        let line = read_all(LINE.as_bytes()).pop().unwrap().unwrap();
        let mut out = Vec::new();
        serde_json::to_writer(&mut out, &line.record).unwrap();
        out.push(b'\n');
        let before: serde_json::Value = serde_json::from_str(LINE).unwrap();
        let after: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn errors_name_line_and_field_and_never_the_value() {
        let bad_number = LINE.replace("5760678914", "9434765918");
        let wrong_type = LINE.replace("\"Richards\"", "[\"Canary\"]");
        let no_name = LINE.replace("\"first_name\":\"Read\",", "");
        for (input, expected) in [
            (
                format!("\n{bad_number}"),
                "line 2: the field patient.national_id.value is missing or wrong. Run the stage before this one again",
            ),
            (
                wrong_type,
                "line 1: the field patient.last_name is missing or wrong. Run the stage before this one again",
            ),
            (
                no_name,
                "line 1: the field patient.first_name is missing or wrong. Run the stage before this one again",
            ),
            (
                LINE.replace("record/1", "record/2"),
                "line 1 is not a record of version pkb-record/1. A different version of pkb may have made this record. \
                 Run the earlier stages again",
            ),
            (
                "{\"a\":1}\n".to_owned(),
                "line 1 is not a record of version pkb-record/1. A different version of pkb may have made this record. \
                 Run the earlier stages again",
            ),
            (
                LINE[..90].to_owned(),
                "line 1 is not a complete JSON object: the input ends here. Run the stage before this one again",
            ),
            (
                format!("{}\n", &LINE[..90]),
                "line 1 is not a complete JSON object: the line is damaged. Run the stage before this one again",
            ),
        ] {
            assert_eq!(message(&input), expected);
        }
    }

    #[test]
    fn a_line_that_is_too_long_or_not_utf8_is_named_and_reading_goes_on() {
        let mut input = vec![b'x'; MAX_LINE_BYTES + 10];
        input.extend_from_slice(b"\n\xff\xfe\n");
        input.extend_from_slice(LINE.as_bytes());
        let lines = read_all(&input);
        assert!(matches!(lines[0], Err(NdjsonError::TooLong { line: 1 })));
        assert!(matches!(lines[1], Err(NdjsonError::NotUtf8 { line: 2 })));
        assert!(lines[2].is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read_all(&bytes);
        }

        #[test]
        fn a_line_cut_anywhere_is_an_error_and_never_another_record(cut in 1_usize..LINE.len()) {
            if LINE.is_char_boundary(cut) {
                prop_assert!(read_all(&LINE.as_bytes()[..cut]).pop().unwrap().is_err());
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_wrong_with_a_line_is_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = BlockReader::new(&bytes[..]);
            let mut errors = Vec::new();
            while let Some(block) = reader.read().unwrap() {
                for line in block.lines() {
                    let text = line.text.trim_ascii_end();
                    if !text.is_empty() && let Err(error) = parse_line::<Record>(line.place(), text) {
                        errors.push(error.to_string());
                    }
                }
            }
            let mut single = NdjsonReader::new(&bytes[..]);
            let expected: Vec<String> = std::iter::from_fn(|| match single.read() {
                Ok(None) => None,
                line => Some(line.err()),
            })
            .flatten()
            .map(|error: NdjsonError| error.to_string())
            .collect();
            prop_assert_eq!(errors, expected);
        }
    }
}
