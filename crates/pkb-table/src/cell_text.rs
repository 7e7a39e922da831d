//! The cells of workbooks as text.

use std::fmt::Write as _;

use calamine::{Data, DataRef, ExcelDateTime};

/// The first serial number that is no date: the year 10000.
const END_OF_DATES: f64 = 2_958_466.0;

/// Appends a cell's text: what was typed, with dates in ISO 8601 and numbers in plain digits.
///
/// A number format such as `0000000000` is lost: the number itself has no leading zeros.
pub(super) fn append(text: &mut String, cell: &DataRef<'_>) {
    match cell {
        DataRef::Empty => {}
        DataRef::String(string) => text.push_str(string),
        DataRef::SharedString(string) => text.push_str(string),
        DataRef::Bool(true) => text.push_str("TRUE"),
        DataRef::Bool(false) => text.push_str("FALSE"),
        DataRef::Int(number) => append_display(text, number),
        DataRef::Float(number) => append_number(text, *number),
        DataRef::DateTime(date) => append_date(text, *date),
        DataRef::DateTimeIso(iso) => append_iso(text, iso),
        DataRef::DurationIso(iso) => text.push_str(iso),
        DataRef::Error(error) => append_display(text, error),
    }
}

/// A cell as it is when read cell by cell.
pub(super) fn borrow(cell: &Data) -> DataRef<'_> {
    match cell {
        Data::Empty => DataRef::Empty,
        Data::String(string) => DataRef::SharedString(string),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::DateTime(date) => DataRef::DateTime(*date),
        Data::DateTimeIso(iso) => DataRef::DateTimeIso(iso.clone()),
        Data::DurationIso(iso) => DataRef::DurationIso(iso.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
    }
}

fn append_display(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a String does not fail.
    let _ = write!(text, "{value}");
}

/// Rust shows the shortest decimal digits that mean the same number, without exponent, and whole
/// numbers without a point. Minus zero is the one surprise.
fn append_number(text: &mut String, number: f64) {
    append_display(text, if number == 0.0 { 0.0 } else { number });
}

/// Excel's dates are numbers of days. What it does not show as a date (a duration, day 0, something
/// negative) stays a number, which no reader of dates takes for one.
fn append_date(text: &mut String, date: ExcelDateTime) {
    let serial = date.as_f64();
    // In workbooks that count from 1904, day 0 is a date.
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let first = if year == 1904 { 0.0 } else { 1.0 };
    if !date.is_datetime() || !(first..END_OF_DATES).contains(&serial) {
        return append_number(text, serial);
    }
    append_display(text, format_args!("{year:04}-{month:02}-{day:02}"));
    if (hour, minute, second, milli) != (0, 0, 0, 0) {
        append_display(text, format_args!(" {hour:02}:{minute:02}:{second:02}"));
    }
}

/// OpenDocument's dates are text: `2000-09-15` or `2000-09-15T00:00:00`.
fn append_iso(text: &mut String, iso: &str) {
    match iso.split_once('T') {
        Some((date, time)) if time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.')) => {
            text.push_str(date);
        }
        Some((date, time)) => {
            append_display(
                text,
                format_args!("{date} {}", time.get(..8).unwrap_or(time)),
            );
        }
        None => text.push_str(iso),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn text(cell: DataRef<'_>) -> String {
        let mut text = String::new();
        append(&mut text, &cell);
        text
    }

    fn date(serial: f64, is_1904: bool) -> String {
        let kind = ExcelDateTimeType::DateTime;
        text(DataRef::DateTime(ExcelDateTime::new(serial, kind, is_1904)))
    }

    #[test]
    fn numbers_are_plain_digits() {
        for (number, words) in [
            (5_760_678_914.0, "5760678914"),
            (7_700_900_001.0, "7700900001"),
            (999_999_999_999_999.0, "999999999999999"),
            (-0.0, "0"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1e21, "1000000000000000000000"),
            (1.5e-7, "0.00000015"),
        ] {
            assert_eq!(text(DataRef::Float(number)), words);
        }
        assert_eq!(text(DataRef::Int(-12)), "-12");
    }

    #[test]
    fn excel_dates_are_iso_dates() {
        for (serial, words) in [
            (36_784.0, "2000-09-15"),
            (36_784.5, "2000-09-15 12:00:00"),
            (36_784.999_999_999_9, "2000-09-16"),
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (60.0, "1900-02-29"),
            (61.0, "1900-03-01"),
            (2_958_465.0, "9999-12-31"),
        ] {
            assert_eq!(date(serial, false), words);
        }
        assert_eq!(date(0.0, true), "1904-01-01");
        assert_eq!(date(36_784.0 - 1462.0, true), "2000-09-15");
    }

    #[test]
    fn what_excel_does_not_show_as_a_date_stays_a_number() {
        for serial in [0.0, 0.5, -1.0, 2_958_466.0] {
            assert_eq!(date(serial, false), serial.to_string());
        }
        assert_eq!(date(-1.0, true), "-1");
        let duration = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(text(DataRef::DateTime(duration)), "1.5");
    }

    #[test]
    fn the_rest_is_shown_as_a_spreadsheet_shows_it() {
        for (cell, words) in [
            (DataRef::Empty, ""),
            (DataRef::SharedString("Siân "), "Siân "),
            (DataRef::Bool(true), "TRUE"),
            (DataRef::Bool(false), "FALSE"),
            (DataRef::Error(CellErrorType::NA), "#N/A"),
            (DataRef::DateTimeIso("2000-09-15".into()), "2000-09-15"),
            (
                DataRef::DateTimeIso("2000-09-15T00:00:00".into()),
                "2000-09-15",
            ),
            (
                DataRef::DateTimeIso("2000-09-15T00:00:00.000".into()),
                "2000-09-15",
            ),
            (
                DataRef::DateTimeIso("2000-09-15T08:30:00.5".into()),
                "2000-09-15 08:30:00",
            ),
            (DataRef::DateTimeIso("soon".into()), "soon"),
        ] {
            assert_eq!(text(cell), words);
        }
    }
}
