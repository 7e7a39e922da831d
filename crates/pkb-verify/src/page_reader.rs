//! Reads finished PDFs again, with other code than wrote them: the words of each page as a person would read them, and
//! the links of its QR codes, from their pictures and, if asked to, as a phone camera would.
//!
//! Nothing here knows how letters are made. What is read is what is drawn, so a character that is drawn without a
//! meaning (no Unicode) reads as `U+FFFD`.

use std::{ops::Range, sync::Arc};

use anyhow::{Context as _, anyhow, ensure};
use hayro::RenderCache;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::Dict;
use hayro::hayro_syntax::page::{Page as PdfPage, Resources};
use hayro::vello_cpu::kurbo::Rect;
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, TransformExt as _, interpret, interpret_page,
};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{
    actual_text::actual_texts, camera::qr_of, drawn::Collector, excerpt::LongPdf, lines::words,
    objects::Bytes, shared_parts::SharedParts,
};

pub use super::camera::Look;

/// Fewer pages than this are not worth another thread.
const PAGES_A_THREAD: usize = 64;
/// So many pages of a long file are read at a time: its fonts are worth that many letters' time each time.
const PAGES_A_BLOCK: usize = 256;
/// Files of no more bytes are read whole.
pub(super) const SHORT: u64 = 1 << 20;

/// In fewer pages than this, what they share is hardly ever met again.
const WORTH_SHARING: usize = 8;

/// What a page says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its words, from top to bottom, each line from left to right and ended by a line feed. Glyphs that mean something
    /// only together are read together.
    pub text: String,
    /// The words by what each glyph means alone, where those are others: codes are read so.
    pub by_glyphs: Option<String>,
    /// The contents of those of its QR codes that are pictures of one pixel a module.
    pub qr: Vec<String>,
    /// The contents of its QR codes as a camera sees them; empty if none was asked to look.
    pub by_camera: Vec<String>,
    /// Large words that are drawn across it, in the order in which they are drawn. They are in `text`, too.
    pub across: String,
}

impl Page {
    /// Its words by what each glyph means alone: what codes are read from.
    #[must_use]
    pub fn by_glyphs(&self) -> &str {
        self.by_glyphs.as_deref().unwrap_or(&self.text)
    }
}

/// Reads the words of all pages, and their QR codes as a camera would, too. Takes some tens of milliseconds a page.
///
/// # Errors
///
/// When the PDF is damaged, or a QR code was found that cannot be decoded at any resolution.
pub fn read_pages(pdf: Vec<u8>) -> anyhow::Result<Vec<Page>> {
    read_some(pdf, |_| Look::Everywhere)
}

/// Reads the words of all pages, and of QR codes those that are pictures of one pixel a module, from the picture.
/// Takes about a millisecond a page.
///
/// # Errors
///
/// When the PDF is damaged.
pub fn read_text_only(pdf: Vec<u8>) -> anyhow::Result<Vec<Page>> {
    read_some(pdf, |_| Look::No)
}

/// As [`read_text_only`], but a camera looks, too, at the whole page as it is drawn, as `look` says. It is asked with the place of the page, from 0.
///
/// # Errors
///
/// As [`read_pages`].
pub fn read_some(pdf: Vec<u8>, look: impl Fn(usize) -> Look + Sync) -> anyhow::Result<Vec<Page>> {
    let pdf = Opened::new(Bytes::Memory(Arc::new(pdf)))?;
    let parts = pdf.parts_of_all();
    let read: anyhow::Result<Vec<Vec<Page>>> = parts
        .into_par_iter()
        .map(|range| pdf.read(range, &look))
        .collect();
    Ok(read?.concat())
}

/// A PDF of which pages can be read, some at a time.
pub struct Opened {
    content: Content,
    page_count: usize,
}

enum Content {
    /// Read a block of pages at a time: memory does not depend on its length.
    Long(LongPdf),
    Whole(Pdf),
}

impl Opened {
    /// Opens a PDF and counts its pages.
    ///
    /// # Errors
    ///
    /// When the PDF is damaged or has no pages.
    pub fn new(bytes: Bytes) -> anyhow::Result<Self> {
        Self::with_short(bytes, SHORT)
    }

