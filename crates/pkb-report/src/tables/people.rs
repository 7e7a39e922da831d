//! Where invited patients live, and who of them has registered.

use pkb_core::record::Channel;

use super::{
    letters::channels_in_words,
    table::{Cell, Column, NamedRows, Reader, Section, Table},
};
use crate::{
    args::ReportArgs,
    charts::ColumnChart,
    figures::{Figures, areas::ShownArea, households::MOST},
    words::{counted, moment, share},
};

/// Rows named where a reminder is due; all of them are in rows.csv.
const DUE_NAMED: usize = 60;
/// Weeks that the chart of registrations shows.
const MOST_WEEKS: u64 = 52;

pub(super) fn addresses(figures: &Figures, args: &ReportArgs) -> Option<Section> {
    let shown = figures.areas.shown(args.fewest_shown);
    let mut tables = Vec::new();
    if figures.households.letters() > 0 {
        tables.push(households(figures));
    }
    if !shown.is_empty() {
        tables.push(areas(&shown));
    }
    if tables.is_empty() {
        return None;
    }
    Some(Section {
        reader: Reader::Operator,
        id: "addresses",
        title: "Where invitations go",
        lead: vec![format!(
            "Areas with fewer than {} invited patients are grouped, because somebody could recognise the patients of a small group. \
             For the same reason areas are not compared with earlier reports.",
            args.fewest_shown
        )],
        tables,
    })
}

fn households(figures: &Figures) -> Table {
    let columns = [
        Column::text("letters_at_an_address", "Letters at an address"),
        Column::count("addresses", "Addresses"),
        Column::count("letters", "Letters"),
        Column::share("share", "Share of letters"),
    ];
    let caption = format!(
        "{} to {}",
        counted(figures.households.letters(), "letter", "letters"),
        counted(figures.households.addresses(), "address", "addresses")
    );
    let mut table = Table::new("households", caption, &columns).narrow();
    for (at, (addresses, letters)) in figures.households.by_letters().into_iter().enumerate() {
        if addresses > 0 {
            let size = at + 1;
            let words = if size == MOST {
                format!("{size} or more")
            } else {
                size.to_string()
            };
            let cells = vec![
                words.into(),
                Cell::Count(addresses),
                Cell::Count(letters),
                Cell::Share(letters, figures.households.letters()),
            ];
            table.row(size.to_string(), cells);
        }
    }
    table
}

fn area_words(area: &ShownArea) -> (&str, String) {
    match &area.area {
        Some(area) => (area, area.clone()),
        None => ("other", "Other areas".to_owned()),
    }
}

fn areas(shown: &[ShownArea]) -> Table {
    let columns = [
        Column::text("area", "Area"),
        Column::count("invited", "Invited"),
        Column::share("share", "Share"),
    ];
    let mut table = Table::new("areas", "Invited patients by postcode area", &columns).narrow();
    table.compared = false;
    let whole = shown.iter().filter_map(|area| area.invited).sum();
    for area in shown {
        let (key, words) = area_words(area);
        let part = area
            .invited
            .map_or(Cell::Few, |invited| Cell::Share(invited, whole));
        table.row(
            key,
            vec![words.into(), Cell::count_or_few(area.invited), part],
        );
    }
    table
}

