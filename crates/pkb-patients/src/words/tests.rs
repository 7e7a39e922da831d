use super::*;

fn words() -> Words {
    Words::read(None).unwrap()
}

fn with(own: &str) -> Words {
    let built_in = toml_file::parse(BUILT_IN).unwrap();
    Words::of([Some(built_in), Some(toml_file::parse(own).unwrap())])
}

fn meanings(words: &Words, text: &str, scope: Scope) -> Vec<Meaning> {
    words.meanings(text, scope).each().collect()
}

/// Names that people in the United Kingdom have, and that look like a mark or a filler. Each must pass without a word,
/// or with a warning where `Perhaps` says so.
#[rustfmt::skip]
const REAL_NAMES: &[&str] = &[
    "Testa", "Testino", "Contest", "Unknowles", "Nullmeier", "Nona", "Noneman", "Dedman", "Deadman", "Graves",
    "Death-Smith", "Ripley", "Ripper", "Baby-Smith", "Babylon", "Dec", "Declan", "Deceuninck", "Nowak-Dec", "Dod",
    "Dodd", "Late", "Latimer", "Nann", "Nanna", "Natt", "Nils", "Dupe", "Dupont", "Mister", "Mistry", "Drummond",
    "Missen", "Profitt", "Revell", "Prior", "Void", "Error", "Moved", "Duplessis", "Ng", "Oh", "Xu", "Xavier",
    "Zhang", "Zola", "Zs\u{f3}fia", "Exley", "Executor", "Priest", "Bishop", "Major", "Earl", "Prince", "Lady", "Sir",
    "Master", "Dean", "Judge", "King", "Nee", "O'Dea", "D'Eath", "De'Ath", "'t Hooft", "St. John", "Van der Dead",
    "Anna Maria", "Mary Ann", "Jo", "Al", "Li", "Sensi", "Confidente", "Prisca", "Inman", "Tester", "Dummett",
    "Training", "Girling", "Boyd", "Infante", "Twinn", "DEC", "NOWAK-DEC", "LATE", "DOD", "D", "D Smith", "Anna D",
    "DEATH-SMITH", "Rip Torn", "Smith-Dodd", "Mohammed", "Sinead", "SIN\u{c9}AD", "Ahmed", "Alexander D", "Dees", "Estella",
];

/// Streets, houses and places that look like a mark or a filler.
#[rustfmt::skip]
const REAL_LINES: &[&str] = &[
    "Christmas Mill", "Duplicate Lane", "Test Valley Road", "1 Test Lane", "Testwood", "Dead Lane", "Deadmans Lane",
    "Rip Croft", "Ripley Road", "Baby Lane", "Nowhere", "Unknown Street", "Null Lane", "None-Go-Bye Farm", "12",
    "3-5", "Flat 0", "1", "999 Mill Lane", "9999 Mill Lane", "Prison Lane", "The Old Prison House", "Prison Cottages",
    "Homeless Close", "Moved House", "Sensitive Lane", "Late Lane", "Void Street", "Error Street", "Nan's Cottage",
    "Na Sidhean", "Zz Street", "XX Place", "Graveyard Lane", "Died Lane", "Estate of Grace", "Refuge House",
    "Dead Mans Lane", "1 Dead Lane", "Rip House", "Late Close", "12 December Close", "Passed Lane", "Dod Street 3",
    "The Late Shop", "Knot at Hand", "Death House", "3 Dec Street",
    "The Refuge", "Withheld Lane", "Restricted Road", "NFA Road", "Temporary Road", "Hampshire", "Twin Oaks",
];

#[test]
fn real_names_pass_without_a_word() {
    let words = words();
    for name in REAL_NAMES {
        assert_eq!(meanings(&words, name, Scope::Name), [], "{name}");
        assert_eq!(words.fillers.of(name), None, "{name}");
        assert_ne!(NameSigns::of(name), NameSigns::Others, "{name}");
    }
}

#[test]
fn real_streets_pass_without_a_word() {
    let words = words();
    for line in REAL_LINES {
        for line in [(*line).to_owned(), line.to_uppercase()] {
            assert_eq!(meanings(&words, &line, Scope::Address), [], "{line}");
            assert_eq!(words.fillers.of(&line), None, "{line}");
        }
    }
}