    /// Files of no more than `short` bytes are read whole.
    fn with_short(bytes: Bytes, short: u64) -> anyhow::Result<Self> {
        let long = (bytes.len() > short)
            .then(|| LongPdf::open(bytes.clone()))
            .flatten()
            .filter(|pdf| pdf.excerpt(0..1).is_some());
        let content = match long {
            Some(pdf) => Content::Long(pdf),
            None => Content::Whole(opened(bytes.all().context("the PDF cannot be read")?)?),
        };
        let page_count = match &content {
            Content::Long(pdf) => pdf.page_count(),
            Content::Whole(pdf) => pdf.pages().len(),
        };
        ensure!(page_count > 0, "the PDF has no pages");
        Ok(Self {
            content,
            page_count,
        })
    }

    /// How many pages it has.
    #[must_use]
    pub fn page_count(&self) -> usize {
        self.page_count
    }

    /// How many pages should be read at a time.
    #[must_use]
    pub fn part(&self) -> usize {
        match self.content {
            Content::Long(_) => PAGES_A_BLOCK,
            // Each part reads the fonts for itself.
            Content::Whole(_) => self
                .page_count
                .div_ceil(rayon::current_num_threads())
                .max(PAGES_A_THREAD),
        }
    }

    fn parts_of_all(&self) -> Vec<Range<usize>> {
        let (count, part) = (self.page_count, self.part());
        let starts = (0..count).step_by(part);
        starts.map(|start| start..count.min(start + part)).collect()
    }

    /// Reads the pages in a range, from 0; see [`read_some`].
    ///
    /// # Errors
    ///
    /// As [`read_pages`].
    pub fn read(
        &self,
        range: Range<usize>,
        look: impl Fn(usize) -> Look,
    ) -> anyhow::Result<Vec<Page>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let count = range.len();
        let pages = match &self.content {
            Content::Whole(pdf) => read_range(pdf, range, 0, look)?,
            Content::Long(pdf) => {
                let excerpt = pdf.excerpt(range.clone()).ok_or_else(damaged)?;
                read_range(&opened(Arc::new(excerpt))?, 0..count, range.start, look)?
            }
        };
        ensure!(pages.len() == count, damaged());
        Ok(pages)
    }
}

fn damaged() -> anyhow::Error {
    anyhow!("the PDF is damaged")
}

fn opened(pdf: Arc<Vec<u8>>) -> anyhow::Result<Pdf> {
    Pdf::new(pdf).map_err(|_| damaged())
}

/// Reads pages of a PDF, of which the first is number `offset` of the whole, from 0.
fn read_range(
    pdf: &Pdf,
    range: Range<usize>,
    offset: usize,
    look: impl Fn(usize) -> Look,
) -> anyhow::Result<Vec<Page>> {
    let settings = InterpreterSettings::default();
    let words_cache = InterpreterCache::new();
    let mut shared = SharedParts::default();
    let can_share = range.len() >= WORTH_SHARING;
    let drawing_cache = RenderCache::new();
    let all = pdf.pages();
    let mut pages = Vec::with_capacity(range.len());
    for at in range {
        let Some(page) = all.get(at) else { break };
        let drawn = can_share
            .then(|| shared.drawn_on(pdf, page, &words_cache, &settings))
            .flatten();
        let drawn = drawn.unwrap_or_else(|| {
            let drawn = collected(pdf, page, &words_cache, &settings);
            let together = drawn.read_together();
            let alone = with_slanted(words(drawn.glyphs), &[&drawn.slanted]);
            match together {
                Some(together) => Page {
                    text: with_slanted(words(together), &[&drawn.slanted]),
                    by_glyphs: Some(alone),
                    qr: drawn.qr_codes,
                    across: drawn.across,
                    by_camera: Vec::new(),
                },
                None => Page {
                    text: alone,
                    by_glyphs: None,
                    qr: drawn.qr_codes,
                    across: drawn.across,
                    by_camera: Vec::new(),
                },
            }
        });
        let (look, has_picture) = (look(offset + at), !drawn.qr.is_empty());
        let by_camera = qr_of(page, &drawing_cache, &settings, look, has_picture)
            .with_context(|| format!("page {}", offset + at + 1))?;
        pages.push(Page { by_camera, ..drawn });
    }
    Ok(pages)
}

