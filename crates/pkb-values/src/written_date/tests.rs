//! Every spelling, and every reason to refuse one.

use super::*;
use jiff::civil::date as day;
use proptest::prelude::*;

fn day_first(text: &str) -> Result<Date, Problem> {
    read(text, DateOrder::DayFirst)
}

fn month_first(text: &str) -> Result<Date, Problem> {
    read(text, DateOrder::MonthFirst)
}

#[test]
fn one_day_is_read_in_all_its_spellings() {
    for text in [
        "1999-04-21",
        "1999/04/21",
        "21/04/1999",
        "21/4/1999",
        "21-04-1999",
        "21.4.1999",
        "21 04 1999",
        "19990421",
        "21041999",
        "21-Apr-1999",
        "21 April 1999",
        "21 april, 1999",
        "21APR1999",
        "21/apr/1999",
        "April 21, 1999",
        "Apr 21 1999",
        "APR-21-1999",
        " 21/04/1999 ",
        "'21/04/1999",
        "=\"21/04/1999\"",
        "２１/04/1999",
        "21\u{2011}04\u{2011}1999",
        "\u{202a}21/04/1999\u{202c}",
        "21\u{a0}April\u{a0}1999",
        "Apr  21  1999",
        "21-Apr-1999 (26y)",
        "21/04/1999 (26 yrs)",
        "21-Apr-1999(26Y)",
    ] {
        assert_eq!(day_first(text), Ok(day(1999, 4, 21)), "{text}");
    }
    for text in ["1/9/1999", "01/09/1999", "1 Sept 1999", "1 SEPTEMBER 1999"] {
        assert_eq!(day_first(text), Ok(day(1999, 9, 1)), "{text}");
    }
}

#[test]
fn midnight_is_dropped_and_any_other_time_is_named() {
    for time in [
        " 00:00",
        " 0:00",
        " 00:00:00",
        "  00:00:00",
        "T00:00:00",
        "T00:00:00Z",
        "T00:00:00.000",
        " 00:00:00.000Z",
        " 00:00:00.0000000",
        " 12:00AM",
        " 12:00:00 AM",
        " 12:00:00.000am",
    ] {
        for date in ["1999-04-21", "21/04/1999", "21 April 1999", "19990421"] {
            let text = format!("{date}{time}");
            assert_eq!(day_first(&text), Ok(day(1999, 4, 21)), "{text}");
        }
    }
    for time in [
        " 10:30",
        " 00:00:01",
        " 00:00:00.001",
        "T00:00:00+00:00",
        "T00:00:00+01:00",
        " 12:00:00 PM",
        " 12:01AM",
        " 1:00AM",
        " 12:00Z AM",
        " 00:00.0",
        " 00:00:00:00",
    ] {
        let text = format!("21/04/1999{time}");
        assert_eq!(day_first(&text), Err(Problem::HasTime), "{text}");
    }
}

#[test]
fn what_can_not_be_read_is_refused_for_the_right_reason() {
    use Problem::*;
    for (text, problem) in [
        ("", Empty),
        (" ", Empty),
        ("=\"\"", Empty),
        ("21/04/99", TwoDigitYear),
        ("99-04-21", TwoDigitYear),
        ("21-Apr-99", TwoDigitYear),
        ("Apr 21, 99", TwoDigitYear),
        ("21APR99", TwoDigitYear),
        ("210499", TwoDigitYear),
        ("21/04/99 00:00", TwoDigitYear),
        ("36271", ExcelDayNumber),
        ("36271.0", ExcelDayNumber),
        ("36271.4375", ExcelDayNumber),
        ("####", SpreadsheetError),
        ("##########", SpreadsheetError),
        ("#VALUE!", SpreadsheetError),
        ("3.6E+04", ScientificNotation),
        ("19990421.0", DecimalPoint),
        ("04/21/1999", MonthFirst),
        ("04211999", MonthFirst),
        ("04/21/1999 10:30", MonthFirst),
        ("29/02/1999", NotADate),
        ("31/04/1999", NotADate),
        ("00/04/1999", NotADate),
        ("13/13/1999", NotADate),
        ("1999-02-29", NotADate),
        ("1999-4-21", NotADate),
        ("1999.04.21", NotADate),
        ("1999-21-04", NotADate),
        ("19992104", NotADate),
        ("17490421", NotADate),
        ("00000000", NotADate),
        ("1999", NotADate),
        ("April 1999", NotADate),
        ("21/04-1999", NotADate),
        ("21//04/1999", NotADate),
        ("21,04,1999", NotADate),
        ("21/04/199", NotADate),
        ("21/04/01999", NotADate),
        ("021/04/1999", NotADate),
        ("21/04/1999x", NotADate),
        ("21/04/1999 (x)", NotADate),
        ("21/04/1999 (y)", NotADate),
        ("21/04/1999 (estimated)", NotADate),
        ("21/04/1999/", NotADate),
        ("/21/04/1999", NotADate),
        ("21/04", NotADate),
        ("21 Ap 1999", NotADate),
        ("21 Avril 1999", NotADate),
        ("31 Apr 1999", NotADate),
        ("Apr Apr 1999", NotADate),
        ("21APR 1999", NotADate),
        ("21/٠٤/1999", NotADate),
        ("٢١/04/1999", NotADate),
        ("unknown", NotADate),
        ("N/A", NotADate),
        ("00:00", NotADate),
        (" 00:00", NotADate),
        (":", NotADate),
        ("21/04/1999é00:00", NotADate),
    ] {
        assert_eq!(day_first(text), Err(problem), "{text}");
    }
}

