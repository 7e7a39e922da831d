//! REHEARSAL across the pages: everybody sees it, the letter is still read by people and machines, and a screen reader does
//! not read it out again and again.

use hayro::hayro_syntax::Pdf;
use pkb_values::LetterLanguages;

use super::stamping_tests::{Tags, differing_pixels, stamping_few};
use super::*;
use pkb_verify::expected::Expected;
use pkb_verify::page_reader::{Page as Read, read_pages};
use pkb_verify::sheets::{
    QrReading,
    placed::{Placed, check},
};

fn of(template: &Template, design: Design, engine: Engine, is_rehearsal: bool) -> Typesetter {
    let typesetter = Typesetter::with_threads(template, design, 2).unwrap();
    let typesetter = typesetter.in_rehearsal(is_rehearsal);
    stamping_few(typesetter.with_engine(engine).unwrap())
}

/// A letter in each language and print, and its record, which is marked or not.
fn letters(is_rehearsal: bool) -> Vec<(LetterFields, pkb_core::Record)> {
    let mut letters = Vec::new();
    for languages in [LetterLanguages::default(), "cy".parse().unwrap()] {
        for format in LetterFormat::PRINTED {
            let number = letters.len();
            let (code, token) = (format!("Inv{number:05}lI"), format!("Acc{number:05}0O"));
            let mut record = serde_json::json!({
                "schema": "pkb-record/1", "row": {"file": "a.csv", "number": number + 2, "of": 9},
                "patient": {
                    "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Mr", "first_name": "Read",
                    "last_name": "Richards", "date_of_birth": "1990-05-01", "address": ["1 Main Street", "Byker"],
                    "postcode": "NE1 1XC",
                },
                "invitation": {"code": code, "token": token, "expires_at": "2026-12-23T09:00:00Z"},
            });
            if is_rehearsal {
                record["rehearsal"] = true.into();
            }
            let letter = LetterFields {
                name: "Mr Read Richards".into(),
                address: vec!["1 Main Street".into(), "BYKER".into(), "NE1 1XC".into()],
                join_url: format!("http://127.0.0.1:8180/join/?t1={code}&t2={token}"),
                invitation_code: code,
                access_code: token,
                languages,
                format,
                ..LetterFields::sample()
            };
            letters.push((letter, serde_json::from_value(record).unwrap()));
        }
    }
    letters
}

/// The file of some letters, and what verifying it finds.
fn made(
    typesetter: &Typesetter,
    design: Design,
    letters: &[(LetterFields, pkb_core::Record)],
) -> (Vec<u8>, Vec<String>) {
    let fields: Vec<LetterFields> = letters.iter().map(|(letter, _)| letter.clone()).collect();
    let laid_out = typesetter.lay_out(&fields).unwrap();
    let laid_out: Vec<LaidOut> = laid_out.into_iter().map(Result::unwrap).collect();
    let is_stamped = typesetter.stamping.is_some();
    assert!(
        laid_out
            .iter()
            .all(|letter| letter.is_stamped() == is_stamped)
    );
    let bound = typesetter.bind(laid_out, 1).unwrap();
    let placed = letters.iter().zip(bound.pages).zip(1..);
    let placed = placed.map(|(((letter, record), pages), number)| Placed {
        expected: Expected::of(record, letter.languages, design).unwrap(),
        number: Some(number),
        pages,
        qr_codes: QrReading::Camera,
    });
    let placed: Vec<Placed> = placed.collect();
    let found = check("a.pdf", bound.pdf.clone(), &placed, &[]).unwrap();
    assert_eq!(
        found.qr_codes as usize,
        letters.len(),
        "a camera reads each QR code"
    );
    let failures = found.failures.into_iter().map(|(_, words)| words);
    (bound.pdf, failures.collect())
}

#[test]
fn it_is_across_each_page_and_the_letter_is_as_it_would_be_without() {
    let template = Template::built_in().unwrap();
    for design in Design::ALL {
        let of_design = |is_rehearsal| {
            let mut letters = letters(is_rehearsal);
            if !design.has_codes() {
                for (letter, _) in &mut letters {
                    letter.join_url = "http://127.0.0.1:8180/join/".into();
                }
            }
            letters
        };
        let (real, rehearsal) = (of_design(false), of_design(true));
        let mut pdfs = Vec::new();
        for engine in [Engine::Typst, Engine::Stamp] {
            let plain = of(&template, design, engine, false);
            let (plain, failures) = made(&plain, design, &real);
            assert!(failures.is_empty(), "{failures:?}");
            let (pdf, failures) = made(&of(&template, design, engine, true), design, &rehearsal);
            assert!(failures.is_empty(), "{failures:?}");
            let pages = read_pages(plain.clone()).unwrap();
            for (page, before) in read_pages(pdf.clone()).unwrap().iter().zip(pages) {
                assert_eq!(page.across, "REHEARSAL");
                assert_eq!(page.text, before.text + "REHEARSAL\n");
                assert_eq!(before.across, "");
            }
            let (pdf, plain) = (Pdf::new(pdf).unwrap(), Pdf::new(plain).unwrap());
            assert!(Tags::of(&pdf) == Tags::of(&plain), "it is not read out");
            pdfs.push(pdf);
        }
        // A stamped value is drawn after all that letters share, so over the pale mark and not under it.
        for page in 0..pdfs[0].pages().len() {
            let differing = differing_pixels(&pdfs[1], &pdfs[0], (page, page));
            assert!(differing < 1000, "{differing} pixels of page {page}");
        }
    }
}

#[test]
fn a_letter_without_it_or_with_it_where_it_must_not_be_is_found() {
    let template = Template::built_in().unwrap();
    let design = Design::Letter;
    for engine in [Engine::Typst, Engine::Stamp] {
        for is_rehearsal in [true, false] {
            let typesetter = of(&template, design, engine, is_rehearsal);
            let (_, failures) = made(&typesetter, design, &letters(!is_rehearsal));
            let words = match is_rehearsal {
                true => "REHEARSAL is across the letter, and its record is not from a rehearsal",
                false => "REHEARSAL is not across each page",
            };
            assert_eq!(failures, [words; 4]);
        }
    }
    let read = |across: &str| Read {
        across: across.into(),
        ..Read::default()
    };
    let (_, record) = letters(true).remove(0);
    let expected = Expected::of(&record, LetterLanguages::default(), design).unwrap();
    let is_missing = |sheets: &[&Read]| {
        let failures = expected.failures(None, sheets, &Default::default());
        failures.iter().any(|words| words.contains("not across"))
    };
    let (there, away, other) = (read("REHEARSAL"), read(""), read("PROOF"));
    assert!(!is_missing(&[&there, &there]));
    assert!(is_missing(&[&there, &away]) && is_missing(&[&other]));
}

#[test]
fn the_title_of_the_document_says_it_once_for_who_cannot_see_it() {
    let template = Template::built_in().unwrap();
    for engine in [Engine::Typst, Engine::Stamp] {
        for is_rehearsal in [true, false] {
            let typesetter = of(&template, Design::Letter, engine, is_rehearsal);
            let (pdf, _) = made(&typesetter, Design::Letter, &letters(is_rehearsal));
            let pdf = Pdf::new(pdf).unwrap();
            let title = pdf.metadata().title.clone().unwrap();
            let title = String::from_utf8_lossy(&title).replace('\0', "");
            assert_eq!(title.contains("REHEARSAL: "), is_rehearsal, "{title}");
        }
    }
}
