//! When codes expire.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, Unit, civil::Date};

use super::table::{Cell, Column, Reader, Section, Table};
use crate::{
    charts::ColumnChart,
    figures::Figures,
    words::{counted, day, short_day},
};

/// Codes that work for fewer days than this end soon: a patient who opens the letter at the weekend
/// may come too late.
pub const SOON_DAYS: i64 = 7;

/// A table has one row a day for so many days, and one a week for more.
const MOST_DAYS: i32 = 31;

/// Codes that somebody may still want to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Do not work any more.
    pub over: u64,
    /// End within [`SOON_DAYS`].
    pub soon: u64,
}

/// How many codes have ended, and how many end soon.
#[must_use]
pub fn ending(figures: &Figures) -> Ending {
    let today = figures.today;
    let soon = today.saturating_add(SOON_DAYS.days());
    let sum = |days: &mut dyn Iterator<Item = (&Date, &u64)>| days.map(|(_, count)| count).sum();
    Ending {
        over: sum(&mut figures.last_days.range(..today)),
        soon: sum(&mut figures.last_days.range(today..soon)),
    }
}

pub(super) fn section(figures: &Figures) -> Option<Section> {
    let first = figures.last_days.first_key_value()?.0;
    let last = figures.last_days.last_key_value()?.0;
    let by_day = days_between(*first, *last) < MOST_DAYS;
    let whole: u64 = figures.last_days.values().sum();
    let Ending { over, soon } = ending(figures);
    let columns = [
        Column::text(
            "last_day",
            if by_day {
                "Last day"
            } else {
                "Last day in the week of"
            },
        ),
        Column::count("count", "Patients"),
        Column::share("share", "Share"),
    ];
    let caption = "Last day of the codes, of invited patients who are not known to have joined";
    let mut table = Table::new("codes_end", caption, &columns);
    let counts = by_day_or_week(&figures.last_days, by_day);
    for (date, count) in counts.iter().filter(|(_, count)| **count > 0) {
        let cells = vec![
            day(*date).into(),
            Cell::Count(*count),
            Cell::Share(*count, whole),
        ];
        table.row(date.to_string(), cells);
    }
    table.chart = ColumnChart::new(
        "codes-end",
        if by_day {
            "Codes by their last day"
        } else {
            "Codes by the week of their last day"
        },
        counts
            .iter()
            .map(|(date, count)| (short_day(*date), *count)),
    );
    let mut lead = Vec::new();
    if whole > over {
        lead.push(format!(
            "The codes of {} are still valid. The last expire on {}.",
            counted(whole - over, "patient", "patients"),
            day(*last)
        ));
    }
    if over > 0 {
        lead.push(format!(
            "The codes of {} have expired: these patients cannot join. pkb-tokens --reissue fetches new codes.",
            counted(over, "patient", "patients")
        ));
    }
    if soon > 0 {
        lead.push(format!(
            "The codes of {} expire within {SOON_DAYS} days.",
            counted(soon, "patient", "patients")
        ));
    }
    Some(Section {
        reader: Reader::Operator,
        id: "codes",
        title: "How long the codes are valid",
        lead,
        tables: vec![table],
    })
}

/// Days from `first` to `last`.
pub(super) fn days_between(first: Date, last: Date) -> i32 {
    first
        .until((Unit::Day, last))
        .map_or(i32::MAX, |span| span.get_days())
}

/// The counts by day, or by week under the Monday; days or weeks between that have nothing are there with 0, as
/// long as they are few enough to be drawn.
pub(super) fn by_day_or_week(days: &BTreeMap<Date, u64>, by_day: bool) -> BTreeMap<Date, u64> {
    let start = |date: Date| {
        let monday = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
        if by_day { date } else { monday }
    };
    let mut counts = BTreeMap::new();
    for (date, count) in days {
        *counts.entry(start(*date)).or_default() += count;
    }
    let ends = (counts.first_key_value(), counts.last_key_value());
    if let (Some((&first, _)), Some((&last, _))) = ends {
        let step = if by_day { 1.day() } else { 1.week() };
        for date in first
            .series(step)
            .take_while(|date| *date < last)
            .take(ColumnChart::MOST)
        {
            counts.entry(date).or_default();
        }
    }
    counts
}
