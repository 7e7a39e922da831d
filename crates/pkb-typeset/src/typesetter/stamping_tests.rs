//! Typst is the reference: a letter by the stamp engine is the same letter, glyph by glyph, tag by tag, and pixel by pixel.
//! `PKB_STAMP_LETTERS` sets how many generated letters are compared (a multiple of what continuous integration has time
//! for, before a release).

use std::collections::BTreeMap;

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, String as PdfString};
use jiff::ToSpan as _;
use jiff::civil::date;

use super::tests::folder_with;
use super::*;
use pkb_verify::page_reader::glyphs_of;

fn of_engine(template: &Template, design: Design, engine: Engine) -> Typesetter {
    stamping_few(
        Typesetter::with_threads(template, design, 2)
            .unwrap()
            .with_engine(engine)
            .unwrap(),
    )
}

/// Stamps a single letter, too.
pub(super) fn stamping_few(mut typesetter: Typesetter) -> Typesetter {
    if let Some(stamping) = &mut typesetter.stamping {
        stamping.at_least = 0;
    }
    typesetter
}

/// A sequence of numbers that is the same in each run.
struct Dice {
    state: u64,
    /// Address lines above the town.
    line_counts: &'static [usize],
}

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % sides
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }

    fn code(&mut self) -> String {
        let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
        (0..10)
            .map(|_| alphabet[self.roll(alphabet.len())])
            .collect()
    }

    /// A letter as patient files have them: mostly plain, at times with accents, other scripts, or very long lines.
    fn letter(&mut self) -> LetterFields {
        let firsts = [
            "Ann",
            "Siân",
            "Llŷr",
            "Łukasz",
            "Zoë",
            "Wilhelmina Bartholomea",
            "Jean-Luc",
            "Fflur",
            "Ava",
            "محمد",
            "ليلى عبد الله",
            "Nguyễn",
            "Ελένη",
            "Tŵm",
            "O",
            "Æthelflæd",
            "e\u{301}mile",
        ];
        let lasts = [
            "Lee",
            "O’Brien",
            "O'Brien-Smith",
            "Featherstonehaugh-Cholmondeley",
            "Żółć",
            "ap Rhys",
            "Ffoulkes",
            "Tawy",
            "Ng",
            "Griffith (née Wyn)",
            "von Ößling",
            "علي",
            "الخياط (née Wyn)",
            "Щербак",
            "AVAWAT",
            "de la Cruz y Llanfairpwllgwyngyll",
        ];
        let lines = [
            "1 Main Street",
            "27b Featherstonehaugh Gardens",
            "12",
            "Tŷ Gwyn, Ffordd y Bryn",
            "Flat 3/1, Top Floor (rear)",
            "The Old Infirmary, Bartholomew-in-the-Marsh, by Wye",
            "c/o “The Ship” & Co.",
            "Ysbyty Glan Clwyd",
            "12 شارع النيل, Byker",
            "شارع 12",
            "A very long line indeed that nobody would write but somebody will have in a file one day, too",
        ];
        let (first, last) = (self.one_of(&firsts), self.one_of(&lasts));
        let title = self.one_of(&["Mr ", "Mrs ", "Dr ", "", "Professor "]);
        let own_lines = self.line_counts[self.roll(self.line_counts.len())];
        let mut address: Vec<String> = (0..own_lines)
            .map(|_| self.one_of(&lines).to_owned())
            .collect();
        address.push(
            self.one_of(&["NEWCASTLE UPON TYNE", "YNYS MÔN", "TYWYN", "AVA"])
                .to_owned(),
        );
        address.push(self.one_of(&["NE1 1XC", "LL77 7TW", "W1A 1AA"]).to_owned());
        let (invitation_code, access_code) = (self.code(), self.code());
        LetterFields {
            name: format!("{title}{first} {last}"),
            first_name: first.into(),
            last_name: last.into(),
            address,
            join_url: format!("https://joinpkb.com/?t1={invitation_code}&t2={access_code}"),
            invitation_code,
            access_code,
            last_day: date(2026, 12, 1) + i64::try_from(self.roll(400)).unwrap().days(),
            languages: LetterLanguages::all().nth(self.roll(3)).unwrap(),
            format: LetterFormat::PRINTED[self.roll(LetterFormat::PRINTED.len())],
            ..LetterFields::sample()
        }
    }
}

