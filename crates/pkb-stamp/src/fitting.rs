//! Values set into the fields of a template, as content of its pages; or the reason why they cannot be.

use thiserror::Error;

use crate::Bitmap;
use crate::pen::Pen;
use crate::shaper::Shaper;
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
                Some(first) if !late => Pen::of(&first.look),
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
        let look = &field.look;
        let mut line = String::new();
        for word in &field.words {
            match word {
                Word::Fixed(text) => line.push_str(text),
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
                    line.push_str(text);
                }
            }
        }
        let font = shaper.face(look.face).ok_or(Misfit::Characters)?;
        let set = shaper
            .line(look.face, &line, field.features, field.is_latin)
            .ok_or(Misfit::Characters)?;
        let width: f64 = set
            .iter()
            .map(|glyph| width_of(glyph, font.units_per_em, look.size))
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
        for glyph in set {
            glyphs.push((u16::try_from(look.face).unwrap_or_default(), glyph.id));
        }
        pen.write(look, (x, field.y), set, font, out);
        Ok(x + width)
    }
}
