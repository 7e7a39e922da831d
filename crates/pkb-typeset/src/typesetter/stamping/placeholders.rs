//! Letters to nobody, with the values that show how a page of the template behaves.

use jiff::civil::{Date, date};

use super::variants::Variant;
use crate::letter_fields::LetterFields;

/// Characters that values may have, if the template's fonts have them: Latin with the accents of Europe
/// and Vietnam.
pub(super) const CHARACTERS: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ\
    ĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĦħĨĩĪīĬĭĮįİıĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŦŧ\
    ŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚțẀẁẂẃẄẅỲỳ‘’“”–—£§°\
    ƠơƯưẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹ";

/// Arabic letters that values may have, if they come out right; those of Persian, Kurdish and Urdu; and letters that are
/// joined into one glyph.
pub(super) const ARABIC: [&str; 55] = [
    "ا", "ب", "ت", "ث", "ج", "ح", "خ", "د", "ذ", "ر", "ز", "س", "ش", "ص", "ض", "ط", "ظ", "ع", "غ",
    "ف", "ق", "ك", "ل", "م", "ن", "ه", "و", "ي", "ء", "آ", "أ", "ؤ", "إ", "ئ", "ة", "ى", "پ", "چ",
    "ژ", "ک", "گ", "ی", "ڤ", "ۆ", "ە", "ٹ", "ڈ", "ڑ", "ں", "ہ", "ھ", "لا", "لأ", "لإ", "لآ",
];

/// Months that are shown with characters that values may have; those of the first three probes are December, May and
/// September. There are as many probes of characters, or more, and so all letters of codes are shown, too.
pub(super) const MONTHS_SHOWN: [i8; 9] = [10, 11, 1, 2, 3, 4, 6, 7, 8];

/// A letter to nobody, with what the variant says.
fn placeholder(variant: &Variant, codes: [&str; 2], last_day: Date) -> LetterFields {
    let [invitation, access] = codes;
    LetterFields {
        name: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        address: Vec::new(),
        invitation_code: invitation.into(),
        access_code: access.into(),
        last_day,
        letter_date: variant.letter_date,
        join_url: format!(
            "https://{}/?t1={invitation}&t2={access}",
            variant.join_address
        ),
        join_address: variant.join_address.clone(),
        languages: variant.languages,
        format: variant.format,
    }
}

/// Values that are found in the lines of the page: none is part of another.
pub(super) fn typical(variant: &Variant) -> LetterFields {
    LetterFields {
        name: "Mr Read Wyffleton-Vaŵ".into(),
        first_name: "Jorvik".into(),
        last_name: "Quaffly".into(),
        address: (1..=variant.lines)
            .map(|line| format!("{line}7b AVA Tyfield Walk"))
            .collect(),
        ..placeholder(variant, ["NKfi0O1lIB", "KVffPayr7T"], date(2026, 12, 22))
    }
}

pub(super) fn shortest(variant: &Variant) -> LetterFields {
    LetterFields {
        name: "X Y".into(),
        first_name: "Z".into(),
        last_name: "I".into(),
        address: (1..=variant.lines).map(|line| format!("{line}l")).collect(),
        ..placeholder(variant, ["1lIiJjfft0", "abcdefghjk"], date(2027, 5, 1))
    }
}

pub(super) fn widest(variant: &Variant, characters: usize) -> LetterFields {
    let wide: String = "Wilhelmina-Bartholomew "
        .chars()
        .cycle()
        .take(characters)
        .collect();
    let wide = wide.trim_end().to_owned();
    let mut letter = LetterFields {
        name: wide.clone(),
        first_name: wide.clone(),
        last_name: wide.clone(),
        address: vec![wide; variant.lines],
        ..placeholder(variant, ["WWWWWWWWWW", "MMMMMMMMMM"], date(2028, 9, 30))
    };
    // As large as a QR code gets with a long link.
    letter.join_url.push_str(&"&x=0123456789".repeat(8));
    letter
}

/// A letter that shows how characters come out; those after each other show months and letters of codes.
pub(super) fn showing(variant: &Variant, characters: &[char], at: usize) -> LetterFields {
    // Between letters, so that no line begins or ends with what the layout may treat in its own way.
    let shown: String = ["A", &characters.iter().collect::<String>(), " a"].concat();
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let code = |start: usize| -> String { alphabet.iter().cycle().skip(start).take(10).collect() };
    let month = MONTHS_SHOWN.iter().cycle().nth(at).copied().unwrap_or(1);
    let day = date(2029, month, i8::try_from(at % 28).unwrap_or_default() + 1);
    LetterFields {
        name: shown.clone(),
        first_name: shown.clone(),
        last_name: shown.clone(),
        address: vec![shown; variant.lines],
        ..placeholder(variant, [&code(10 * at), &code(10 * at + 31)], day)
    }
}

/// A letter in which Arabic letters stand in all places of a word, and words in all places of a line.
pub(super) fn arabic(variant: &Variant, letters: &[&str]) -> LetterFields {
    let words: Vec<String> = letters
        .iter()
        .map(|own| format!("{own}{own}ب{own} {own}"))
        .collect();
    let words = words.join(" ");
    let typical = typical(variant);
    LetterFields {
        name: format!("Mr {words}"),
        first_name: words.clone(),
        last_name: format!("{words} Wye"),
        address: (1..=variant.lines)
            .map(|line| match line % 2 {
                1 => words.clone(),
                _ => format!("{line}b {words}, Tyfield"),
            })
            .collect(),
        ..typical
    }
}
