//! What spreadsheets do to values on their way through, and what they put around them. What was
//! lost cannot be had back: it is named, so that the operator knows where to look, and never
//! mended. A mark around a value loses nothing, and is taken off.

use super::Problem;

/// Error values of Excel (and LibreOffice, which also writes `Err:502`).
const ERRORS: &[&str] = &[
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#GETTING_DATA",
];

/// Names the damage of a text that is no value, if it is one that spreadsheets do; `otherwise` if
/// not. `text` is trimmed.
pub(super) fn name_or(text: &str, otherwise: Problem) -> Problem {
    if is_error(text) {
        Problem::SpreadsheetError
    } else if is_scientific(text) {
        Problem::ScientificNotation
    } else if is_whole_decimal(text) {
        Problem::DecimalPoint
    } else {
        otherwise
    }
}

/// An error value, or the `####` of a column that is too narrow. `text` is trimmed.
pub(super) fn is_error(text: &str) -> bool {
    match text.as_bytes() {
        [b'#', rest @ ..] => {
            (!rest.is_empty() && rest.iter().all(|byte| *byte == b'#'))
                || ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text))
        }
        [b'E', b'r', b'r', b':', number @ ..] => {
            number.len() == 3 && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Takes off what makes Excel keep digits as text: `'0123` and `="0123"`. `text` is trimmed, and so
/// is what comes out.
pub(super) fn without_text_mark(text: &str) -> &str {
    let formula = || text.strip_prefix("=\"")?.strip_suffix('"');
    match text.strip_prefix('\'').or_else(formula) {
        Some(inner) => inner.trim(),
        None => text,
    }
}

/// `9.99E+09`, `5,76E+09`, `1E+10`, `9.99E9`. Without fraction and plus sign it could be a hospital
/// number (`12E4`), and no spreadsheet writes that.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let power = exponent.strip_prefix('+');
    is_digits(whole)
        && is_digits(power.unwrap_or(exponent))
        && fraction.is_none_or(is_digits)
        && (fraction.is_some() || power.is_some())
}

/// `9990000026.0`, `.00`, `,0`: a whole number that was kept as a fraction.
fn is_whole_decimal(text: &str) -> bool {
    text.split_once(['.', ',']).is_some_and(|(whole, zeros)| {
        is_digits(whole) && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0')
    })
}

/// `0.001`, `57,6`: digits on both sides of a point or comma.
pub(super) fn is_fraction(text: &str) -> bool {
    text.split_once(['.', ','])
        .is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

/// ASCII digits and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_damage_has_its_name() {
        use Problem::{DecimalPoint, NotADate, ScientificNotation, SpreadsheetError};
        for (text, problem) in [
            ("#N/A", SpreadsheetError),
            ("#ref!", SpreadsheetError),
            ("##", SpreadsheetError),
            ("##########", SpreadsheetError),
            ("Err:502", SpreadsheetError),
            ("9.99E+09", ScientificNotation),
            ("5,76e+09", ScientificNotation),
            ("1E+10", ScientificNotation),
            ("9.99E9", ScientificNotation),
            ("9990000026.0", DecimalPoint),
            ("9990000026,00", DecimalPoint),
        ] {
            assert_eq!(name_or(text, NotADate), problem, "{text}");
        }
        for text in [
            "", "#", "#1", "#N/A!", "Err:", "Err:50a", "E", "12E4", "E+09", "1.E+9", "1.5", "1.",
            ".0", "1.0.0",
        ] {
            assert_eq!(name_or(text, NotADate), NotADate, "{text}");
        }
    }

    #[test]
    fn the_marks_that_keep_digits_as_text_come_off() {
        for (text, inner) in [
            ("'0123", "0123"),
            ("=\"0123\"", "0123"),
            ("=\" 0123 \"", "0123"),
            ("'", ""),
            ("=\"\"", ""),
            ("=\"", "=\""),
            ("\"0123\"", "\"0123\""),
            ("0123'", "0123'"),
        ] {
            assert_eq!(without_text_mark(text), inner, "{text}");
        }
    }
}
