//! Contents that many pages share. A page of a stamped letter is two streams, `/Contents [shared own]`: what all letters say,
//! and what one says. The first is drawn once, and what it draws is remembered by its number.
//!
//! That is only done where it cannot matter that the streams are drawn apart: what is remembered must leave everything as it
//! found it ([`leaves_no_trace`]). A colour or font that the shared stream sets at its end for what follows is drawn with
//! the own one, for each page ([`division`]). And pages with the same shared stream must draw it with the same resources
//! and at the same place. All other pages are drawn whole.

use std::collections::HashMap;

use hayro::hayro_syntax::{
    Pdf,
    content::{TypedIter, UntypedIter},
    object::{Array, MaybeRef, ObjRef, Stream},
    page::Page,
};
use hayro_interpret::{InterpreterCache, InterpreterSettings, interpret};

use super::{
    actual_text::says_what_glyphs_mean_together,
    drawn::Collector,
    lines::Set,
    page_reader::{Page as Read, context_of, with_slanted, without_colours},
};

/// So many are remembered: languages times formats, and pages of a letter.
const MOST: usize = 64;

/// What the same stream depends on, besides its bytes: resources, and where and how the page lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    contents: ObjRef,
    resources: ObjRef,
    place: [u64; 6],
}

/// What shared contents draw.
struct Shared {
    glyphs: Set,
    qr_codes: Vec<String>,
    slanted: String,
    across: String,
    /// What is drawn with the own contents, before them.
    rest: Vec<u8>,
}

/// All shared contents of a file.
#[derive(Default)]
pub struct SharedParts {
    /// `None` for contents that must be drawn together with the rest.
    parts: HashMap<Key, Option<Shared>>,
}

impl SharedParts {
    /// The words of a page and the contents of its QR codes that are pictures; `None` if the page has to be drawn whole.
    /// That is also so if glyphs mean something only together.
    pub fn drawn_on<'a>(
        &mut self,
        pdf: &'a Pdf,
        page: &'a Page<'a>,
        cache: &InterpreterCache<'a>,
        settings: &InterpreterSettings,
    ) -> Option<Read> {
        let (key, [shared, own]) = parts_of(page)?;
        if self.parts.len() >= MOST && !self.parts.contains_key(&key) {
            return None;
        }
        let resources = without_colours(page);
        let drawn_by = |stream: &[u8]| {
            let mut drawn = Collector::default();
            let mut context = context_of(pdf, page, cache, settings);
            interpret(TypedIter::new(stream), &resources, &mut context, &mut drawn);
            drawn
        };
        let part = self.parts.entry(key).or_insert_with(|| {
            let stream = shared.decoded().ok()?;
            if says_what_glyphs_mean_together(&stream) {
                return None;
            }
            let (shared, rest) = stream.split_at_checked(division(&stream)?)?;
            let drawn = drawn_by(shared);
            Some(Shared {
                glyphs: Set::new(drawn.glyphs),
                qr_codes: drawn.qr_codes,
                slanted: drawn.slanted,
                across: drawn.across,
                rest: rest.to_vec(),
            })
        });
        let part = part.as_ref()?;
        let own = own.decoded().ok()?;
        if says_what_glyphs_mean_together(&own) {
            return None;
        }
        let own = drawn_by(&[&part.rest, &*own].join(&b' '));
        let mut qr_codes = part.qr_codes.clone();
        qr_codes.extend(own.qr_codes);
        Some(Read {
            text: with_slanted(
                part.glyphs.words_with(own.glyphs),
                &[&part.slanted, &own.slanted],
            ),
            by_glyphs: None,
            qr: qr_codes,
            by_camera: Vec::new(),
            across: [&*part.across, &*own.across].concat(),
        })
    }
}

/// The two streams of a page, if it has two and nothing else is drawn on it.
fn parts_of<'a>(page: &'a Page<'a>) -> Option<(Key, [Stream<'a>; 2])> {
    let dict = page.raw();
    if dict.contains_key("Annots") {
        return None;
    }
    let contents: Array<'a> = dict.get("Contents")?;
    let MaybeRef::Ref(first) = contents.raw_iter().next()? else {
        return None;
    };
    let streams: Vec<Stream<'a>> = contents.iter::<Stream<'_>>().collect();
    if contents.raw_iter().count() != streams.len() {
        return None;
    }
    let key = Key {
        contents: first,
        resources: dict.get_ref("Resources")?,
        place: page.initial_transform(true).as_coeffs().map(f64::to_bits),
    };
    Some((key, streams.try_into().ok()?))
}

