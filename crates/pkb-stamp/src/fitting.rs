//! Values set into the fields of a template, as content of its pages; or the reason why they cannot be.

use thiserror::Error;

use crate::Bitmap;
use crate::runs::{Run, is_arabic, runs};
use crate::shaper::Shaper;
use crate::template::Template;
use crate::template::anchor::Anchor;
use crate::template::field::{Field, TextField, width_of};
use crate::template::words::Word;
use crate::text_writer::TextWriter;

/// Bytes that the values of a page take, and glyphs that those of a letter are, in most cases.
const ROOM_FOR_CONTENT: usize = 2048;
const ROOM_FOR_GLYPHS: usize = 512;

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
        for (page, out) in self.pages.iter().zip(&mut fitted.pages) {
            if !page.fields.is_empty() {
                out.reserve(ROOM_FOR_CONTENT);
            }
        }
        fitted.glyphs.reserve(ROOM_FOR_GLYPHS);
        self.write_fields(&mut fitted, false, shaper, value)?;
        // Thousands wait to be written.
        fitted.pages.iter_mut().for_each(Vec::shrink_to_fit);
        fitted.glyphs.shrink_to_fit();
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
            let mut writer = match page.first_line() {
                Some(first) if !late => TextWriter::of(&first.look),
                _ => TextWriter::default(),
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
                            self.write_text(field, &ends, out, &mut writer, glyphs, shaper, value)?;
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
        writer: &mut TextWriter<'f>,
        glyphs: &mut Vec<(u16, u16)>,
        shaper: &mut Shaper<'_>,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<f64, Misfit> {
        let look = &field.look;
        let line = self.line(field, value)?;
        if is_arabic(&line) {
            let set = SetLine::of(field, &line, ends, shaper)?;
            for run in &set.runs {
                let face = u16::try_from(run.face).unwrap_or_default();
                glyphs.extend(run.glyphs.iter().map(|glyph| (face, glyph.id)));
            }
            let mut runs = Vec::with_capacity(set.runs.len());
            for (run, x) in set.runs.iter().zip(&set.places) {
                let font = shaper.face(run.face).ok_or(Misfit::Characters)?;
                runs.push(((*x, field.y), run, font));
            }
            writer.write_runs(look, runs.into_iter(), out);
            return Ok(set.end);
        }
        let font = shaper.face(look.face).ok_or(Misfit::Characters)?;
        let set = shaper
            .line(look.face, &line, field.features, field.is_latin)
            .ok_or(Misfit::Characters)?;
        let width: f64 = set
            .iter()
            .map(|glyph| width_of(glyph, font.units_per_em, look.size))
            .sum();
        let x = field.start(width, ends)?;
        for glyph in set {
            glyphs.push((u16::try_from(look.face).unwrap_or_default(), glyph.id));
        }
        writer.write(look, (x, field.y), set, font, out);
        Ok(x + width)
    }

    /// The words of a field.
    pub(crate) fn line<'v>(
        &self,
        field: &TextField,
        value: &dyn Fn(&str) -> Option<Value<'v>>,
    ) -> Result<String, Misfit> {
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
        Ok(line)
    }
}

impl TextField {
    /// Where a line of this width begins.
    fn start(&self, width: f64, ends: &[f64]) -> Result<f64, Misfit> {
        if width > self.max_width {
            return Err(Misfit::TooWide);
        }
        Ok(match self.anchor {
            Anchor::Start(x) => x,
            Anchor::Middle(x) => x - width / 2.0,
            Anchor::End(x) => x - width,
            Anchor::After(at, gap) => ends.get(at).copied().unwrap_or_default() + gap,
        })
    }
}

/// A line with Arabic words, set.
pub(crate) struct SetLine {
    pub runs: Vec<Run>,
    /// Where each begins, in points.
    pub places: Vec<f64>,
    /// Where the last ends.
    pub end: f64,
}

impl SetLine {
    /// Sets the line of a field.
    pub(crate) fn of(
        field: &TextField,
        line: &str,
        ends: &[f64],
        shaper: &mut Shaper<'_>,
    ) -> Result<Self, Misfit> {
        let look = &field.look;
        let runs = runs(shaper, look.face, line, field.features).ok_or(Misfit::Characters)?;
        let (mut places, mut width) = (Vec::with_capacity(runs.len()), 0.0);
        for run in &runs {
            places.push(width);
            let font = shaper.face(run.face).ok_or(Misfit::Characters)?;
            let glyphs = run.glyphs.iter();
            width += glyphs
                .map(|glyph| width_of(glyph, font.units_per_em, look.size))
                .sum::<f64>();
        }
        let start = field.start(width, ends)?;
        places.iter_mut().for_each(|place| *place += start);
        Ok(Self {
            runs,
            places,
            end: start + width,
        })
    }
}
