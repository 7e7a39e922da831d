//! The tokens of PDF syntax, with their places. Content streams and objects have the same ones, so one lexer serves both:
//! what is not changed is copied byte for byte.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A number.
    Number(f64),
    /// A name, without its slash, as it is written.
    Name,
    /// A string, decoded.
    String(Vec<u8>),
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// `<<`
    DictStart,
    /// `>>`
    DictEnd,
    /// An operator, or `true`, `false`, `null`, `R`.
    Word,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lexeme {
    pub token: Token,
    pub range: Range<usize>,
}

impl Lexeme {
    /// The bytes of the token.
    pub(crate) fn bytes<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        data.get(self.range.clone()).unwrap_or_default()
    }

    /// Whether this is a certain word.
    pub(crate) fn is_word(&self, data: &[u8], word: &[u8]) -> bool {
        self.token == Token::Word && self.bytes(data) == word
    }

    /// The value, if it is a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.token {
            Token::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// All tokens; `None` if a string does not end or a byte belongs to nothing.
pub(crate) fn lexemes(data: &[u8]) -> Option<Vec<Lexeme>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = data.get(at) {
        if is_white(*byte) {
            at += 1;
            continue;
        }
        if *byte == b'%' {
            at += data
                .get(at..)?
                .iter()
                .take_while(|byte| !matches!(byte, b'\r' | b'\n'))
                .count();
            continue;
        }
        let (token, length) = token_at(data.get(at..)?)?;
        found.push(Lexeme {
            token,
            range: at..at + length,
        });
        at += length;
    }
    Some(found)
}

fn token_at(rest: &[u8]) -> Option<(Token, usize)> {
    Some(match rest {
        [b'<', b'<', ..] => (Token::DictStart, 2),
        [b'>', b'>', ..] => (Token::DictEnd, 2),
        [b'[', ..] => (Token::ArrayStart, 1),
        [b']', ..] => (Token::ArrayEnd, 1),
        [b'(', ..] => literal_string(rest)?,
        [b'<', ..] => hex_string(rest)?,
        [b'/', name @ ..] => (Token::Name, 1 + regular(name)),
        [b'>' | b')' | b'{' | b'}', ..] => return None,
        _ => {
            let length = regular(rest);
            let number = std::str::from_utf8(rest.get(..length)?).ok();
            // Rust would also read "inf" and "nan", which are no numbers here.
            let number =
                number.filter(|text| text.bytes().all(|byte| b"+-.0123456789".contains(&byte)));
            match number.and_then(|text| text.parse().ok()) {
                Some(number) => (Token::Number(number), length),
                None => (Token::Word, length),
            }
        }
    })
}

/// How many bytes belong to a name, a number or a word.
fn regular(data: &[u8]) -> usize {
    let is_end = |byte: &u8| is_white(*byte) || b"()<>[]{}/%".contains(byte);
    data.iter().position(is_end).unwrap_or(data.len())
}

const fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

fn literal_string(data: &[u8]) -> Option<(Token, usize)> {
    let mut text = Vec::new();
    let mut depth = 1;
    let mut at = 1;
    loop {
        let byte = *data.get(at)?;
        at += 1;
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some((Token::String(text), at));
                }
            }
            b'\\' => {
                let (escaped, length) = escape(data.get(at..)?)?;
                text.extend(escaped);
                at += length;
                continue;
            }
            // An end of line, however it is written, reads as a line feed.
            b'\r' => {
                if data.get(at) == Some(&b'\n') {
                    at += 1;
                }
                text.push(b'\n');
                continue;
            }
            _ => {}
        }
        text.push(byte);
    }
}

/// What stands behind a backslash: the byte that it means, if any, and its length.
fn escape(data: &[u8]) -> Option<(Option<u8>, usize)> {
    Some(match data {
        [b'n', ..] => (Some(b'\n'), 1),
        [b'r', ..] => (Some(b'\r'), 1),
        [b't', ..] => (Some(b'\t'), 1),
        [b'b', ..] => (Some(8), 1),
        [b'f', ..] => (Some(12), 1),
        [b'\r', b'\n', ..] => (None, 2),
        [b'\r' | b'\n', ..] => (None, 1),
        [b'0'..=b'7', ..] => {
            let is_octal = |byte: &&u8| matches!(byte, b'0'..=b'7');
            let digits: Vec<u8> = data.iter().take(3).take_while(is_octal).copied().collect();
            let value = digits
                .iter()
                .fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            (Some((value & 0xFF) as u8), digits.len())
        }
        [other, ..] => (Some(*other), 1),
        [] => return None,
    })
}

fn hex_string(data: &[u8]) -> Option<(Token, usize)> {
    let end = data.iter().position(|byte| *byte == b'>')?;
    let mut digits = Vec::new();
    for byte in data.get(1..end)?.iter().filter(|byte| !is_white(**byte)) {
        digits.push(char::from(*byte).to_digit(16)? as u8);
    }
    let text = digits
        .chunks(2)
        .map(|pair| pair.first().unwrap_or(&0) << 4 | pair.get(1).unwrap_or(&0))
        .collect();
    Some((Token::String(text), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(data: &[u8]) -> Vec<Token> {
        lexemes(data)
            .unwrap()
            .into_iter()
            .map(|lexeme| lexeme.token)
            .collect()
    }

    #[test]
    fn each_kind_of_token_is_told_from_the_others() {
        let data = b"/Span<</MCID 3/Alt(a\\(b\\051\\n)>>BDC -1.5 .25 [<00 4a5>]TJ % words\nET";
        assert_eq!(
            tokens(data),
            [
                Token::Name,
                Token::DictStart,
                Token::Name,
                Token::Number(3.0),
                Token::Name,
                Token::String(b"a(b)\n".to_vec()),
                Token::DictEnd,
                Token::Word,
                Token::Number(-1.5),
                Token::Number(0.25),
                Token::ArrayStart,
                Token::String(vec![0x00, 0x4A, 0x50]),
                Token::ArrayEnd,
                Token::Word,
                Token::Word,
            ]
        );
        let last = lexemes(data).unwrap().pop().unwrap();
        assert!(last.is_word(data, b"ET"));
    }

    #[test]
    fn a_string_that_does_not_end_is_none() {
        assert_eq!(lexemes(b"(a(b)"), None);
        assert_eq!(lexemes(b"<00"), None);
        assert_eq!(lexemes(b"<0g>"), None);
        assert_eq!(lexemes(b"a > b"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_tokens_stand_in_order(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut end = 0;
            for lexeme in lexemes(&data).unwrap_or_default() {
                prop_assert!(lexeme.range.start >= end && lexeme.range.end > lexeme.range.start);
                prop_assert!(lexeme.range.end <= data.len());
                end = lexeme.range.end;
            }
        }

        #[test]
        fn a_string_that_the_writer_wrote_reads_as_it_was(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut written = Vec::new();
            crate::syntax::string(&mut written, &text);
            prop_assert_eq!(tokens(&written), [Token::String(text)]);
        }
    }
}
