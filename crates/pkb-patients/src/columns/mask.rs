//! Values without what they say.

/// The form of a value, in which a mistake is seen and no patient is: `99/99/9999`, `Xxxxx`.
pub fn mask(value: &str) -> String {
    value
        .chars()
        .map(|c| match c {
            '\n' | '\r' => '\u{23ce}',
            c if c.is_control() => '\u{fffd}',
            c if c.is_numeric() => '9',
            c if c.is_uppercase() => 'X',
            c if c.is_alphanumeric() => 'x',
            c if c.is_ascii() => c,
            // Punctuation of all kinds, and characters that change the direction of text.
            _ => '\u{fffd}',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_mask_keeps_the_form_and_nothing_else() {
        assert_eq!(super::mask("O'Brien-Siân 12\n"), "X'Xxxxx-Xxxx 99\u{23ce}");
        assert_eq!(super::mask("9.99E+09"), "9.99X+99");
        assert_eq!(super::mask("a\u{202e}b"), "x\u{fffd}x");
    }
}
