//! What happened when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::{
    codes,
    table::{Cell, Column, Reader, Section, Table},
};
use crate::{
    charts::ColumnChart,
    figures::{Figures, times::Event},
    words::{day, short_day, short_hour},
};

/// A time line of so many days has a row a day, a longer one a row a week.
const MOST_DAYS: i32 = 62;
/// Hours that the table of hours may have.
const MOST_HOURS: usize = 48;

pub(super) fn section(figures: &Figures) -> Option<Section> {
    let days: Vec<(Event, BTreeMap<Date, u64>)> = Event::all()
        .map(|event| (event, figures.times.by_day(event)))
        .filter(|(_, days)| !days.is_empty())
        .collect();
    let all: BTreeSet<Date> = days
        .iter()
        .flat_map(|(_, days)| days.keys().copied())
        .collect();
    let (first, last) = (*all.first()?, *all.last()?);
    let by_day = codes::days_between(first, last) < MOST_DAYS;
    let mut tables = vec![by_day_or_week(&days, by_day)];
    tables.extend(by_hour(figures));
    Some(Section {
        reader: Reader::Operator,
        id: "times",
        title: "What happened when",
        lead: vec![if first == last {
            format!("Everything happened on {}.", day(first))
        } else {
            format!("From {} to {}.", day(first), day(last))
        }],
        tables,
    })
}

fn columns(first: Column, events: impl Iterator<Item = Event>) -> Vec<Column> {
    let counts = events.map(|event| Column::count(event.key(), event.words()));
    [first].into_iter().chain(counts).collect()
}

fn by_day_or_week(days: &[(Event, BTreeMap<Date, u64>)], by_day: bool) -> Table {
    let first = Column::text("day", if by_day { "Day" } else { "Week of" });
    let columns = columns(first, days.iter().map(|(event, _)| *event));
    let caption = if by_day { "By day" } else { "By week" };
    let mut table = Table::new("days", caption, &columns);
    table.compared = false;
    let counts: Vec<_> = days
        .iter()
        .map(|(_, days)| codes::by_day_or_week(days, by_day))
        .collect();
    let starts: BTreeSet<Date> = counts
        .iter()
        .flatten()
        .filter(|(_, count)| **count > 0)
        .map(|(start, _)| *start)
        .collect();
    for start in starts {
        let cells = counts
            .iter()
            .map(|counts| Cell::Count(counts.get(&start).copied().unwrap_or(0)));
        let cells = [Cell::from(day(start))].into_iter().chain(cells).collect();
        table.row(start.to_string(), cells);
    }
    // A chart is worth it where there is a course to be seen; the letters are the campaign's work.
    let charted = Event::Dated;
    let all = counts
        .iter()
        .zip(days)
        .find(|(counts, (event, _))| *event == charted && counts.len() > 2);
    if let Some((counts, _)) = all {
        let points = counts
            .iter()
            .map(|(start, count)| (short_day(*start), *count));
        table.chart = ColumnChart::new("letters-dated", charted.words(), points);
    }
    table
}

/// Hours, if there are few enough to be read; letters have none.
fn by_hour(figures: &Figures) -> Option<Table> {
    let hours: Vec<(Event, BTreeMap<Timestamp, u64>)> = Event::all()
        .map(|event| {
            (
                event,
                figures.times.by_hour(event).collect::<BTreeMap<_, _>>(),
            )
        })
        .filter(|(_, hours)| !hours.is_empty())
        .collect();
    let all: BTreeSet<Timestamp> = hours
        .iter()
        .flat_map(|(_, hours)| hours.keys().copied())
        .collect();
    if !(2..=MOST_HOURS).contains(&all.len()) {
        return None;
    }
    let columns = columns(
        Column::text("hour", "Hour from"),
        hours.iter().map(|(event, _)| *event),
    );
    let mut table = Table::new("hours", "By hour (UK time)", &columns);
    table.compared = false;
    for hour in all {
        let cells = hours
            .iter()
            .map(|(_, hours)| Cell::Count(hours.get(&hour).copied().unwrap_or(0)));
        let cells = [Cell::from(short_hour(hour))]
            .into_iter()
            .chain(cells)
            .collect();
        table.row(hour.to_string(), cells);
    }
    Some(table)
}
