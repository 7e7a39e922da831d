//! The tokens of PDF syntax, with their places. Content streams and objects have the same ones, so one lexer serves both:
//! what is not changed is copied byte for byte.

use std::ops::Range;

use hayro_syntax::content::Operator;
use hayro_syntax::object::{Name, Number, String as PdfString};
use hayro_syntax::reader::{Reader, ReaderExt as _};

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
    let mut reader = Reader::new(data);
    let mut found = Vec::new();
    loop {
        reader.skip_white_spaces_and_comments();
        if reader.at_end() {
            return Some(found);
        }
        let start = reader.offset();
        let token = next(&mut reader)?;
        found.push(Lexeme {
            token,
            range: start..reader.offset(),
        });
    }
}

fn next(reader: &mut Reader<'_>) -> Option<Token> {
    let bracket = match reader.tail()? {
        [b'<', b'<', ..] => Some((Token::DictStart, 2)),
        [b'>', b'>', ..] => Some((Token::DictEnd, 2)),
        [b'[', ..] => Some((Token::ArrayStart, 1)),
        [b']', ..] => Some((Token::ArrayEnd, 1)),
        _ => None,
    };
    if let Some((token, length)) = bracket {
        reader.skip_bytes(length)?;
        return Some(token);
    }
    Some(match reader.peek_byte()? {
        b'(' | b'<' => {
            let text = reader.read_without_context::<PdfString<'_>>()?;
            Token::String(text.as_bytes().to_vec())
        }
        b'/' => {
            reader.skip::<Name<'_>>(true)?;
            Token::Name
        }
        b'+' | b'-' | b'.' | b'0'..=b'9' => {
            Token::Number(reader.read_without_context::<Number>()?.as_f64())
        }
        _ => {
            reader.read_without_context::<Operator<'_>>()?;
            Token::Word
        }
    })
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
