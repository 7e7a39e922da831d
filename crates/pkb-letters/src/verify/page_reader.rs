//! Reads finished PDFs again, with other code than wrote them: the words of each page as a person would read them, and
//! the links of its square codes as a phone camera would.
//!
//! Nothing here knows how letters are made. What is read is what is drawn, so a character that is drawn without a
//! meaning (no Unicode) reads as `U+FFFD`.

use std::{ops::Range, sync::Arc};

use anyhow::{Context as _, anyhow, ensure};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::kurbo::{Affine, BezPath, Point, Rect};
use hayro::{RenderCache, RenderSettings, render};
use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, GlyphDrawMode, Image, ImageData, InterpreterCache,
    InterpreterSettings, Paint, PathDrawMode, SoftMask, TransformExt as _, interpret_page,
};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Most modules on a side of a square code, with its margin (ISO/IEC 18004: 177 and 8).
const MAX_MODULES: u32 = 185;

/// Fewer pages than this are not worth another thread.
const PAGES_A_THREAD: usize = 16;

/// Dots per inch at which a page is drawn to look for square codes: the next is tried where the one before found none.
const QR_DPI: [f32; 4] = [100.0, 150.0, 200.0, 300.0];

/// Glyphs whose baselines are nearer than this part of the letter size are on one line.
const SAME_LINE: f64 = 0.3;
/// A gap wider than this part of the letter size is a space between words.
const WORD_GAP: f64 = 0.15;

/// What a page says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its words, from top to bottom, each line from left to right and ended by a line feed.
    pub text: String,
    /// The contents of its square codes.
    pub qr: Vec<String>,
}

/// Reads words and square codes of all pages. Takes some tens of milliseconds a page.
///
/// # Errors
///
/// When the PDF is damaged, or a square code was found that cannot be decoded at any resolution.
pub fn read_pages(pdf: Vec<u8>) -> anyhow::Result<Vec<Page>> {
    read_some(pdf, |_| true)
}

/// Reads the words of all pages, and of square codes those that are pictures of one pixel a module, from the picture.
/// Takes about a millisecond a page.
///
/// # Errors
///
/// When the PDF is damaged.
pub fn read_text_only(pdf: Vec<u8>) -> anyhow::Result<Vec<Page>> {
    read_some(pdf, |_| false)
}

/// As [`read_text_only`], but the square codes of pages of which `with_qr` says so are read as a camera would, from the
/// whole page as it is drawn; it is asked with the place of the page, from 0.
///
/// # Errors
///
/// As [`read_pages`].
pub fn read_some(
    pdf: Vec<u8>,
    with_qr: impl Fn(usize) -> bool + Sync,
) -> anyhow::Result<Vec<Page>> {
    let pdf = Arc::new(pdf);
    let damaged = |_| anyhow!("the PDF is damaged");
    let count = Pdf::new(pdf.clone()).map_err(damaged)?.pages().len();
    ensure!(count > 0, "the PDF has no pages");
    // Caches are not shared between threads, so each reads a part of its own.
    let part = count
        .div_ceil(rayon::current_num_threads())
        .max(PAGES_A_THREAD);
    let parts: Vec<Range<usize>> = (0..count)
        .step_by(part)
        .map(|start| start..count.min(start + part))
        .collect();
    let read: anyhow::Result<Vec<Vec<Page>>> = parts
        .into_par_iter()
        .map(|range| read_range(pdf.clone(), range, &with_qr))
        .collect();
    let pages = read?.concat();
    ensure!(pages.len() == count, "the PDF is damaged");
    Ok(pages)
}

fn read_range(
    pdf: Arc<Vec<u8>>,
    range: Range<usize>,
    with_qr: impl Fn(usize) -> bool,
) -> anyhow::Result<Vec<Page>> {
    let pdf = Pdf::new(pdf).map_err(|_| anyhow!("the PDF is damaged"))?;
    let settings = InterpreterSettings::default();
    let words_cache = InterpreterCache::new();
    let drawing_cache = RenderCache::new();
    let all = pdf.pages();
    let mut pages = Vec::with_capacity(range.len());
    for at in range {
        let Some(page) = all.get(at) else { break };
        let (text, drawn) = drawn_on(&pdf, page, &words_cache, &settings);
        let qr = if with_qr(at) {
            let number = at + 1;
            qr_of(page, &drawing_cache, &settings).with_context(|| format!("page {number}"))?
        } else {
            drawn
        };
        pages.push(Page { text, qr });
    }
    Ok(pages)
}

/// The words of a page, and the contents of the square codes that are drawn on it as pictures.
fn drawn_on<'a>(
    pdf: &'a Pdf,
    page: &'a PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> (String, Vec<String>) {
    let drawn = collected(pdf, page, cache, settings);
    (lines_of(drawn.glyphs), drawn.squares)
}

