//! Where values of PDF syntax begin and end, and what they refer to (ISO 32000-1, 7.2 and 7.3). Values are not worked out: that
//! is hayro's work.

/// Goes through PDF syntax.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Deeper values are not ours.
const DEEPEST: usize = 64;

impl<'a> Scanner<'a> {
    /// From the beginning of some bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// What has not been gone through.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                while self
                    .peek()
                    .is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
                {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// Goes past `tag`, if it is next.
    fn tag(&mut self, tag: &[u8]) -> Option<()> {
        self.rest().starts_with(tag).then(|| self.at += tag.len())
    }

    /// The number of an object that begins here, `12 0 obj`; its generation must be 0.
    pub fn object_number(&mut self) -> Option<u32> {
        let number = u32::try_from(number_of(self.value()?)?).ok()?;
        (self.value()? == b"0").then_some(())?;
        self.skip_space();
        self.tag(b"obj")?;
        Some(number)
    }

    /// Where the bytes of the stream begin whose dictionary has just been gone through.
    pub fn start_of_stream(&mut self) -> Option<usize> {
        self.skip_space();
        self.tag(b"stream")?;
        self.tag(b"\r\n").or_else(|| self.tag(b"\n"))?;
        Some(self.at)
    }

    /// The value that is next. A reference is three values: two numbers and `R`.
    pub fn value(&mut self) -> Option<&'a [u8]> {
        self.skip_space();
        let start = self.at;
        self.skip_value(DEEPEST)?;
        self.bytes.get(start..self.at)
    }

    fn skip_value(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.peek()? {
            b'<' if self.rest().starts_with(b"<<") => self.skip_many(b"<<", b">>", depth),
            b'[' => self.skip_many(b"[", b"]", depth),
            b'<' => {
                let length = self.rest().iter().position(|byte| *byte == b'>')?;
                self.at += length + 1;
                Some(())
            }
            b'(' => self.skip_string(),
            b'/' => {
                self.at += 1;
                self.skip_regular();
                Some(())
            }
            byte if is_regular(byte) => {
                self.skip_regular();
                Some(())
            }
            _ => None,
        }
    }

    fn skip_many(&mut self, open: &[u8], close: &[u8], depth: usize) -> Option<()> {
        self.tag(open)?;
        loop {
            self.skip_space();
            if self.tag(close).is_some() {
                return Some(());
            }
            self.skip_value(depth)?;
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        let mut open = 0_u32;
        loop {
            match self.peek()? {
                b'\\' => self.at += 1,
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }

    fn skip_regular(&mut self) {
        while self.peek().is_some_and(is_regular) {
            self.at += 1;
        }
    }
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
    loop {
        scanner.skip_space();
        if scanner.rest().is_empty() {
            return Some(entries);
        }
        let key = scanner.value()?;
        if !key.starts_with(b"/") {
            return None;
        }
        scanner.skip_space();
        let start = scanner.at;
        scanner.value()?;
        let mut end = scanner.at;
        // `5 0 R` is one value.
        let mut ahead = Scanner { ..scanner };
        if ahead.value().is_some_and(is_number) && ahead.value() == Some(b"R") {
            end = ahead.at;
            scanner.at = end;
        }
        entries.push((key, inner.get(start..end)?));
    }
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
        return Some(());
    }
    let inner = value
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    let mut scanner = Scanner::new(inner.unwrap_or(value));
    let mut before: [&[u8]; 2] = [b"", b""];
    loop {
        scanner.skip_space();
        if scanner.rest().is_empty() {
            return Some(());
        }
        let value = scanner.value()?;
        match value.first()? {
            b'R' if value == b"R" => {
                let number = number_of(before[0])?;
                found.push(u32::try_from(number).ok()?);
            }
            b'[' => references(value, is_left_out, found)?,
            b'<' if value.starts_with(b"<<") => references(value, is_left_out, found)?,
            _ => {}
        }
        before = [before[1], value];
    }
}

/// A whole number that is not negative.
pub fn number_of(value: &[u8]) -> Option<u64> {
    is_number(value)
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
}

/// The number of the object that a value refers to.
pub fn reference_of(value: &[u8]) -> Option<u32> {
    let mut found = Vec::new();
    references(value, |_| false, &mut found)?;
    match found.as_slice() {
        [number] if value.ends_with(b"R") => Some(*number),
        _ => None,
    }
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte)
        && !matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
        )
}