/// Most bytes of what is set at the end of shared contents for what follows.
const LONGEST_REST: usize = 1024;

/// The place in a stream up to which it leaves no trace; `None` if much comes after it.
fn division(stream: &[u8]) -> Option<usize> {
    let count = |part: &[u8]| {
        let (mut count, mut operators) = (0_usize, UntypedIter::new(part));
        while operators.next().is_some() {
            count += 1;
        }
        count
    };
    let whole = count(stream);
    let start = stream.len().saturating_sub(LONGEST_REST);
    (start..=stream.len()).rev().find(|end| {
        let (shared, rest) = stream.split_at(*end);
        let is_between_words = rest.first().is_none_or(u8::is_ascii_whitespace);
        // What looks like the end of an operator may stand in a text: then the parts are not those of the whole.
        is_between_words && leaves_no_trace(shared) && count(shared) + count(rest) == whole
    })
}

/// Whether a stream leaves the state of drawing as it found it: at its outermost level there are only saved and restored
/// states and marks of contents, all of which end in it.
fn leaves_no_trace(stream: &[u8]) -> bool {
    // Values without an operator, or a comment without an end, would go on in the next stream.
    let end = stream.trim_ascii_end();
    let last_line = end.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next();
    let is_complete = end.ends_with(b"Q") || end.ends_with(b"EMC");
    if !is_complete || last_line.is_some_and(|line| line.contains(&b'%')) {
        return false;
    }
    let (mut states, mut marks, mut has_text, mut has_path) = (0_u32, 0_u32, false, false);
    let mut operators = UntypedIter::new(stream);
    while let Some(instruction) = operators.next() {
        let operator: &[u8] = instruction.operator;
        let depth = match operator {
            b"q" => states.checked_add(1).map(|depth| states = depth),
            b"Q" => states.checked_sub(1).map(|depth| states = depth),
            b"BMC" | b"BDC" => marks.checked_add(1).map(|depth| marks = depth),
            b"EMC" => marks.checked_sub(1).map(|depth| marks = depth),
            b"MP" | b"DP" => Some(()),
            _ if states == 0 => None,
            _ => Some(()),
        };
        if depth.is_none() {
            return false;
        }
        match operator {
            // A state that is saved or restored within a text or a path is not what a page should have.
            b"q" | b"Q" if has_text || has_path => return false,
            b"BT" => has_text = true,
            b"ET" => has_text = false,
            b"m" | b"l" | b"c" | b"v" | b"y" | b"re" => has_path = true,
            b"S" | b"s" | b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"n" => {
                has_path = false;
            }
            _ => {}
        }
    }
    states == 0 && marks == 0 && !has_text && !has_path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::words;

    /// A PDF of pages that show `(a)` and then `(b)`, each by a stream: numbers of both streams, and of the resources, and
    /// the left edge of the page.
    fn pdf(pages: &[([u32; 2], u32, u32)]) -> Vec<u8> {
        let stream =
            |content: &str| format!("<</Length {}>>stream\n{content}\nendstream", content.len());
        let show =
            |word: &str, x: u32| stream(&format!("q BT /F 10 Tf {x} 20 Td ({word}) Tj ET Q"));
        let font = |name: &str| {
            format!(
                "<</Font<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/{name}>>>>>>"
            )
        };
        let mut objects = vec![
            (1, "<</Type/Catalog/Pages 2 0 R>>".to_owned()),
            (10, show("shared", 10)),
            (11, show("one", 60)),
            (12, show("two", 60)),
            // The same words for the eye, and another name in them.
            (13, show("sharXd", 10)),
            // Moves what comes after it.
            (14, stream("1 0 0 1 0 50 cm BT /F 10 Tf 10 20 Td (moving) Tj ET")),
            // Sets the font for what comes after it.
            (15, stream("q BT /F 10 Tf 10 20 Td (shared) Tj ET Q\n/F 10 Tf\n")),
            (16, stream("BT 60 20 Td (sun) Tj ET")),
            (20, font("WinAnsiEncoding")),
            (21, "<</Font<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Differences[115/t]>>>>>>>>".to_owned()),
        ];
        let kids: String = (0..pages.len())
            .map(|at| format!("{} 0 R ", 100 + at))
            .collect();
        let count = pages.len();
        objects.push((2, format!("<</Type/Pages/Count {count}/Kids[{kids}]>>")));
        for (number, ([first, second], resources, left)) in (100..).zip(pages) {
            objects.push((
                number,
                format!(
                    "<</Type/Page/Parent 2 0 R/MediaBox[{left} 0 200 100]/Resources {resources} 0 R/Contents[{first} 0 R {second} 0 R]>>"
                ),
            ));
        }
        let mut pdf = b"%PDF-1.7\n".to_vec();
        let mut table = String::from("xref\n");
        for (number, object) in objects {
            table.push_str(&format!("{number} 1\n{:010} 00000 n \n", pdf.len()));
            pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
        }
        let start = pdf.len();
        pdf.extend(
            format!("{table}trailer\n<</Size 200/Root 1 0 R>>\nstartxref\n{start}\n%%EOF")
                .as_bytes(),
        );
        pdf
    }

    #[test]
    fn a_page_of_which_the_shared_part_is_another_reads_as_it_is() {
        let pages = [
            ([10, 11], 20, 0),
            ([10, 12], 20, 0),
            ([13, 11], 20, 0),
            ([10, 11], 21, 0),
            ([10, 11], 20, 50),
            ([14, 11], 20, 0),
            ([11, 10], 20, 0),
            ([10, 12], 20, 0),
            ([15, 16], 20, 0),
            ([15, 16], 21, 0),
        ];
        let pdf = Pdf::new(pdf(&pages)).unwrap();
        let (cache, settings) = (InterpreterCache::new(), InterpreterSettings::default());
        let mut shared = SharedParts::default();
        let mut texts = Vec::new();
        for (at, page) in pdf.pages().iter().enumerate() {
            let mut drawn = Collector::default();
            let mut context = context_of(&pdf, page, &cache, &settings);
            hayro_interpret::interpret_page(page, &mut context, &mut drawn);
            let whole = words(drawn.glyphs.clone());
            match shared.drawn_on(&pdf, page, &cache, &settings) {
                Some(read) => {
                    assert_eq!(read.text, whole, "page {at}");
                    // Places, too.
                    let (key, _) = parts_of(page).unwrap();
                    let part = shared.parts.get(&key).unwrap().as_ref().unwrap();
                    assert!(!part.glyphs.words_with(Vec::new()).is_empty());
                }
                None => assert_eq!(at, 5, "only what moves the rest is drawn whole"),
            }
            texts.push(whole);
        }
        assert_eq!(texts[0], "shared one\n");
        assert_eq!(texts[1], "shared two\n");
        assert_eq!(texts[2], "sharXd one\n");
        assert_eq!(texts[3], "thared one\n");
        assert_eq!(texts[5], "moving one\n");
        assert_eq!(texts[8], "shared sun\n");
        assert_eq!(texts[9], "thared tun\n");
        assert_eq!(shared.parts.len(), 8);
    }

    #[test]
    fn what_is_set_for_the_rest_is_left_to_it() {
        let division =
            |stream: &'static str| division(stream.as_bytes()).map(|at| stream.split_at(at).1);
        assert_eq!(division("q 1 w Q"), Some(""));
        assert_eq!(division("q 1 w Q\n"), Some(""));
        assert_eq!(
            division("/a BMC q 1 w Q EMC\n/c0 cs\n/S0 9 Tf\n"),
            Some("\n/c0 cs\n/S0 9 Tf\n")
        );
        assert_eq!(division("q 1 w Q /c0 cs q 2 w Q"), Some(" /c0 cs q 2 w Q"));
        assert_eq!(
            division("q 1 w Q BT (a Q b) Tj ET"),
            Some(" BT (a Q b) Tj ET")
        );
        assert_eq!(division("/c0 cs q 2 w Q"), None);
        assert_eq!(division(""), None);
    }

    #[test]
    fn only_contents_that_leave_everything_as_it_was_are_drawn_apart() {
        for good in [
            "q 1 0 0 1 5 5 cm BT /f0 9 Tf (a) Tj ET Q",
            "/a MP /Span <</MCID 0>> BDC q 0 0 m 5 5 l S q 1 w Q Q EMC\n",
        ] {
            assert!(leaves_no_trace(good.as_bytes()), "{good}");
        }
        for bad in [
            "1 0 0 1 5 5 cm",
            "/c0 cs",
            "BT ET",
            "q",
            "q Q Q q",
            "Q q",
            "/Span BMC",
            "EMC /Span BMC",
            "q 0 0 m Q",
            "q BT Q",
            "q 1 0 0 1 5 5 cm Q 0.5 g",
            "q 1 0 0 1 5 5 cm Q 0.5",
            "q 1 0 0 1 5 5 cm Q % Q",
        ] {
            assert!(!leaves_no_trace(bad.as_bytes()), "{bad}");
        }
    }
}
