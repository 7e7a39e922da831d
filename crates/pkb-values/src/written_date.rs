//! Dates as hospitals write them. Only what can be read in one way is read: a year of two digits,
//! or a month in front where the day is expected, is named and never guessed.

use jiff::civil::Date;

use super::{
    Problem,
    excel_damage::{self, is_digits},
    unseen::legible,
};

/// Which of day and month comes first where both are digits and the year comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// `21/04/1999`, as in the United Kingdom.
    #[default]
    DayFirst,
    /// `04/21/1999`, as in the United States.
    MonthFirst,
}

/// Years of dates without separators, where a year may stand at either end.
const YEARS_WITHOUT_SEPARATORS: std::ops::RangeInclusive<i16> = 1850..=2150;

/// The names of the months in English, in lower case.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads a date in one cell.
pub(super) fn read(text: &str, order: DateOrder) -> Result<Date, Problem> {
    let text = legible(text);
    let text = excel_damage::without_text_mark(&text);
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let (day, time) = split_time(without_age(text));
    match (read_day(day, order), time) {
        (Ok(_), Some(time)) if !is_midnight(time) => Err(Problem::HasTime),
        (Err(Problem::NotADate), _) => Err(excel_damage::name_or(text, Problem::NotADate)),
        (read, _) => read,
    }
}

/// Reads the day of a date in one cell, whatever the time behind it: for days that are not compared with
/// anything.
///
/// # Errors
/// As for [`DateOfBirth::parse_as_written`](super::DateOfBirth::parse_as_written), but for
/// [`Problem::HasTime`].
pub fn read_day_of(text: &str, order: DateOrder) -> Result<Date, Problem> {
    let text = excel_damage::without_text_mark(text.trim());
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let (day, _) = split_time(without_age(text));
    read_day(day, order).map_err(|problem| match problem {
        Problem::NotADate => excel_damage::name_or(text, problem),
        named => named,
    })
}

/// Reads a date in three cells.
pub(super) fn read_parts(day: &str, month: &str, year: &str) -> Result<Date, Problem> {
    let legible = [day, month, year].map(legible);
    let [day, month, year] = legible
        .each_ref()
        .map(|part| excel_damage::without_text_mark(part));
    if [day, month, year].iter().all(|part| part.is_empty()) {
        return Err(Problem::Empty);
    }
    let is_whole = ![day, month].iter().any(|part| part.is_empty());
    let read = match year.len() {
        2 if is_whole && number(year).is_some() => Err(Problem::TwoDigitYear),
        4 => number(year)
            .zip(month_name(month).or_else(|| one_or_two_digits(month)))
            .zip(one_or_two_digits(day))
            .and_then(|((year, month), day)| date(year, month, day))
            .ok_or(Problem::NotADate),
        _ => Err(Problem::NotADate),
    };
    read.map_err(|problem| {
        [day, month, year]
            .into_iter()
            .fold(problem, |problem, part| match problem {
                Problem::NotADate => excel_damage::name_or(part, problem),
                named => named,
            })
    })
}

