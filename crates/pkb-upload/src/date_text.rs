//! Whether a text is nothing but a date, as spreadsheets write one into a text file.

use pkb_values::MONTHS;

/// `3/5/26` to `2026-05-03 00:00:00.000`.
const LENGTHS: std::ops::RangeInclusive<usize> = 5..=23;

/// Whether a text is a date: `03-May`, `May-03`, `03/05/2026`, `2026-05-03 00:00:00`. Flats such as `2/1`
/// and houses such as `3-5` are none.
pub fn is_date(text: &str) -> bool {
    // Nearly no text has one of these.
    if !text.bytes().any(|byte| matches!(byte, b'-' | b'/' | b'.')) {
        return false;
    }
    let text = text.trim();
    if !LENGTHS.contains(&text.len()) || !text.is_ascii() {
        return false;
    }
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    if !time
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.'))
    {
        return false;
    }
    ['-', '/', '.'].into_iter().any(|separator| {
        let mut parts = day.split(separator);
        match [parts.next(), parts.next(), parts.next(), parts.next()] {
            [Some(one), Some(two), None, None] => {
                (is_month(one) && is_number(two)) || (is_number(one) && is_month(two))
            }
            [Some(one), Some(two), Some(three), None] => {
                let is_day = |part: &str| part.len() <= 2 && is_number(part);
                let is_year = |part: &str| part.len() == 4 && is_number(part);
                (is_year(one) && (is_day(two) || is_month(two)) && is_day(three))
                    || (is_day(one) && is_month(two) && is_number(three))
                    || (is_day(one) && is_day(two) && is_year(three))
            }
            _ => false,
        }
    })
}

fn is_number(part: &str) -> bool {
    (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Sep`, `Sept`, `September`.
fn is_month(part: &str) -> bool {
    let month = part.to_ascii_lowercase();
    month == "sept"
        || MONTHS
            .iter()
            .any(|name| month == *name || month == name[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_write_for_a_house_number_is_a_date() {
        for text in [
            "03-May",
            "May-03",
            "3-May-26",
            "03/05/2026",
            "3/5/2026",
            "03.05.2026",
            "2026-05-03",
            "2026-05-03 00:00:00",
            "2026-05-03T00:00:00.000",
            "03/05/2026 00:00",
            " 01-JAN-1900 ",
        ] {
            assert!(is_date(text), "{text}");
        }
    }

    #[test]
    fn what_addresses_have_is_not_a_date() {
        for text in [
            "",
            "3-5",
            "2/1",
            "12",
            "Flat 2/1",
            "3-5 Mill Lane",
            "1/2/3",
            "May",
            "May Lane",
            "Mayfield",
            "3 May Street",
            "10.1",
            "NE1 4ST",
            "Unit 1-2-3",
            "12-14-16",
            "2/1/12",
            "March",
            "Mar-y-Mor",
            "1-Marlowe",
            "St. John-2",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }
}
