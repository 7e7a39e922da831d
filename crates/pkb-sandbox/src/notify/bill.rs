//! What texts and letters cost, as Notify's answers and its bill have it: pounds without VAT.

use unicode_normalization::{UnicodeNormalization as _, char::decompose_canonical};

/// In tenths of a penny.
pub(super) type Tenths = u64;

/// A fragment of a text message since April 2026.
const FRAGMENT: Tenths = 24;
/// Mobiles of Guernsey, Jersey and the Isle of Man cost double. Those of the fictional range do not.
const ISLANDS: [&str; 13] = [
    "447781", "447839", "4479111", "4479117", "447509", "447797", "447937", "4477003", "4477007",
    "447829", "447624", "447524", "447924",
];
const FICTIONAL: &str = "447700900";

const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// These count twice in the alphabet of seven bits.
const TWICE: &str = "^{}\\[~]|€";
/// Vowels of Welsh that the alphabet lacks.
const WELSH: &str = "ÂâÊêÎîÔôÛûŴŵŶŷÁáÍíÓóÚúẂẃÝýÀÈÌÒÙẀẁỲỳËëÏïẄẅŸÿ";

/// Billable fragments of a text, with the service's name before it.
pub(super) fn fragments(service_name: Option<&str>, content: &str) -> u64 {
    let whole = match service_name {
        Some(name) => format!("{name}: {content}"),
        None => content.to_owned(),
    };
    // By what was written: of ấ Notify sends â, and bills seven bits.
    let is_wide = whole.chars().any(|c| WELSH.contains(c));
    let sent: Vec<char> = whole.chars().flat_map(as_sent).collect();
    let length: u64 = sent
        .iter()
        .map(|c| if !is_wide && TWICE.contains(*c) { 2 } else { 1 })
        .sum();
    let (alone, each) = if is_wide { (70, 67) } else { (160, 153) };
    if length <= alone {
        1
    } else {
        length.div_ceil(each)
    }
}

fn is_kept(c: char) -> bool {
    ALPHABET.contains(c) || TWICE.contains(c) || WELSH.contains(c)
}

fn as_sent(c: char) -> Vec<char> {
    let words = match c {
        _ if is_kept(c) => return vec![c],
        'ł' => "l",
        'Ł' => "L",
        '\u{2011}' | '–' | '—' | '\u{2212}' => "-",
        '…' => "...",
        '‘' | '’' | '‚' => "'",
        '“' | '”' | '„' => "\"",
        '\t' | '\u{a0}' | '\u{202f}' => " ",
        '\u{200b}'..='\u{200d}'
        | '\u{2060}'
        | '\u{feff}'
        | '\u{180e}'
        | '\u{2028}'
        | '\u{2029}' => "",
        _ => {
            // The first part of the decomposition: one accent less.
            let mut parts = Vec::new();
            decompose_canonical(c, |part| parts.push(part));
            parts.pop();
            let mut base = parts.into_iter().nfc();
            let first = base.next().filter(|first| is_kept(*first));
            return vec![first.filter(|_| base.next().is_none()).unwrap_or('?')];
        }
    };
    words.chars().collect()
}

/// What a text costs.
pub(super) fn of_text(phone_number: &str, fragments: u64) -> Tenths {
    fragments * FRAGMENT * multiplier(phone_number)
}

/// How often the price of a fragment is billed.
pub(super) fn multiplier(phone_number: &str) -> u64 {
    let is_of_islands = ISLANDS.iter().any(|range| phone_number.starts_with(range));
    match is_of_islands && !phone_number.starts_with(FICTIONAL) {
        true => 2,
        false => 1,
    }
}

/// What a letter costs by the prices of July 2026, of one to five sheets.
pub(super) fn of_letter(postage: &str, sheets: usize) -> Tenths {
    let prices = match postage {
        "first" => [1560, 1610, 1660, 1710, 1760],
        "economy" => [638, 684, 724, 779, 823],
        "second" => [730, 770, 820, 870, 910],
        _ => [1800, 1840, 1880, 1920, 1960],
    };
    prices[sheets.clamp(1, prices.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_billed_by_its_fragments() {
        for (text, count) in [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("â".repeat(70), 1),
            ("â".repeat(71), 2),
            (format!("{}{{", "â".repeat(69)), 1),
            ("ł".repeat(160), 1),
            ("ấ".repeat(160), 1),
            (format!("{}…", "a".repeat(157)), 1),
            (format!("{}…", "a".repeat(158)), 2),
            ("\u{200b}".repeat(500), 1),
        ] {
            assert_eq!(fragments(None, &text), count, "{text}");
        }
        assert_eq!(fragments(Some("Northtown"), &"a".repeat(149)), 1);
        assert_eq!(fragments(Some("Northtown"), &"a".repeat(150)), 2);
    }

    #[test]
    fn a_mobile_of_the_islands_costs_double_and_a_fictional_one_does_not() {
        assert_eq!(of_text("447700900123", 2), 48);
        assert_eq!(of_text("447700300123", 2), 96);
        assert_eq!(of_text("447624900123", 1), 48);
    }
}