#[test]
fn marks_of_death_are_known_however_they_are_written() {
    let words = words();
    for text in [
        "Smith (Deceased)",
        "SMITH *DECEASED*",
        "Smith-Dec'd",
        "Smith Dec\u{2019}d",
        "Smith DECD.",
        "RIP Ann",
        "Ann R.I.P.",
        "Ann (rip)",
        "*rip* Ann",
        "Smith - died 2014",
        "Smith [Dead]",
        "Smith †",
        "†Smith",
        "Exors of Ann",
        "The late Ann",
        "Smith (dec)",
        "Smith <deceased>",
        "Deceased",
        "Smith **DEC**",
        "Ann - late",
        "SMITH#DECEASED",
        "Smith\u{a0}(Deceased)",
        "Smith ymadawedig",
        "R I P ANN",
        "SMITH DEAD",
        "SMITHDECEASED",
        "AnnaDeceased",
        "SMITHDEC'D (2)",
        "Smith Dead",
        "smith dead",
        "SMITH DCD",
        "SMITH D'CD",
        "D'CEASED SMITH",
        "D\u{2019}CEASED SMITH",
        "Smith deceaced",
        "SMITH DEC",
        "Smith Dec",
        "Anna Dec",
        "Smith rip",
        "RIP",
        "DEAD",
        "SMITH DOD 2020",
        "Smith Dod 3/4/20",
        "SMITH (D)",
        "SMITH[D]",
        "ANNA - D",
        "SMITH (d. 2021)",
        "Smith d 3 March 2021",
        "Smith (passed)",
        "Smith passed",
        "Smith (Est. of)",
        "Est of Smith",
        "SMITH +",
        "Smith (+)",
        "ANNA LATE",
        "LATE ANNA",
        "Smith Rip 2020",
        "Died May 2020 Smith",
    ] {
        assert_eq!(
            meanings(&words, text, Scope::Name),
            [Meaning::Deceased],
            "{text}"
        );
    }
    for text in [
        "DECEASED",
        "1 Mill Lane (deceased)",
        "RIP",
        "Exors of Ann Smith, 1 Mill Lane",
        "*** Dec'd ***",
        "Died 3/2020",
        "died 2020",
        "Patient died",
        "DEAD 2020",
        "RIP 2020",
        "R.I.P. Jan 2020",
        "Late of 1 Mill Lane",
        "DEC'D 2020",
        "Estate of the late Ann Smith",
        "passed 1.2.20",
    ] {
        assert_eq!(
            meanings(&words, text, Scope::Address),
            [Meaning::Deceased],
            "{text}"
        );
    }
}

