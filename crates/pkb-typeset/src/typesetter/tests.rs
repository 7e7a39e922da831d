//! Tests of the typesetter.

use std::path::Path;

use proptest::prelude::*;

use super::*;

const LETTER_FILE: &str = "en/letter.typ";

fn typesetter(threads: usize) -> Typesetter {
    of_design(Design::Letter, threads)
}

fn of_design(design: Design, threads: usize) -> Typesetter {
    Typesetter::with_threads(&Template::built_in().unwrap(), design, threads).unwrap()
}

/// A template folder with a file that the test changes.
pub(super) fn folder_with(file: &str, change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Template::write_to(dir.path()).unwrap();
    let path = dir.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, change(text)).unwrap();
    dir
}

fn folder(change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    folder_with(LETTER_FILE, change)
}

fn open(dir: &Path) -> Result<Typesetter, TypesetError> {
    let template = Template::open(dir).unwrap();
    Typesetter::with_threads(&template, Design::Letter, 1)
}

fn letters(count: u64) -> Vec<LetterFields> {
    (0..count)
        .map(|number| LetterFields {
            invitation_code: format!("Invite{number:04}"),
            ..LetterFields::sample()
        })
        .collect()
}

/// All of them, which must be good.
fn typeset(typesetter: &Typesetter, letters: &[LetterFields]) -> TypesetLetters {
    let laid_out = typesetter.lay_out(letters).unwrap();
    let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
    typesetter.bind(laid_out, 1).unwrap()
}

fn fault(typesetter: &Typesetter, letter: &LetterFields) -> Option<LetterFault> {
    let laid_out = typesetter.lay_out(std::slice::from_ref(letter)).unwrap();
    laid_out.into_iter().next().unwrap().err()
}

/// The words of a finished letter, page by page, as other code reads them.
fn pages(typesetter: &Typesetter, letter: &LetterFields) -> Vec<String> {
    let pdf = typeset(typesetter, std::slice::from_ref(letter)).pdf;
    let pages = pkb_verify::page_reader::read_text_only(pdf).unwrap();
    pages.into_iter().map(|page| page.text).collect()
}

#[test]
fn the_built_in_letter_fits_one_page_and_has_no_warnings() {
    let typesetter = typesetter(2);
    assert_eq!(typesetter.warnings(), [] as [&str; 0]);
    let typeset = typeset(&typesetter, &letters(3));
    assert_eq!(typeset.pages, [(1, 1), (2, 2), (3, 3)]);
    assert!(typeset.pdf.starts_with(b"%PDF-"));
}

#[test]
fn each_design_has_its_pages_in_each_language_and_print() {
    // Pages in standard and in large print.
    for (design, languages, expected) in [
        (Design::Letter, LetterLanguages::default(), [1, 2]),
        (Design::Letter, "cy".parse().unwrap(), [1, 2]),
        (Design::Letter, "cy+en".parse().unwrap(), [2, 4]),
        (Design::Reminder, LetterLanguages::default(), [1, 2]),
        (Design::Reminder, "cy+en".parse().unwrap(), [2, 4]),
        (Design::Insert, LetterLanguages::default(), [1, 1]),
        (Design::Insert, "cy+en".parse().unwrap(), [2, 2]),
    ] {
        let typesetter = of_design(design, 1);
        for (format, expected) in LetterFormat::PRINTED.into_iter().zip(expected) {
            let letter = LetterFields {
                languages,
                format,
                ..LetterFields::sample()
            };
            let pages = pages(&typesetter, &letter);
            assert_eq!(pages.len(), expected, "{design:?} {languages:?} {format:?}");
            let numbers = |text: &str| text.contains("Page ") || text.contains("Tudalen ");
            assert!(pages.iter().all(|page| numbers(page) == (expected > 1)));
        }
    }
}

#[test]
fn welsh_comes_first_with_its_own_dates_and_page_numbers() {
    let letter = LetterFields {
        languages: "cy+en".parse().unwrap(),
        ..LetterFields::sample()
    };
    let pages = pages(&typesetter(1), &letter);
    let [welsh, english] = pages.as_slice() else {
        panic!("{} pages", pages.len())
    };
    for words in [
        "Annwyl Mr Read Richards",
        "22 Rhagfyr 2026",
        "Tudalen 1 o 2",
        "NE1 1XC",
    ] {
        assert!(welsh.contains(words), "{words}: {welsh}");
    }
    for words in ["Dear Mr Read Richards", "22 December 2026", "Page 2 of 2"] {
        assert!(english.contains(words), "{words}: {english}");
    }
}

