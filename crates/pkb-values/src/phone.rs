//! Telephone numbers that are not for text messages: home, work, carers'. What a number dials is
//! found here for mobiles too; `uk_mobile` keeps the numbers that can get a text.

use super::{Problem, excel_damage, is_grouping, private_text, unseen::legible};

private_text!(
    /// A telephone number in E.164 form: `+441914960123`.
    Phone,
    normalise,
    expose_e164
);

fn normalise(text: &str) -> Result<String, Problem> {
    dialled(text, Problem::NotAPhone).map(|number| number.e164)
}

/// A number that can be dialled.
pub(super) struct Dialled {
    pub(super) line: Line,
    pub(super) e164: String,
}

/// What is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    UkMobile,
    /// Anything else of the United Kingdom, with a place or without (01, 02, 03, 05, 08, 09).
    UkLandline,
    Abroad,
}

/// The most digits that a spelling can have: 00, and fifteen of E.164 with the zero of `+44 (0)`.
const MAX_DIGITS: usize = 18;

/// Reads one number. A text with anything else in it (an extension, a second number, whose it is)
/// is refused: which part is meant is for somebody to say who knows. `otherwise` is what a text is
/// called that no spreadsheet spoilt.
pub(super) fn dialled(text: &str, otherwise: Problem) -> Result<Dialled, Problem> {
    let text = legible(text);
    let text = excel_damage::without_text_mark(&text);
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let has_stops = has_stops_of_groups(text);
    let mut digits = [0; MAX_DIGITS];
    let mut count = 0;
    let mut has_plus = false;
    for c in text.chars() {
        match c {
            '0'..='9' => {
                *digits.get_mut(count).ok_or(otherwise)? = c as u8;
                count += 1;
            }
            '+' if count == 0 && !has_plus => has_plus = true,
            '(' | ')' => {}
            '.' if has_stops => {}
            _ if is_grouping(c) => {}
            _ => return Err(excel_damage::name_or(text, otherwise)),
        }
    }
    let digits = std::str::from_utf8(&digits[..count]).unwrap_or_default();
    number(digits, has_plus).ok_or(otherwise)
}

/// `07700.900.123`: three digits or more follow each full stop, so that none of them is a decimal point.
fn has_stops_of_groups(text: &str) -> bool {
    text.contains('.')
        && text.split('.').skip(1).all(|group| {
            let digits = group.bytes().take_while(u8::is_ascii_digit).count();
            digits >= 3 && group.bytes().any(|digit| digit != b'0')
        })
}

fn number(digits: &str, has_plus: bool) -> Option<Dialled> {
    let international = if has_plus {
        Some(digits)
    } else {
        digits.strip_prefix("00")
    };
    if let Some(number) = international {
        return match number.strip_prefix("44") {
            Some(national) => united_kingdom(without_trunk_zero(national)),
            None => abroad(number),
        };
    }
    if let Some(national) = digits.strip_prefix('0') {
        return united_kingdom(national);
    }
    if let Some(national) = digits.strip_prefix("44").filter(|rest| rest.len() >= 10) {
        return united_kingdom(without_trunk_zero(national));
    }
    // Excel ate the zero, or nobody wrote it. Ten digits with a 7 in front are a mobile; with
    // another they are as well a number abroad.
    united_kingdom(digits).filter(|number| number.line == Line::UkMobile)
}

fn without_trunk_zero(national: &str) -> &str {
    national.strip_prefix('0').unwrap_or(national)
}

/// `national` is what follows the zero. Numbering plan of Ofcom: ten digits, but for some of 01
/// (where the area code has more than four digits: not 011x and 01x1), 0500 and 0800, which
/// have nine. Not 070 (personal numbers) and 076 (pagers), but 07624 (Isle of Man mobiles).
fn united_kingdom(national: &str) -> Option<Dialled> {
    let line = match (national.len(), national.as_bytes()) {
        (10, [b'7', b'6', b'2', b'4', ..]) => Some(Line::UkMobile),
        (10, [b'7', b'0' | b'6', ..]) => None,
        (10, [b'7', ..]) => Some(Line::UkMobile),
        (10, [b'1' | b'2' | b'3' | b'5' | b'8' | b'9', ..]) => Some(Line::UkLandline),
        (9, [b'5' | b'8', b'0', b'0', ..]) => Some(Line::UkLandline),
        (9, [b'1', b'1', ..] | [b'1', _, b'1', ..]) => None,
        (9, [b'1', ..]) => Some(Line::UkLandline),
        _ => None,
    };
    line.map(|line| Dialled {
        line,
        e164: e164("44", national),
    })
}

