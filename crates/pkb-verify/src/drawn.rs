//! What is drawn on a page: its characters where they are drawn, and its small square pictures.

use std::fmt::Write as _;

use hayro::vello_cpu::kurbo::{Affine, BezPath, Point};
use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::{
    BlendMode, ClipPath, Device, GlyphDrawMode, Image, ImageData, Paint, PathDrawMode, SoftMask,
};

use super::{
    actual_text::Cluster,
    lines::{Meaning, PlacedGlyph},
    qr_code::content_of,
};

/// Most modules on a side of a QR code, with its margin (ISO/IEC 18004: 177 and 8).
const MAX_MODULES: u32 = 185;

/// Letters of so many points across a page cannot be overlooked.
const LARGE: f64 = 40.0;

/// How far a line is from level or upright whose letters stand across the page.
const SLANT: f64 = 0.2;

/// Whether a glyph from `start` to `top` stands on a line that is neither level nor upright.
fn is_slanted(start: Point, top: Point) -> bool {
    let (x, y) = ((top.x - start.x).abs(), (top.y - start.y).abs());
    x.min(y) > SLANT * x.max(y)
}

fn is_right_to_left(character: char) -> bool {
    use unicode_bidi::BidiClass;
    matches!(
        unicode_bidi::bidi_class(character),
        BidiClass::R | BidiClass::AL
    )
}

/// A drawing device that notes the characters and the QR codes, and draws nothing.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) glyphs: Vec<PlacedGlyph>,
    pub(super) qr_codes: Vec<String>,
    /// What glyphs mean that stand on no line of the page, but across it; in the order in which they are drawn.
    pub(super) slanted: String,
    /// Those of them that are large.
    pub(super) across: String,
    /// What the glyphs of the marked contents that have yet to begin mean together.
    pub(super) texts: std::vec::IntoIter<Option<Box<str>>>,
    /// Marked contents that have begun and not ended.
    open: Vec<Option<Cluster>>,
    /// Glyphs that mean something together, each with the end of its glyphs.
    clusters: Vec<(Cluster, usize)>,
}

impl Collector {
    /// The glyphs, those of each cluster as one; `None` if there are no clusters.
    pub(super) fn read_together(&self) -> Option<Vec<PlacedGlyph>> {
        if self.clusters.is_empty() {
            return None;
        }
        let mut read = Vec::with_capacity(self.glyphs.len());
        let mut at = 0;
        for (cluster, end) in &self.clusters {
            read.extend_from_slice(self.glyphs.get(at..cluster.start)?);
            read.push(as_one(
                self.glyphs.get(cluster.start..*end)?,
                &cluster.text,
            )?);
            at = *end;
        }
        read.extend_from_slice(self.glyphs.get(at..)?);
        Some(read)
    }
}

/// Some glyphs as one that means `text`. It stands on the line of the widest: marks are above or below it.
fn as_one(glyphs: &[PlacedGlyph], text: &str) -> Option<PlacedGlyph> {
    let width = |glyph: &&PlacedGlyph| glyph.right - glyph.left;
    let base = glyphs.iter().max_by(|a, b| width(a).total_cmp(&width(b)))?;
    Some(PlacedGlyph {
        meaning: Meaning::Characters(on_paper(text)),
        left: glyphs
            .iter()
            .map(|glyph| glyph.left)
            .fold(base.left, f64::min),
        right: glyphs
            .iter()
            .map(|glyph| glyph.right)
            .fold(base.right, f64::max),
        ..base.clone()
    })
}

/// What several characters look like from left to right: those of a script that runs from right to left have the last
/// letter on the left.
fn on_paper(text: &str) -> Box<str> {
    match text.chars().any(is_right_to_left) {
        true => text.chars().rev().collect(),
        false => text.into(),
    }
}

impl Device<'_> for Collector {
    fn draw_glyph(
        &mut self,
        glyph: &Glyph<'_>,
        transform: Affine,
        glyph_transform: Affine,
        _: &Paint<'_>,
        mode: &GlyphDrawMode,
    ) {
        // Nobody sees it, so it is not on the page.
        if matches!(mode, GlyphDrawMode::Invisible) {
            return;
        }
        for cluster in self.open.iter_mut().flatten() {
            match glyph {
                Glyph::Outline(outline) => {
                    cluster.has_box |= outline.glyph_id().to_u32() == 0;
                    cluster.with_ink += usize::from(!outline.outline().elements().is_empty());
                }
                Glyph::Type3(_) => cluster.has_box = true,
            }
        }
        let meaning = match glyph.as_unicode() {
            Some(BfString::Char(character)) => Meaning::Character(character),
            Some(BfString::String(text)) => Meaning::Characters(on_paper(&text)),
            None => Meaning::Character(char::REPLACEMENT_CHARACTER),
        };
        // Glyphs are drawn in units of 1/1000 of the letter size.
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width().map_or(500.0, f64::from),
            Glyph::Type3(_) => 500.0,
        };
        let place = transform * glyph_transform;
        let mark = meaning
            .mark()
            .filter(|_| self.open.iter().all(Option::is_none));
        if let (Some(mark), Some(before)) = (mark, self.glyphs.last_mut())
            && before.has_room_for(place * Point::ZERO)
        {
            before.add(mark);
            return;
        }
        let (start, end, top) = (
            place * Point::ZERO,
            place * Point::new(advance, 0.0),
            place * Point::new(0.0, 1000.0),
        );
        let size = start.distance(top);
        if is_slanted(start, top) {
            // Writing to memory cannot fail.
            let _ = write!(self.slanted, "{meaning}");
            if size >= LARGE {
                let _ = write!(self.across, "{meaning}");
            }
            return;
        }
        self.glyphs.push(PlacedGlyph {
            meaning,
            left: start.x,
            right: end.x,
            baseline: start.y,
            size,
        });
    }

    fn begin_marked_content(&mut self, _: &[u8], _: Option<i32>) {
        let text = self.texts.next().flatten();
        let cluster = text.map(|text| Cluster::new(self.glyphs.len(), text));
        self.open.push(cluster);
    }

    fn end_marked_content(&mut self) {
        let Some(cluster) = self.open.pop().flatten() else {
            return;
        };
        let end = self.glyphs.len();
        // What is said of a part of other glyphs is of no use.
        let is_inner = self.open.iter().any(Option::is_some);
        if cluster.start < end && !is_inner && cluster.is_plausible() {
            self.clusters.push((cluster, end));
        }
    }

    fn set_soft_mask(&mut self, _: Option<SoftMask<'_>>) {}
    fn set_blend_mode(&mut self, _: BlendMode) {}
    fn draw_path(&mut self, _: &BezPath, _: Affine, _: &Paint<'_>, _: &PathDrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, image: Image<'_, '_>, _: Affine) {
        let is_small_square = image.width() == image.height() && image.width() <= MAX_MODULES;
        if let (Image::Raster(raster), true) = (image, is_small_square) {
            raster.with_rgba(
                |data, _| {
                    // Black and white: one channel of three says as much as all.
                    let (width, step, bytes) = match &data {
                        ImageData::Luma(luma) => (luma.width, 1, &luma.data),
                        ImageData::Rgb(rgb) => (rgb.width, 3, &rgb.data),
                    };
                    let side = usize::try_from(width).unwrap_or_default();
                    let modules: Vec<u8> = bytes.iter().copied().step_by(step).collect();
                    let is_black = |x: usize, y: usize| {
                        modules.get(y * side + x).is_some_and(|grey| *grey < 128)
                    };
                    self.qr_codes.extend(content_of(side, is_black));
                },
                None,
            );
        }
    }
    fn pop_clip_path(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