#[test]
fn other_marks_are_known() {
    let words = words();
    use Meaning::*;
    for (text, scope, meaning) in [
        ("Smith [DO NOT USE]", Scope::Name, DoNotUse),
        ("Smith do-not-use", Scope::Name, DoNotUse),
        ("xxSmith", Scope::Name, DoNotUse),
        ("ZZZTEST", Scope::Name, DoNotUse),
        ("Smith (see other record)", Scope::Name, DoNotUse),
        ("SMITH DUPLICATE", Scope::Name, DoNotUse),
        ("DUPLICATE", Scope::Address, DoNotUse),
        ("1 Mill Lane (duplicate)", Scope::Address, DoNotUse),
        ("Test Patient", Scope::Name, DoNotUse),
        ("SMITH (SENSITIVE)", Scope::Name, DoNotContact),
        ("Do not contact", Scope::Address, DoNotContact),
        ("1 Mill Lane - NO LETTERS", Scope::Address, DoNotContact),
        ("Women's Refuge", Scope::Address, DoNotContact),
        ("GONE AWAY", Scope::Address, NoAbode),
        ("NOT AT 1 MILL LANE", Scope::Address, NoAbode),
        ("RTS 1 Mill Lane", Scope::Address, NoAbode),
        ("Dead letter", Scope::Address, NoAbode),
        ("Wrong address", Scope::Address, NoAbode),
        ("sold house", Scope::Address, NoAbode),
        ("RIP", Scope::Title, Deceased),
        ("Late", Scope::Title, Deceased),
        ("Late Mr", Scope::Title, Deceased),
        ("Mr (RIP)", Scope::Title, Deceased),
        ("Dead", Scope::Title, Deceased),
        ("Mr Dec", Scope::Title, Deceased),
        ("D", Scope::Title, Deceased),
        ("DECD", Scope::Title, Deceased),
        ("Estate of", Scope::Title, Deceased),
        ("Exors. of", Scope::Title, Deceased),
        ("1 Mill Lane (moved)", Scope::Address, NoAbode),
        ("N.F.A.", Scope::Address, NoAbode),
        ("c/o no fixed abode", Scope::Address, NoAbode),
        ("HMP Durham", Scope::Address, Prison),
        ("H.M.P. Durham", Scope::Address, Prison),
        ("Durham Prison", Scope::Address, Prison),
        ("Smith (Prisoner)", Scope::Name, Prison),
        ("Baby of Ann", Scope::Name, Newborn),
        ("BABY", Scope::Name, Newborn),
        ("TEST", Scope::Name, Test),
        ("Smith née Jones", Scope::Name, NotOfAName),
        ("Ann aka Annie", Scope::Name, NotOfAName),
        ("Ann (Mrs)", Scope::Name, TitleInName),
        ("Mrs. Smith", Scope::Name, TitleInName),
        ("Mr", Scope::Name, TitleForName),
    ] {
        assert_eq!(meanings(&words, text, scope), [meaning], "{text}");
    }
    assert_eq!(meanings(&words, "Mrs", Scope::Title), []);
    // A first name, perhaps.
    assert_eq!(meanings(&words, "Rip", Scope::Name), [NotOfAName]);
}

#[test]
fn signs_that_names_do_not_have_are_noticed() {
    for name in [
        "Ann @ 3 wks",
        "Ann 'Annie'",
        "Ann \"Annie\"",
        "Ann (Annie)",
        "Ann/Mary",
        "Ann 2",
        "Ann?",
        "Ann & Bob",
        "Ann;",
        "Smith_Jones",
    ] {
        assert_eq!(NameSigns::of(name), NameSigns::Others, "{name}");
    }
    assert_eq!(NameSigns::of("SMITH, Ann"), NameSigns::Comma);
}

#[test]
fn fillers_are_whole_cells_only() {
    let words = words();
    for cell in [
        "NULL",
        " null ",
        "(null)",
        "\\N",
        "#N/A",
        "None",
        "NaN",
        "nan",
        "NaT",
        "<NULL>",
        "N/A",
        "NA",
        "[NULL]",
        "(blank)",
        "undefined",
        "--",
        ".",
        "*",
        "0",
        "9999",
        "<NA>",
        "EMPTY",
        "No data",
        "XXXX",
        "?",
        "n/k",
        "-",
    ] {
        assert!(words.fillers.of(cell).is_some(), "{cell}");
    }
    for cell in [
        "NOT RECORDED",
        "Not known",
        "TBC",
        "UNKNOWN",
        "unk",
        "<unknown>",
    ] {
        assert_eq!(words.fillers.of(cell), Some(Filler::OfPeople), "{cell}");
    }
    for cell in [
        "",
        " ",
        "Nul l",
        "Null Lane",
        "12",
        "†",
        "é",
        "NULL\u{e9}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(words.fillers.of(cell), None, "{cell}");
    }
}

#[test]
fn null_is_a_name_where_it_is_written_like_one() {
    let words = words();
    for (cell, is) in [
        ("Null", NameOrFiller::Perhaps),
        ("Nan", NameOrFiller::Perhaps),
        ("None", NameOrFiller::Perhaps),
        ("NULL", NameOrFiller::Filler),
        ("null", NameOrFiller::Filler),
        ("X", NameOrFiller::Filler),
        ("Unknown", NameOrFiller::Filler),
    ] {
        assert_eq!(words.fillers.name(cell), is, "{cell}");
    }
    let words = with("[names]\nreal = [\"NULL\", \"Rip Ann\"]");
    assert_eq!(words.fillers.name("NULL"), NameOrFiller::Name);
    assert_eq!(meanings(&words, "RIP Ann", Scope::Name), []);
}