/// `number` begins with the code of a country; ITU-T E.164 allows fifteen digits in all.
fn abroad(number: &str) -> Option<Dialled> {
    let is_good = (7..=15).contains(&number.len()) && !number.starts_with('0');
    is_good.then(|| Dialled {
        line: Line::Abroad,
        e164: e164("", number),
    })
}

fn e164(country: &str, number: &str) -> String {
    let mut e164 = String::with_capacity(1 + country.len() + number.len());
    e164.push('+');
    e164.push_str(country);
    e164.push_str(number);
    e164
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_spellings_of_a_landline_become_one() {
        for text in [
            "0191 496 0123",
            "01914960123",
            "(0191) 496-0123",
            "+44 191 496 0123",
            "+44 (0)191 496 0123",
            "(+44) 191 496 0123",
            "0044 191 496 0123",
            "441914960123",
            "'01914960123",
            "=\"01914960123\"",
            "0191\u{a0}496\u{a0}0123",
            "0191\u{2013}496\u{2013}0123",
            "0191\u{2212}496\u{2011}0123",
            "\u{202d}0191 496 0123\u{202c}",
            "+440191 496 0123",
            "+44\u{202f}191\u{200b}4960123",
            "0191.496.0123",
            "０１９１ ４９６ ０１２３",
        ] {
            assert_eq!(
                Phone::parse(text).unwrap().expose_e164(),
                "+441914960123",
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_of_each_kind_are_known() {
        for (text, e164, line) in [
            ("07700 900123", "+447700900123", Line::UkMobile),
            ("7700900123", "+447700900123", Line::UkMobile),
            ("029 2018 0123", "+442920180123", Line::UkLandline),
            ("0306 999 0123", "+443069990123", Line::UkLandline),
            ("0808 157 0123", "+448081570123", Line::UkLandline),
            ("0909 879 0123", "+449098790123", Line::UkLandline),
            ("0500 000000", "+44500000000", Line::UkLandline),
            ("01632 96012", "+44163296012", Line::UkLandline),
            ("+48 600 123 456", "+48600123456", Line::Abroad),
            ("00 353 20 912 3456", "+353209123456", Line::Abroad),
        ] {
            let number = dialled(text, Problem::NotAPhone).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!((&*number.e164, number.line), (e164, line), "{text}");
        }
    }

    #[test]
    fn texts_that_leave_a_doubt_are_refused() {
        for text in [
            "0191 496 0123 ext 45",
            "0191 496 0123 x45",
            "0191 496 0123 / 0191 496 0124",
            "0191 496 0123 0191 496 0124",
            "0191 496 0123 (mum)",
            "0191 496 012",
            "0191 496 01234",
            "496 0123",
            "1914960123",
            "0491 496 0123",
            "029 2018 012",
            "070 0090 0123",
            "+44 0 0191 496 0123",
            "++44 191 496 0123",
            "+0191 496 0123",
            "0191+4960123",
            "+1234567890123456",
            "+48 12",
            "O191 496 0123",
            "٠١٩١٤٩٦٠١٢٣",
            "-",
            "+",
            "999",
        ] {
            assert_eq!(Phone::parse(text), Err(Problem::NotAPhone), "{text}");
        }
        assert_eq!(Phone::parse(" "), Err(Problem::Empty));
    }

    #[test]
    fn what_a_spreadsheet_spoilt_is_named() {
        for (text, problem) in [
            ("1.91E+09", Problem::ScientificNotation),
            ("1914960123.0", Problem::DecimalPoint),
            ("#VALUE!", Problem::SpreadsheetError),
        ] {
            assert_eq!(Phone::parse(text), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_reads_back(text in "\\PC{0,24}|[-+()0-9 .x]{0,24}|(00|0|\\+|44|\\+44)[0-9]{6,16}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert!(phone.expose_e164().len() <= 16);
                prop_assert_eq!(Phone::parse(phone.expose_e164()).unwrap(), phone);
            }
        }
    }
}