/// The tags of a PDF, one text for each letter: roles, languages, words for screen readers, places, and the glyphs that
/// each holds.
pub(super) struct Tags<'a> {
    pdf: &'a Pdf,
    pages: BTreeMap<i32, usize>,
}

impl<'a> Tags<'a> {
    pub(super) fn of(pdf: &'a Pdf) -> Vec<Vec<String>> {
        let number =
            |page: &hayro::hayro_syntax::page::Page<'_>| page.raw().obj_id().unwrap().obj_number;
        let tags = Self {
            pdf,
            pages: pdf.pages().iter().map(number).zip(0..).collect(),
        };
        let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id()).unwrap();
        let tree: Dict<'_> = root.get("StructTreeRoot").unwrap();
        let document: Dict<'_> = tree
            .get::<Array<'_>>("K")
            .unwrap()
            .iter::<Dict<'_>>()
            .next()
            .unwrap();
        assert_eq!(document.get::<Name<'_>>("S").unwrap().as_str(), "Document");
        let language = root
            .get::<PdfString<'_>>("Lang")
            .unwrap()
            .as_bytes()
            .to_vec();
        let kids: Vec<Dict<'_>> = document.get::<Array<'_>>("K").unwrap().iter().collect();
        let is_merged = kids
            .iter()
            .all(|kid| kid.get::<Name<'_>>("S").unwrap().as_str() == "Part");
        let letters: Vec<(Vec<u8>, Vec<Dict<'_>>)> = if is_merged {
            let part = |part: Dict<'a>| {
                let language = part
                    .get::<PdfString<'_>>("Lang")
                    .unwrap()
                    .as_bytes()
                    .to_vec();
                (
                    language,
                    part.get::<Array<'_>>("K").unwrap().iter().collect(),
                )
            };
            kids.into_iter().map(part).collect()
        } else {
            vec![(language, kids)]
        };
        let letter = |(language, kids): (Vec<u8>, Vec<Dict<'_>>)| {
            let first_page = kids
                .iter()
                .find_map(|kid| tags.page_of(kid))
                .unwrap_or_default();
            let mut lines = vec![String::from_utf8(language).unwrap()];
            kids.iter()
                .for_each(|kid| tags.describe(kid, 0, first_page, &mut lines));
            lines
        };
        letters.into_iter().map(letter).collect()
    }

    fn page_of(&self, element: &Dict<'a>) -> Option<usize> {
        if let Some(page) = element.get_ref("Pg") {
            return self.pages.get(&page.obj_number).copied();
        }
        let kids = element.get::<Array<'_>>("K")?;
        let kids: Vec<Dict<'_>> = kids
            .raw_iter()
            .filter_map(|kid| self.element(kid))
            .collect();
        kids.iter().find_map(|kid| self.page_of(kid))
    }

    fn element(&self, kid: MaybeRef<Object<'a>>) -> Option<Dict<'a>> {
        let reference = kid.as_obj_ref()?;
        self.pdf.xref().get(reference.into())
    }

    fn describe(
        &self,
        element: &Dict<'a>,
        depth: usize,
        first_page: usize,
        lines: &mut Vec<String>,
    ) {
        let text = |key: &str| {
            element
                .get::<PdfString<'_>>(key)
                .map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned())
        };
        let mut line = format!(
            "{}{}",
            "  ".repeat(depth),
            element.get::<Name<'_>>("S").unwrap().as_str()
        );
        for key in ["Lang", "Alt", "T", "ActualText", "E"] {
            line.extend(text(key).map(|text| format!(" {key}={text}")));
        }
        if let Some(attributes) = element.get::<Array<'_>>("A") {
            line.push_str(&String::from_utf8_lossy(attributes.data()));
        }
        if element.contains_key("Pg") {
            line.push_str(&format!(
                " page {}",
                self.page_of(element).unwrap() - first_page
            ));
        }
        let place = lines.len();
        lines.push(line);
        for kid in element.get::<Array<'_>>("K").unwrap().raw_iter() {
            match kid {
                MaybeRef::NotRef(Object::Number(number)) => {
                    lines[place].push_str(&format!(" #{}", number.as_i64()))
                }
                kid => self.describe(&self.element(kid).unwrap(), depth + 1, first_page, lines),
            }
        }
    }
}

