//! What is laid over the pages of a finished letter: marks for people and machines, page numbers, and PROOF or REHEARSAL. The words
//! below it need not know how many pages there are, or which number the letter gets.

use pkb_core::rows::counted;
use pkb_languages::LetterLanguage;
use serde::Serialize;
use typst::layout::{Frame, FrameItem};
use typst_layout::{Page, PagedDocument};

use super::{TypesetError, page_check, world::TemplateWorld};
use crate::template::{
    geometry::{A4, Geometry},
    marks::{Barcode, Marks, NumberMark},
    settings::Settings,
};

/// What stands across each page, large and pale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Watermark {
    pub is_proof: bool,
    pub is_rehearsal: bool,
}

impl Watermark {
    fn words(self) -> Option<&'static str> {
        match (self.is_rehearsal, self.is_proof) {
            (true, true) => Some("REHEARSAL\nPROOF"),
            (true, false) => Some("REHEARSAL"),
            (false, true) => Some("PROOF"),
            (false, false) => None,
        }
    }
}

/// A letter that something is laid over.
pub(super) struct Below<'a> {
    /// Its pages.
    pub pages: &'a [Page],
    /// Its running number in the campaign, from 1.
    pub number: u64,
    /// That of the last letter of the same file.
    pub last_of_file: u64,
    /// Size of its words, in points.
    pub points: u8,
}

/// `overlay.json`.
#[derive(Serialize)]
struct Data {
    /// Left edge of page numbers, in mm.
    left: f64,
    sheets: Vec<Sheet>,
    /// The size of all barcodes.
    barcode: Option<Size>,
    /// Words across each page.
    watermark: Option<&'static str>,
}

/// One page.
#[derive(Serialize)]
struct Sheet {
    words: Option<String>,
    number: Option<String>,
    points: f64,
    omr: Vec<bool>,
    /// Where its barcode begins in `barcode.bin`.
    barcode: Option<usize>,
}

/// The size of a barcode: modules, and mm.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Size {
    pub columns: usize,
    rows: usize,
    width: f64,
    height: f64,
}

