//! How values are written in PDF syntax.

use std::io::Write as _;

use pdf_writer::Ref;

/// Writes a string in brackets. Ends of lines are escaped, since readers change them.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'(');
    for byte in text {
        match byte {
            b'(' | b')' | b'\\' => out.extend([b'\\', *byte]),
            b'\r' => out.extend(b"\\r"),
            b'\n' => out.extend(b"\\n"),
            other => out.push(*other),
        }
    }
    out.push(b')');
}

/// Writes words for people: in ASCII where they are, else in UTF-16 with its mark.
pub(crate) fn text_string(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        string(out, text.as_bytes());
    } else {
        let mut encoded = vec![0xFE, 0xFF];
        encoded.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        string(out, &encoded);
    }
}

/// Reads words for people; `None` if they are in an encoding that nobody uses who writes PDFs for us.
pub(crate) fn read_text_string(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => {
            let units = rest.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xD800,
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        ascii if ascii.is_ascii() => String::from_utf8(ascii.to_vec()).ok(),
        _ => None,
    }
}

/// Writes a number with at most four decimals, which is a ten-thousandth of a point.
pub(crate) fn number(out: &mut Vec<u8>, value: f64) {
    decimal(out, value, 4);
}

/// Writes a place on the page with at most two decimals: half a hundredth of a point is two thousandths of a millimetre.
/// What varies from letter to letter has no digits that nobody can see: they do not deflate.
pub(crate) fn place(out: &mut Vec<u8>, value: f64) {
    decimal(out, value, 2);
}

fn decimal(out: &mut Vec<u8>, value: f64, decimals: u32) {
    let unit = 10_u64.pow(decimals);
    // Nothing on a page is that far away.
    let scaled = (value * unit as f64).round().clamp(-1e15, 1e15) as i64;
    if scaled < 0 {
        out.push(b'-');
    }
    let (whole, mut part) = (scaled.unsigned_abs() / unit, scaled.unsigned_abs() % unit);
    integer(out, whole);
    if part > 0 {
        out.push(b'.');
        let mut divisor = unit / 10;
        while part > 0 {
            out.push(b'0' + (part / divisor) as u8);
            part %= divisor;
            divisor /= 10;
        }
    }
}

/// Writes a whole number.
pub(crate) fn integer(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// Writes a reference to an object.
pub(crate) fn reference(out: &mut Vec<u8>, object: u32) {
    integer(out, object.into());
    out.extend_from_slice(b" 0 R");
}

/// An object as pdf-writer refers to it.
pub(crate) fn object_ref(object: u32) -> Ref {
    Ref::new(int(object).max(1))
}

/// A number as pdf-writer takes it; none of ours is larger.
pub(crate) fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// Writes references to objects, as an array.
pub(crate) fn references(out: &mut Vec<u8>, objects: impl IntoIterator<Item = u32>) {
    out.push(b'[');
    for (at, object) in objects.into_iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        reference(out, object);
    }
    out.push(b']');
}

/// Formats into bytes; writing to memory does not fail.
pub(crate) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        number(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_have_no_more_decimals_than_they_need() {
        assert_eq!(written(12.0), "12");
        assert_eq!(written(-0.5), "-0.5");
        assert_eq!(written(70.866_14), "70.8661");
        assert_eq!(written(0.000_01), "0");
        assert_eq!(written(0.05), "0.05");
        let mut out = Vec::new();
        for value in [70.866_14, 12.0, -0.004, 0.996, 7.5] {
            place(&mut out, value);
            out.push(b' ');
        }
        assert_eq!(out, b"70.87 12 0 1 7.5 ");
    }

    #[test]
    fn words_are_read_as_they_were_written() {
        for words in ["000123", "Gwêl (1)", "𝄞\\"] {
            let mut out = Vec::new();
            text_string(&mut out, words);
            let lexemes = crate::lexer::lexemes(&out).unwrap();
            let [
                crate::lexer::Lexeme {
                    token: crate::lexer::Token::String(bytes),
                    ..
                },
            ] = lexemes.as_slice()
            else {
                panic!("{lexemes:?}")
            };
            assert_eq!(read_text_string(bytes).as_deref(), Some(words));
        }
        assert_eq!(read_text_string(&[0xE9]), None);
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(value in -100_000.0..100_000.0_f64) {
            let read: f64 = written(value).parse().unwrap();
            prop_assert!((read - value).abs() < 0.000_051);
        }
    }
}
