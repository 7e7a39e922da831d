//! Where values of PDF syntax begin and end, and what they refer to, by hayro's reader.

use hayro::hayro_syntax::{
    object::{MaybeRef, ObjRef, Object, ObjectIdentifier},
    reader::{Reader, ReaderExt as _},
};

/// Goes through PDF syntax.
pub struct Scanner<'a>(Reader<'a>);

impl<'a> Scanner<'a> {
    /// From the beginning of some bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    /// What has not been gone through.
    pub fn rest(&self) -> &'a [u8] {
        self.0.data.get(self.0.offset..).unwrap_or_default()
    }

    /// The number of an object that begins here, `12 0 obj`; its generation must be 0.
    pub fn object_number(&mut self) -> Option<u32> {
        self.0.skip_white_spaces_and_comments();
        let object = self.0.read_without_context::<ObjectIdentifier>()?;
        (object.gen_number == 0).then(|| u32::try_from(object.obj_number).ok())?
    }

    /// Where the bytes of the stream begin whose dictionary has just been gone through.
    pub fn start_of_stream(&mut self) -> Option<usize> {
        self.0.skip_white_spaces_and_comments();
        self.0.forward_tag(b"stream")?;
        let end_of_line = |tag: &[u8]| self.0.forward_tag(tag);
        [b"\r\n".as_slice(), b"\n"]
            .into_iter()
            .find_map(end_of_line)?;
        Some(self.0.offset)
    }

    /// The value that is next. A reference is three values: two numbers and `R`. Of one that is nested deeper than any of ours
    /// nothing is read, because hayro's reader would need more stack than there is.
    pub fn value(&mut self) -> Option<&'a [u8]> {
        self.0.skip_white_spaces_and_comments();
        if is_too_deep(self.rest()) {
            return None;
        }
        self.0.skip::<Object<'_>>(false)
    }

    /// The value that is next, a reference whole; `None` within if there are no more.
    fn whole_value(&mut self) -> Option<Option<&'a [u8]>> {
        self.0.skip_white_spaces_and_comments();
        if self.0.at_end() {
            return Some(None);
        }
        self.0.skip::<MaybeRef<Object<'_>>>(false).map(Some)
    }
}

/// Brackets within each other, at most: a dictionary has two.
const DEEPEST: usize = 256;

/// Whether the value at the start of `syntax` has too many arrays and dictionaries in each other.
fn is_too_deep(syntax: &[u8]) -> bool {
    let (mut depth, mut in_text) = (0_usize, 0_usize);
    let mut bytes = syntax.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text > 0 => drop(bytes.next()),
            b'(' => in_text += 1,
            b')' => in_text = in_text.saturating_sub(1),
            _ if in_text > 0 => {}
            b'[' | b'<' => depth += 1,
            b']' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
        if depth == 0 && in_text == 0 {
            return false;
        }
    }
    false
}

/// The value of a key of a dictionary: a reference whole.
pub fn entry<'a>(dict: &'a [u8], key: &str) -> Option<&'a [u8]> {
    entries(dict)?
        .into_iter()
        .find(|(name, _)| name.strip_prefix(b"/") == Some(key.as_bytes()))
        .map(|(_, value)| value)
}

/// Keys, with their slashes, and values of a dictionary.
pub fn entries(dict: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let inner = dict.strip_prefix(b"<<")?.strip_suffix(b">>")?;
    let mut scanner = Scanner::new(inner);
    let mut entries: Vec<(&[u8], &[u8])> = Vec::new();
    while let Some(key) = scanner.whole_value()? {
        if !key.starts_with(b"/") {
            return None;
        }
        entries.push((key, scanner.whole_value()??));
    }
    Some(entries)
}

/// Adds the numbers of all objects that a value refers to, but for those that a dictionary has under a key of which
/// `is_left_out` says so.
pub fn references(
    value: &[u8],
    is_left_out: impl Fn(&[u8]) -> bool + Copy,
    found: &mut Vec<u32>,
) -> Option<()> {
    if value.starts_with(b"<<") {
        for (key, value) in entries(value)? {
            if !is_left_out(key) {
                references(value, is_left_out, found)?;
            }
        }
    } else if let Some(inner) = value.strip_prefix(b"[") {
        let mut scanner = Scanner::new(inner.strip_suffix(b"]")?);
        while let Some(value) = scanner.whole_value()? {
            references(value, is_left_out, found)?;
        }
    } else {
        found.extend(reference_of(value));
    }
    Some(())
}

/// A whole number that is not negative.
pub fn number_of(value: &[u8]) -> Option<u64> {
    is_number(value)
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
}

/// The number of the object that a value refers to.
pub fn reference_of(value: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(value);
    let reference = reader.read_without_context::<ObjRef>()?;
    let number = u32::try_from(reference.obj_number).ok()?;
    reader.at_end().then_some(number)
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_nested_without_end_is_not_read() {
        for open in ["[", "<</A ", "[(a\\)[) "] {
            let syntax = open.repeat(1_000_000);
            assert_eq!(Scanner::new(syntax.as_bytes()).value(), None, "{open}");
        }
        let usual = b"<</Kids[1 0 R 2 0 R]/T([[[[)>> rest";
        assert_eq!(Scanner::new(usual).value(), Some(&usual[..usual.len() - 5]));
    }
}
