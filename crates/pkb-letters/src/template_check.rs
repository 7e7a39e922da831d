//! `pkb-letters template check DIR`: tries a template before any patient's letter does, in all designs, languages and
//! prints, and says everything that is wrong with it in one run.

use std::{ffi::OsStr, path::Path, time::Duration};

use pkb_cli::{app, progress::tell};
use pkb_core::{ExitCode, Fatal, record::Design, rows::counted};
use pkb_values::{LetterFormat, LetterLanguages};

use pkb_languages::LetterLanguage;

use crate::within_limits;
use pkb_typeset::{
    letter_fields::LetterFields,
    template::{Template, translation_file, words_file},
    typesetter::{Engine, TypesetError, Typesetter},
};

/// What is said of words to which PKB has not agreed.
pub(crate) const NOT_AGREED: &str = "PKB asks every organisation to use PKB's own letter and to agree changes with PKB. \
    What to do: agree these words with your PKB contact, then set wording_agreed_with_pkb in template.toml";

/// Scripts that names come in, and a word in each.
const SCRIPTS: [(&str, &str); 16] = [
    ("Welsh", "Siân Gŵen Llŷr ŴŶẀẂẄỲ"),
    ("Polish", "Żółć Łukasz"),
    ("Vietnamese", "Nguyễn Thị Hường"),
    ("Romanian", "Ștefan Țuțea"),
    ("Turkish", "Işıl Çağrı"),
    ("Greek", "Ελένη"),
    ("Cyrillic", "Щербак Ґалаґан"),
    ("Hebrew", "דוד"),
    ("Arabic", "محمد علي"),
    ("Persian and Urdu", "پژوهش ٹیپو"),
    ("Bengali", "রহমান"),
    ("Gurmukhi (Punjabi)", "ਸਿੰਘ"),
    ("Gujarati", "પટેલ"),
    ("Tamil", "குமார்"),
    ("Devanagari (Hindi, Nepali)", "शर्मा"),
    ("Chinese", "王小明"),
];

/// Checks the template in a folder by a process of its own, which has so much time and memory and no more.
///
/// # Errors
/// As [`check`], or it needs more.
pub(crate) fn check_within_limits(dir: &Path, time: Duration) -> Result<ExitCode, Fatal> {
    let args = ["template", "check", "--here"].map(OsStr::new);
    let ended = within_limits::run(args.into_iter(), dir, time)?;
    app::print(&ended.stdout)?;
    tell(&ended.stderr);
    Ok(match ended.code {
        0 => ExitCode::Done,
        _ => ExitCode::Usage,
    })
}

/// Checks the template in a folder.
///
/// # Errors
/// The folder cannot be read as a template at all. Other problems are printed, and the program ends with
/// [`ExitCode::Usage`].
pub fn check(dir: &Path) -> Result<ExitCode, Fatal> {
    let template = Template::open(dir).map_err(|error| Fatal::Usage(error.to_string()))?;
    let mut report = Report::default();
    for design in Design::ALL {
        check_design(&template, design, &mut report)?;
    }
    check_scripts(&template, &mut report);
    for language in LetterLanguage::all() {
        if template.has_words(Design::Letter, language) && !template.has_fonts(language) {
            report.note(&format!(
                "no letter can be in {}: no font of the template has its letters. Put a regular and a bold font into fonts/ of the \
                 template, such as {}",
                language.name(),
                language.font().unwrap_or("a Noto font for its script"),
            ));
        }
        let is_used = template.has(Design::Letter, LetterLanguages::alone(language));
        if is_used && template.is_draft_in(language) {
            report.note(&format!(
                "the {} words are drafts until is_approved is set in {}",
                language.name(),
                translation_file(language)
            ));
        }
    }
    if !template.settings().letters.wording_agreed_with_pkb {
        report.note(NOT_AGREED);
    }
    let left = template
        .example_values()
        .map_err(|error| Fatal::Usage(error.to_string()))?;
    if !left.is_empty() {
        report.note(&format!(
            "these parts are still those of the example, so only a rehearsal can use the template: {}",
            left.join(", ")
        ));
    }
    app::print(&report.text(dir))?;
    Ok(if report.problems == 0 {
        ExitCode::Done
    } else {
        ExitCode::Usage
    })
}

/// What was found, line by line.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    problems: usize,
}

impl Report {
    fn note(&mut self, words: &str) {
        self.lines.push(format!("  {words}"));
    }

    fn problem(&mut self, words: &str) {
        self.problems += 1;
        self.lines.push(format!("! {words}"));
    }

