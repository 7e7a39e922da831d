//! Whether a PDF letter keeps to the areas of GOV.UK Notify. Notify refuses a letter with anything that is not white outside them,
//! hours after it has taken it, and reads the address out of its own area.
//!
//! The areas are those of notifications-template-preview, in millimetres from the top left corner.

use hayro::{
    RenderCache, RenderSettings,
    hayro_syntax::{Pdf, page::Page},
    render,
    vello_cpu::color::palette::css::WHITE,
};
use hayro_interpret::InterpreterSettings;

/// A rectangle: left, top, right and bottom.
#[derive(Debug, Clone, Copy)]
struct Area(f32, f32, f32, f32);

const LOGO: Area = Area(15.0, 5.0, 125.0, 30.0);
const CONTACTS: Area = Area(125.0, 5.0, 195.0, 95.0);
const ADDRESS: Area = Area(24.6, 39.5, 120.0, 66.3);
const BODY: Area = Area(15.0, 95.0, 195.0, 292.0);
/// Of the pages behind the first.
const FURTHER_BODY: Area = Area(15.0, 5.0, 195.0, 292.0);

/// Dots a millimetre. A line of print is some four dots high.
const DOTS: f32 = 3.0;
/// Points a millimetre.
const POINTS: f32 = 72.0 / 25.4;
/// What is darker is not white. Smoothing leaves some grey around a glyph that ends at the edge.
const WHITE_FROM: u8 = 250;

impl Area {
    /// Whether a dot is inside, or at most one dot beside it.
    fn has(self, x: f32, y: f32) -> bool {
        let beside = 1.0 / DOTS;
        x >= self.0 - beside && x <= self.2 + beside && y >= self.1 - beside && y <= self.3 + beside
    }
}

/// Looks at the pages of a letter.
///
/// # Errors
/// What keeps Notify from printing it.
pub fn check(pdf: &Pdf) -> Result<(), &'static str> {
    let cache = RenderCache::new();
    let settings = InterpreterSettings::default();
    for (place, page) in pdf.pages().iter().enumerate() {
        let drawn = Drawn::of(page, &cache, &settings);
        let areas: &[Area] = match place {
            0 => &[LOGO, CONTACTS, ADDRESS, BODY],
            _ => &[FURTHER_BODY],
        };
        if place == 0 && !drawn.dark().any(|(x, y)| ADDRESS.has(x, y)) {
            return Err(
                "there is no address where GOV.UK Notify looks for it (24.6 to 120 mm from the left, 39.5 to 66.3 mm from \
                 the top). Use a template with profile = \"notify\" in template.toml, and no insert",
            );
        }
        let is_outside = |(x, y): (f32, f32)| !areas.iter().any(|area| area.has(x, y));
        if drawn.dark().any(is_outside) {
            return Err(match place {
                0 => {
                    "the first page has something outside the areas that GOV.UK Notify prints. Use a template with profile = \
                     \"notify\" in template.toml, and no insert"
                }
                _ => {
                    "page 2 or a later page has something too close to its edge for GOV.UK Notify. Keep 15 mm free at the \
                     sides, and 5 mm at top and bottom"
                }
            });
        }
    }
    Ok(())
}

/// A page as it is drawn.
struct Drawn {
    width: usize,
    is_dark: Vec<bool>,
}

impl Drawn {
    fn of<'a>(page: &'a Page<'a>, cache: &RenderCache<'a>, settings: &InterpreterSettings) -> Self {
        let scale = DOTS / POINTS;
        let drawing = RenderSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
            ..Default::default()
        };
        let pixels = render(page, cache, settings, &drawing);
        let dark = pixels.data().iter().map(|colour| {
            [colour.r, colour.g, colour.b]
                .iter()
                .any(|part| *part < WHITE_FROM)
        });
        Self {
            width: usize::from(pixels.width()),
            is_dark: dark.collect(),
        }
    }

    /// The places of dots that are not white, in millimetres.
    #[allow(clippy::cast_precision_loss)]
    fn dark(&self) -> impl Iterator<Item = (f32, f32)> + '_ {
        let dark = self.is_dark.iter().enumerate().filter(|(_, dark)| **dark);
        dark.map(|(at, _)| {
            let (x, y) = (at % self.width, at / self.width);
            ((x as f32 + 0.5) / DOTS, (y as f32 + 0.5) / DOTS)
        })
    }
}
