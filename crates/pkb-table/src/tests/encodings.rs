//! Encodings with one byte for each character: what is certain is read, all else is asked about.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;
use crate::{detect, encoding::EncodingChoice, how_read::Certainty, layout, parse_encoding};

fn detect(bytes: &[u8]) -> Result<(EncodingChoice, Certainty), Fatal> {
    let source = Source::spooled("patients.csv", "patients.csv", bytes).unwrap();
    detect::encoding(&source, None).map(|found| (found.encoding, found.certainty))
}

/// Names and addresses.
const TEXTS: [&str; 40] = [
    "Siân",
    "Zoë",
    "José",
    "Müller",
    "Françoise",
    "Seán",
    "Áine",
    "Ó Briain",
    "Díaz",
    "García",
    "Nuñez",
    "Solís",
    "Weiß",
    "Großmann",
    "JOSÉ",
    "MÜLLER",
    "MÖLLER",
    "ZOË",
    "JOÃO",
    "Simões",
    "Søren",
    "Bäcker",
    "Åse",
    "Özil",
    "Çelik",
    "Ŵyn",
    "Ŷnys",
    "Gŵen",
    "dŵr",
    "Guðrún",
    "Þór",
    "O’Brien",
    "John’s",
    "D’arcy",
    "14½",
    "£5",
    "Smith–Jones",
    "Nicolò",
    "Hélène",
    "“Mill”",
];

/// `None` if the encoding lacks a character.
fn encoded(text: &str, label: &str) -> Option<Vec<u8>> {
    match parse_encoding(label).unwrap() {
        EncodingChoice::Web(web) => {
            let (bytes, _, lacks) = web.encode(text);
            (!lacks).then(|| bytes.into_owned())
        }
        EncodingChoice::Dos(page) => text
            .chars()
            .map(|c| (0..=255).find(|byte| page.character(*byte) == c))
            .collect(),
    }
}

fn decoded(bytes: &[u8], encoding: EncodingChoice) -> String {
    let source = Source::spooled("x", "x", bytes).unwrap();
    let mut text = String::new();
    let mut reader = layout::text(&source, encoding).unwrap();
    reader.read_to_string(&mut text).unwrap();
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn text_in_any_encoding_is_read_as_it_was_written_or_asked_about(
        texts in prop::collection::vec(prop::sample::select(TEXTS.to_vec()), 1..6),
        label in prop::sample::select(vec![
            "utf-8", "windows-1252", "cp850", "cp437", "mac-roman", "iso-8859-14", "iso-8859-15", "windows-1254",
        ]),
    ) {
        let texts: Vec<&str> = texts.into_iter().filter(|text| encoded(text, label).is_some()).collect();
        let text = texts.join(",") + "\n";
        let bytes = encoded(&text, label).unwrap();
        match detect(&bytes) {
            Ok((encoding, _)) => prop_assert_eq!(decoded(&bytes, encoding), text),
            Err(question) => prop_assert!(question.to_string().contains("--encoding"), "{}", question),
        }
    }
}

#[test]
fn western_european_bytes_are_windows_1252() {
    let windows = (EncodingChoice::WINDOWS_1252, Certainty::Detected);
    for text in [
        "Name\nJosé\nZoë\nSiân\n",
        "Name\nO’Brien\n",
        "Name\nBjörn\n",
        "Siân",
        "Zoë\n",
        "a,Müller\r\n",
        "José\n",
        "Seán\n",
        "14½ High Street\n",
        "£5\n",
        "St John’s Road\n",
        "MUÑOZ,SIÂN,ZOË,JOSÉ\n",
        "François\n",
        "Smith–Jones\n",
    ] {
        let bytes = encoding_rs::WINDOWS_1252.encode(text).0;
        assert_eq!(detect(&bytes).unwrap(), windows, "{text}");
    }
}

/// The question for text in an encoding.
fn question(text: &str, label: &str) -> String {
    let bytes = encoded(text, label).unwrap();
    detect(&bytes).unwrap_err().to_string()
}