/// A tag without the numbers of its sequences.
fn unnumbered(line: &str) -> String {
    let words = line
        .split(' ')
        .filter(|word| !word.starts_with('#'))
        .collect::<Vec<_>>();
    words.join(" ")
}

fn assert_same_glyphs(
    ours: &[(String, f64, f64, f64)],
    reference: &[(String, f64, f64, f64)],
    what: &str,
) {
    let sorted = |glyphs: &[(String, f64, f64, f64)]| {
        let mut sorted = glyphs.to_vec();
        sorted.sort_by(|a, b| {
            let key = |glyph: &(String, f64, f64, f64)| {
                (
                    (glyph.2 * 10.0).round() as i64,
                    (glyph.1 * 10.0).round() as i64,
                )
            };
            key(a).cmp(&key(b)).then_with(|| a.0.cmp(&b.0))
        });
        sorted
    };
    let near = |a: &(String, f64, f64, f64), b: &(String, f64, f64, f64)| {
        a.0 == b.0
            && (a.1 - b.1).abs() < 0.01
            && (a.2 - b.2).abs() < 0.01
            && (a.3 - b.3).abs() < 0.01
    };
    // Rounding can put two neighbours in either order, so each glyph looks for its like.
    let (mut ours, reference) = (sorted(ours), sorted(reference));
    assert_eq!(
        ours.len(),
        reference.len(),
        "{what}: another number of glyphs"
    );
    for (at, glyph) in reference.iter().enumerate() {
        // A line that is rounded to another height is sorted to another place.
        let start = at.saturating_sub(200);
        let like = (start..ours.len().min(at + 201)).find(|place| near(&ours[*place], glyph));
        let Some(place) = like else {
            panic!("{what}: {glyph:?} is not there, but {:?}", ours.get(at))
        };
        ours[place].0 = "taken".into();
    }
}

/// Pixels of a page that differ by more than what anti-aliasing can make of a hundredth of a point.
pub(super) fn differing_pixels(ours: &Pdf, reference: &Pdf, pages: (usize, usize)) -> usize {
    use hayro::{RenderCache, RenderSettings, render, vello_cpu::color::palette::css::WHITE};
    let scale = 100.0 / 72.0;
    let settings = RenderSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
        ..Default::default()
    };
    let draw = |pdf: &Pdf, page: usize| {
        let cache = RenderCache::new();
        render(&pdf.pages()[page], &cache, &Default::default(), &settings)
    };
    let (ours, reference) = (draw(ours, pages.0), draw(reference, pages.1));
    assert_eq!(
        (ours.width(), ours.height()),
        (reference.width(), reference.height())
    );
    let differs = |x: u16, y: u16| {
        let (a, b) = (ours.sample(x, y), reference.sample(x, y));
        [(a.r, b.r), (a.g, b.g), (a.b, b.b)]
            .iter()
            .any(|(a, b)| a.abs_diff(*b) > 48)
    };
    (0..ours.height())
        .flat_map(|y| (0..ours.width()).map(move |x| (x, y)))
        .filter(|(x, y)| differs(*x, *y))
        .count()
}

