//! Which encoding a text file is in. Encodings are told apart by evidence in the whole file, and
//! where that is not enough the operator is asked: a wrong guess makes wrong names.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use memchr::memchr_iter;
use pkb_core::Fatal;

use super::{
    doubt::{Doubt, Question},
    encoding::EncodingChoice,
    how_read::Certainty,
    source::Source,
};

/// Bytes looked at together.
const BUFFER: usize = 256 << 10;
/// Bytes in which NULs are counted: UTF-16 shows early.
const NUL_SAMPLE: u64 = 1 << 20;
/// What the detector is given: blocks with bytes that are not ASCII, the others say nothing. It is
/// slow, so that the amount is limited.
const BLOCK: usize = 512;
const BLOCKS: usize = 2048;

/// An encoding, and how sure it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) encoding: EncodingChoice,
    pub(super) certainty: Certainty,
}

/// What the operator asked for, else what the byte-order mark says, else what the bytes look like.
pub(super) fn encoding(source: &Source, asked: Option<EncodingChoice>) -> Result<Detected, Fatal> {
    let head = source.head()?;
    let certain = asked.or_else(|| EncodingChoice::of_mark(&head));
    let (encoding, certainty) = match certain {
        Some(encoding) => (encoding, Certainty::Certain),
        None => weigh(&Evidence::collect(source)?, source)?,
    };
    Ok(Detected {
        encoding,
        certainty,
    })
}

fn weigh(seen: &Evidence, source: &Source) -> Result<(EncodingChoice, Certainty), Fatal> {
    let utf_8 = EncodingChoice::UTF_8;
    let windows = EncodingChoice::WINDOWS_1252;
    if let Some(utf_16) = seen.utf_16() {
        return Ok((utf_16, Certainty::Detected));
    }
    let Evidence { valid, invalid, .. } = *seen;
    if invalid == 0 {
        return Ok((utf_8, Certainty::Certain));
    }
    if valid > invalid.saturating_mul(9) {
        return Ok((utf_8, Certainty::Mostly));
    }
    if valid > 0 {
        let [characters, bytes] =
            [(valid, "character"), (invalid, "byte")].map(|(count, what)| counted(count, what));
        return Err(Fatal::Refused(format!(
            "{source} mixes encodings: {characters} of {utf_8} and {bytes} of a different encoding. Export the file again \
             as CSV UTF-8. Or \
             reject the rows with other bytes. Run: {}",
            source.command("--encoding utf-8"),
        )));
    }
    let guess = guess(source)?;
    let doubt = Doubt::read(source.reader(), guess).map_err(|error| source.unreadable(error))?;
    if doubt.is_surely_windows_1252() {
        return Ok((windows, Certainty::Detected));
    }
    let Question {
        shown,
        lines,
        likeliest,
    } = doubt.question();
    let command = match likeliest {
        Some(label) => format!(
            "such as: {}",
            source.command(&format!("--encoding {label}"))
        ),
        None => format!(
            "in place of ENCODING: {}",
            source.command("--encoding ENCODING")
        ),
    };
    Err(Fatal::Refused(format!(
        "{source} is not {utf_8}, and its encoding is not certain. These are words from {lines}, with x for hidden letters:{shown}\nChoose the encoding that has the right letters, and run the command with it, {command}\nOr export the file again as CSV UTF-8.",
    )))
}

/// What the detector of Firefox makes of the file, for a hospital in the United Kingdom.
fn guess(source: &Source) -> Result<EncodingChoice, Fatal> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut reader = source.reader();
    let mut buffer = vec![0; BUFFER];
    let mut left = BLOCKS;
    while left > 0 {
        let read = read(&mut reader, &mut buffer).map_err(|error| source.unreadable(error))?;
        if read == 0 {
            break;
        }
        let blocks = buffer[..read].chunks(BLOCK);
        for block in blocks.filter(|block| !block.is_ascii()).take(left) {
            detector.feed(block, false);
            left -= 1;
        }
    }
    detector.feed(b"", true);
    let encoding = detector.guess(Some(b"uk"), Utf8Detection::Deny);
    Ok(EncodingChoice::from(encoding))
}

/// `1 byte`, `2 bytes`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// What the bytes of a file look like.
#[derive(Debug, Default)]
struct Evidence {
    /// Bytes in which NULs were counted.
    sample: u64,
    /// NUL bytes in even and in odd places.
    nuls: [u64; 2],
    /// Characters of more than one byte that are right in UTF-8.
    valid: u64,
    /// Bytes, or beginnings of characters, that are wrong in UTF-8.
    invalid: u64,
}

impl Evidence {
    fn collect(source: &Source) -> Result<Self, Fatal> {
        let mut evidence = Self::default();
        let mut reader = source.reader();
        let mut buffer = vec![0; BUFFER];
        // The beginning of a character whose end is not read yet.
        let mut kept = 0;
        loop {
            let read =
                read(&mut reader, &mut buffer[kept..]).map_err(|error| source.unreadable(error))?;
            if read == 0 {
                evidence.invalid += u64::from(kept > 0);
                return Ok(evidence);
            }
            let seen = kept + read;
            if evidence.sample < NUL_SAMPLE {
                evidence.count_nuls(&buffer[kept..seen]);
            } else if evidence.utf_16().is_some() {
                return Ok(evidence);
            }
            kept = evidence.count_characters(&buffer[..seen]);
            buffer.copy_within(seen - kept..seen, 0);
        }
    }