/// What is drawn on a page, in the order in which it is drawn.
fn collected<'a>(
    pdf: &'a Pdf,
    page: &'a PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> Collector {
    let mut drawn = Collector::default();
    let stream = page.page_stream().unwrap_or_default();
    drawn.texts = actual_texts(stream, page.resources()).into_iter();
    let mut context = context_of(pdf, page, cache, settings);
    if page.raw().contains_key(b"Annots".as_slice()) {
        interpret_page(page, &mut context, &mut drawn);
    } else {
        let resources = without_colours(page);
        interpret(
            page.typed_operations(),
            &resources,
            &mut context,
            &mut drawn,
        );
    }
    drawn
}

/// What a page draws with, but for its colour spaces: words are the same in any colour, and to make sense of a colour
/// profile takes as long as to read ten letters.
pub(super) fn without_colours<'a>(page: &PdfPage<'a>) -> Resources<'a> {
    let mut resources = page.resources().clone();
    resources.color_spaces = Dict::empty();
    resources
}

/// The state in which a page begins to be drawn.
pub(super) fn context_of<'a>(
    pdf: &'a Pdf,
    page: &'a PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> Context<'a> {
    let (width, height) = page.render_dimensions();
    let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let to_top_left = page.initial_transform(true).to_kurbo();
    Context::new(to_top_left, area, cache, pdf.xref(), settings.clone())
}

/// The words of a page, and those that stand on no line, if there are any.
pub(super) fn with_slanted(mut text: String, slanted: &[&str]) -> String {
    if slanted.iter().any(|words| !words.is_empty()) {
        text.extend(slanted.iter().copied());
        text.push('\n');
    }
    text
}

/// The glyphs of each page where they are drawn: what they mean, left, base line and size, in points from the top left
/// corner.
/// For the tests of what makes pages.
///
/// # Errors
/// It is no PDF.
pub fn glyphs_of(pdf: &[u8]) -> anyhow::Result<Vec<PlacedTexts>> {
    let pdf = Pdf::new(pdf.to_vec()).map_err(|_| anyhow!("the file is damaged"))?;
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        let drawn = collected(&pdf, page, &cache, &settings).glyphs.into_iter();
        let glyphs = drawn.map(|glyph| {
            (
                glyph.meaning.to_string(),
                glyph.left,
                glyph.baseline,
                glyph.size,
            )
        });
        pages.push(glyphs.collect());
    }
    Ok(pages)
}

/// What the glyphs of a page mean, their left, base line and size.
pub type PlacedTexts = Vec<(String, f64, f64, f64)>;

#[cfg(test)]
mod tests {
    use pkb_core::record::Design;
    use pkb_typeset::{
        letter_fields::LetterFields,
        template::Template,
        typesetter::{Engine, Typesetter},
    };
    use pkb_values::LetterLanguages;

    use super::*;

    fn typeset(letters: &[LetterFields]) -> Vec<u8> {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let laid_out = typesetter.lay_out(letters).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        typesetter.bind(laid_out, 123).unwrap().pdf
    }