#[test]
fn a_long_name_and_seven_lines_wrap_and_still_fit_the_window_and_the_page() {
    let mut letter = LetterFields {
        name: "Professor Wilhelmina Bartholomea Featherstonehaugh-Cholmondeley of Llanfairpwllgwyngyll".into(),
        ..LetterFields::sample()
    };
    letter
        .address
        .insert(0, "Flat 27b, The Old Infirmary Building".into());
    letter
        .address
        .insert(2, "St Bartholomew-in-the-Marsh".into());
    assert_eq!(typeset(&typesetter(1), &[letter]).pages, [(1, 1)]);
}

#[test]
fn as_many_lines_as_fit_are_printed_and_one_more_is_a_fault_of_that_letter_alone() {
    let typesetter = typesetter(2);
    let with_lines = |lines: usize| LetterFields {
        address: (0..lines).map(|line| format!("Line {line}")).collect(),
        ..LetterFields::sample()
    };
    let most = (1..14)
        .rev()
        .find(|lines| fault(&typesetter, &with_lines(*lines)).is_none())
        .unwrap();
    assert!(most >= 6, "name, five lines and post code fit");
    let letters = [with_lines(most), with_lines(most + 1), with_lines(3)];
    let laid_out = typesetter.lay_out(&letters).unwrap();
    assert!(laid_out[0].is_ok() && laid_out[2].is_ok());
    assert!(matches!(
        laid_out[1],
        Err(LetterFault::OutsideArea { page: 1, .. })
    ));
}

#[test]
fn markup_in_a_name_prints_as_it_is_written() {
    let name = "#panic(\"x\") *b* $1 <a> _i_ `c` @r = \\ // --";
    let letter = LetterFields {
        name: name.into(),
        ..LetterFields::sample()
    };
    let text = typesetter(1).text_of(&letter);
    assert!(text.lines().any(|run| run == name), "{text}");
}

#[test]
fn codes_are_in_one_piece_and_without_ligatures_incident_26() {
    for (invitation_code, access_code) in
        [("fi0O1lI-fl", "ffi/->==!="), ("fifflftffi", "fflftfiffi")]
    {
        let letter = LetterFields {
            invitation_code: invitation_code.into(),
            access_code: access_code.into(),
            ..LetterFields::sample()
        };
        let text = typesetter(1).text_of(&letter);
        let read = pages(&typesetter(1), &letter).concat();
        for code in [invitation_code, access_code] {
            assert!(text.lines().any(|run| run == code), "{text}");
            assert!(read.contains(code), "{read}");
        }
    }
}

#[test]
fn a_code_that_the_template_does_not_print_is_an_error() {
    let dir = folder_with("common.typ", |text| {
        text.replace("code(slot(\"access_code\"))", "[see below]")
    });
    let error = open(dir.path()).err().unwrap().to_string();
    assert!(
        error.contains("a code of this letter is broken or not printed"),
        "{error}"
    );
}

#[test]
fn a_field_that_does_not_exist_is_named_with_file_and_line() {
    let dir = folder(|text| text.replace("slot(\"name\")", "slot(\"nmae\")"));
    let text = std::fs::read_to_string(dir.path().join(LETTER_FILE)).unwrap();
    let line = text.lines().position(|line| line.contains("nmae")).unwrap() + 1;
    let error = open(dir.path()).err().unwrap().to_string();
    assert!(error.contains(&format!("en/letter.typ:{line}")), "{error}");
    assert!(
        error.contains("there is no field") && error.contains("first_name"),
        "{error}"
    );
}

#[test]
fn a_glyph_that_no_font_has_is_found_after_the_layout_too() {
    let mut letters = letters(2);
    letters[1].name = "王".into();
    let laid_out = typesetter(2).lay_out(&letters).unwrap();
    assert!(laid_out[0].is_ok());
    assert_eq!(laid_out[1].as_ref().err(), Some(&LetterFault::MissingGlyph));
}

#[test]
fn the_same_letters_are_the_same_bytes_again_and_with_one_or_two_threads() {
    let mut letters = letters(40);
    letters[7].languages = "cy+en".parse().unwrap();
    letters[8].format = LetterFormat::Large;
    let (one, two) = (typesetter(1), typesetter(2));
    let first = typeset(&two, &letters).pdf;
    assert!(first == typeset(&two, &letters).pdf);
    assert!(first == typeset(&one, &letters).pdf);
    let each = |typesetter: &Typesetter| {
        let laid_out = typesetter.lay_out(&letters).unwrap();
        let laid_out: Vec<LaidOut> = laid_out.into_iter().map(Result::unwrap).collect();
        typesetter.bind_each(laid_out, 5).unwrap()
    };
    assert!(each(&two) == each(&one));
}

