//! The entries of a dictionary as they are written.

use crate::lexer::{Token, lexemes};

/// The entries of a dictionary, with their values as they are written.
pub(super) fn entries(data: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let tokens = lexemes(data)?;
    let mut rest = match tokens.as_slice() {
        [open, rest @ ..] if open.token == Token::DictStart => rest,
        rest => rest,
    };
    let mut found = Vec::new();
    while let [key, value @ ..] = rest {
        if key.token != Token::Name {
            break;
        }
        let length = match value {
            [_, generation, word, ..]
                if generation.number() == Some(0.0) && word.is_word(data, b"R") =>
            {
                3
            }
            [first, ..] if matches!(first.token, Token::DictStart | Token::ArrayStart) => {
                let mut depth = 0_i32;
                let end = value.iter().position(|token| {
                    match token.token {
                        Token::DictStart | Token::ArrayStart => depth += 1,
                        Token::DictEnd | Token::ArrayEnd => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                end? + 1
            }
            _ => 1,
        };
        let (first, last) = (value.first()?, value.get(length - 1)?);
        found.push((
            key.bytes(data).get(1..)?,
            data.get(first.range.start..last.range.end)?,
        ));
        rest = value.get(length..)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entries_of_a_dictionary_have_their_values_whole() {
        let data = b"<</Type/Page/Parent 1 0 R/MediaBox[0 0 595 842]/Lang(en)/A<</B/C>>/Count 3>>";
        let found: Vec<(&[u8], &[u8])> = entries(data).unwrap();
        assert_eq!(
            found,
            [
                (b"Type".as_slice(), b"/Page".as_slice()),
                (b"Parent", b"1 0 R"),
                (b"MediaBox", b"[0 0 595 842]"),
                (b"Lang", b"(en)"),
                (b"A", b"<</B/C>>"),
                (b"Count", b"3"),
            ]
        );
    }
}
