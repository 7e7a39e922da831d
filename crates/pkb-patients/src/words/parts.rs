//! The words of a cell, and how each is written.

/// A word of a cell.
pub(super) struct CellPart {
    /// In lower case, without apostrophes and full stops.
    pub(super) word: String,
    /// The first of the text, or behind punctuation.
    pub(super) begins_clause: bool,
    pub(super) is_capitals: bool,
    /// Without a capital, and with a letter.
    pub(super) is_small: bool,
    /// It begins with a capital.
    pub(super) begins_capital: bool,
    /// Joined to the word before with a hyphen or an apostrophe.
    pub(super) is_joined: bool,
    /// In brackets, between stars, or behind " - ".
    pub(super) is_marked: bool,
}

impl CellPart {
    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        self.word.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Signs that are words by themselves.
pub(super) fn is_sign_of_death(c: char) -> bool {
    matches!(c, '†' | '✝' | '✞' | '☠')
}

/// What is left out of words: apostrophes, full stops, and what nobody sees.
pub(super) fn is_left_out(c: char) -> bool {
    matches!(
        c,
        '\'' | '.' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{ad}' | '\u{200b}'
            ..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

/// The words of a cell.
pub(super) fn parts(text: &str) -> Vec<CellPart> {
    let mut parts: Vec<CellPart> = Vec::new();
    let (mut depth, mut is_starred, mut is_behind_dash) = (0_u32, false, false);
    let (mut before, mut in_word, mut begins_clause) = (' ', false, true);
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || is_sign_of_death(c);
        if is_word && (!in_word || is_sign_of_death(c)) {
            parts.push(CellPart {
                word: String::new(),
                begins_clause,
                is_capitals: true,
                is_small: c.is_lowercase(),
                begins_capital: c.is_uppercase(),
                is_joined: before == '-' && !is_behind_dash,
                is_marked: depth > 0 || is_starred || is_behind_dash,
            });
        }
        if is_word {
            if let Some(part) = parts.last_mut() {
                part.word.extend(c.to_lowercase());
                part.is_capitals &= !c.is_lowercase();
                part.is_small &= !c.is_uppercase();
            }
            in_word = !is_sign_of_death(c);
            begins_clause = false;
        } else if !is_left_out(c) {
            in_word = false;
            match c {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
                '*' | '#' | '~' if c != before => is_starred = !is_starred,
                '-' | '\u{2013}' | '\u{2014}' if before == ' ' => is_behind_dash = true,
                _ => {}
            }
        }
        begins_clause |= !is_word && !c.is_whitespace() && !matches!(c, '\'' | '\u{2019}');
        before = c;
    }
    parts
}

/// A word as the words of cells are compared.
pub(super) fn folded_word(text: &str) -> String {
    parts(text).into_iter().map(|part| part.word).collect()
}

/// Whether two words differ in nothing but case and full stops.
pub(super) fn same_word(one: &str, other: &str) -> bool {
    let folded = folded_word(one);
    !folded.is_empty() && folded == folded_word(other)
}