    fn text(&self, dir: &Path) -> String {
        let end = match self.problems {
            0 => "no problems. Next, look at a proof of real patients (pkb-letters --proof)"
                .to_owned(),
            n => format!(
                "{}, marked with !. Correct the template, and run the same command again",
                counted(n as u64, "problem", "problems")
            ),
        };
        format!("{}\n{}\n{end}\n", dir.display(), self.lines.join("\n"))
    }
}

fn check_design(template: &Template, design: Design, report: &mut Report) -> Result<(), Fatal> {
    if template.languages(design).next().is_none() {
        report.note(&format!(
            "{}: the template has no such design ({})",
            design.as_str(),
            words_file(design, LetterLanguage::english())
        ));
        return Ok(());
    }
    let typesetter = match Typesetter::untried(template, design) {
        Ok(typesetter) => typesetter,
        Err(error @ TypesetError::Threads(_)) => return Err(Fatal::Bug(error.to_string())),
        Err(error) => {
            report.problem(&error.to_string());
            return Ok(());
        }
    };
    let typesetter = typesetter
        .with_engine(Engine::Auto)
        .map_err(|error| Fatal::Bug(error.to_string()))?;
    let mut warnings = Vec::new();
    for languages in template.languages(design) {
        for format in LetterFormat::PRINTED {
            let letter = LetterFields {
                languages,
                format,
                ..LetterFields::sample()
            };
            let name = format!(
                "{}, {}, {} print",
                design.as_str(),
                languages.as_str(),
                format.as_str()
            );
            match typesetter.try_out(&letter) {
                Ok(found) => {
                    warnings.extend(found);
                    check_letter(&typesetter, &name, &letter, design, report);
                }
                Err(error) => {
                    let missing = typesetter.missing_characters(&letter);
                    if missing.is_empty() {
                        report.problem(&format!("{name}: {error}"));
                    } else {
                        let missing: String = missing.into_iter().collect();
                        report.problem(&format!(
                            "{name}: no font has these characters of the template: {missing}"
                        ));
                    }
                }
            }
        }
    }
    warnings.sort();
    warnings.dedup();
    for warning in warnings {
        report.problem(&warning);
    }
    Ok(())
}

/// How many pages a letter has, how long names and addresses may be, and which values it does not print.
fn check_letter(
    typesetter: &Typesetter,
    name: &str,
    letter: &LetterFields,
    design: Design,
    report: &mut Report,
) {
    let pages = |letter: &LetterFields| {
        let laid_out = typesetter.lay_out(std::slice::from_ref(letter)).ok()?;
        let first = laid_out.into_iter().next()?;
        Some(first.map(|letter| letter.page_count()))
    };
    let Some(Ok(sheets)) = pages(letter) else {
        return;
    };
    let mut words = format!(
        "{name}: {sheets} page{}",
        if sheets == 1 { "" } else { "s" }
    );
    if design.has_address() {
        let most = (2..=12).rev().find(|lines| {
            let mut long = letter.clone();
            long.address = (1..*lines)
                .map(|_| "27b Featherstonehaugh Gardens".into())
                .collect();
            long.address.push("NE99 1ZZ".into());
            matches!(pages(&long), Some(Ok(_)))
        });
        words.push_str(&format!(
            ". There is room for {} below the name",
            counted(
                most.unwrap_or_default() as u64,
                "line of address",
                "lines of address"
            )
        ));
        // Name, five lines and post code: as many as a patient file can have.
        if most.is_none_or(|most| most < 6) {
            report.problem(&format!(
                "{name}: an address of six lines under the name does not fit its area"
            ));
        }
    }
    // No fault: such letters take longer to make, and that is all.
    words.push_str(&match typesetter.is_stampable(letter) {
        Ok(()) => ". The letter can be stamped (the quick way to make letters)".to_owned(),
        Err(reason) => {
            format!(
                ". The letter cannot be stamped (the quick way), because {reason}. This is allowed: such letters only \
                 take longer to make"
            )
        }
    });
    report.note(&words);
    for (what, change) in strange_letters() {
        let mut strange = letter.clone();
        change(&mut strange);
        match pages(&strange) {
            Some(Ok(now)) if now != sheets => {
                report.note(&format!(
                    "{name}: with {what} it has {}, which is allowed",
                    counted(now as u64, "page", "pages")
                ));
            }
            Some(Err(fault)) => report.problem(&format!("{name}: with {what}: {fault}")),
            _ => {}
        }
    }
    if letter.format == LetterFormat::default()
        && let Err(fault) = typesetter.plain_text(letter)
    {
        report.problem(&format!("{name}: as text, for braille and audio: {fault}"));
    }
    for (field, needed) in unused_fields(typesetter, letter) {
        let is_of_codes = ["invitation_code", "access_code", "expires_on"].contains(&field);
        let is_of_design = match field {
            "address" => design.has_address(),
            _ => design.has_codes() || !is_of_codes,
        };
        if needed && is_of_design {
            report.problem(&format!("{name} does not print {field}"));
        }
    }
}