pub(super) fn uptake(figures: &Figures, args: &ReportArgs) -> Option<Section> {
    let uptake = &figures.uptake;
    if uptake.all.invited == 0 {
        return None;
    }
    let mut lead = Vec::new();
    let mut tables = Vec::new();
    match uptake.asked_last {
        None => {
            lead.push("PKB has not been asked since the invitations who has joined.".to_owned())
        }
        Some(at) => {
            lead.push(format!(
                "{} of {} have joined ({}). PKB was asked about {} of them, last on {}.",
                counted(uptake.all.registered, "patient", "patients"),
                counted(uptake.all.invited, "invited", "invited"),
                share(uptake.all.registered, uptake.all.invited),
                counted(uptake.all.asked, "patient", "patients"),
                moment(at),
            ));
            tables.extend([
                by_channel(figures),
                by_variant(figures),
                by_area(figures, args.fewest_shown),
            ]);
            tables.push(by_week(figures));
        }
    }
    if uptake.reminded > 0 {
        lead.push(format!(
            "{} been invited before.",
            counted(uptake.reminded, "patient has", "patients have")
        ));
    }
    Some(Section {
        reader: Reader::Board,
        id: "uptake",
        title: "Who has joined",
        lead,
        tables: tables
            .into_iter()
            .filter(|table| !table.rows.is_empty())
            .collect(),
    })
}

const REGISTERED_COLUMNS: [Column; 3] = [
    Column::count("registered", "Joined"),
    Column::count("invited", "Invited"),
    Column::share("share", "Joined of invited"),
];

fn by_channel(figures: &Figures) -> Table {
    let columns = [
        &[Column::text("channel", "Invited by")][..],
        &REGISTERED_COLUMNS,
    ]
    .concat();
    let caption = "Joined, by the channel of the invitation";
    let mut table = Table::new("uptake_channels", caption, &columns).narrow();
    for (channels, answers) in &figures.uptake.channels {
        let cells = vec![
            channels_in_words(channels).into(),
            Cell::Count(answers.registered),
            Cell::Count(answers.invited),
            Cell::Share(answers.registered, answers.invited),
        ];
        table.row(Channel::joined(channels), cells);
    }
    table
}

/// Two letters differ if their intervals do not overlap.
fn by_variant(figures: &Figures) -> Table {
    let columns = [
        &[Column::text("variant", "Variant of the letter")][..],
        &REGISTERED_COLUMNS,
        &[Column::text("interval", "95% interval")],
    ]
    .concat();
    let caption = "Registered since, by the variant of the letter. If two intervals do not overlap, the difference is hardly chance";
    let mut table = Table::new("uptake_variants", caption, &columns).narrow();
    for (variant, answers) in &figures.uptake.variants {
        let (low, high) = interval(answers.registered, answers.invited);
        let cells = vec![
            variant.clone().into(),
            Cell::Count(answers.registered),
            Cell::Count(answers.invited),
            Cell::Share(answers.registered, answers.invited),
            format!("{:.1}% to {:.1}%", low * 100.0, high * 100.0).into(),
        ];
        table.row(variant.clone(), cells);
    }
    table
}

/// The interval of Wilson in which a share lies with a probability of 95%, from 0 to 1.
#[allow(clippy::cast_precision_loss)]
fn interval(part: u64, whole: u64) -> (f64, f64) {
    // The quantile of the normal distribution for 97.5%.
    const Z: f64 = 1.959_963_984_540_054;
    if whole == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (whole as f64, part as f64 / whole as f64);
    let centre = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((centre - reach) / scale, (centre + reach) / scale)
}

fn by_area(figures: &Figures, fewest: u64) -> Table {
    let columns = [&[Column::text("area", "Area")][..], &REGISTERED_COLUMNS].concat();
    let caption = "Joined, by postcode area";
    let mut table = Table::new("uptake_areas", caption, &columns).narrow();
    table.compared = false;
    for area in figures.areas.shown(fewest) {
        let (key, words) = area_words(&area);
        let part = match (area.registered, area.invited) {
            (Some(registered), Some(invited)) => Cell::Share(registered, invited),
            _ => Cell::Few,
        };
        let cells = vec![
            words.into(),
            Cell::count_or_few(area.registered),
            Cell::count_or_few(area.invited),
            part,
        ];
        table.row(key, cells);
    }
    table
}