/// Cuts off an age that patient administration systems put behind a date: `(86y)`, `(86 yrs)`.
fn without_age(text: &str) -> &str {
    let behind = text
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('));
    let is_age = |age: &str| {
        let unit = age.trim().trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < age.trim().len()
            && matches!(
                unit.trim().to_ascii_lowercase().as_str(),
                "y" | "yr" | "yrs" | "year" | "years"
            )
    };
    match behind {
        Some((date, age)) if is_age(age) => date.trim_end(),
        _ => text,
    }
}

/// Cuts off a time of day: hours before the first colon, with a space or a T in front.
fn split_time(text: &str) -> (&str, Option<&str>) {
    let time_from = text.find(':').map(|colon| {
        let before = text[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
        before.len()
    });
    match time_from.map(|at| text.split_at(at)) {
        Some((day, time)) => match day.strip_suffix([' ', 'T', 't']) {
            Some(day) => (day.trim_end(), Some(time)),
            None => (text, None),
        },
        None => (text, None),
    }
}

/// `00:00`, `00:00:00`, `00:00:00.000`, `00:00:00Z`, `12:00AM`: what databases put behind a date that has no
/// time. A zone other than UTC is not among them: the day may be another one there.
fn is_midnight(time: &str) -> bool {
    let length = time.len().saturating_sub(2);
    if let Some((clock, half)) = time.split_at_checked(length)
        && half.eq_ignore_ascii_case("am")
        && let Some(minutes) = clock.trim_end().strip_prefix("12:")
    {
        return !minutes.contains(['Z', 'z']) && is_midnight(&format!("00:{minutes}"));
    }
    let time = time.strip_suffix(['Z', 'z']).unwrap_or(time);
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let zeros = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'0');
    let parts = clock.split(':').count();
    clock.split(':').all(|part| part.len() <= 2 && zeros(part))
        && (parts == 3 || (parts == 2 && fraction.is_none()))
        && fraction.is_none_or(zeros)
}

/// `text` has no time behind it.
fn read_day(text: &str, order: DateOrder) -> Result<Date, Problem> {
    let Some((first, rest)) = run(text) else {
        return Err(Problem::NotADate);
    };
    if rest.is_empty() {
        return read_digits(first, order);
    }
    let (separator, rest) = separator(rest);
    let Some((second, rest)) = run(rest) else {
        return Err(Problem::NotADate);
    };
    if rest.is_empty() {
        // With a fraction it is a day and a time.
        let is_day_number = matches!(separator, "." | ",") && first.len() == 5;
        return if is_day_number && is_digits(first) && is_digits(second) {
            Err(Problem::ExcelDayNumber)
        } else {
            Err(Problem::NotADate)
        };
    }
    let (second_separator, third) = self::separator(rest);
    let separators = (separator, second_separator);
    let read = if let Some(month) = month_name(second) {
        // 21-Apr-1999, 21 April 1999, 21 April, 1999, 21APR1999
        let is_good = matches!(
            separators,
            ("-", "-") | (" ", " ") | ("/", "/") | (".", ".") | ("", "") | (" ", ", ")
        );
        is_good.then(|| with_month(first, month, third))
    } else if let Some(month) = month_name(first) {
        // April 21, 1999, Apr 21 1999, Apr-21-1999
        let is_good = matches!(separators, ("-", "-") | (" ", " ") | (" ", ", "));
        is_good.then(|| with_month(second, month, third))
    } else {
        let is_good = matches!(
            separators,
            ("/", "/") | ("-", "-") | (".", ".") | (" ", " ")
        );
        is_good.then(|| of_three_numbers([first, second, third], separator, order))
    };
    read.unwrap_or(Err(Problem::NotADate))
}

/// A date without separators, or what is no date at all.
fn read_digits(digits: &str, order: DateOrder) -> Result<Date, Problem> {
    if !is_digits(digits) {
        return Err(Problem::NotADate);
    }
    match digits.len() {
        5 => Err(Problem::ExcelDayNumber),
        6 => Err(Problem::TwoDigitYear),
        // YYYYMMDD has a month (01 to 12) where the other order has the first half of a year (18 to
        // 21): no eight digits can be both.
        8 => {
            let year_first = split_numbers(digits, [4, 2, 2])
                .filter(|[year, ..]| YEARS_WITHOUT_SEPARATORS.contains(year))
                .and_then(|[year, month, day]| date(year, month, day));
            let year_last = split_numbers(digits, [2, 2, 4])
                .filter(|[.., year]| YEARS_WITHOUT_SEPARATORS.contains(year));
            match (year_first, year_last) {
                (Some(date), _) => Ok(date),
                (None, Some(parts)) => in_order(parts, order),
                (None, None) => Err(Problem::NotADate),
            }
        }
        _ => Err(Problem::NotADate),
    }
}

fn of_three_numbers(
    [first, second, third]: [&str; 3],
    separator: &str,
    order: DateOrder,
) -> Result<Date, Problem> {
    let numbers = number(first).zip(number(second)).zip(number(third));
    let Some(((a, b), c)) = numbers else {
        return Err(Problem::NotADate);
    };
    match (first.len(), second.len(), third.len()) {
        (4, 2, 2) if matches!(separator, "-" | "/") => date(a, b, c).ok_or(Problem::NotADate),
        (1..=2, 1..=2, 4) => in_order([a, b, c], order),
        (1..=2, 1..=2, 2) => Err(Problem::TwoDigitYear),
        _ => Err(Problem::NotADate),
    }
}

/// `month` is known by its name.
fn with_month(day: &str, month: i16, year: &str) -> Result<Date, Problem> {
    match (one_or_two_digits(day), number(year), year.len()) {
        (Some(_), Some(_), 2) => Err(Problem::TwoDigitYear),
        (Some(day), Some(year), 4) => date(year, month, day).ok_or(Problem::NotADate),
        _ => Err(Problem::NotADate),
    }
}

/// Day, month and year, or month, day and year.
fn in_order([first, second, year]: [i16; 3], order: DateOrder) -> Result<Date, Problem> {
    let month_first = || date(year, first, second);
    match order {
        DateOrder::DayFirst => date(year, second, first).ok_or_else(|| match month_first() {
            Some(_) => Problem::MonthFirst,
            None => Problem::NotADate,
        }),
        DateOrder::MonthFirst => month_first().ok_or(Problem::NotADate),
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// The run of ASCII digits or of ASCII letters in front, and what follows it.
fn run(text: &str) -> Option<(&str, &str)> {
    let first = text.bytes().next()?;
    let length = if first.is_ascii_digit() {
        text.bytes().take_while(u8::is_ascii_digit).count()
    } else {
        text.bytes().take_while(u8::is_ascii_alphabetic).count()
    };
    (length > 0).then(|| text.split_at(length))
}

/// What stands before the next letter or digit, and what follows it.
fn separator(text: &str) -> (&str, &str) {
    let length = text.bytes().take_while(|byte| b"/-. ,".contains(byte));
    let (separator, rest) = text.split_at(length.count());
    // "Jan  1 1940"
    let is_gap = separator.len() > 1 && separator.trim().is_empty();
    (if is_gap { " " } else { separator }, rest)
}

/// 1 to 12. Three letters or the whole name; September also has an abbreviation of four.
fn month_name(text: &str) -> Option<i16> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let at = MONTHS.iter().position(|month| {
        text.eq_ignore_ascii_case(month)
            || (text.len() == 3 && text.eq_ignore_ascii_case(&month[..3]))
    });
    let at = at.or_else(|| text.eq_ignore_ascii_case("sept").then_some(8));
    at.and_then(|at| i16::try_from(at + 1).ok())
}

/// One to four ASCII digits.
fn number(text: &str) -> Option<i16> {
    (text.len() <= 4 && is_digits(text)).then(|| {
        text.bytes()
            .fold(0, |n, digit| n * 10 + i16::from(digit - b'0'))
    })
}

fn one_or_two_digits(text: &str) -> Option<i16> {
    number(text).filter(|_| text.len() <= 2)
}

/// Eight digits as three numbers of these lengths.
fn split_numbers(digits: &str, [first, second, _]: [usize; 3]) -> Option<[i16; 3]> {
    let (a, rest) = digits.split_at_checked(first)?;
    let (b, c) = rest.split_at_checked(second)?;
    Some([number(a)?, number(b)?, number(c)?])
}

#[cfg(test)]
mod tests;