type Change = fn(&mut LetterFields);

/// Letters at the ends of what there is.
fn strange_letters() -> [(&'static str, Change); 4] {
    [
        ("the shortest name and address", |letter| {
            letter.name = "X Y".into();
            letter.address = vec!["1".into(), "N1 1AA".into()];
        }),
        ("a very long name", |letter| {
            letter.name =
                "Professor Wilhelmina Bartholomea Featherstonehaugh-Cholmondeley of Llanfairpwllgwyngyll".into();
        }),
        ("markup in the name", |letter| {
            letter.name = "#panic(\"x\") *b* $1 <a> _i_ `c` @r = \\ // --".into();
        }),
        ("a name from right to left", |letter| {
            letter.name = "Mr محمد علي דוד".into();
        }),
    ]
}

/// The values that a letter does not print, and whether it should.
fn unused_fields(typesetter: &Typesetter, letter: &LetterFields) -> Vec<(&'static str, bool)> {
    const MARK: &str = "Qx7Zj4Wv9K";
    let mut marked = letter.clone();
    marked.name = format!("{MARK}1");
    marked.first_name = format!("{MARK}2");
    marked.last_name = format!("{MARK}3");
    marked.address = vec![format!("{MARK}4"), format!("{MARK}5")];
    marked.invitation_code = format!("{MARK}6");
    marked.access_code = format!("{MARK}7");
    marked.join_address = format!("{MARK}8");
    marked.last_day = jiff::civil::date(2099, 3, 7);
    marked.letter_date = jiff::civil::date(2098, 3, 6);
    let text = typesetter.text_of(&marked);
    let has = |number: u8| text.contains(&format!("{MARK}{number}"));
    [
        ("name", true, has(1)),
        ("address", true, has(4) && has(5)),
        ("invitation_code", true, has(6)),
        ("access_code", true, has(7)),
        ("join_address", true, has(8)),
        ("expires_on", true, text.contains("2099")),
        ("letter_date", false, text.contains("2098")),
        ("first_name", false, has(2)),
        ("last_name", false, has(3)),
    ]
    .into_iter()
    .filter(|(_, _, is_used)| !is_used)
    .map(|(field, needed, _)| (field, needed))
    .collect()
}

/// The scripts in which some letters of a name are in another font than those beside them, with these letters.
fn borrowed_letters(template: &Template) -> Vec<(&'static str, String)> {
    let Ok(typesetter) = Typesetter::untried(template, Design::Letter) else {
        return Vec::new();
    };
    let borrowed = SCRIPTS.into_iter().map(|(script, name)| {
        let letter = LetterFields {
            name: name.into(),
            ..LetterFields::sample()
        };
        let name: Vec<char> = name.chars().collect();
        let mut letters: Vec<char> = Vec::new();
        for printed in typesetter.fonts_of(&letter).windows(name.len()) {
            if !printed.iter().map(|(c, _)| c).eq(&name) {
                continue;
            }
            let of = |font: &str| printed.iter().filter(|(_, other)| other == font).count();
            let most = printed.iter().map(|(_, font)| of(font)).max();
            let others = printed.iter().filter(|(_, font)| Some(of(font)) < most);
            letters.extend(others.map(|(c, _)| c).filter(|c| !c.is_whitespace()));
        }
        letters.sort_unstable();
        letters.dedup();
        (script, letters.into_iter().collect::<String>())
    });
    borrowed
        .filter(|(_, letters)| !letters.is_empty())
        .collect()
}

fn check_scripts(template: &Template, report: &mut Report) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (script, name) in SCRIPTS {
        let letter = LetterFields {
            name: name.into(),
            ..LetterFields::sample()
        };
        let missing = template.fonts().missing_glyphs(&letter);
        if missing.is_empty() {
            &mut good
        } else {
            &mut bad
        }
        .push(script);
    }
    report.note(&format!(
        "names can be printed in: Latin, {}",
        good.join(", ")
    ));
    for (script, letters) in borrowed_letters(template) {
        report.note(&format!(
            "names in {script}: the template's font does not have these letters, so a different font draws them: {letters}"
        ));
    }
    if !bad.is_empty() {
        report.note(&format!(
            "names cannot be printed in {}. Such a patient gets no letter until you add a font to fonts/",
            bad.join(", ")
        ));
    }
}