    #[test]
    fn a_letter_reads_as_it_was_written_and_its_qr_code_is_its_link() {
        let letter = LetterFields {
            name: "Ms Siân #panic(\"x\") *b* $1 <a>".into(),
            ..LetterFields::sample()
        };
        let pages = read_pages(typeset(std::slice::from_ref(&letter))).unwrap();
        let [page] = pages.as_slice() else {
            panic!("{} pages", pages.len())
        };
        assert_eq!(page.by_camera, [letter.join_url.as_str()]);
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
                .contains("You can now see your hospital record online with Patients Know Best"),
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
            assert_eq!(page.by_camera, [letter.join_url.as_str()]);
            assert!(
                page.text
                    .contains(&format!("Invite code {}", letter.invitation_code)),
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
    fn a_qr_code_says_the_same_as_a_picture_and_on_the_drawn_page() {
        let pdf = typeset(&[LetterFields::sample()]);
        let words = read_text_only(pdf.clone()).unwrap();
        let all = read_pages(pdf).unwrap();
        assert_eq!(words[0].text, all[0].text);
        assert_eq!(words[0].qr, all[0].qr);
        assert_eq!(words[0].qr, all[0].by_camera);
        assert!(words[0].by_camera.is_empty());
        assert_eq!(words[0].qr.len(), 1);
    }

    /// Stamped letters with codes of their own, some of them Welsh and some with long addresses.
    fn stamped(count: u32) -> (Vec<LetterFields>, Vec<u8>) {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let typesetter = typesetter.with_engine(Engine::Stamp).unwrap();
        let letters: Vec<LetterFields> = (0..count)
            .map(|number| {
                let (invitation_code, access_code) =
                    (format!("Inv{number:05}lI"), format!("Acc{number:05}0O"));
                LetterFields {
                    name: format!("Ms Siân Number{number}"),
                    join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
                    invitation_code,
                    access_code,
                    languages: match number % 3 {
                        0 => LetterLanguages::default(),
                        1 => "cy".parse().unwrap(),
                        _ => "cy+en".parse().unwrap(),
                    },
                    ..LetterFields::sample()
                }
            })
            .collect();
        let laid_out = typesetter.lay_out(&letters).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        let pdf = typesetter.bind(laid_out, 1).unwrap().pdf;
        (letters, pdf)
    }

    #[test]
    fn a_long_file_reads_in_blocks_as_it_does_whole() {
        let (letters, pdf) = stamped(90);
        let bytes = Bytes::Memory(Arc::new(pdf));
        let whole = Opened::with_short(bytes.clone(), u64::MAX).unwrap();
        let long = Opened::with_short(bytes.clone(), 0).unwrap();
        assert!(matches!(whole.content, Content::Whole(_)));
        assert!(matches!(long.content, Content::Long(_)));
        assert_eq!(whole.page_count(), long.page_count());
        let Content::Whole(pdf) = &whole.content else {
            unreachable!()
        };
        // As it was read before there were parts that pages share.
        let (cache, settings) = (InterpreterCache::new(), InterpreterSettings::default());
        let drawn: Vec<Page> = pdf
            .pages()
            .iter()
            .map(|page| {
                let drawn = collected(pdf, page, &cache, &settings);
                Page {
                    text: with_slanted(words(drawn.glyphs), &[&drawn.slanted]),
                    by_glyphs: None,
                    qr: drawn.qr_codes,
                    across: drawn.across,
                    by_camera: Vec::new(),
                }
            })
            .collect();
        let last = 7..long.page_count();
        let of_long = [long.read(0..7, |_| Look::No), long.read(last, |_| Look::No)]
            .map(Result::unwrap)
            .concat();
        assert!(of_long == drawn);
        assert!(whole.read(0..drawn.len(), |_| Look::No).unwrap() == drawn);
        let says = |code: &str| drawn.iter().filter(|page| page.text.contains(code)).count();
        assert!(letters.iter().all(|letter| says(&letter.access_code) > 0));
        // A camera sees the same QR code in an excerpt.
        assert_eq!(
            long.read(40..41, |_| Look::Everywhere).unwrap()[0].by_camera,
            drawn[40].qr
        );
    }

    #[test]
    fn a_long_file_on_the_disk_reads_as_in_memory() {
        let (_, pdf) = stamped(5);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &pdf).unwrap();
        let of_file = Opened::with_short(Bytes::of_file(file.path()).unwrap(), 0).unwrap();
        assert!(matches!(of_file.content, Content::Long(_)));
        let read = of_file.read(0..of_file.page_count(), |_| Look::No).unwrap();
        assert!(read == read_text_only(pdf).unwrap());
    }

    #[test]
    fn a_long_file_that_is_cut_or_changed_anywhere_is_no_harm_to_the_reader() {
        let (_, pdf) = stamped(3);
        let pages = read_text_only(pdf.clone()).unwrap().len();
        for at in (0..pdf.len()).step_by(997) {
            let mut changed = pdf.clone();
            changed[at] ^= 0x10;
            for changed in [changed, pdf[..at].to_vec()] {
                let bytes = Bytes::Memory(Arc::new(changed));
                // Not to panic and not to go on for ever is what counts; what is still read is compared by others.
                if let Ok(opened) = Opened::with_short(bytes, 0) {
                    let _ = opened.read(0..opened.page_count().min(pages), |_| Look::No);
                }
            }
        }
    }

    #[test]
    fn what_is_no_pdf_is_an_error() {
        assert!(read_pages(b"words".to_vec()).is_err());
    }
}