#[test]
fn letters_for_two_sided_print_have_an_even_number_of_pages() {
    let dir = folder_with("template.toml", |text| {
        text.replace("duplex = false", "duplex = true")
    });
    let typesetter = open(dir.path()).unwrap();
    let mut letters = letters(3);
    letters[1].languages = "cy+en".parse().unwrap();
    assert_eq!(
        typeset(&typesetter, &letters).pages,
        [(1, 2), (3, 4), (5, 6)]
    );
}

#[test]
fn numbers_and_marks_are_printed_as_the_settings_say() {
    let dir = folder_with("template.toml", |text| {
        text.replace("number = \"plain\"", "number = \"of-file\"")
            .replace("barcode = \"none\"", "barcode = \"code128\"")
    });
    let typesetter = open(dir.path()).unwrap();
    let laid_out = typesetter.lay_out(&letters(3)).unwrap();
    let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
    let pdf = typesetter.bind(laid_out, 41).unwrap().pdf;
    let pages = pkb_verify::page_reader::read_text_only(pdf).unwrap();
    assert!(pages[0].text.contains("000041/000043"), "{}", pages[0].text);
    assert!(pages[2].text.contains("000043/000043"));
}

/// Which lines of the optical mark set are drawn on a page.
fn marks_on(pdf: &[u8], page: usize, lines: usize) -> Vec<bool> {
    let marks = crate::template::marks::Marks::default();
    let [left, top] = marks.omr_at;
    let line = |at: usize| {
        let y = top + at as f64 * marks.omr_pitch;
        [left, y - 1.0, left + marks.omr_length, y + 1.0]
    };
    let paper = [0.0, 0.0, 210.0, 297.0];
    let has_ink = |area: [f64; 4]| {
        let beside = [
            [paper[0], paper[1], paper[2], area[1] - 0.5],
            [paper[0], area[3] + 0.5, paper[2], paper[3]],
            [area[2] + 0.5, paper[1], paper[2], paper[3]],
        ];
        !ink_outside(pdf, page, &beside).is_empty()
    };
    (0..lines).map(|at| has_ink(line(at))).collect()
}

#[test]
fn each_letter_of_a_household_begins_a_sheet_with_its_marks_incident_29() {
    let dir = folder_with("template.toml", |text| {
        text.replace(
            "omr = []",
            "omr = [\"always\", \"first-sheet\", \"last-sheet\"]",
        )
        .replace("profile = \"notify\"", "profile = \"c5-window\"")
        .replace("number = \"plain\"", "number = \"of-file\"")
        .replace("duplex = false", "duplex = true")
    });
    let mut letters = letters(3);
    // Both languages in large print have four pages, on two sheets.
    letters[1].languages = "cy+en".parse().unwrap();
    letters[1].format = LetterFormat::Large;
    let typeset = typeset(&open(dir.path()).unwrap(), &letters);
    assert_eq!(typeset.pages, [(1, 2), (3, 6), (7, 8)]);
    let (no, yes) = (false, true);
    for (page, marks) in [
        [yes, yes, yes],
        [no; 3],
        [yes, yes, no],
        [no; 3],
        [yes, no, yes],
        [no; 3],
        [yes, yes, yes],
        [no; 3],
    ]
    .into_iter()
    .enumerate()
    {
        let drawn = marks_on(&typeset.pdf, page, 3);
        assert_eq!(drawn, marks, "page {}", page + 1);
    }
    let pages = pkb_verify::page_reader::read_text_only(typeset.pdf).unwrap();
    for (page, number) in [(0, 1), (2, 2), (4, 2), (6, 3)] {
        let words = format!("{number:06}/000003");
        assert!(pages[page].text.contains(&words), "{}", pages[page].text);
    }
}