/// Lays the same letters out with both engines, and compares them alone and together. Returns how many were stamped.
fn compare(
    template: &Template,
    design: Design,
    letters: &[LetterFields],
    with_pixels: usize,
) -> usize {
    let (ours, reference) = (
        of_engine(template, design, Engine::Auto),
        of_engine(template, design, Engine::Typst),
    );
    let (stamped, typeset) = (
        ours.lay_out(letters).unwrap(),
        reference.lay_out(letters).unwrap(),
    );
    let mut good = (Vec::new(), Vec::new());
    let mut is_stamped = Vec::new();
    for ((stamped, typeset), letter) in stamped.into_iter().zip(typeset).zip(letters) {
        match (stamped, typeset) {
            (Ok(stamped), Ok(typeset)) => {
                assert_eq!(
                    stamped.page_count(),
                    typeset.page_count(),
                    "{} {:?}",
                    letter.name,
                    letter.address
                );
                is_stamped.push((stamped.is_stamped(), letter));
                good.0.push(stamped);
                good.1.push(typeset);
            }
            (stamped, typeset) => assert_eq!(
                stamped.err(),
                typeset.err(),
                "{} {:?}",
                letter.name,
                letter.address
            ),
        }
    }
    let again = ours
        .lay_out(letters)
        .unwrap()
        .into_iter()
        .filter_map(Result::ok)
        .collect();
    let merged = ours.bind(again, 41).unwrap();
    let merged_pdf = Pdf::new(merged.pdf.clone()).unwrap();
    let (merged_glyphs, merged_tags) = (glyphs_of(&merged.pdf).unwrap(), Tags::of(&merged_pdf));
    assert_eq!(merged_tags.len(), is_stamped.len());
    let (ours, reference) = (
        ours.bind_each(good.0, 41).unwrap(),
        reference.bind_each(good.1, 41).unwrap(),
    );
    for (at, ((ours, reference), (_, letter))) in
        ours.iter().zip(&reference).zip(&is_stamped).enumerate()
    {
        let what = format!(
            "{} {:?} {:?} {}",
            letter.name,
            letter.address,
            letter.languages,
            letter.format.as_str()
        );
        let first = usize::try_from(merged.pages[at].0).unwrap() - 1;
        let expected = glyphs_of(reference).unwrap();
        for (page, (own, expected)) in glyphs_of(ours).unwrap().iter().zip(&expected).enumerate() {
            assert_same_glyphs(own, expected, &what);
            assert_same_glyphs(&merged_glyphs[first + page], expected, &what);
        }
        let (own, reference) = (
            Pdf::new(ours.clone()).unwrap(),
            Pdf::new(reference.clone()).unwrap(),
        );
        // Typst makes several sequences of a line with Arabic words, and numbers those after it differently.
        let tags = |tags: &[String]| match super::stamping::has_arabic(letter) {
            true => tags.iter().map(|line| unnumbered(line)).collect(),
            false => tags.to_vec(),
        };
        let expected_tags = tags(&Tags::of(&reference)[0]);
        assert_eq!(tags(&Tags::of(&own)[0]), expected_tags, "{what}");
        assert_eq!(tags(&merged_tags[at]), expected_tags, "{what}");
        if at < with_pixels {
            for page in 0..expected.len() {
                assert_eq!(
                    differing_pixels(&own, &reference, (page, page)),
                    0,
                    "{what}, page {page}"
                );
                assert_eq!(
                    differing_pixels(&merged_pdf, &reference, (first + page, page)),
                    0,
                    "{what}, page {page}"
                );
            }
        }
    }
    is_stamped
        .iter()
        .filter(|(is_stamped, _)| *is_stamped)
        .count()
}

