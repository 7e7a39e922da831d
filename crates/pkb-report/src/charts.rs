//! Charts with axes, drawn by plotters as SVG. Colours and type are the page's: its style sheet overrules
//! the attributes that are set here, so that one picture serves light, dark and paper.

use maud::{Markup, PreEscaped, html};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::words::number;

/// A picture for wide screens and paper, and one for telephones, whose text would be too small otherwise.
const SIZES: [Size; 2] = [
    Size {
        class: "wide",
        width: 760,
        height: 240,
        labels: 12,
    },
    Size {
        class: "small",
        width: 360,
        height: 220,
        labels: 5,
    },
];
/// The style sheet knows the columns by this colour.
const COLUMN: RGBColor = RGBColor(0, 94, 165);
/// Up to so many columns have their number above them.
const MOST_NUMBERED: usize = 12;

struct Size {
    class: &'static str,
    width: u32,
    height: u32,
    labels: usize,
}

/// Columns over time.
#[derive(Debug)]
pub struct ColumnChart {
    id: &'static str,
    title: String,
    points: Vec<(String, u64)>,
}

impl ColumnChart {
    /// Most columns that can be told apart.
    pub const MOST: usize = 130;

    /// A chart; `None` if there is nothing to compare, or too much.
    pub fn new(
        id: &'static str,
        title: impl Into<String>,
        points: impl IntoIterator<Item = (String, u64)>,
    ) -> Option<Self> {
        let points: Vec<_> = points.into_iter().take(Self::MOST + 1).collect();
        (2..=Self::MOST).contains(&points.len()).then(|| Self {
            id,
            title: title.into(),
            points,
        })
    }

    /// The pictures. The table that goes with them has all figures.
    #[must_use]
    pub fn markup(&self) -> Markup {
        html! {
            figure .chart {
                figcaption { (self.title) }
                @for size in &SIZES {
                    // A picture that cannot be drawn is left out: the table has the figures.
                    @if let Ok(svg) = self.draw(size) {
                        svg class=(size.class) role="img" viewBox={ "0 0 " (size.width) " " (size.height) }
                            aria-labelledby={ (self.id) "-" (size.class) "-title " (self.id) "-" (size.class) "-text" } {
                            title id={ (self.id) "-" (size.class) "-title" } { (self.title) }
                            desc id={ (self.id) "-" (size.class) "-text" } { (self.in_words()) }
                            (PreEscaped(svg))
                        }
                    }
                }
            }
        }
    }

    fn in_words(&self) -> String {
        let highest = self.points.iter().rev().max_by_key(|(_, count)| *count);
        let highest = highest.map_or_else(String::new, |(label, count)| {
            format!(", the highest with {} at {label}", number(*count))
        });
        format!(
            "{} columns{highest}. The table after it has all figures.",
            self.points.len()
        )
    }

    fn draw(&self, size: &Size) -> Result<String, Box<dyn std::error::Error + '_>> {
        let mut svg = String::new();
        let highest = self
            .points
            .iter()
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0);
        let ceiling = highest + highest / 8 + 1;
        // About eight units a digit or comma.
        let axis = 14 + 8 * number(ceiling).len() as u32;
        {
            let area =
                SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
            let mut chart = ChartBuilder::on(&area)
                .margin_top(10)
                .margin_right(12)
                .x_label_area_size(28)
                .y_label_area_size(axis)
                .build_cartesian_2d((0..self.points.len() - 1).into_segmented(), 0..ceiling)?;
            let label = |at: &SegmentValue<usize>| match at {
                SegmentValue::CenterOf(at) => self
                    .points
                    .get(*at)
                    .map_or_else(String::new, |(label, _)| label.clone()),
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                // None: 0 of them would never end.
                .max_light_lines(1)
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.15))
                .axis_style(BLACK.mix(0.5))
                .x_labels(size.labels)
                .y_labels(5)
                .x_label_formatter(&label)
                .y_label_formatter(&|count| number(*count))
                .label_style(("sans-serif", 14))
                .draw()?;
            let margin = if self.points.len() > 40 { 1 } else { 4 };
            let counts = || self.points.iter().map(|(_, count)| *count).enumerate();
            chart.draw_series(
                Histogram::vertical(&chart)
                    .style(COLUMN.filled())
                    .margin(margin)
                    .data(counts()),
            )?;
            if self.points.len() <= MOST_NUMBERED && size.class == "wide" {
                let style = ("sans-serif", 14).into_text_style(&area);
                let style = style.pos(Pos::new(HPos::Center, VPos::Bottom));
                chart.draw_series(counts().filter(|(_, count)| *count > 0).map(
                    |(at, count)| {
                        Text::new(
                            number(count),
                            (SegmentValue::CenterOf(at), count),
                            style.clone(),
                        )
                    },
                ))?;
            }
            area.present()?;
        }
        Ok(svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_what_cannot_be_compared_is_not_drawn() {
        let points = |count: u64| (0..count).map(|at| (format!("day {at}"), at * 1000));
        let svg = ColumnChart::new("x", "A <title>", points(4))
            .unwrap()
            .markup()
            .0;
        assert_eq!(svg.matches("role=\"img\"").count(), 2);
        for text in [
            "A &lt;title&gt;",
            "day 3",
            "3,000",
            "highest with 3,000 at day 3",
        ] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(ColumnChart::new("x", "", points(1)).is_none());
        assert!(ColumnChart::new("x", "", points(131)).is_none());
    }

    #[test]
    fn the_largest_numbers_are_drawn() {
        let points = [("a".to_owned(), u64::MAX / 4), ("b".to_owned(), 0)];
        let chart = ColumnChart::new("x", "", points).unwrap();
        assert!(chart.draw(&SIZES[0]).is_ok());
    }
}
