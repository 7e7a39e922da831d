//! The QR codes of a page, read from the whole page as it is drawn, as a camera would.

use anyhow::ensure;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings, render};
use hayro_interpret::InterpreterSettings;

/// Dots per inch at which a page is drawn to look for QR codes: the next is tried where the one before found none.
const QR_DPI: [f32; 4] = [100.0, 150.0, 200.0, 300.0];

/// The QR codes of a page, as a camera sees them. None at all is an answer; one that is seen and cannot be decoded is an error.
pub(super) fn qr_of<'a>(
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
        // Rec. 601 weights, in 256ths.
        let greys: Vec<u8> = pixels
            .data()
            .iter()
            .map(|colour| {
                let [r, g, b] = [colour.r, colour.g, colour.b].map(u32::from);
                u8::try_from((77 * r + 150 * g + 29 * b) >> 8).unwrap_or(u8::MAX)
            })
            .collect();
        let (width, height) = (usize::from(pixels.width()), usize::from(pixels.height()));
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            greys.get(y * width + x).copied().unwrap_or(u8::MAX)
        });
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