    fn count_nuls(&mut self, bytes: &[u8]) {
        for at in memchr_iter(0, bytes) {
            self.nuls[((self.sample + at as u64) & 1) as usize] += 1;
        }
        self.sample += bytes.len() as u64;
    }

    /// The length of an unfinished character at the end.
    fn count_characters(&mut self, mut bytes: &[u8]) -> usize {
        loop {
            let (valid, error) = match std::str::from_utf8(bytes) {
                Ok(_) => (bytes.len(), None),
                Err(error) => (error.valid_up_to(), Some(error)),
            };
            self.valid += bytes[..valid].chunks(COUNTED).map(first_bytes).sum::<u64>();
            bytes = &bytes[valid..];
            match error.map(|error| error.error_len()) {
                None => return 0,
                Some(None) => return bytes.len(),
                Some(Some(length)) => {
                    self.invalid += 1;
                    bytes = &bytes[length..];
                }
            }
        }
    }

    /// UTF-16 without a mark: in the text of a table, one byte of most pairs is NUL, always the
    /// same one.
    fn utf_16(&self) -> Option<EncodingChoice> {
        let pairs = self.sample / 2;
        let many = |nuls: u64| nuls > 0 && nuls * 2 >= pairs;
        let few = |nuls: u64| nuls * 10 <= pairs;
        match self.nuls {
            [even, odd] if few(even) && many(odd) => Some(EncodingChoice::UTF_16LE),
            [even, odd] if many(even) && few(odd) => Some(EncodingChoice::UTF_16BE),
            _ => None,
        }
    }
}

/// Bytes that are counted together: their number fits the byte in which the processor counts many at a time.
const COUNTED: usize = 255;

/// Characters of more than one byte in a piece of UTF-8, by their first bytes.
fn first_bytes(bytes: &[u8]) -> u64 {
    let count = |count: u8, byte: &u8| count.wrapping_add(u8::from(*byte >= 0xc0));
    bytes.iter().fold(0, count).into()
}

fn read(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn detect(bytes: &[u8]) -> Result<(EncodingChoice, Certainty), Fatal> {
        let source = Source::spooled("patients.csv", "patients.csv", bytes).unwrap();
        encoding(&source, None).map(|found| (found.encoding, found.certainty))
    }

    fn pairs(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(of).collect()
    }

    #[test]
    fn what_is_right_in_utf_8_is_utf_8() {
        let utf_8 = (EncodingChoice::UTF_8, Certainty::Certain);
        for text in [
            "",
            "a,b\n",
            "Siân,Łukasz,李\n",
            "\u{feff}a",
            "a\0b\0,c,d,e,f",
        ] {
            assert_eq!(detect(text.as_bytes()).unwrap(), utf_8, "{text:?}");
        }
    }

    #[test]
    fn utf_16_is_seen_with_and_without_its_mark() {
        let text = "NHS number,Name\r\n9990000026,Łukasz Siân\r\n";
        for (mark, certainty) in [("\u{feff}", Certainty::Certain), ("", Certainty::Detected)] {
            let text = format!("{mark}{text}");
            let little = detect(&pairs(&text, u16::to_le_bytes)).unwrap();
            assert_eq!(little, (EncodingChoice::UTF_16LE, certainty));
            let big = detect(&pairs(&text, u16::to_be_bytes)).unwrap();
            assert_eq!(big, (EncodingChoice::UTF_16BE, certainty));
        }
    }

    #[test]
    fn a_few_bad_bytes_leave_utf_8_and_many_are_asked_about() {
        let mostly = ["Siân\n".repeat(10).as_bytes(), b"Jos\xe9\n"].concat();
        let found = detect(&mostly).unwrap();
        assert_eq!(found, (EncodingChoice::UTF_8, Certainty::Mostly));
        let mixed = ["Siân\n".repeat(9).as_bytes(), b"Jos\xe9\n"].concat();
        let error = detect(&mixed).unwrap_err().to_string();
        assert!(
            error.contains("9 characters of UTF-8 and 1 byte of a different encoding"),
            "{error}"
        );
    }

    #[test]
    fn a_character_over_the_edge_of_a_buffer_is_whole() {
        for shift in 0..5 {
            let mut bytes = vec![b'a'; BUFFER - shift];
            bytes.extend_from_slice("李😀".as_bytes());
            let source = Source::spooled("x", "x", &bytes[..]).unwrap();
            let seen = Evidence::collect(&source).unwrap();
            assert_eq!((seen.valid, seen.invalid), (2, 0));
        }
    }

    proptest! {
        #[test]
        fn counting_agrees_with_the_standard_library(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let source = Source::spooled("x", "x", &bytes[..]).unwrap();
            let seen = Evidence::collect(&source).unwrap();
            let wrong = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
            let right: usize = bytes
                .utf8_chunks()
                .map(|chunk| chunk.valid().chars().filter(|c| !c.is_ascii()).count())
                .sum();
            prop_assert_eq!((seen.valid, seen.invalid), (right as u64, wrong as u64));
        }
    }
}