/// Compiles what is laid over some letters: a page for each of theirs, in their order. Many together take a fraction of
/// the time of one by one. `None` if there is nothing to lay over any of them.
///
/// # Errors
/// The marks cannot be made, or lie where nothing may be printed.
pub(super) fn overlay_of(
    letters: &[Below<'_>],
    watermark: Watermark,
    settings: &Settings,
    world: &TemplateWorld,
) -> Result<Option<PagedDocument>, TypesetError> {
    let mut sheets = Vec::new();
    let mut modules = Vec::new();
    let mut size = None;
    for letter in letters {
        let barcode = barcode_of(&settings.marks, letter.number)?.map(|(own_size, own)| {
            size = Some(own_size);
            let start = modules.len();
            modules.extend(own);
            start
        });
        sheets.extend(sheets_of(letter, barcode, &settings.marks));
    }
    let is_empty = |sheet: &Sheet| {
        sheet.words.is_none()
            && sheet.number.is_none()
            && sheet.barcode.is_none()
            && !sheet.omr.contains(&true)
    };
    if watermark.words().is_none() && sheets.iter().all(is_empty) {
        return Ok(None);
    }
    let (count, first) = (
        sheets.len(),
        letters.first().map(|letter| letter.pages.len()),
    );
    let data = Data {
        left: settings.geometry.address[0] + 0.4,
        sheets,
        barcode: size,
        watermark: watermark.words(),
    };
    let data = serde_json::to_vec(&data).map_err(|_| TypesetError::Data)?;
    let seen = world.for_overlay(data, modules);
    let document = typst::compile::<PagedDocument>(&seen)
        .output
        .map_err(|errors| world.template_error(&errors))?;
    if document.pages().len() != count {
        return Err(TypesetError::Marks(format!(
            "they have {}, and the letters have {count}. This is a bug. Report it",
            counted(document.pages().len() as u64, "page", "pages")
        )));
    }
    // Marks are at the same places in all letters; they were looked at when the template was tried.
    if watermark.words().is_none() {
        let pages = document.pages().get(..first.unwrap_or_default());
        check_page_areas(pages.unwrap_or_default(), &settings.geometry)?;
    }
    Ok(Some(document))
}

/// What each page of a letter has laid over it.
fn sheets_of(letter: &Below<'_>, barcode: Option<usize>, marks: &Marks) -> Vec<Sheet> {
    let pages = letter.pages.len();
    let number = match marks.number {
        NumberMark::None => None,
        NumberMark::Plain => Some(format!("{:06}", letter.number)),
        NumberMark::OfFile => Some(format!("{:06}/{:06}", letter.number, letter.last_of_file)),
    };
    let sides = if marks.duplex { 2 } else { 1 };
    let page = |(at, page): (usize, &Page)| Sheet {
        words: (pages > 1)
            .then(|| language_of(&page.frame))
            .flatten()
            .map(|language| language.page(at + 1, pages)),
        number: number.clone(),
        // Large print is large everywhere.
        points: if letter.points > 12 {
            f64::from(letter.points)
        } else {
            9.0
        },
        omr: if at % sides == 0 {
            marks.omr_lines(letter.number, at / sides + 1, pages.div_ceil(sides))
        } else {
            Vec::new()
        },
        // Further pages have words where the first is empty.
        barcode: barcode.filter(|_| at == 0),
    };
    letter.pages.iter().enumerate().map(page).collect()
}

fn check_page_areas(pages: &[Page], geometry: &Geometry) -> Result<(), TypesetError> {
    let paper = [0.0, 0.0, A4[0], A4[1]];
    for (at, page) in pages.iter().enumerate() {
        let areas = match (geometry.strict_marks, at) {
            (false, _) => vec![paper],
            (true, 0) => vec![geometry.logo, geometry.contacts, geometry.words],
            (true, _) => vec![geometry.next_pages],
        };
        if let Some([left, top, ..]) = page_check::outside(page, &areas) {
            return Err(TypesetError::Marks(format!(
                "the mark at {left:.0} mm from the left and {top:.0} mm from the top of page {} is outside the areas that \
                 may be printed. What to do: change [marks] or [page] in template.toml",
                at + 1
            )));
        }
    }
    Ok(())
}

/// The modules of the barcode, 0 for black, row by row, and its size.
pub(super) fn barcode_of(
    marks: &Marks,
    number: u64,
) -> Result<Option<(Size, Vec<u8>)>, TypesetError> {
    let text = format!("{number:06}");
    let luma = |is_black: bool| if is_black { 0 } else { 255 };
    Ok(match marks.barcode {
        Barcode::None => None,
        Barcode::Code128 => {
            let bars = code128::Code128::encode_str(&text).ok_or_else(|| {
                TypesetError::Marks(
                    "the number of a letter does not fit into a Code 128 barcode. What to \
                    do: set barcode = \"data-matrix\" or \"none\" in template.toml"
                        .into(),
                )
            })?;
            // The quiet zones on both sides are counted, too.
            let mut modules = vec![luma(false); bars.len()];
            for bar in bars.bar_coordinates() {
                let start = bar.x as usize;
                let black = modules.iter_mut().skip(start).take(bar.width.into());
                black.for_each(|module| *module = luma(true));
            }
            let size = Size {
                columns: modules.len(),
                rows: 1,
                width: 30.0,
                height: 8.0,
            };
            Some((size, modules))
        }
        Barcode::DataMatrix => {
            let code =
                datamatrix::DataMatrix::encode(text.as_bytes(), datamatrix::SymbolList::default())
                    .map_err(|_| {
                        TypesetError::Marks(
                    "the number of a letter does not fit into a Data Matrix code. What to do: set \
                            barcode = \"code128\" or \"none\" in template.toml"
                        .into(),
                )
                    })?;
            let bitmap = code.bitmap();
            let (columns, rows) = (bitmap.width(), bitmap.height());
            let mut modules = vec![255; columns * rows];
            for (x, y) in bitmap.pixels() {
                if let Some(module) = modules.get_mut(y * columns + x) {
                    *module = 0;
                }
            }
            let size = Size {
                columns,
                rows,
                width: 8.0,
                height: 8.0,
            };
            Some((size, modules))
        }
    })
}

/// The language of the first words of a page.
fn language_of(frame: &Frame) -> Option<&'static LetterLanguage> {
    frame.items().find_map(|(_, item)| match item {
        FrameItem::Group(group) => language_of(&group.frame),
        FrameItem::Text(text) => LetterLanguage::of_code(text.lang.as_str()),
        _ => None,
    })
}