#[test]
fn month_first_is_read_only_where_it_was_asked_for() {
    for text in [
        "04/21/1999",
        "4-21-1999",
        "04211999",
        "1999-04-21",
        "21 Apr 1999",
    ] {
        assert_eq!(month_first(text), Ok(day(1999, 4, 21)), "{text}");
    }
    assert_eq!(month_first("03/04/1999"), Ok(day(1999, 3, 4)));
    assert_eq!(month_first("21/04/1999"), Err(Problem::NotADate));
    assert_eq!(month_first("21041999"), Err(Problem::NotADate));
}

#[test]
fn three_columns_make_a_date() {
    for (d, m, y) in [
        ("21", "04", "1999"),
        (" 21", "4 ", "1999"),
        ("21", "April", "1999"),
        ("21", "APR", "'1999"),
    ] {
        assert_eq!(read_parts(d, m, y), Ok(day(1999, 4, 21)), "{d} {m} {y}");
    }
    for ((d, m, y), problem) in [
        (("", " ", ""), Problem::Empty),
        (("21", "", "1999"), Problem::NotADate),
        (("", "", "1999"), Problem::NotADate),
        (("21", "04", ""), Problem::NotADate),
        (("21", "04", "99"), Problem::TwoDigitYear),
        (("21", "", "99"), Problem::NotADate),
        (("04", "21", "1999"), Problem::NotADate),
        (("30", "02", "1999"), Problem::NotADate),
        (("021", "04", "1999"), Problem::NotADate),
        (("21", "04", "é9"), Problem::NotADate),
        (("21.0", "4.0", "1999.0"), Problem::DecimalPoint),
        (("21", "#N/A", "1999"), Problem::SpreadsheetError),
    ] {
        assert_eq!(read_parts(d, m, y), Err(problem), "{d} {m} {y}");
    }
}

#[test]
fn no_eight_digits_are_a_date_at_both_ends() {
    for year in YEARS_WITHOUT_SEPARATORS {
        for (month, last) in (1..=12).map(|month| (month, day(year, month, 1).days_in_month())) {
            for of_month in 1..=last {
                let text = format!("{year}{month:02}{of_month:02}");
                assert_eq!(day_first(&text), Ok(day(year, month, of_month)));
                let year_last = split_numbers(&text, [2, 2, 4]).unwrap()[2];
                assert!(!YEARS_WITHOUT_SEPARATORS.contains(&year_last), "{text}");
            }
        }
    }
}

#[test]
fn every_day_since_1900_reads_back_from_every_spelling_incident_11() {
    for at in day(1900, 1, 1)
        .series(jiff::ToSpan::days(1))
        .take_while(|it| it.year() <= 2026)
    {
        for text in spellings(at) {
            assert_eq!(day_first(&text), Ok(at), "{text}");
        }
        let (d, m, y) = (
            at.day().to_string(),
            at.month().to_string(),
            at.year().to_string(),
        );
        assert_eq!(read_parts(&d, &m, &y), Ok(at));
        let text = at.strftime("%m/%d/%Y").to_string();
        assert_eq!(month_first(&text), Ok(at));
    }
}

fn spellings(at: Date) -> Vec<String> {
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%d/%m/%Y",
        "%-d/%-m/%Y",
        "%d-%m-%Y",
        "%d.%m.%Y",
        "%d %m %Y",
        "%Y%m%d",
        "%d%m%Y",
        "%d-%b-%Y",
        "%-d %B %Y",
        "%d%b%Y",
        "%B %-d, %Y",
        "%b %d %Y",
        "%Y-%m-%dT00:00:00.000Z",
        "%d/%m/%Y 00:00",
    ]
    .into_iter()
    .map(|format| at.strftime(format).to_string())
    .collect()
}

proptest! {
    #[test]
    fn any_text_is_refused_or_a_date(text in "\\PC{0,24}|[0-9/. :TZ#-]{0,20}|[0-9]{1,2}[- ]?[A-Za-z]{3,9}[-, ]{0,2}[0-9]{2,4}") {
        for order in [DateOrder::DayFirst, DateOrder::MonthFirst] {
            let _ = read(&text, order);
        }
        let _ = read_parts(&text, &text, &text);
    }
}
