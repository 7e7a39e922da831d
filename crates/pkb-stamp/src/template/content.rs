//! The content of a page, cut into marked-content sequences: each is the whole of one line of text, one picture, or
//! something else. A sequence stands at a place and looks like something; both are told apart, so that the same words at
//! another place can be recognised.

use std::ops::Range;

use super::Unstampable;
use super::font_reader::FontReader;
use super::page_resources::PageResources;
use crate::bitmap::Place;
use crate::lexer::{Lexeme, Token, lexemes};
use crate::syntax::number;
use crate::text_writer::Look;

/// A part of the content, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    /// Its own content.
    pub bytes: Vec<u8>,
    pub kind: Kind,
}

/// What a sequence is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// One line of text in one font.
    Text(Text),
    /// One picture.
    Picture(Picture),
    /// Anything else: what it looks like, wherever the names in it lead to.
    Other(String),
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// Everything up to and with `BDC`.
    pub opening: Vec<u8>,
    /// The same, with colours in place of their names, for comparison.
    pub look: String,
    /// The operators that set its colour.
    pub colour: Vec<u8>,
    /// PostScript name of the font.
    pub font: String,
    pub size: f64,
    /// In points from the bottom left corner.
    pub x: f64,
    pub y: f64,
    /// Whether its last letter comes first.
    pub is_reversed: bool,
    /// What each glyph means, and where it begins, in points from `x`.
    pub glyphs: Vec<(String, f64)>,
    /// Width in points.
    pub width: f64,
}

impl Text {
    /// What it is set with, if it is set in one of our fonts.
    pub(super) fn look_in(&self, face: usize) -> Look {
        Look {
            opening: self.opening.clone(),
            colour: self.colour.clone(),
            face,
            size: self.size,
        }
    }

    /// Its words.
    pub(super) fn words(&self) -> String {
        self.glyphs.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    /// Everything up to and with `BDC`.
    pub opening: Vec<u8>,
    /// Its place.
    pub place: Place,
    /// Which one it is.
    pub name: String,
}

/// The content of a page.
#[derive(Debug)]
pub(super) struct PageContent {
    pub sequences: Vec<Sequence>,
    /// Whether the state at the end is that of the beginning, and sequences of text or pictures stand in it, too.
    pub is_plain: bool,
}

impl PageContent {
    /// Reads the content of a page.
    ///
    /// # Errors
    /// It is not PDF syntax.
    pub(super) fn read(bytes: Vec<u8>, resources: &PageResources<'_>) -> Result<Self, Unstampable> {
        let damaged = || Unstampable::because("a page of its PDF cannot be read");
        let tokens = lexemes(&bytes).ok_or_else(damaged)?;
        let mut sequences = Vec::new();
        let mut is_plain = true;
        // Depth of marked content and of saved states.
        let (mut marks, mut states) = (0_usize, 0_usize);
        let mut first_byte = 0;
        for (at, token) in tokens.iter().enumerate() {
            if token.token != Token::Word {
                continue;
            }
            match token.bytes(&bytes) {
                b"BDC" | b"BMC" => marks += 1,
                b"EMC" => marks = marks.checked_sub(1).ok_or_else(damaged)?,
                b"q" => states += 1,
                b"Q" => states = states.checked_sub(1).ok_or_else(damaged)?,
                // Whatever changes the state for good, or hides a part of the page.
                _ if states == 0 && !matches!(token.bytes(&bytes), b"BT" | b"ET") => {
                    is_plain = false
                }
                _ => {}
            }
            let is_end = token.bytes(&bytes) == b"EMC" && marks == 0;
            if is_end && states > 0 {
                is_plain = false;
            }
            if is_end || at + 1 == tokens.len() {
                let own = bytes.get(first_byte..token.range.end).unwrap_or_default();
                for part in parts_of(own) {
                    let tokens = lexemes(&part).ok_or_else(damaged)?;
                    let kind = kind_of(&part, &tokens, resources);
                    sequences.push(Sequence { bytes: part, kind });
                }
                first_byte = token.range.end;
            }
        }
        if marks > 0 || states > 0 {
            return Err(damaged());
        }
        Ok(Self {
            sequences,
            is_plain,
        })
    }
}

/// An artifact, which no reader is told of, can be several: a page number and the number of the letter, say. Each of its
/// groups of operators becomes one of its own. Anything else stays whole.
fn parts_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    artifacts(bytes).unwrap_or_else(|| vec![bytes.to_vec()])
}

fn artifacts(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    if !bytes.trim_ascii_start().starts_with(b"/Artifact") {
        return None;
    }
    let tokens = lexemes(bytes)?;
    let operations = operations(bytes, &tokens);
    let [open, groups @ .., close] = operations.as_slice() else {
        return None;
    };
    let is_artifact = open.operator == b"BDC"
        && open.operands.first()?.bytes(bytes) == b"/Artifact"
        && close.operator == b"EMC";
    let (mut depth, mut start, mut parts) = (0_usize, None, Vec::new());
    for operation in groups {
        match operation.operator {
            b"q" => depth += 1,
            b"Q" => depth = depth.checked_sub(1)?,
            b"BDC" | b"BMC" | b"EMC" => return None,
            _ if depth == 0 => return None,
            _ => {}
        }
        let start_here = *start.get_or_insert(operation.range.start);
        if depth == 0 {
            let group = bytes.get(start_here..operation.range.end)?;
            parts.push([bytes.get(open.range.clone())?, b"\n", group, b"\nEMC"].concat());
            start = None;
        }
    }
    (is_artifact && start.is_none() && parts.len() > 1).then_some(parts)
}

