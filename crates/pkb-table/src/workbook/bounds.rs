//! XML within bounds: a few bytes can be packed so that they inflate to more than any memory holds.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::{Reader, events::Event};

use super::trouble::Trouble;

/// Bytes of all parts of a workbook that are read.
pub(super) const MAX_WORKBOOK: u64 = 4 << 30;
/// Bytes of a sheet.
pub(super) const MAX_SHEET: u64 = 2 << 30;
/// Bytes of the strings that cells share.
pub(super) const MAX_STRINGS: u64 = 512 << 20;
/// Bytes of any other part.
pub(super) const MAX_PART: u64 = 64 << 20;
/// Bytes of a tag, or of a text between two tags.
const MAX_EVENT: u64 = 1 << 20;
/// Elements in each other.
const MAX_DEPTH: u32 = 100;

/// A part of a workbook, event by event.
pub(super) struct Xml<R> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: u32,
}

impl<R: Read> Xml<BufReader<R>> {
    /// A part of at most so many bytes.
    pub(super) fn new(part: R, most: u64) -> Self {
        let mut reader = Reader::from_reader(Bounded {
            inner: BufReader::with_capacity(64 << 10, part),
            most,
            left: most,
            left_of_event: MAX_EVENT,
        });
        // What the library that reads the cells does not mind is not minded here.
        reader.config_mut().check_end_names = false;
        Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
        }
    }
}

impl<R: BufRead> Xml<R> {
    /// The next event; the end of the part is one.
    pub(super) fn next(&mut self) -> Result<Event<'_>, Trouble> {
        self.buffer.clear();
        self.reader.get_mut().left_of_event = MAX_EVENT;
        let bounded = |reader: &Reader<Bounded<R>>| {
            let Bounded {
                left,
                left_of_event,
                ..
            } = reader.get_ref();
            *left == 0 || *left_of_event == 0
        };
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(_) if bounded(&self.reader) => {
                return Err(Trouble::TooLarge("a part of the workbook"));
            }
            Err(_) => return Err(Trouble::Unreadable),
        };
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(Trouble::TooLarge("a part of the workbook"));
        }
        Ok(event)
    }

    /// Where the last event ends, in bytes from the beginning of the part.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// Bytes that were read.
    pub(super) fn bytes(&self) -> u64 {
        let Bounded { most, left, .. } = self.reader.get_ref();
        most - left
    }
}

/// Reads no more than was agreed.
struct Bounded<R> {
    inner: R,
    most: u64,
    left: u64,
    left_of_event: u64,
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let most = self.left.min(self.left_of_event);
        let bytes = self.inner.fill_buf()?;
        if most == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(&bytes[..bytes.len().min(most)])
    }

    fn consume(&mut self, read: usize) {
        self.inner.consume(read);
        self.left = self.left.saturating_sub(read as u64);
        self.left_of_event = self.left_of_event.saturating_sub(read as u64);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &[u8], most: u64) -> Result<u64, Trouble> {
        let mut xml = Xml::new(text, most);
        let mut events = 0;
        while !matches!(xml.next()?, Event::Eof) {
            events += 1;
        }
        assert_eq!(xml.bytes(), text.len() as u64);
        Ok(events)
    }

    fn is_too_large(read: Result<u64, Trouble>) -> bool {
        matches!(read, Err(Trouble::TooLarge(_)))
    }

    #[test]
    fn a_part_may_be_as_large_as_was_agreed() {
        let text = b"<a><b/>text</a>";
        assert_eq!(events(text, 15).ok(), Some(4));
        assert!(is_too_large(events(text, 14)));
    }

    #[test]
    fn texts_tags_and_comments_without_end_are_refused() {
        let long = "x".repeat(MAX_EVENT as usize);
        for text in [
            format!("<a>{long}x</a>"),
            format!("<a b=\"{long}\"/>"),
            format!("<a><!--{long}--></a>"),
            format!("<a><![CDATA[{long}]]></a>"),
            "<a>".repeat(MAX_DEPTH as usize + 1),
        ] {
            assert!(is_too_large(events(text.as_bytes(), 1 << 30)));
        }
    }

    #[test]
    fn what_is_not_xml_is_unreadable() {
        assert!(matches!(events(b"<a b", 100), Err(Trouble::Unreadable)));
    }
}