#[test]
fn code_pages_of_dos_mac_and_wales_are_asked_for_with_masked_words() {
    let words = |question: &str, label: &str| {
        let line = format!("--encoding {label} ");
        let line = question.lines().find(|shown| shown.contains(&line));
        line.map(|line| {
            line.split_whitespace()
                .skip(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let names = "a,b\nSiân Canary,Zoë\nJosé,Müller\n";
    for label in ["cp850", "cp437", "mac-roman"] {
        let question = question(names, label);
        assert_eq!(
            words(&question, label).unwrap(),
            "Xxâx Xxë Xxxé Xüxxxx",
            "{question}"
        );
        assert!(question.contains(&format!("patients.csv --encoding {label}")) || label == "cp437");
        assert!(
            question.contains("(not likely)") && question.contains("lines 2 and 3"),
            "{question}"
        );
        assert!(!question.contains("anary"), "{question}");
    }
    let welsh = question("Siân\nŴyn\nŶnys\nGŵen\n", "iso-8859-14");
    assert_eq!(
        words(&welsh, "iso-8859-14").unwrap(),
        "Xxâx Ŵxx Ŷxxx Xŵxx",
        "{welsh}"
    );
    // What Windows-1252 could be, and another encoding too.
    for (text, label) in [
        ("Díaz\n", "mac-roman"),
        ("García\n", "mac-roman"),
        ("MÖLLER\n", "cp850"),
        ("Simões\n", "cp850"),
        ("Weiß\n", "cp437"),
        ("Yıldız\n", "windows-1254"),
        ("Aleš\n", "iso-8859-15"),
        ("Guðrún\n", "windows-1252"),
    ] {
        let question = question(text, label);
        assert!(words(&question, label).is_some(), "{text} {question}");
    }
}

#[test]
fn a_question_shows_no_name_that_is_doubtful_as_a_whole() {
    for (label, names) in [
        ("windows-1253", "Γιώργος,Παππάς"),
        ("windows-1251", "Наталья,Иванова"),
        ("koi8-r", "Наталья,Иванова"),
        ("windows-1255", "שלום,כהן"),
        ("windows-1250", "Wiśniewski,Żółćik"),
        ("iso-8859-7", "Νίκος,Ιω"),
    ] {
        let rows = format!("First name,Last name\n{names}\n");
        let question = question(&rows, label);
        for name in names.split(',') {
            let letters: Vec<char> = name.chars().filter(|c| !c.is_ascii()).collect();
            for pair in letters.windows(2) {
                let pair: String = pair.iter().collect();
                assert!(!question.contains(&pair), "{label}: {question}");
            }
        }
        for shown in question
            .lines()
            .filter(|line| line.trim_start().starts_with("--encoding"))
        {
            for word in shown.split_whitespace().skip(2) {
                let doubtful = word.chars().filter(|c| c.is_alphabetic() && !c.is_ascii());
                assert!(doubtful.count() <= 2, "{label}: {question}");
            }
        }
    }
}

#[test]
fn other_single_byte_encodings_are_asked_for() {
    for (text, label) in [
        ("Имя,Фамилия\nАнна,Каренина\n", "windows-1251"),
        ("Name\nWiśniewski\nPaweł\nJasiński\n", "windows-1250"),
    ] {
        let question = question(text, label);
        assert!(question.contains(" --encoding "), "{question}");
    }
}

#[test]
fn no_command_is_advised_with_an_encoding_that_is_not_likely() {
    for (text, label, shown) in [
        (
            "Name\nWiśniewski\nŁukasz\nŻaneta\n",
            "windows-1250",
            "Xxśxxxxxxx",
        ),
        ("Name\nDvořák\nJiří\n", "windows-1250", "Xxxřxx"),
        ("Name\nWiśniewski\nŁukasz\n", "iso-8859-2", "Xxśxxxxxxx"),
        ("Name\nBērziņš\n", "windows-1257", "Xēxxxxx"),
        (
            "Name\nΓιώργος\nΠαππάς\nΠαπαδόπουλος\n",
            "windows-1253",
            "Πxxxxx",
        ),
    ] {
        let question = question(text, label);
        assert!(question.contains(shown), "{question}");
        assert!(
            question.contains("patients.csv --encoding ENCODING"),
            "{question}"
        );
    }
    let romanian = question("Name\nŞandor\nŢurcan\n", "windows-1250");
    assert!(
        romanian.contains("Şxxxxx"),
        "shown beside Welsh: {romanian}"
    );
    // Windows-1252 reads these as well.
    let turkish = question("Name\nYıldız\nErdoğan\nŞahin\n", "windows-1254");
    assert!(
        turkish.contains("Xıxxıx") && turkish.contains("patients.csv --encoding ENCODING"),
        "{turkish}"
    );
}
