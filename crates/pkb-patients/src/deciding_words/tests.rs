use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn life() -> Lifetime {
    Lifetime {
        born: Some(date(1940, 6, 1)),
        today: date(2026, 11, 22),
        order: DateOrder::DayFirst,
    }
}

fn death(text: &str) -> Says {
    says(Field::Deceased, text, &Meanings::default(), life())
}

fn plain(field: Field, text: &str) -> Says {
    says(field, text, &Meanings::default(), life())
}

#[test]
fn the_file_of_words_is_good() {
    let words = DecidingWords::parse(FILE).unwrap();
    assert_eq!(words.of_field.len(), 9);
    assert!(words.removals.len() > 20);
}

#[test]
fn whatever_means_dead_is_read_as_dead_incident_31() {
    for text in [
        "Y",
        "yes",
        "TRUE",
        "1",
        "D",
        "R",
        "RIP",
        "R.I.P.",
        "Dec'd",
        "Dec'd 2014",
        "Dec\u{2019}d 2014",
        "DECEASED - 3/14",
        "patient has died",
        "2014-03-01",
        "01/03/2014",
        "20260301 10:22",
        "01-MAR-2014 00:00:00",
        "2014-03-01T10:22:00+01:00",
        "03/13/2014",
        "01/03/14",
        "010314",
        "41699",
        "41699.43",
        "2014",
        "03/2014",
        "March 2014",
        "2014-03",
        "22/11/2026",
        "2",
    ] {
        assert_eq!(death(text), Says::Yes, "{text}");
    }
}

#[test]
fn whatever_means_alive_or_nothing_is_read_so() {
    for text in [
        "N",
        "no",
        "False",
        "0",
        "L",
        "Alive",
        "living",
        "Not deceased",
    ] {
        assert_eq!(death(text), Says::No, "{text}");
    }
    for text in [
        "",
        " ",
        "-",
        "NULL",
        "(null)",
        "N/A",
        "none",
        "00:00:00",
        "0000-00-00",
        "00/00/0000 00:00:00",
    ] {
        assert_eq!(death(text), Says::Nothing, "{text}");
    }
}

#[test]
fn what_may_mean_anything_is_not_understood() {
    for text in [
        "9",
        "U",
        "F",
        "Unknown",
        "####",
        "#N/A",
        "?",
        "Y?",
        "\u{2713}",
        "684730",
        "10:22",
        "not known to have died",
        "no date of death",
        "31/12/2026",
        "01/03/1939",
        "99/99/9999",
        "99999",
        "1899",
        "see notes",
    ] {
        assert_eq!(death(text), Says::Unclear, "{text}");
    }
}

#[test]
fn dates_that_databases_write_for_no_date_are_not_deaths_by_themselves() {
    for text in [
        "01/01/1900",
        "1900-01-01 00:00:00",
        "31/12/9999",
        "1899-12-30",
        "31-DEC-2100",
        "1840-12-31",
    ] {
        assert_eq!(death(text), Says::FillerDate, "{text}");
        assert!(!has_date(text, DateOrder::DayFirst), "{text}");
    }
}

#[test]
fn the_operators_own_words_come_first() {
    let meanings = Meanings {
        yes: vec!["late".into(), "N".into()],
        no: vec!["9".into(), "R".into()],
        ..Meanings::default()
    };
    let says = |text| says(Field::Deceased, text, &meanings, life());
    assert_eq!(
        ["Late", "n", "9", "r", "y"].map(says),
        [Says::Yes, Says::Yes, Says::No, Says::No, Says::Yes]
    );
    assert_eq!(removal("9", &meanings), Ok(None));
}

#[test]
fn a_status_that_is_not_listed_is_not_understood() {
    for (text, expected) in [
        ("Deceased", Says::Yes),
        ("Left - died", Says::Yes),
        ("Regular", Says::Nothing),
        ("GMS", Says::Nothing),
        ("D", Says::Unclear),
        ("2", Says::Unclear),
        ("Inactive", Says::Unclear),
    ] {
        assert_eq!(plain(Field::PatientStatus, text), expected, "{text}");
    }
}

#[test]
fn wishes_and_sensitivity_are_read_or_not_understood() {
    for (field, text, expected) in [
        (Field::Sensitive, "S", Says::Yes),
        (Field::Sensitive, "B", Says::Yes),
        (Field::Sensitive, "Very restricted", Says::Yes),
        (Field::Sensitive, "U", Says::No),
        (Field::Sensitive, "unrestricted", Says::No),
        (Field::Sensitive, "7", Says::Unclear),
        (Field::DoNotContact, "Y", Says::Yes),
        (Field::DoNotContact, "refused 2019", Says::Yes),
        (Field::DoNotContact, "N", Says::No),
        (Field::DoNotContact, "letter only", Says::Unclear),
        (Field::Consent, "N", Says::No),
        (Field::Consent, "Withdrawn", Says::No),
        (Field::Consent, "yes", Says::Yes),
        (Field::Consent, "not asked", Says::Unclear),
        (Field::Consent, "", Says::Nothing),
    ] {
        assert_eq!(plain(field, text), expected, "{text}");
    }
}

#[test]
fn each_reason_for_removal_has_a_meaning() {
    let means =
        |text| removal(text, &Meanings::default()).map(|found| found.map(|(_, means)| means));
    for (text, expected) in [
        ("DEA", Ok(Some(Removal::Dead))),
        ("Death", Ok(Some(Removal::Dead))),
        ("emb", Ok(Some(Removal::Moved))),
        ("Gone away", Ok(Some(Removal::Moved))),
        ("R/U", Ok(Some(Removal::Moved))),
        ("RPR", Ok(Some(Removal::Stays))),
        ("null", Ok(None)),
        ("", Ok(None)),
        ("XYZ", Err(())),
        ("9", Err(())),
    ] {
        assert_eq!(means(text), expected, "{text}");
    }
}

#[test]
fn a_value_is_shown_if_it_is_a_code_or_made_of_known_words() {
    for text in ["2", "D", "Inactive", "Inactive - Deceased", "DC", ""] {
        assert_eq!(shown(text), text);
    }
    for text in [
        "Ann",
        "Anna Archer",
        "Inactive Archer",
        "9997000005",
        "J Smith",
    ] {
        assert_ne!(shown(text), text);
    }
}

proptest! {
    #[test]
    fn a_date_in_the_patients_life_is_always_a_death(days in 0_i32..31_000, form in 0_usize..5, time: bool) {
        let day = date(1940, 6, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        prop_assume!(!WORDS.filler_dates.contains(&day));
        let format = ["%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y", "%Y%m%d", "%d %B %Y"][form];
        let text = format!("{}{}", day.strftime(format), if time { " 10:22:05" } else { "" });
        prop_assert_eq!(death(&text), Says::Yes, "{}", text);
    }

    #[test]
    fn nobody_is_alive_by_a_word_that_is_not_listed(text in "\\PC{1,12}") {
        let listed = ["n", "no", "false", "0", "a", "l", "alive", "living", "live", "lives", "notdead", "notdeceased", "current", "active", "stillalive", "stillliving", "nacydy", "nacydyw", "nagydy", "nacoes", "nage", "naddo"];
        if death(&text) == Says::No {
            prop_assert!(listed.contains(&folded(&text).as_str()), "{}", text);
        }
    }
}