fn collected<'a>(
    pdf: &'a Pdf,
    page: &'a PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> Collector {
    let (width, height) = page.render_dimensions();
    let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let to_top_left = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(to_top_left, area, cache, pdf.xref(), settings.clone());
    let mut drawn = Collector::default();
    interpret_page(page, &mut context, &mut drawn);
    drawn
}

fn is_right_to_left(character: char) -> bool {
    use unicode_bidi::BidiClass;
    matches!(
        unicode_bidi::bidi_class(character),
        BidiClass::R | BidiClass::AL
    )
}

/// A character where it is drawn, in points from the top left corner.
struct PlacedGlyph {
    text: String,
    left: f64,
    right: f64,
    baseline: f64,
    size: f64,
}

/// Sorts glyphs into lines and puts spaces where there is room for one.
fn lines_of(mut glyphs: Vec<PlacedGlyph>) -> String {
    glyphs.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut lines: Vec<Vec<PlacedGlyph>> = Vec::new();
    for glyph in glyphs {
        match lines.last_mut() {
            Some(line) if line.last().is_some_and(|last| is_same_line(last, &glyph)) => {
                line.push(glyph)
            }
            _ => lines.push(vec![glyph]),
        }
    }
    let mut text = String::new();
    for mut line in lines {
        line.sort_by(|a, b| a.left.total_cmp(&b.left));
        let mut end: Option<f64> = None;
        for glyph in line {
            if end.is_some_and(|end| glyph.left - end > WORD_GAP * glyph.size)
                && !text.ends_with(' ')
            {
                text.push(' ');
            }
            if !(glyph.text == " " && text.ends_with([' ', '\n'])) {
                text.push_str(&glyph.text);
            }
            end = Some(end.map_or(glyph.right, |end| end.max(glyph.right)));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

fn is_same_line(last: &PlacedGlyph, next: &PlacedGlyph) -> bool {
    next.baseline - last.baseline < SAME_LINE * last.size.min(next.size)
}

/// A drawing device that notes the characters and the square codes, and draws nothing.
#[derive(Default)]
struct Collector {
    glyphs: Vec<PlacedGlyph>,
    squares: Vec<String>,
}

impl Device<'_> for Collector {
    fn draw_glyph(
        &mut self,
        glyph: &Glyph<'_>,
        transform: Affine,
        glyph_transform: Affine,
        _: &Paint<'_>,
        _: &GlyphDrawMode,
    ) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(character)) => character.to_string(),
            Some(BfString::String(text)) => text,
            None => char::REPLACEMENT_CHARACTER.to_string(),
        };
        // A ligature of a script that runs from right to left stands on the page with its last letter on the left.
        let text = if text.chars().nth(1).is_some() && text.chars().any(is_right_to_left) {
            text.chars().rev().collect()
        } else {
            text
        };
        // Glyphs are drawn in units of 1/1000 of the letter size.
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width().map_or(500.0, f64::from),
            Glyph::Type3(_) => 500.0,
        };
        let place = transform * glyph_transform;
        let (start, end, top) = (
            place * Point::ZERO,
            place * Point::new(advance, 0.0),
            place * Point::new(0.0, 1000.0),
        );
        self.glyphs.push(PlacedGlyph {
            text,
            left: start.x,
            right: end.x,
            baseline: start.y,
            size: start.distance(top),
        });
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
                    self.squares.extend(content_of(side, &modules));
                },
                None,
            );
        }
    }
    fn pop_clip_path(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// What a picture of one pixel a module says, if it is a square code. Its finder patterns reach into three corners, so its
/// modules begin and end where the black ones do; nothing has to be searched for.
fn content_of(side: usize, modules: &[u8]) -> Option<String> {
    let is_black = |x: usize, y: usize| modules.get(y * side + x).is_some_and(|grey| *grey < 128);
    let first = (0..side).find(|at| is_black(*at, *at))?;
    let size = side.checked_sub(2 * first)?;
    let grid = rqrr::SimpleGrid::from_func(size, |x, y| is_black(first + x, first + y));
    rqrr::Grid::new(grid)
        .decode()
        .ok()
        .map(|(_, content)| content)
}

/// The square codes of a page, as a camera sees them. None at all is an answer; one that is seen and cannot be decoded is an error.
fn qr_of<'a>(
    page: &'a PdfPage<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
) -> anyhow::Result<Vec<String>> {
    let mut seen = false;
    for dpi in QR_DPI {
        let scale = dpi / 72.0;
        let drawing = RenderSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
            ..Default::default()
        };
        let pixels = render(page, cache, settings, &drawing);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(
            pixels.width().into(),
            pixels.height().into(),
            |x, y| {
                u16::try_from(x)
                    .ok()
                    .zip(u16::try_from(y).ok())
                    .map_or(255, |(x, y)| {
                        let colour = pixels.sample(x, y);
                        // Rec. 601 weights, in 256ths.
                        let grey = 77 * u32::from(colour.r)
                            + 150 * u32::from(colour.g)
                            + 29 * u32::from(colour.b);
                        u8::try_from(grey >> 8).unwrap_or(u8::MAX)
                    })
            },
        );
        let grids = image.detect_grids();
        seen |= !grids.is_empty();
        let decoded: Result<Vec<String>, _> = grids
            .iter()
            .map(|grid| grid.decode().map(|(_, content)| content))
            .collect();
        if let Ok(contents) = decoded
            && !contents.is_empty()
        {
            return Ok(contents);
        }
    }
    ensure!(!seen, "a square code cannot be decoded");
    Ok(Vec::new())
}