fn kind_of(bytes: &[u8], tokens: &[Lexeme], resources: &PageResources<'_>) -> Kind {
    let operations = operations(bytes, tokens);
    let text = || text_of(bytes, &operations, resources).map(Kind::Text);
    let picture = || picture_of(bytes, &operations, resources).map(Kind::Picture);
    text()
        .or_else(picture)
        .unwrap_or_else(|| Kind::Other(look(bytes, &operations, resources)))
}

/// An operator with its operands.
struct Operation<'a> {
    operator: &'a [u8],
    operands: &'a [Lexeme],
    range: Range<usize>,
}

fn operations<'a>(bytes: &'a [u8], tokens: &'a [Lexeme]) -> Vec<Operation<'a>> {
    let mut found = Vec::new();
    let mut first = 0;
    let (mut depth, mut start) = (0_usize, None);
    for (at, token) in tokens.iter().enumerate() {
        start = start.or(Some(token.range.start));
        match token.token {
            Token::ArrayStart | Token::DictStart => depth += 1,
            Token::ArrayEnd | Token::DictEnd => depth = depth.saturating_sub(1),
            Token::Word
                if depth == 0 && !matches!(token.bytes(bytes), b"true" | b"false" | b"null") =>
            {
                found.push(Operation {
                    operator: token.bytes(bytes),
                    operands: tokens.get(first..at).unwrap_or_default(),
                    range: start.take().unwrap_or_default()..token.range.end,
                });
                first = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// A line of text in the one form in which Typst's export writes it:
/// `BDC q 1 0 0 -1 x y cm COLOUR BT 0 Tr /f1 11 Tf 1 0 0 -1 0 0 Tm […]TJ ET Q EMC`, or with `/ReversedChars BMC` and `EMC`
/// within `BT` and `ET`.
fn text_of(
    bytes: &[u8],
    operations: &[Operation<'_>],
    resources: &PageResources<'_>,
) -> Option<Text> {
    let [open, save, place, rest @ .., end_text, restore, close] = operations else {
        return None;
    };
    let names = [open, save, place, end_text, restore, close].map(|operation| operation.operator);
    if names != [b"BDC".as_slice(), b"q", b"cm", b"ET", b"Q", b"EMC"] {
        return None;
    }
    let numbers = |operation: &Operation<'_>| -> Option<Vec<f64>> {
        operation.operands.iter().map(Lexeme::number).collect()
    };
    let begin = rest
        .iter()
        .position(|operation| operation.operator == b"BT")?;
    let colours = rest.get(..begin)?;
    let is_colour = |operation: &Operation<'_>| {
        matches!(
            operation.operator,
            b"cs" | b"sc" | b"scn" | b"g" | b"rg" | b"k"
        )
    };
    let is_reversing = |operation: &Operation<'_>| {
        let mut operands = operation.operands.iter();
        operation.operator == b"BMC" && operands.all(|name| name.bytes(bytes) == b"/ReversedChars")
    };
    let (is_reversed, shown_by) = match rest.get(begin + 1..)? {
        [open, shown_by @ .., close] if is_reversing(open) && close.operator == b"EMC" => {
            (true, shown_by)
        }
        shown_by => (false, shown_by),
    };
    let [mode, font, matrix, show] = shown_by else {
        return None;
    };
    let is_upright = |matrix: &[f64]| matrix.get(..4) == Some(&[1.0, 0.0, 0.0, -1.0]);
    let (placed, matrix_numbers) = (numbers(place)?, numbers(matrix)?);
    let is_simple = colours.iter().all(is_colour)
        && !colours.is_empty()
        && (mode.operator, font.operator, matrix.operator)
            == (b"Tr".as_slice(), b"Tf".as_slice(), b"Tm".as_slice())
        && numbers(mode)? == [0.0]
        && is_upright(&placed)
        && is_upright(&matrix_numbers)
        && matrix_numbers.get(4..) == Some(&[0.0, 0.0]);
    let ([font_name, size], [.., x, y], true) = (font.operands, placed.as_slice(), is_simple)
    else {
        return None;
    };
    let reader = resources.font(font_name.bytes(bytes).get(1..)?)?;
    let size = size.number()?;
    let (glyphs, width) = shown(show, reader, size)?;
    let colour: Vec<Vec<u8>> = colours
        .iter()
        .map(|operation| again(bytes, operation))
        .collect();
    Some(Text {
        opening: bytes.get(open.range.clone())?.to_vec(),
        look: look(
            bytes,
            &[open]
                .into_iter()
                .chain(colours)
                .map(Operation::again)
                .collect::<Vec<_>>(),
            resources,
        ),
        colour: colour.join(&b' '),
        font: reader.name.clone(),
        size,
        x: *x,
        y: *y,
        is_reversed,
        glyphs,
        width,
    })
}

impl<'a> Operation<'a> {
    fn again(&self) -> Operation<'a> {
        Operation {
            operator: self.operator,
            operands: self.operands,
            range: self.range.clone(),
        }
    }
}

/// An operation, with numbers as we write them.
fn again(bytes: &[u8], operation: &Operation<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for operand in operation.operands {
        match operand.number() {
            Some(value) => number(&mut out, value),
            None => out.extend_from_slice(operand.bytes(bytes)),
        }
        out.push(b' ');
    }
    out.extend_from_slice(operation.operator);
    out
}

/// What a text operator shows: each glyph's meaning and place, and the width of all.
fn shown(show: &Operation<'_>, font: &FontReader, size: f64) -> Option<(Vec<(String, f64)>, f64)> {
    if !matches!(show.operator, b"TJ" | b"Tj") {
        return None;
    }
    let mut glyphs = Vec::new();
    let mut at = 0.0;
    for operand in show.operands {
        match &operand.token {
            Token::String(codes) => {
                for code in codes.chunks(2) {
                    let code = u16::from_be_bytes(code.try_into().ok()?);
                    glyphs.push((font.meaning(code)?.to_owned(), at));
                    at += font.width(code) / 1_000.0 * size;
                }
            }
            Token::Number(adjustment) => at -= adjustment / 1_000.0 * size,
            Token::ArrayStart | Token::ArrayEnd => {}
            _ => return None,
        }
    }
    Some((glyphs, at))
}

fn picture_of(
    bytes: &[u8],
    operations: &[Operation<'_>],
    resources: &PageResources<'_>,
) -> Option<Picture> {
    let [open, save, place, draw, restore, close] = operations else {
        return None;
    };
    let names = [open, save, place, draw, restore, close].map(|operation| operation.operator);
    let ([name], true) = (
        draw.operands,
        names == [b"BDC".as_slice(), b"q", b"cm", b"Do", b"Q", b"EMC"],
    ) else {
        return None;
    };
    let numbers: Option<Vec<f64>> = place.operands.iter().map(Lexeme::number).collect();
    Some(Picture {
        opening: bytes.get(open.range.clone())?.to_vec(),
        place: numbers?.try_into().ok()?,
        name: resources.look(b"XObject", name.bytes(bytes).get(1..)?),
    })
}

/// What operators look like, whatever names they use for fonts, colours and pictures, and whatever codes for letters.
fn look(bytes: &[u8], operations: &[Operation<'_>], resources: &PageResources<'_>) -> String {
    let mut out = String::new();
    let mut font = None;
    for operation in operations {
        let category: Option<&[u8]> = match operation.operator {
            b"cs" | b"CS" => Some(b"ColorSpace"),
            b"scn" | b"SCN" => Some(b"Pattern"),
            b"gs" => Some(b"ExtGState"),
            b"Do" => Some(b"XObject"),
            b"sh" => Some(b"Shading"),
            b"Tf" => {
                font = operation
                    .operands
                    .first()
                    .and_then(|name| resources.font(name.bytes(bytes).get(1..)?));
                None
            }
            _ => None,
        };
        let is_text = matches!(operation.operator, b"TJ" | b"Tj" | b"'" | b"\"");
        for operand in operation.operands {
            let written = || String::from_utf8_lossy(operand.bytes(bytes)).into_owned();
            let text = match (&operand.token, category) {
                (Token::Name, Some(category)) => {
                    resources.look(category, operand.bytes(bytes).get(1..).unwrap_or_default())
                }
                (Token::Name, None) if operation.operator == b"Tf" => {
                    font.map_or_else(written, |font: &FontReader| font.name.clone())
                }
                (Token::String(codes), _) if is_text => meanings(codes, font),
                _ => written(),
            };
            out.push_str(&text);
            out.push(' ');
        }
        out.push_str(&String::from_utf8_lossy(operation.operator));
        out.push('\n');
    }
    out
}

fn meanings(codes: &[u8], font: Option<&FontReader>) -> String {
    let meaning = |code: &[u8]| {
        let code = u16::from_be_bytes(code.try_into().ok()?);
        font?.meaning(code)
    };
    codes
        .chunks(2)
        .map(|code| meaning(code).unwrap_or("\u{FFFD}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_of_several_groups_becomes_several_and_a_tagged_sequence_stays_whole() {
        let artifact = b"/Artifact<</Type/Page>>BDC\nq 1 0 0 1 0 0 cm Q\nq q Q BT ET Q\nEMC";
        let parts = parts_of(artifact);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1], b"/Artifact<</Type/Page>>BDC\nq q Q BT ET Q\nEMC");
        for whole in [
            b"/Span<</MCID 1>>BDC q Q q Q EMC".as_slice(),
            b"/Artifact BMC q Q EMC",
            b"/Artifact<<>>BDC q Q 1 w q Q EMC",
        ] {
            assert_eq!(parts_of(whole), [whole]);
        }
    }
}