#[test]
fn an_organisation_adds_and_removes_words() {
    let own = r#"
        [fillers]
        by_people = ["dim cyfeiriad"]
        [[marks]]
        means = "do_not_contact"
        in = "addresses"
        words = ["hmp"]
        [[marks]]
        means = "nothing"
        words = ["duplicate"]
    "#;
    let words = with(own);
    assert_eq!(words.fillers.of("Dim Cyfeiriad"), Some(Filler::OfPeople));
    assert_eq!(
        meanings(&words, "HMP Durham", Scope::Address),
        [Meaning::DoNotContact, Meaning::Prison]
    );
    assert_eq!(meanings(&words, "Smith Duplicate", Scope::Name), []);
}

#[test]
fn mistakes_in_a_file_of_words_are_named_with_their_line() {
    let error = toml_file::parse::<WordsFile>("\n[[marks]]\nmeans = \"dead\"\nwords = []").err();
    let error = error.unwrap();
    assert!(
        error.starts_with("line 3") && error.contains("deceased"),
        "{error}"
    );
    assert!(toml_file::parse::<WordsFile>("[filler]").is_err());
}

#[test]
fn titles_that_are_repeated_are_removed() {
    let words = words();
    for (name, title, rest) in [
        ("Mr John", Some("Mr"), Some("John")),
        ("MR. John", Some("Mr"), Some("John")),
        ("Mr Mr John", None, Some("Mr John")),
        ("Mr Mr John", Some("Mr"), Some("John")),
        ("Mr John", None, None),
        ("Dr Ann", Some("Mr"), None),
        ("John", Some("Mr"), None),
        ("Mr", Some("Mr"), None),
        ("Major John", Some("Major"), None),
    ] {
        assert_eq!(words.without_repeated_title(name, title), rest, "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn a_table_of_bits_hides_no_mark(before in "[A-Za-z ]{0,12}", mark in "deceased|do not use|sensitive|gone away", after in "[A-Za-z ]{0,12}") {
        let words = words();
        let text = format!("{before} {mark} {after}");
        proptest::prop_assert!(!words.meanings(&text, Scope::Address).is_empty() || mark == "sensitive");
        let text = format!("{before}({mark}){after}");
        proptest::prop_assert!(!words.meanings(&text, Scope::Address).is_empty());
    }

    #[test]
    fn any_text_is_looked_at(text in "\\PC{0,40}") {
        let words = words();
        let _ = (words.meanings(&text, Scope::Name), words.fillers.of(&text), NameSigns::of(&text));
    }
}

#[test]
fn a_word_of_death_is_found_in_any_note() {
    let words = words();
    for text in [
        "DECEASED",
        "pt died 3/2/14",
        "RIP",
        "R.I.P.",
        "Alert: Dec'd",
        "dec\u{2019}d",
        "(dead)",
        "d. 12/3/2021",
        "D.2021",
        "mother and patient dead",
        "seen by daughter died at home",
        "wife well. died 3/3",
    ] {
        assert!(words.of_note(text).death, "{text}");
    }
    for text in [
        "",
        "7B",
        "D. 4",
        "Q. d. 12",
        "studied",
        "Ripon",
        "Deadwood Surgery",
        "December",
        "trip",
        "his late wife has died",
        "the father is dead",
    ] {
        assert!(!words.of_note(text).death, "{text}");
    }
    assert!(words.of_note("not known to have died").is_denied);
    assert!(!words.of_note("no longer with us").is_denied);
}

#[test]
fn whatever_means_dead_or_no_contact_in_names_and_addresses_means_it_in_notes() {
    let file: WordsFile = toml_file::parse(BUILT_IN).unwrap();
    let words = words();
    for part in file
        .marks
        .iter()
        .filter(|part| part.place == marks::Places::Both)
    {
        for word in part.words.iter().filter(|_| part.how == how::How::Anywhere) {
            let note = words.of_note(&format!("seen today {word} 2021"));
            match part.means {
                marks::Means::Deceased => assert!(note.death, "{word}"),
                marks::Means::DoNotContact => assert!(note.no_contact, "{word}"),
                _ => {}
            }
        }
    }
}