/// The glyphs of each page where they are drawn: what they mean, left, base line and size, in points from the top left
/// corner.
#[cfg(test)]
pub(crate) fn glyphs_of(pdf: &[u8]) -> Vec<Vec<(String, f64, f64, f64)>> {
    let pdf = Pdf::new(pdf.to_vec()).unwrap();
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        let drawn = collected(&pdf, page, &cache, &settings).glyphs.into_iter();
        let glyphs = drawn.map(|glyph| (glyph.text, glyph.left, glyph.baseline, glyph.size));
        pages.push(glyphs.collect());
    }
    pages
}

#[cfg(test)]
mod tests {
    use crate::letter_fields::LetterFields;
    use crate::template::Template;
    use crate::typeset::Typesetter;
    use pkb_core::record::Design;

    use super::*;

    fn typeset(letters: &[LetterFields]) -> Vec<u8> {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let laid_out = typesetter.lay_out(letters).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        typesetter.bind(laid_out, 123).unwrap().pdf
    }

    #[test]
    fn a_letter_reads_as_it_was_written_and_its_square_code_is_its_link() {
        let letter = LetterFields {
            name: "Ms Siân #panic(\"x\") *b* $1 <a>".into(),
            ..LetterFields::sample()
        };
        let pages = read_pages(typeset(std::slice::from_ref(&letter))).unwrap();
        let [page] = pages.as_slice() else {
            panic!("{} pages", pages.len())
        };
        assert_eq!(page.qr, [letter.join_url.as_str()]);
        for wanted in [
            &letter.name,
            &letter.invitation_code,
            &letter.access_code,
            &"22 December 2026".to_owned(),
            &letter.join_address,
        ] {
            assert!(
                page.text.contains(wanted.as_str()),
                "{wanted} not in {}",
                page.text
            );
        }
        for line in &letter.address {
            assert!(
                page.text
                    .lines()
                    .any(|read| read.starts_with(line.as_str())),
                "{line} not in {}",
                page.text
            );
        }
        assert!(page.text.contains("000123\n"), "{}", page.text);
        assert!(
            page.text
                .contains("We invite you to open a free account with Patients Know Best"),
            "{}",
            page.text
        );
        assert!(
            !page.text.contains(char::REPLACEMENT_CHARACTER),
            "{}",
            page.text
        );
    }

    #[test]
    fn each_page_of_several_letters_holds_its_own_codes() {
        let letters: Vec<LetterFields> = (0..5)
            .map(|number| LetterFields {
                invitation_code: format!("Invite{number}lIO"),
                access_code: format!("Access{number}0O1"),
                join_url: format!("https://joinpkb.com/?t1=Invite{number}lIO&t2=Access{number}0O1"),
                ..LetterFields::sample()
            })
            .collect();
        let pages = read_pages(typeset(&letters)).unwrap();
        assert_eq!(pages.len(), letters.len());
        for (page, letter) in pages.iter().zip(&letters) {
            assert_eq!(page.qr, [letter.join_url.as_str()]);
            assert!(
                page.text
                    .contains(&format!("Invitation code {}", letter.invitation_code)),
                "{}",
                page.text
            );
            assert!(
                page.text
                    .contains(&format!("Access code {}", letter.access_code)),
                "{}",
                page.text
            );
        }
    }

    #[test]
    fn a_square_code_says_the_same_as_a_picture_and_on_the_drawn_page() {
        let pdf = typeset(&[LetterFields::sample()]);
        let words = read_text_only(pdf.clone()).unwrap();
        let all = read_pages(pdf).unwrap();
        assert_eq!(words[0].text, all[0].text);
        assert_eq!(words[0].qr, all[0].qr);
        assert_eq!(words[0].qr.len(), 1);
    }

    #[test]
    fn what_is_no_pdf_is_an_error() {
        assert!(read_pages(b"words".to_vec()).is_err());
    }
}