fn by_week(figures: &Figures) -> Table {
    let columns = [
        Column::text("week", "Week after the first letter"),
        Column::count("registered", "Seen as joined"),
        Column::count("until_then", "Up to then"),
        Column::share("share", "Of all invited"),
    ];
    let caption = "Joined, by the week in which PKB first said so";
    let mut table = Table::new("uptake_weeks", caption, &columns);
    let uptake = &figures.uptake;
    let mut until_then = 0;
    let last = uptake.weeks.last_key_value().map(|(week, _)| *week);
    let weeks: Vec<(u64, u64)> = (0..=last.unwrap_or(0).min(MOST_WEEKS))
        .map(|week| (week, uptake.weeks.get(&week).copied().unwrap_or(0)))
        .chain(
            uptake
                .weeks
                .range(MOST_WEEKS + 1..)
                .map(|(week, count)| (*week, *count)),
        )
        .filter(|_| last.is_some())
        .collect();
    for (week, count) in &weeks {
        until_then += count;
        let cells = vec![
            (week + 1).to_string().into(),
            Cell::Count(*count),
            Cell::Count(until_then),
            Cell::Share(until_then, uptake.all.invited),
        ];
        table.row((week + 1).to_string(), cells);
    }
    if uptake.week_unknown > 0 {
        until_then += uptake.week_unknown;
        let cells = vec![
            "not known".into(),
            Cell::Count(uptake.week_unknown),
            Cell::Count(until_then),
            Cell::Share(until_then, uptake.all.invited),
        ];
        table.row("unknown", cells);
    }
    table.chart = ColumnChart::new(
        "uptake-weeks",
        "Joined, by week after the first letter",
        weeks
            .iter()
            .map(|(week, count)| (format!("week {}", week + 1), *count)),
    );
    table
}

pub(super) fn reminders(figures: &Figures, args: &ReportArgs) -> Option<Section> {
    if figures.uptake.all.invited == 0 {
        return None;
    }
    let due = due(figures, args);
    let mut lead = Vec::new();
    if figures.uptake.asked_last.is_none() {
        lead.push("To find out who has joined, run pkb-resolve --recheck.".to_owned());
    }
    (!lead.is_empty() || !due.rows.is_empty()).then(|| Section {
        reader: Reader::Operator,
        id: "reminders",
        title: "Reminders",
        lead,
        tables: [due]
            .into_iter()
            .filter(|due| !due.rows.is_empty())
            .collect(),
    })
}

fn due(figures: &Figures, args: &ReportArgs) -> Table {
    let columns = [
        Column::text("what", "Reminders"),
        Column::count("count", "Patients"),
        Column::rows("Row numbers"),
    ];
    let days = args.reminder_after.as_secs() / 86_400;
    let caption = format!(
        "Due a reminder: invited at least {} ago, not known to have joined, and not stopped",
        counted(days, "day", "days")
    );
    let mut table = Table::new("reminders", caption, &columns);
    let due = &figures.uptake.due;
    if !due.is_empty() {
        let rows = NamedRows::of(due, figures, DUE_NAMED);
        table.row(
            "due",
            vec!["Due".into(), Cell::Count(due.len()), Cell::Rows(rows)],
        );
        let nothing = NamedRows {
            first: Vec::new(),
            more: 0,
        };
        let unasked = figures.uptake.due_unasked;
        if unasked > 0 {
            table.row(
                "due_unasked",
                vec![
                    "of them, PKB not asked since".into(),
                    Cell::Count(unasked),
                    Cell::Rows(nothing),
                ],
            );
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn an_interval_is_that_of_wilson() {
        // Worked out with R: prop.test(81, 263, correct = FALSE).
        let (low, high) = interval(81, 263);
        assert!(
            (low - 0.255_3).abs() < 0.000_1 && (high - 0.366_2).abs() < 0.000_1,
            "{low} {high}"
        );
        assert_eq!(interval(0, 0), (0.0, 1.0));
        assert!(interval(0, 10).0.abs() < 1e-9 && interval(0, 10).1 > 0.25);
    }
}
