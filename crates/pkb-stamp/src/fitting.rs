//! Values set into the fields of a template, as content of its pages; or the reason why they cannot be.

use thiserror::Error;

use crate::Bitmap;
use crate::shaper::Shaper;
use crate::syntax::{integer, number, place};
use crate::template::Template;
use crate::template::field::{Anchor, Field, TextField, Word, width_of};

/// A value for a slot.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Words, which are set in the font of the slot.
    Text(&'a str),
    /// A picture.
    Picture(&'a Bitmap),
}

/// Why values cannot be stamped. The typesetter sets such a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Misfit {
    /// A slot has no value, or one of another kind.
    #[error("a slot has no value")]
    NoValue,
    /// A value has a character, or a space, that no probe has shown to come out right.
    #[error("a value has characters that are not stamped")]
    Characters,
    /// A line would be wider than any that was seen to leave everything else in its place.
    #[error("a value is too wide for its slot")]
    TooWide,
}

/// What a letter has of its own, but for values that are known late.
#[derive(Debug, Clone, Default)]
pub struct Fitted {
    /// Content for each page.
    pub(crate) pages: Vec<Vec<u8>>,
    /// Font and glyph of all that is set.
    pub(crate) glyphs: Vec<(u16, u16)>,
}

impl Fitted {
    /// Takes all values out again.
    pub(crate) fn clear(&mut self) {
        self.pages.iter_mut().for_each(Vec::clear);
        self.glyphs.clear();
    }
}

impl Template {
    /// Sets the values that are known now. `value` is asked for each slot by its name.
    ///
    /// # Errors
    /// Why the letter cannot be stamped.
    pub fn fit<'v>(
        &self,
        shaper: &mut Shaper<'_>,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<Fitted, Misfit> {
        let mut fitted = self.unfitted();
        self.write_fields(&mut fitted, false, shaper, value)?;
        Ok(fitted)
    }

    /// A letter without any values.
    pub(crate) fn unfitted(&self) -> Fitted {
        Fitted {
            pages: vec![Vec::new(); self.pages.len()],
            glyphs: Vec::new(),
        }
    }

    /// Sets the values that are known late.
    pub(crate) fn fit_late<'v>(
        &self,
        fitted: &mut Fitted,
        shaper: &mut Shaper<'_>,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<(), Misfit> {
        self.write_fields(fitted, true, shaper, value)
    }

    fn write_fields<'v>(
        &self,
        fitted: &mut Fitted,
        late: bool,
        shaper: &mut Shaper<'_>,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<(), Misfit> {
        let Fitted { pages, glyphs } = fitted;
        for (page, out) in self.pages.iter().zip(pages) {
            let mut pen = match page.first_line() {
                Some(first) if !late => Pen::of(first),
                _ => Pen::default(),
            };
            let mut ends = vec![0.0; page.fields.len()];
            for (at, field) in page
                .fields
                .iter()
                .enumerate()
                .filter(|(_, field)| field.is_late() == late)
            {
                match field {
                    Field::Text(field, _) => {
                        let end =
                            self.write_text(field, &ends, out, &mut pen, glyphs, shaper, value)?;
                        if let Some(own) = ends.get_mut(at) {
                            *own = end;
                        }
                    }
                    Field::Picture(field, _) => {
                        let Some(Value::Picture(picture)) = value(&field.slot) else {
                            return Err(Misfit::NoValue);
                        };
                        out.extend_from_slice(&field.opening);
                        out.push(b'\n');
                        picture.paint(field.place, out);
                        out.extend_from_slice(b"\nEMC\n");
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes a line, and says where it ends.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is written to, and what it is written with"
    )]
    fn write_text<'f, 'v>(
        &self,
        field: &'f TextField,
        ends: &[f64],
        out: &mut Vec<u8>,
        pen: &mut Pen<'f>,
        glyphs: &mut Vec<(u16, u16)>,
        shaper: &mut Shaper<'_>,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<f64, Misfit> {
        pen.line.clear();
        for word in &field.words {
            match word {
                Word::Fixed(text) => pen.line.push_str(text),
                Word::Slot(slot) => {
                    let Some(Value::Text(text)) = value(slot) else {
                        return Err(Misfit::NoValue);
                    };
                    if !self
                        .alphabet(slot)
                        .is_some_and(|alphabet| alphabet.admits(text))
                    {
                        return Err(Misfit::Characters);
                    }
                    pen.line.push_str(text);
                }
            }
        }
        let font = shaper.face(field.face).ok_or(Misfit::Characters)?;
        let set = shaper
            .line(field.face, &pen.line, field.features, field.is_latin)
            .ok_or(Misfit::Characters)?;
        let width: f64 = set
            .iter()
            .map(|glyph| width_of(glyph, font.units_per_em, field.size))
            .sum();
        if width > field.max_width {
            return Err(Misfit::TooWide);
        }
        let x = match field.anchor {
            Anchor::Start(x) => x,
            Anchor::Middle(x) => x - width / 2.0,
            Anchor::End(x) => x - width,
            Anchor::After(at, gap) => ends.get(at).copied().unwrap_or_default() + gap,
        };
        out.extend_from_slice(&field.opening);
        out.push(b'\n');
        pen.pick_up(field, out);
        out.extend_from_slice(b"BT ");
        place(out, x);
        out.push(b' ');
        place(out, field.y);
        out.extend_from_slice(b" Td[(");
        let last = set.len().saturating_sub(1);
        for (at, glyph) in set.iter().enumerate() {
            for byte in glyph.id.to_be_bytes() {
                match byte {
                    b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    other => out.push(other),
                }
            }
            glyphs.push((u16::try_from(field.face).unwrap_or_default(), glyph.id));
            let moved = font.advance(glyph.id) - glyph.advance;
            if moved != 0 && at < last {
                out.push(b')');
                place(out, f64::from(moved) * 1_000.0 / font.units_per_em);
                out.push(b'(');
            }
        }
        out.extend_from_slice(b")]TJ ET\nEMC\n");
        Ok(x + width)
    }
}

/// What is set already, so that it need not be said again for the next line.
#[derive(Default)]
pub(crate) struct Pen<'f> {
    colour: &'f [u8],
    font: Option<(usize, f64)>,
    line: String,
}

impl<'f> Pen<'f> {
    /// A pen with which a line can be set.
    fn of(field: &'f TextField) -> Self {
        Self {
            colour: &field.colour,
            font: Some((field.face, field.size)),
            line: String::new(),
        }
    }

    /// Says what a line needs and is not set.
    pub(crate) fn pick_up(&mut self, field: &'f TextField, out: &mut Vec<u8>) {
        if self.colour != field.colour {
            self.colour = &field.colour;
            out.extend_from_slice(&field.colour);
            out.push(b'\n');
        }
        if self.font != Some((field.face, field.size)) {
            self.font = Some((field.face, field.size));
            out.extend_from_slice(b"/S");
            integer(out, field.face as u64);
            out.push(b' ');
            number(out, field.size);
            out.extend_from_slice(b" Tf\n");
        }
    }
}
