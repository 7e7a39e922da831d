//! The QR codes of a page, read from the whole page as it is drawn, as a camera would.

use anyhow::ensure;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{RenderCache, RenderSettings, render};
use hayro_interpret::InterpreterSettings;

/// Dots per inch at which a page is drawn to look for QR codes: the next is tried where the one before found none.
const QR_DPI: [f32; 4] = [100.0, 150.0, 200.0, 300.0];

/// How a camera looks at a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Not at all.
    No,
    /// At all resolutions where the page has a QR code as a picture; once, at the lowest, where it has none.
    AtPictures,
    /// At all resolutions, until a QR code is seen.
    Everywhere,
}

/// How a colour becomes a grey: by what an eye sees, or by its brightest part, to which a pale mark across the page is white.
const GREYS: [fn([u8; 3]) -> u8; 2] = [
    |colour| {
        // Rec. 601 weights, in 256ths.
        let [r, g, b] = colour.map(u32::from);
        u8::try_from((77 * r + 150 * g + 29 * b) >> 8).unwrap_or(u8::MAX)
    },
    |[r, g, b]| r.max(g).max(b),
];

/// The QR codes of a page, as a camera sees them, which `has_picture` of one or not. None at all is an answer; one that is seen and
/// cannot be decoded is an error.
pub(super) fn qr_of<'a>(
    page: &'a PdfPage<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
    look: Look,
    has_picture: bool,
) -> anyhow::Result<Vec<String>> {
    let resolutions = match (look, has_picture) {
        (Look::No, _) => &[],
        (Look::AtPictures, false) => &QR_DPI[..1],
        (Look::AtPictures, true) | (Look::Everywhere, _) => &QR_DPI[..],
    };
    let mut seen = false;
    for dpi in resolutions {
        let scale = dpi / 72.0;
        let drawing = RenderSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
            ..Default::default()
        };
        let pixels = render(page, cache, settings, &drawing);
        let (width, height) = (usize::from(pixels.width()), usize::from(pixels.height()));
        for grey in GREYS {
            let greys: Vec<u8> = pixels
                .data()
                .iter()
                .map(|colour| grey([colour.r, colour.g, colour.b]))
                .collect();
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
    }
    ensure!(!seen, "a QR code cannot be decoded");
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use hayro::hayro_syntax::Pdf;
    use pkb_core::record::Design;
    use pkb_typeset::{letter_fields::LetterFields, template::Template, typesetter::Typesetter};

    use super::*;
    use crate::qr_code::content_of;

    /// A picture in greys.
    struct Picture {
        width: usize,
        greys: Vec<u8>,
    }

    impl Picture {
        fn height(&self) -> usize {
            self.greys.len() / self.width
        }

        /// White outside.
        fn at(&self, x: i64, y: i64) -> f64 {
            let inside = |at: i64, end: usize| usize::try_from(at).ok().filter(|at| *at < end);
            let place = inside(x, self.width).zip(inside(y, self.height()));
            place.map_or(255.0, |(x, y)| f64::from(self.greys[y * self.width + x]))
        }

        fn made(&self, grey: impl Fn(i64, i64) -> f64) -> Self {
            let columns = 0..self.width as i64;
            let rows = 0..self.height() as i64;
            let greys = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
            Self {
                width: self.width,
                greys: greys.map(|(x, y)| grey(x, y).round() as u8).collect(),
            }
        }

        fn part(&self, left: usize, top: usize, side: usize) -> Self {
            let lines = self.greys.chunks(self.width).skip(top).take(side);
            Self {
                width: side,
                greys: lines
                    .flat_map(|line| line[left..left + side].to_vec())
                    .collect(),
            }
        }

        /// Each pixel runs into those beside it.
        fn blurred(&self) -> Self {
            self.made(|x, y| {
                let around = (-1..=1).flat_map(|down| (-1..=1).map(move |right| (right, down)));
                around
                    .map(|(right, down)| self.at(x + right, y + down))
                    .sum::<f64>()
                    / 9.0
            })
        }

        fn turned(&self, degrees: f64) -> Self {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let middle = self.width as f64 / 2.0;
            self.made(|x, y| {
                let (right, down) = (x as f64 - middle, y as f64 - middle);
                let from =
                    [right * cos + down * sin, down * cos - right * sin].map(|at| at + middle);
                let [x, y] = from.map(|at| at.floor() as i64);
                let [over_x, over_y] = from.map(|at| at - at.floor());
                let row = |y| self.at(x, y) * (1.0 - over_x) + self.at(x + 1, y) * over_x;
                row(y) * (1.0 - over_y) + row(y + 1) * over_y
            })
        }

        /// What rqrr reads, and the corners of the code.
        fn by_rqrr(&self) -> (String, [(f64, f64); 4], usize) {
            let grey = |x: usize, y: usize| self.greys[y * self.width + x];
            let mut image =
                rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height(), grey);
            let grids = image.detect_grids();
            let [grid] = grids.as_slice() else {
                panic!("{} codes", grids.len())
            };
            let (form, content) = grid.decode().unwrap();
            let corners = grid
                .bounds
                .map(|point| (f64::from(point.x), f64::from(point.y)));
            (content, corners, form.version.0 * 4 + 17)
        }

        /// The outermost black pixels of the code with these corners, of which a reader is a pixel or two off: left, top, right,
        /// bottom.
        fn black_within(&self, corners: [(f64, f64); 4], module: f64) -> [i64; 4] {
            let [(left, top), _, (right, bottom), _] = corners;
            let columns = (left - module) as i64..=(right + module) as i64;
            let rows = (top - module) as i64..=(bottom + module) as i64;
            let is_black = |x, y| self.at(x, y) < 128.0;
            let has = |x: &i64| rows.clone().any(|y| is_black(*x, y));
            let has_row = |y: &i64| columns.clone().any(|x| is_black(x, *y));
            [
                columns.clone().find(has).unwrap(),
                rows.clone().find(has_row).unwrap(),
                columns.clone().rev().find(has).unwrap(),
                rows.clone().rev().find(has_row).unwrap(),
            ]
        }

        /// What our own reader makes of the modules between these pixels.
        fn by_modules(
            &self,
            [left, top, right, bottom]: [i64; 4],
            modules: usize,
        ) -> Option<String> {
            let place = |first: i64, last: i64, at: usize| {
                first + ((last + 1 - first) as f64 * (at as f64 + 0.5) / modules as f64) as i64
            };
            content_of(modules, |x, y| {
                self.at(place(left, right, x), place(top, bottom, y)) < 128.0
            })
        }
    }

    /// The first page of a letter as it is printed.
    fn drawn(pdf: &Pdf, dpi: f32) -> Picture {
        let scale = dpi / 72.0;
        let drawing = RenderSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
            ..Default::default()
        };
        let pixels = render(
            &pdf.pages()[0],
            &RenderCache::new(),
            &Default::default(),
            &drawing,
        );
        // White is white in all three.
        let grey = |[r, g, b]: [u8; 3]| r.min(g).min(b);
        Picture {
            width: usize::from(pixels.width()),
            greys: pixels
                .data()
                .iter()
                .map(|of| grey([of.r, of.g, of.b]))
                .collect(),
        }
    }

    #[test]
    fn a_qr_code_has_white_all_round_and_is_read_blurred_and_turned_incident_27() {
        let template = Template::built_in().unwrap();
        let typesetter = Typesetter::new(&template, Design::Letter).unwrap();
        let letter = LetterFields::sample();
        let laid_out = typesetter.lay_out(std::slice::from_ref(&letter)).unwrap();
        let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
        let pdf = Pdf::new(typesetter.bind(laid_out, 1).unwrap().pdf).unwrap();
        for dpi in [150.0, 300.0] {
            let page = drawn(&pdf, dpi);
            let (content, corners, modules) = page.by_rqrr();
            assert_eq!(content, letter.join_url);
            let module = (corners[1].0 - corners[0].0) / modules as f64;
            let millimetres = module * 25.4 / f64::from(dpi);
            assert!(millimetres >= 0.4, "{millimetres} mm");
            let [left, top, right, bottom] = page.black_within(corners, module);
            // Four modules of white on each side, but for the pixel at their end.
            let zone = (4.0 * module).floor() as i64 - 1;
            for y in top - zone..=bottom + zone {
                for x in left - zone..=right + zone {
                    let is_code =
                        (left - 1..=right + 1).contains(&x) && (top - 1..=bottom + 1).contains(&y);
                    assert!(is_code || page.at(x, y) > 254.0, "{dpi} dpi: {x} {y}");
                }
            }
            let margin = (8.0 * module) as usize;
            let side = (right - left) as usize + 2 * margin;
            let [left, top] = [left, top].map(|at| at as usize - margin);
            let code = page.part(left, top, side);
            let blurred = code.blurred();
            for straight in [&code, &blurred] {
                let (content, corners, _) = straight.by_rqrr();
                assert_eq!(content, letter.join_url, "{dpi} dpi");
                let black = straight.black_within(corners, module);
                let again = straight.by_modules(black, modules);
                assert_eq!(again.as_ref(), Some(&letter.join_url), "{dpi} dpi");
                let (content, ..) = straight.turned(3.0).by_rqrr();
                assert_eq!(content, letter.join_url, "{dpi} dpi");
            }
        }
    }
}