#[test]
fn optical_marks_in_the_margin_are_refused_in_a_letter_for_notify_only() {
    let with = |profile: &str| {
        folder_with("template.toml", |text| {
            text.replace(
                "omr = []",
                "omr = [\"always\", \"last-sheet\", \"even-parity\"]",
            )
            .replace("barcode = \"none\"", "barcode = \"data-matrix\"")
            .replace("profile = \"notify\"", &format!("profile = \"{profile}\""))
        })
    };
    let error = open(with("notify").path()).err().unwrap().to_string();
    assert!(
        error.contains("outside the areas that may be printed"),
        "{error}"
    );
    for profile in ["dl-window", "c5-window"] {
        let typesetter = open(with(profile).path()).unwrap();
        assert_eq!(typeset(&typesetter, &letters(1)).pages, [(1, 1)]);
    }
}

#[test]
fn all_designs_fit_every_profile() {
    for profile in ["dl-window", "c5-window"] {
        let dir = folder_with("template.toml", |text| {
            text.replace("profile = \"notify\"", &format!("profile = \"{profile}\""))
        });
        let template = Template::open(dir.path()).unwrap();
        for design in Design::ALL {
            let result = Typesetter::with_threads(&template, design, 1);
            assert!(result.is_ok(), "{profile} {design:?}: {:?}", result.err());
        }
    }
}

#[test]
fn a_template_that_reads_a_file_outside_its_folder_fails() {
    for path in [
        "../secret",
        "/etc/passwd",
        "/../etc/passwd",
        "../../../../etc/passwd",
    ] {
        let dir = folder(|text| format!("#let x = read(\"{path}\")\n{text}"));
        std::fs::write(dir.path().parent().unwrap().join("secret"), "secret").ok();
        let error = open(dir.path()).err().unwrap().to_string();
        assert!(
            error.starts_with("the template fails at en/letter.typ:1: "),
            "{error}"
        );
    }
}

#[test]
fn a_template_that_wants_a_package_fails_without_a_network() {
    let dir = folder(|text| format!("#import \"@preview/tiaoma:0.3.0\": qrcode\n{text}"));
    let error = open(dir.path()).err().unwrap().to_string();
    assert!(
        error.starts_with("the template fails at en/letter.typ:1: "),
        "{error}"
    );
}

#[test]
fn a_template_that_fails_with_one_letter_names_the_line_but_no_values() {
    let dir = folder(|text| {
        text.replace(
            "#let letter(slot, sender) = [",
            "#let letter(slot, sender) = [\n  #if slot(\"invitation_code\") == \"Invite0002\" { panic(slot(\"name\")) }",
        )
    });
    let text = std::fs::read_to_string(dir.path().join(LETTER_FILE)).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("panic("))
        .unwrap()
        + 1;
    let laid_out = open(dir.path()).unwrap().lay_out(&letters(5)).unwrap();
    let faults: Vec<bool> = laid_out.iter().map(Result::is_err).collect();
    assert_eq!(faults, [false, false, true, false, false]);
    let fault = laid_out[2].as_ref().err().unwrap();
    assert_eq!(
        fault.to_string(),
        format!("the template fails at en/letter.typ:{line} with this letter")
    );
}

#[test]
fn no_letters_are_an_error_not_an_empty_file() {
    assert!(matches!(
        typesetter(1).bind(Vec::new(), 1),
        Err(TypesetError::NoLetters)
    ));
}

