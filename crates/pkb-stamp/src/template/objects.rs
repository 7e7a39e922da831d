//! Objects of the template as bytes with references between, so that they can be copied under other numbers.

use std::collections::{BTreeMap, btree_map::Entry};

use hayro_syntax::object::{Object, ObjectIdentifier};
use hayro_syntax::xref::XRef;

use super::Unstampable;
use crate::lexer::{Lexeme, Token, lexemes};

/// A piece of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// A reference to the object with this number.
    Reference(u32),
    /// A string, decoded.
    String(Vec<u8>),
}

/// An object: its value or, of a stream, its dictionary; and the data of a stream as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawObject {
    pub pieces: Vec<Piece>,
    pub data: Option<Vec<u8>>,
}

/// Cuts PDF syntax at its references and strings.
pub(super) fn pieces(data: &[u8]) -> Option<Vec<Piece>> {
    let tokens = lexemes(data)?;
    let mut found = Vec::new();
    let mut copied = 0;
    let mut rest = tokens.as_slice();
    let mut copy = |found: &mut Vec<Piece>, start: usize, end: usize| {
        if let Some(bytes) = data.get(copied..start).filter(|bytes| !bytes.is_empty()) {
            found.push(Piece::Bytes(bytes.to_vec()));
        }
        copied = end;
    };
    loop {
        rest = match rest {
            [] => break,
            [object, generation, word, rest @ ..] if is_reference(data, generation, word) => {
                copy(&mut found, object.range.start, word.range.end);
                found.push(Piece::Reference(object.number()? as u32));
                rest
            }
            [
                Lexeme {
                    token: Token::String(text),
                    range,
                },
                rest @ ..,
            ] => {
                copy(&mut found, range.start, range.end);
                found.push(Piece::String(text.clone()));
                rest
            }
            [_, rest @ ..] => rest,
        };
    }
    copy(&mut found, data.len(), data.len());
    Some(found)
}

fn is_reference(data: &[u8], generation: &Lexeme, word: &Lexeme) -> bool {
    word.is_word(data, b"R") && generation.number() == Some(0.0)
}

/// The object with a number.
///
/// # Errors
/// It is not there, or of a kind that is not copied.
pub(super) fn object(xref: &XRef, number: u32) -> Result<RawObject, Unstampable> {
    let missing = || Unstampable::because("an object in its PDF cannot be read");
    let id = ObjectIdentifier::new(i32::try_from(number).map_err(|_| missing())?, 0);
    let (value, data) = match xref.get::<Object<'_>>(id).ok_or_else(missing)? {
        Object::Dict(dict) => (dict.data().to_vec(), None),
        Object::Array(array) => (bracketed(array.data()), None),
        Object::Stream(stream) => (
            stream.dict().data().to_vec(),
            Some(stream.raw_data().into_owned()),
        ),
        _ => return Err(missing()),
    };
    Ok(RawObject {
        pieces: pieces(&value).ok_or_else(missing)?,
        data,
    })
}

/// An array with its brackets, whether they are there or not.
pub(super) fn bracketed(data: &[u8]) -> Vec<u8> {
    let trimmed = data.trim_ascii();
    if trimmed.starts_with(b"[")
        && trimmed.ends_with(b"]")
        && lexemes(trimmed).is_some_and(|tokens| is_one_array(&tokens))
    {
        trimmed.to_vec()
    } else {
        [b"[", trimmed, b"]"].concat()
    }
}

fn is_one_array(tokens: &[Lexeme]) -> bool {
    let mut depth = 0_i32;
    let ends = tokens.iter().enumerate().filter_map(|(at, lexeme)| {
        match lexeme.token {
            Token::ArrayStart => depth += 1,
            Token::ArrayEnd => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    });
    ends.take(1).eq([tokens.len().saturating_sub(1)])
}

/// All objects that can be reached from some pieces, by their numbers.
///
/// # Errors
/// One of them cannot be read.
pub(super) fn reachable(
    xref: &XRef,
    from: &[Piece],
) -> Result<BTreeMap<u32, RawObject>, Unstampable> {
    let mut found = BTreeMap::new();
    let mut next: Vec<u32> = references(from).collect();
    while let Some(number) = next.pop() {
        if let Entry::Vacant(place) = found.entry(number) {
            let object = object(xref, number)?;
            next.extend(references(&object.pieces));
            place.insert(object);
        }
    }
    Ok(found)
}

fn references(pieces: &[Piece]) -> impl Iterator<Item = u32> + '_ {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Reference(number) => Some(*number),
        Piece::Bytes(_) | Piece::String(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_cut_at_its_references_and_strings() {
        assert_eq!(
            pieces(b"<</P 12 0 R/K[1 2]/T(a\\)b)>>").unwrap(),
            [
                Piece::Bytes(b"<</P ".to_vec()),
                Piece::Reference(12),
                Piece::Bytes(b"/K[1 2]/T".to_vec()),
                Piece::String(b"a)b".to_vec()),
                Piece::Bytes(b">>".to_vec()),
            ]
        );
    }

    #[test]
    fn an_array_has_its_brackets_once() {
        assert_eq!(bracketed(b"[1 [2]]"), b"[1 [2]]");
        assert_eq!(bracketed(b"1 [2] "), b"[1 [2]]");
        assert_eq!(bracketed(b"[1][2]"), b"[[1][2]]");
    }
}
