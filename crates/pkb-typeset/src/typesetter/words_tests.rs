//! Tests of the words of the built-in letters.

use super::*;

/// Words of a sentence at most (NHS digital service manual).
const MOST_WORDS: usize = 20;

/// What no letter says, in small letters, and what to say instead.
const FORBIDDEN: [(&str, &str); 17] = [
    ("square", "QR code"),
    ("telephone", "phone"),
    ("e-mail", "email"),
    ("post code", "postcode"),
    ("invitation code", "invite code, as on PKB's page"),
    ("register", "join"),
    ("last day", "use both by"),
    ("until", "use both by"),
    ("only you", "nothing: care teams can see the record"),
    ("need not", "do not have to"),
    ("must", "an instruction"),
    ("please", "nothing"),
    ("should", "an instruction"),
    ("sms", "text message"),
    ("don't", "do not"),
    ("can't", "cannot"),
    ("matter.", "an instruction"),
];

fn all_texts() -> Vec<(String, String)> {
    let template = Template::built_in().unwrap();
    let mut texts = Vec::new();
    for design in Design::ALL {
        let typesetter = Typesetter::untried(&template, design).unwrap();
        let formats = LetterFormat::PRINTED
            .into_iter()
            .chain([LetterFormat::Braille]);
        for format in formats {
            for language in LetterLanguage::all() {
                let letter = LetterFields {
                    languages: LetterLanguages::alone(language),
                    format,
                    ..LetterFields::sample()
                };
                let name = format!("{}/{design:?} {format:?}", language.code);
                texts.push((name, typesetter.plain_text(&letter).unwrap()));
            }
        }
    }
    texts
}

/// The words of each sentence of a letter. A heading, an item of a list and a line of an address end one, too.
fn sentences(text: &str) -> Vec<Vec<&str>> {
    let ends = |word: &&str| word.ends_with(['.', ':', '?', '!', '۔', '।', '؟']);
    let mut sentences = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        sentences.extend(words.split_inclusive(ends).map(<[&str]>::to_vec));
    }
    sentences
}

#[test]
fn no_sentence_has_more_than_twenty_words() {
    for (name, text) in all_texts() {
        for sentence in sentences(&text) {
            let words = sentence.len();
            assert!(words <= MOST_WORDS, "{name}: {words} words: {sentence:?}");
        }
    }
}

#[test]
fn letters_say_what_patients_say() {
    for (name, text) in all_texts() {
        // The words are English ones.
        if !name.starts_with("en/") {
            continue;
        }
        let text = text.to_lowercase();
        for (words, instead) in FORBIDDEN {
            assert!(!text.contains(words), "{name}: {words}: say {instead}");
        }
    }
}

#[test]
fn a_letter_says_what_the_patient_needs_and_how_to_check_that_it_is_real() {
    for (name, text) in all_texts() {
        if !name.starts_with("en/") {
            continue;
        }
        let of_codes = [
            "date of birth",
            "Invite code: NKcYiAciBU",
            "Access code: KVPnrFYPay",
            "Use both by: 22 December 2026",
            "do not use the codes",
            "Do not share your codes.",
        ];
        for words in of_codes {
            assert_eq!(
                text.contains(words),
                !name.contains("NhsLogin"),
                "{name}: {words}: {text}"
            );
        }
        for words in [
            "email address",
            "password",
            "real",
            "is not for you",
            "Your care stays the same",
            "You do not have to join",
            "Your care teams",
            "www.northtown.example/records",
            "Privacy notice: www.northtown.example/privacy",
            "01632 960 123",
        ] {
            assert!(text.contains(words), "{name}: {words}: {text}");
        }
        let offers_large_print = text.contains("large print");
        assert_eq!(offers_large_print, name.ends_with("Standard"), "{name}");
    }
}

#[test]
fn plain_text_has_a_line_for_each_paragraph_and_an_empty_one_between() {
    let typesetter = Typesetter::untried(&Template::built_in().unwrap(), Design::Letter).unwrap();
    let letter = LetterFields {
        format: LetterFormat::Braille,
        name: "Mr محمد علي O'Neil".into(),
        ..LetterFields::sample()
    };
    let text = typesetter.plain_text(&letter).unwrap();
    for lines in [
        "\n\nMr محمد علي O'Neil\n1 Main Street\nByker\nNEWCASTLE UPON TYNE\nNE1 1XC\n\n22 November 2026\n\n",
        "\n\nDear Mr محمد علي O'Neil,\n\nYou can now",
        "\n• your blood test results\n",
        "\n\n1. Go to joinpkb.com.\n2. Enter both codes",
        "\n\nInvite code: NKcYiAciBU\n\nAccess code: KVPnrFYPay\n\n",
        "\n\nYours sincerely,\n\nDr Anwen Example, ",
    ] {
        assert!(text.contains(lines), "{lines:?}: {text}");
    }
    assert!(!text.contains("QR"), "{text}");
}

#[test]
fn what_runs_from_left_to_right_stands_where_it_is_read_in_other_languages() {
    let typesetter = Typesetter::untried(&Template::built_in().unwrap(), Design::Letter).unwrap();
    for (code, lines) in [
        (
            "ur",
            [
                "محترم/محترمہ Mr Read Wyffleton،",
                "اگر آپ کو مدد چاہیے تو 01632 960 123 پر فون کریں۔",
                "یہ جاننے کے لیے www.northtown.example/records دیکھیں",
            ],
        ),
        (
            "ar",
            [
                "السيد/السيدة Mr Read Wyffleton،",
                "اتصل بالرقم 01632 960 123 إذا احتجت إلى مساعدة.",
                "تفضل بزيارة www.northtown.example/records أو اتصل",
            ],
        ),
    ] {
        let letter = LetterFields {
            name: "Mr Read Wyffleton".into(),
            languages: LetterLanguages::alone(LetterLanguage::of_code(code).unwrap()),
            ..LetterFields::sample()
        };
        let text = typesetter.plain_text(&letter).unwrap();
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