#[test]
fn a_file_has_one_bookmark_for_each_letter_with_its_number_and_nothing_else() {
    use hayro::hayro_syntax::object::{Dict, String as PdfString};
    let laid_out = typesetter(1).lay_out(&letters(3)).unwrap();
    let laid_out = laid_out.into_iter().map(Result::unwrap).collect();
    let pdf = typesetter(1).bind(laid_out, 41).unwrap().pdf;
    let pdf = hayro::hayro_syntax::Pdf::new(pdf).unwrap();
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id()).unwrap();
    let outlines: Dict<'_> = root.get("Outlines").unwrap();
    let mut titles = Vec::new();
    let mut next: Option<Dict<'_>> = outlines.get("First");
    while let Some(bookmark) = next {
        let title: PdfString<'_> = bookmark.get("Title").unwrap();
        titles.push(String::from_utf8_lossy(title.as_bytes()).into_owned());
        assert!(
            bookmark.get::<Dict<'_>>("First").is_none(),
            "nothing below it"
        );
        next = bookmark.get("Next");
    }
    assert_eq!(titles, ["000041", "000042", "000043"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Any Unicode, any length: a letter, or a fault; never a panic, and never anything but what was given.
    #[test]
    fn strange_records_are_printed_as_they_are_or_refused(
        name in "\\PC{1,60}|[#*_$<>@=`\\\\\\[\\]{}/~\"' a-zA-Z-]{1,60}|[א-ת ]{1,20}|[ء-ي ]{1,20}|\\PC{200,400}",
        line in "\\PC{1,60}|[#*_$<>@=`\\\\\\[\\]{}/~\"' a-z-]{1,60}",
        lines in 1usize..9,
    ) {
        static TYPESETTER: std::sync::LazyLock<Typesetter> = std::sync::LazyLock::new(|| typesetter(1));
        let letter = LetterFields {
            name: name.clone(),
            address: std::iter::repeat_n(line, lines).collect(),
            ..LetterFields::sample()
        };
        let laid_out = TYPESETTER.lay_out(std::slice::from_ref(&letter)).unwrap();
        if let Some(Ok(_)) = laid_out.into_iter().next() {
            let text = TYPESETTER.text_of(&letter);
            let only = |text: &str| -> String {
                text.chars().filter(|c| c.is_alphanumeric() || "#*_$<>@=`\\[]{}/~\"".contains(*c)).collect()
            };
            let mut wanted: Vec<char> = only(&name).chars().collect();
            let seen = only(&text);
            wanted.retain(|c| !seen.contains(*c));
            prop_assert!(wanted.is_empty(), "{:?} is lost", wanted);
        }
    }

    /// What is printed reads back: no name makes the reader stop a campaign whose letters are right.
    #[test]
    fn whatever_name_is_printed_reads_back_as_it_was_written(
        name in "[A-Za-zÀ-ž'’. ()-]{1,30}|[א-ת '\"()-]{1,20}|[ء-غف-ي '()-]{1,20}|[A-Za-z]{1,8} [א-ת]{1,8}( [0-9]{1,3})?|[ء-غف-ي]{1,8}[ -][A-Za-z]{1,8}|\\PC{1,20}",
    ) {
        static TYPESETTER: std::sync::LazyLock<Typesetter> = std::sync::LazyLock::new(|| typesetter(1));
        let record = serde_json::json!({
            "schema": "pkb-record/1", "row": {"file": "a.csv", "number": 7, "of": 9},
            "patient": {
                "national_id": {"type": "NHS_NUMBER", "value": "9990000018"}, "title": "Mx", "first_name": "Ann",
                "last_name": name, "date_of_birth": "1990-05-01", "address": ["1 Main Street"], "postcode": "NE1 1XC",
            },
            "invitation": {"code": "NKcYiAciBU", "token": "KVPnrFYPay", "expires_at": "2026-12-23T09:00:00Z"},
        });
        // Not every text is a name.
        let Ok(record) = serde_json::from_value::<pkb_core::Record>(record) else { return Ok(()) };
        let letter = LetterFields {
            name: record.patient.as_ref().unwrap().expose_full_name(),
            address: vec!["1 Main Street".into(), "NE1 1XC".into()],
            ..LetterFields::sample()
        };
        let is_printable = Template::built_in().unwrap().fonts().missing_glyphs(&letter).is_empty();
        let laid_out = TYPESETTER.lay_out(&[letter]).unwrap();
        let (true, Some(Ok(laid_out))) = (is_printable, laid_out.into_iter().next()) else { return Ok(()) };
        let pdf = TYPESETTER.bind(vec![laid_out], 1).unwrap().pdf;
        let expected = pkb_verify::expected::Expected::of(&record, LetterLanguages::default(), Design::Letter);
        let placed = pkb_verify::sheets::placed::Placed {
            expected: expected.unwrap(),
            number: Some(1),
            pages: (1, 1),
            qr_codes: pkb_verify::sheets::QrReading::Pictures,
        };
        let found = pkb_verify::sheets::placed::check("a.pdf", pdf, &[placed], &[]).unwrap();
        prop_assert_eq!(found.failures, []);
    }
}

/// Where ink is on a rendered page, outside `areas`: millimetres from the top left corner.
fn ink_outside(
    pdf: &[u8],
    page: usize,
    areas: &[crate::template::geometry::Area],
) -> Vec<[f64; 2]> {
    use hayro::{RenderCache, RenderSettings, render, vello_cpu::color::palette::css::WHITE};
    const PIXELS_A_MM: f64 = 4.0;
    let pdf = hayro::hayro_syntax::Pdf::new(pdf.to_vec()).unwrap();
    let scale = (PIXELS_A_MM * 25.4 / 72.0) as f32;
    let settings = RenderSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
        ..Default::default()
    };
    let cache = RenderCache::new();
    let pixels = render(&pdf.pages()[page], &cache, &Default::default(), &settings);
    let mut outside = Vec::new();
    for y in 0..pixels.height() {
        for x in 0..pixels.width() {
            let colour = pixels.sample(x, y);
            let is_white = colour.r == 255 && colour.g == 255 && colour.b == 255;
            let at = [f64::from(x) / PIXELS_A_MM, f64::from(y) / PIXELS_A_MM];
            // A pixel at the edge of an area may be half in it.
            let slack = 1.0 / PIXELS_A_MM;
            let is_inside = areas.iter().any(|area| {
                (area[0] - slack..=area[2] + slack).contains(&at[0])
                    && (area[1] - slack..=area[3] + slack).contains(&at[1])
            });
            if !is_white && !is_inside {
                outside.push(at);
            }
        }
    }
    outside
}

