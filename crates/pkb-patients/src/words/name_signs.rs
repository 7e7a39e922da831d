//! Signs and digits that names do not have.

/// What is in a name beside letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSigns {
    /// What names have: spaces, hyphens, apostrophes, full stops.
    Usual,
    /// A comma: perhaps two names in one cell.
    Comma,
    /// Anything else: brackets, digits, `@`.
    Others,
}

impl NameSigns {
    /// What is in this name.
    pub fn of(name: &str) -> Self {
        let mut signs = Self::Usual;
        let mut may_be_quoted = false;
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b' ' | b'-' | b'.' | 0x80.. => {}
                b'\'' | b'`' => may_be_quoted = true,
                b',' => signs = Self::Comma,
                b'\t' | b'\n' | b'\r' => {}
                _ => return Self::Others,
            }
        }
        if (may_be_quoted && has_quoted_word(name))
            || name.contains(['\u{201c}', '\u{201e}', '\u{201d}'])
        {
            return Self::Others;
        }
        signs
    }
}

/// `Ann 'Annie'`; not `O'Brien`, `'t Hooft` or `Jones'`.
fn has_quoted_word(name: &str) -> bool {
    name.split(' ')
        .any(|word| word.len() > 2 && word.starts_with(['\'', '`']) && word.ends_with(['\'', '`']))
}
