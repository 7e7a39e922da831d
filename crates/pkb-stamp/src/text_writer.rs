//! Writes lines of text into the content of a page.

use crate::fonts::Face;
use crate::runs::Run;
use crate::shaper::Glyph;
use crate::syntax::{integer, number, place};

/// What a line is set with.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// The beginning of its marked content, up to and with `BDC`.
    pub opening: Vec<u8>,
    /// The operators that set its colour.
    pub colour: Vec<u8>,
    /// Place of its font.
    pub face: usize,
    /// In points.
    pub size: f64,
}

/// What is set already, so that it need not be said again for the next line.
#[derive(Debug, Default)]
pub(crate) struct TextWriter<'l> {
    colour: &'l [u8],
    font: Option<(usize, f64)>,
}

impl<'l> TextWriter<'l> {
    /// A writer with which a line of this look can be set.
    pub(crate) fn of(look: &'l Look) -> Self {
        Self {
            colour: &look.colour,
            font: Some((look.face, look.size)),
        }
    }

    /// Says what a line needs and is not set.
    pub(crate) fn select(&mut self, look: &'l Look, out: &mut Vec<u8>) {
        self.select_font(look, look.face, out);
    }

    /// The same in another font.
    fn select_font(&mut self, look: &'l Look, face: usize, out: &mut Vec<u8>) {
        if self.colour != look.colour {
            self.colour = &look.colour;
            out.extend_from_slice(&look.colour);
            out.push(b'\n');
        }
        if self.font != Some((face, look.size)) {
            self.font = Some((face, look.size));
            out.extend_from_slice(b"/S");
            integer(out, face as u64);
            out.push(b' ');
            number(out, look.size);
            out.extend_from_slice(b" Tf\n");
        }
    }

    /// Writes a line that begins at a place, in points from the bottom left corner of the page. Codes are the numbers of
    /// glyphs.
    pub(crate) fn write(
        &mut self,
        look: &'l Look,
        at: (f64, f64),
        glyphs: &[Glyph],
        font: &Face,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(&look.opening);
        out.push(b'\n');
        self.select(look, out);
        begin(at, out);
        show(glyphs, font, out);
        out.extend_from_slice(b" ET\nEMC\n");
    }

    /// Writes a line of several runs, each with the place where it begins and its font.
    pub(crate) fn write_runs<'f>(
        &mut self,
        look: &'l Look,
        runs: impl Iterator<Item = ((f64, f64), &'f Run, &'f Face)>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(&look.opening);
        out.push(b'\n');
        for (at, run, font) in runs {
            self.select_font(look, run.face, out);
            begin(at, out);
            if run.is_reversed {
                out.extend_from_slice(b"/ReversedChars BMC");
            }
            show(&run.glyphs, font, out);
            if run.is_reversed {
                out.extend_from_slice(b" EMC");
            }
            out.extend_from_slice(b" ET\n");
        }
        out.extend_from_slice(b"EMC\n");
    }
}

fn begin((x, y): (f64, f64), out: &mut Vec<u8>) {
    out.extend_from_slice(b"BT ");
    place(out, x);
    out.push(b' ');
    place(out, y);
    out.extend_from_slice(b" Td");
}

fn show(glyphs: &[Glyph], font: &Face, out: &mut Vec<u8>) {
    out.extend_from_slice(b"[(");
    let last = glyphs.len().saturating_sub(1);
    for (at, glyph) in glyphs.iter().enumerate() {
        for byte in glyph.id.to_be_bytes() {
            match byte {
                b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\n' => out.extend_from_slice(b"\\n"),
                other => out.push(other),
            }
        }
        let moved = font.advance(glyph.id) - glyph.advance;
        if moved != 0 && at < last {
            out.push(b')');
            place(out, f64::from(moved) * 1_000.0 / font.units_per_em);
            out.push(b'(');
        }
    }
    out.extend_from_slice(b")]TJ");
}