#[test]
fn no_ink_is_outside_the_areas_of_notify_with_the_longest_name_and_address_that_fit() {
    // As GOV.UK Notify has them, not as our own settings say.
    let first = [
        [15.0, 5.0, 125.0, 30.0],
        [125.0, 5.0, 195.0, 95.0],
        [24.6, 39.5, 120.0, 66.3],
        [15.0, 95.0, 195.0, 292.0],
    ];
    let next = [[15.0, 5.0, 195.0, 292.0]];
    let long = |lines: usize| LetterFields {
        name: "Professor Wilhelmina Bartholomea Featherstonehaugh of Llanfairpwll".into(),
        address: (0..lines)
            .map(|line| format!("Flat {line}, The Old Infirmary, Bartholomew-in-the-Marsh Mjgyq"))
            .collect(),
        ..LetterFields::sample()
    };
    for design in [Design::Letter, Design::Reminder] {
        let typesetter = of_design(design, 1);
        let most = (1..9)
            .rev()
            .find(|lines| fault(&typesetter, &long(*lines)).is_none())
            .unwrap();
        for languages in Template::built_in().unwrap().languages(design) {
            for format in LetterFormat::PRINTED {
                for letter in [LetterFields::sample(), long(most)] {
                    let letter = LetterFields {
                        languages,
                        format,
                        ..letter
                    };
                    let typeset = typeset(&typesetter, std::slice::from_ref(&letter));
                    for page in 0..usize::try_from(typeset.pages[0].1).unwrap() {
                        let areas = if page == 0 { &first[..] } else { &next[..] };
                        let outside = ink_outside(&typeset.pdf, page, areas);
                        assert!(
                            outside.is_empty(),
                            "{letter:?} page {page}: {:?}",
                            outside.first()
                        );
                    }
                }
            }
        }
    }
    // The measure can fail.
    let pdf = typeset(&typesetter(1), &letters(1)).pdf;
    assert!(!ink_outside(&pdf, 0, &first[1..]).is_empty());
}

#[test]
fn arabic_and_hebrew_names_are_read_back_as_they_were_written() {
    let record = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":7,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"title":"Mr","first_name":"FIRST","last_name":"LAST","date_of_birth":"1990-05-01","address":["1 Main Street","Newcastle"],"postcode":"NE1 1XC"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-23T09:00:00Z"}}"#;
    let typesetter = typesetter(1);
    for (first, last) in [
        ("محمد", "علي"),
        ("ليلى", "الحداد"),
        ("عبد الله", "بن لادن الأمين"),
        ("דוד", "לוי-כהן"),
        ("شاهین", "پژوهش"),
        ("محمد", "Ali"),
    ] {
        let record = record.replace("FIRST", first).replace("LAST", last);
        let record: pkb_core::Record = serde_json::from_str(&record).unwrap();
        let letter = LetterFields {
            name: record.patient.as_ref().unwrap().expose_full_name(),
            address: vec!["1 Main Street".into(), "NEWCASTLE".into(), "NE1 1XC".into()],
            ..LetterFields::sample()
        };
        let pdf = typeset(&typesetter, &[letter]).pdf;
        let expected =
            pkb_verify::expected::Expected::of(&record, LetterLanguages::default(), Design::Letter)
                .unwrap();
        let placed = pkb_verify::sheets::placed::Placed {
            expected,
            number: Some(1),
            pages: (1, 1),
            qr_codes: pkb_verify::sheets::QrReading::Camera,
        };
        let found = pkb_verify::sheets::placed::check("a.pdf", pdf, &[placed], &[]).unwrap();
        assert_eq!(found.failures, [], "{first} {last}");
    }
}