fn letters_to_compare(default: usize) -> usize {
    std::env::var("PKB_STAMP_LETTERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn a_stamped_letter_is_the_letter_that_typst_makes_in_all_designs_languages_and_prints() {
    let template = Template::built_in().unwrap();
    let count = letters_to_compare(200);
    // Each number of lines is a page to be laid out with placeholders, which takes a second in a build for tests.
    let line_counts: &[usize] = if count > 200 {
        &[0, 1, 2, 3, 4, 5]
    } else {
        &[0, 2, 4]
    };
    for (design, seed) in Design::ALL.into_iter().zip(1..) {
        let mut dice = Dice {
            state: seed,
            line_counts,
        };
        let letters: Vec<LetterFields> = (0..count / Design::ALL.len())
            .map(|_| dice.letter())
            .collect();
        let stamped = compare(&template, design, &letters, 4);
        // Some names are of other scripts, and some lines are too long; most are not.
        assert!(
            stamped * 10 > letters.len() * 3 && stamped < letters.len(),
            "{stamped} of {}",
            letters.len()
        );
    }
}

#[test]
fn names_and_addresses_of_arabic_script_are_stamped_as_typst_sets_them() {
    let template = Template::built_in().unwrap();
    let names = [
        ("ليلى", "البنا"),
        ("طارق", "النجار"),
        ("هدى", "الحداد"),
        ("مريم", "الخياط"),
        ("Omar", "الصباغ"),
        ("نور", "Smith-Wyn"),
        ("پروین", "گلی"),
        ("ٹیپو", "ڈار"),
        ("لاله", "بن-علي"),
    ];
    let letter = |(at, (first, last)): (usize, (&str, &str))| LetterFields {
        name: format!("{}{first} {last}", ["Mx ", ""][at % 2]),
        first_name: first.into(),
        last_name: last.into(),
        address: vec![
            ["شارع النيل", "12b Tyfield Walk", "2 شارع النيل (rear)"][at % 3].into(),
            "TYWYN".into(),
        ],
        format: LetterFormat::PRINTED[at % LetterFormat::PRINTED.len()],
        ..LetterFields::sample()
    };
    let letters: Vec<LetterFields> = names.into_iter().enumerate().map(letter).collect();
    for design in Design::ALL {
        assert_eq!(
            compare(&template, design, &letters, letters.len()),
            letters.len()
        );
    }
}

#[test]
fn arabic_words_that_a_template_sets_in_its_own_way_are_laid_out_by_typst() {
    let larger =
        "Dear #[#show regex(\"[\\u{600}-\\u{6FF}]+\"): set text(size: 1.2em); #slot(\"name\")],";
    let template = opened("en/letter.typ", |text| {
        assert!(text.contains("Dear #slot(\"name\"),"));
        text.replace("Dear #slot(\"name\"),", larger)
    });
    let named = |name: &str| LetterFields {
        name: name.into(),
        ..LetterFields::sample()
    };
    let letters = ["Mr Wye", "Mx نور بن"].map(named);
    assert_eq!(compare(&template, Design::Letter, &letters, 2), 1);
}

#[test]
fn the_built_in_template_can_be_stamped_in_all_designs_languages_prints_and_numbers_of_lines() {
    let template = Template::built_in().unwrap();
    for design in Design::ALL {
        let typesetter = of_engine(&template, design, Engine::Auto);
        for languages in template.languages(design) {
            for format in LetterFormat::PRINTED {
                for lines in [2, 6] {
                    let mut letter = LetterFields {
                        languages,
                        format,
                        ..LetterFields::sample()
                    };
                    letter.address = vec!["1 Main Street".into(); lines];
                    let what = format!(
                        "{} {} {} {lines}",
                        design.as_str(),
                        languages.as_str(),
                        format.as_str()
                    );
                    let stampable = typesetter.is_stampable(&letter);
                    let is_latin = languages.languages().iter().all(|one| one.is_latin());
                    assert_eq!(stampable.is_ok(), is_latin, "{what}: {stampable:?}");
                }
            }
        }
    }
}

fn opened(file: &str, change: impl FnOnce(String) -> String) -> Template {
    Template::open(folder_with(file, change).path()).unwrap()
}

fn dice(seed: u64) -> Dice {
    Dice {
        state: seed,
        line_counts: &[2],
    }
}

#[test]
fn numbers_barcodes_and_marks_of_stamped_letters_are_those_of_typst() {
    for (barcode, profile, omr) in [
        ("code128", "notify", "[]"),
        ("data-matrix", "dl-window", "[\"always\", \"last-sheet\"]"),
    ] {
        let template = opened("template.toml", |text| {
            text.replace("number = \"plain\"", "number = \"of-file\"")
                .replace("barcode = \"none\"", &format!("barcode = \"{barcode}\""))
                .replace("profile = \"notify\"", &format!("profile = \"{profile}\""))
                .replace("omr = []", &format!("omr = {omr}"))
                .replace("duplex = false", "duplex = true")
        });
        let letters: Vec<LetterFields> = (1..=3)
            .map(|seed| LetterFields {
                name: "Ms Siân Ŵyn".into(),
                format: LetterFormat::Standard,
                ..dice(seed).letter()
            })
            .map(|letter| LetterFields {
                address: LetterFields::sample().address,
                languages: LetterLanguages::default(),
                ..letter
            })
            .collect();
        let typesetter = of_engine(&template, Design::Letter, Engine::Stamp);
        let laid_out: Vec<LaidOut> = typesetter
            .lay_out(&letters)
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert!(laid_out.iter().all(LaidOut::is_stamped));
        // The page looks the same alone as among others but for the number of the last letter, so all are alike here.
        assert_eq!(
            compare(&template, Design::Letter, &letters, 3),
            3,
            "{barcode}"
        );
    }
}

#[test]
fn letters_that_come_in_parts_are_the_file_of_those_that_come_at_once() {
    let of_file = opened("template.toml", |text| {
        text.replace("number = \"plain\"", "number = \"of-file\"")
    });
    // More than the first window of the file and than one group of it, and some by Typst among them.
    let letters: Vec<LetterFields> = (0..450_usize)
        .map(|at| LetterFields {
            name: match at % 90 {
                17 => "Щербак".into(),
                _ => format!("Ms Siân Ŵyn-{at}"),
            },
            ..LetterFields::sample()
        })
        .collect();
    for template in [Template::built_in().unwrap(), of_file] {
        let typesetter = of_engine(&template, Design::Letter, Engine::Auto);
        let laid_out = || -> Vec<LaidOut> {
            let all = typesetter.lay_out(&letters).unwrap();
            all.into_iter().map(Result::unwrap).collect()
        };
        assert_eq!(
            laid_out()
                .iter()
                .filter(|letter| letter.is_stamped())
                .count(),
            445
        );
        let at_once = typesetter.bind(laid_out(), 41).unwrap();
        let mut binding = typesetter.binding(Vec::new(), 41);
        let (mut rest, mut pages) = (laid_out(), Vec::new());
        for part in [1, 16, 1, 0, 232, 200] {
            let after = rest.split_off(part);
            pages.extend(binding.add(std::mem::replace(&mut rest, after)).unwrap());
        }
        assert!(rest.is_empty() && pages == at_once.pages);
        assert!(binding.finish().unwrap() == at_once.pdf);
    }
}

#[test]
fn the_same_letters_are_the_same_bytes_again_with_one_or_two_threads_and_whichever_came_before() {
    let template = Template::built_in().unwrap();
    let letters: Vec<LetterFields> = {
        let mut dice = dice(9);
        let letters = (0..70).map(|_| dice.letter());
        letters
            .map(|letter| LetterFields {
                format: LetterFormat::Standard,
                languages: LetterLanguages::default(),
                ..letter
            })
            .collect()
    };
    let typesetter = |threads| {
        stamping_few(
            Typesetter::with_threads(&template, Design::Letter, threads)
                .unwrap()
                .with_engine(Engine::Auto)
                .unwrap(),
        )
    };
    let (one, two) = (typesetter(1), typesetter(2));
    let laid_out = |typesetter: &Typesetter| {
        typesetter
            .lay_out(&letters)
            .unwrap()
            .into_iter()
            .filter_map(Result::ok)
            .collect::<Vec<_>>()
    };
    let first = one.bind(laid_out(&one), 7).unwrap().pdf;
    let backwards: Vec<LetterFields> = letters.iter().rev().cloned().collect();
    two.lay_out(&backwards).unwrap();
    assert!(first == two.bind(laid_out(&two), 7).unwrap().pdf);
    assert!(first == one.bind(laid_out(&one), 7).unwrap().pdf);
    assert!(one.bind_each(laid_out(&one), 7).unwrap() == two.bind_each(laid_out(&two), 7).unwrap());
}

#[test]
fn a_template_that_cannot_be_stamped_says_why_and_is_laid_out_by_typst() {
    type Change = fn(String) -> String;
    let cases: [(&str, Change, &str); 4] = [
        (
            "en/letter.typ",
            |text| {
                text.replace("Dear #slot(\"name\"),", "#par(justify: true)[Dear #slot(\"name\"), and all who live with you at this place, please read this letter with great care and patience]")
            },
            "is laid out differently for different patients",
        ),
        (
            "en/letter.typ",
            |text| {
                text.replace(
                    "Dear #slot(\"name\"),",
                    "Dear #slot(\"name\"), see #link(\"https://example.org\")[here]",
                )
            },
            "does not copy",
        ),
        (
            "en/shared.typ",
            |text| text.replace("== Get help", "== Get help, #slot(\"name\")"),
            "a heading has a name, a code or another detail",
        ),
        (
            "template.toml",
            |text| {
                text.replace("omr = []", "omr = [\"count1\"]")
                    .replace("profile = \"notify\"", "profile = \"dl-window\"")
            },
            "count letters",
        ),
    ];
    for (file, change, why) in cases {
        let template = opened(file, change);
        let typesetter = of_engine(&template, Design::Letter, Engine::Auto);
        let reason = typesetter
            .is_stampable(&LetterFields::sample())
            .unwrap_err();
        assert!(reason.contains(why), "{reason}");
        let laid_out = typesetter.lay_out(&[LetterFields::sample()]).unwrap();
        assert!(!laid_out[0].as_ref().unwrap().is_stamped());
        let error = Typesetter::with_threads(&template, Design::Letter, 1)
            .unwrap()
            .with_engine(Engine::Stamp)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("en/letter.typ cannot be stamped (en, standard print), because "),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_a_few_letters_is_laid_out_by_typst_unless_stamping_is_asked_for() {
    let template = Template::built_in().unwrap();
    let stamped = |engine, count| {
        let typesetter = Typesetter::with_threads(&template, Design::Insert, 1)
            .unwrap()
            .with_engine(engine)
            .unwrap();
        let laid_out = typesetter
            .lay_out(&vec![LetterFields::sample(); count])
            .unwrap();
        laid_out
            .into_iter()
            .filter(|letter| letter.as_ref().unwrap().is_stamped())
            .count()
    };
    assert_eq!(stamped(Engine::Auto, 19), 0);
    assert_eq!(stamped(Engine::Auto, 20), 20);
    assert_eq!(stamped(Engine::Stamp, 1), 1);
    assert_eq!(stamped(Engine::Typst, 20), 0);
}

#[test]
fn a_value_that_a_page_cannot_hold_is_never_cut_off_but_laid_out_by_typst() {
    let typesetter = of_engine(&Template::built_in().unwrap(), Design::Letter, Engine::Auto);
    let with = |change: fn(&mut LetterFields)| {
        let mut letter = LetterFields::sample();
        change(&mut letter);
        let laid_out = typesetter.lay_out(&[letter]).unwrap();
        laid_out.into_iter().next().unwrap().unwrap().is_stamped()
    };
    assert!(with(|_| {}));
    assert!(with(|letter| letter.address = vec![
        "Tŷ Gwyn".into(),
        "2".into(),
        "3".into(),
        "4".into(),
        "5".into(),
        "LL77 7TW".into()
    ]));
    assert!(!with(|letter| {
        letter.name = "Professor Wilhelmina Bartholomea Featherstonehaugh of Llanfairpwll".into()
    }));
    assert!(!with(|letter| letter.address[0] =
        "The Old Infirmary, Bartholomew-in-the-Marsh, by the River Wye"
            .into()));
    for name in [
        "محمَّد",
        "محمد 2",
        "כהן דוד",
        "Щербак",
        "e\u{301}mile",
        "A\u{A0}B",
        "A  B",
        "A\u{200D}B",
    ] {
        let mut letter = LetterFields {
            name: name.into(),
            ..LetterFields::sample()
        };
        letter.first_name = name.into();
        let laid_out = typesetter.lay_out(&[letter]).unwrap();
        // Marks above the first line are outside of the area: Typst's letter is none, too.
        let is_stamped = laid_out[0].as_ref().is_ok_and(LaidOut::is_stamped);
        assert!(!is_stamped, "{name:?}");
    }
}
