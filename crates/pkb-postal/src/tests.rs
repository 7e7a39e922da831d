use super::*;

fn patient(extra: &str) -> Patient {
    let json = format!(
        r#"{{"national_id":{{"type":"NHS_NUMBER","value":"5760678914"}},"first_name":"Read","last_name":"Richards","date_of_birth":"2000-09-15"{extra}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

/// The lines of an address, one after the other, with `town` as the place of the town.
fn of(lines: &[&str], code: &str, international: bool) -> Result<Vec<String>, Unmailable> {
    let address = serde_json::to_string(lines).unwrap();
    let code = if code.is_empty() {
        String::new()
    } else {
        format!(r#","postcode":"{code}""#)
    };
    let patient = patient(&format!(r#","address":{address}{code}"#));
    let lines = super::lines(&patient, international)?;
    Ok(lines.lines.iter().map(|(_, l)| (*l).to_owned()).collect())
}

#[test]
fn a_country_abroad_beside_a_uk_postcode_keeps_the_letter_back() {
    for lines in [
        &["1 Main Street", "Dublin", "Ireland"][..],
        &["1 Main Street", "Dublin, Ireland"],
        &["1 Main Street", "Paris", "France"],
        &["1 Main Street", "Warsaw", "POLAND"],
        &["1 Main Street", "Georgia"],
        &["1 Main Street", "Lebanon"],
        &["1 Main Street", "Newcastle", "Éire"],
        &["1 Main Street", "Ireland", "Dublin"],
        &["1 Main Street", "Douglas", "Isle of Man"],
        &["1 Main Street", "Boston", "U.S.A."],
        &["ul. Polna 1", "Warszawa", "Polska"],
        &["Hauptstr. 1", "Berlin", "DEUTSCHLAND"],
        &["1 Main St", "Letterkenny", "Co. Donegal"],
        &["1 Main St", "County Cork"],
        &["1 Main St", "Lahore PAKISTAN"],
        &["1 Main St", "Letterkenny", "Ireland (Rep)"],
        &["1 Main St", "Sydney", "NSW Australia"],
        &["1 Main St", "Boston MA USA"],
        &["1 Main St", "Kingston", "Jamaica West Indies, Jamaica"],
        &["1 Main St", "Praha", "\u{10c}esk\u{e1} republika"],
        &["1 Main St", "Dublin"],
    ] {
        assert_eq!(of(lines, "NE1 4ST", false), Err(Unmailable::CountryDiffers));
        assert_eq!(of(lines, "NE1 4ST", true), Err(Unmailable::CountryDiffers));
    }
}

#[test]
fn a_country_in_the_last_line_is_abroad_and_jersey_and_wales_are_not_incident_20() {
    for lines in [
        &["1 Main Street", "Dublin", "D02 AF30", "Ireland"][..],
        &["1 Main Street", "Tbilisi", "Georgia"],
    ] {
        assert_eq!(of(lines, "", false), Err(Unmailable::Abroad));
        assert_eq!(of(lines, "", true).unwrap(), lines);
        // The code of somewhere else is no reason to send it there.
        assert_eq!(of(lines, "NE1 4ST", true), Err(Unmailable::CountryDiffers));
    }
    let jersey = ["1 Main Street", "St Helier", "Jersey"];
    assert_eq!(of(&jersey, "JE2 3AB", false).unwrap(), jersey);
    let wales = ["1 Main Street", "Cardiff", "Wales", "CF10 1AA"];
    assert_eq!(of(&wales, "CF10 1AA", false).unwrap(), wales[..2]);
}

#[test]
fn names_that_only_look_like_countries_are_printed() {
    for (lines, code) in [
        (&["1 Ireland Street", "Bingley"][..], "BD16 2QE"),
        (&["Georgia Road", "New Malden"], "KT3 3RB"),
        (&["1 Main Street", "Durham", "County Durham"], "DH1 3LE"),
        (&["Jersey", "2 Mill Lane", "Leeds"], "LS1 1AA"),
        (&["1 Jersey Road", "Hounslow"], "TW5 0TP"),
        (&["1 Main Street", "Norfolk"], "NR1 1AA"),
        (&["3 Mount Carmel Road", "Palestine", "Andover"], "SP11 7EU"),
        (&["Tilbury Lane", "Bermuda"], "CV10 7PT"),
        (&["1 Main Street", "St Helier", "Jersey"], "JE2 3AB"),
        (
            &["1 Main Street", "St Peter Port", "Channel Islands"],
            "GY1 1AA",
        ),
        (&["1 Main Street", "Douglas", "Isle of Man"], "IM1 1AA"),
        (&["1 Main Street", "St Helens, Lancashire"], "WA10 1AA"),
        (&["1 Main Street", "Little France"], "EH16 4SA"),
        (&["1 Main Street", "Louth"], "LN11 0AA"),
        (&["1 Main Street", "Co. Down"], "BT20 3AA"),
        (&["1 Main Street", "Belfast Northern Ireland"], "BT1 1AA"),
        (
            &["1 Main Street", "Ireland (Northern)", "Belfast"],
            "BT1 1AA",
        ),
        (&["1 Main Street", "Kerry"], "SY16 4NA"),
        (&["Rose Villa", "Close of St Chad"], "WS13 7LD"),
        (&["1 Main Street", "c/o Tom Jordan"], "LS1 1AA"),
    ] {
        assert_eq!(of(lines, code, false).unwrap(), lines);
    }
}

#[test]
fn parts_of_the_united_kingdom_are_not_printed_incident_19() {
    for home in [
        "England",
        "WALES",
        "Cymru",
        "Scotland",
        "Northern Ireland",
        "UK",
        "U.K.",
        "United Kingdom",
        "GB",
        "GB-ENG",
        "Great  Britain",
    ] {
        let lines = of(&["1 Main Street", "Cardiff", home], "CF10 1AA", false);
        assert_eq!(lines.unwrap(), ["1 Main Street", "Cardiff"], "{home}");
        let alone = of(&[home], "CF10 1AA", false);
        assert_eq!(alone, Err(Unmailable::NoStreet), "{home}");
        let first = of(&[home, "Leeds"], "LS6 3AA", false);
        assert_eq!(first, Err(Unmailable::NoStreet), "{home}");
        for lines in 2..=7 {
            let each = of(&vec![home; lines], "LS6 3AA", false);
            assert_eq!(each, Err(Unmailable::NoStreet), "{lines} {home}");
        }
    }
}

#[test]
fn an_address_without_a_street_gets_no_letter() {
    let town = r#","address":["Leeds"],"town_line":0,"postcode":"LS6 3AA""#;
    assert_eq!(
        lines(&patient(town), false).err(),
        Some(Unmailable::NoStreet)
    );
    let both =
        r#","address":["Leeds","Yorkshire"],"town_line":0,"county_line":1,"postcode":"LS6 3AA""#;
    assert_eq!(
        lines(&patient(both), false).err(),
        Some(Unmailable::NoStreet)
    );
    assert_eq!(of(&[], "LS6 3AA", false), Err(Unmailable::NoLines));
    assert_eq!(
        of(&["England"], "LS6 3AA", false),
        Err(Unmailable::NoStreet)
    );
}

#[test]
fn a_number_or_words_for_a_street_get_no_letter() {
    for line in [
        "As above",
        "Flat 2",
        "12",
        "See notes",
        "Leeds",
        "LS1 1AA",
        "Richards",
    ] {
        let extra = format!(r#","address":["{line}","Leeds"],"town_line":1,"postcode":"LS6 3AA""#);
        let town = lines(&patient(&extra), false).err();
        assert_eq!(town, Some(Unmailable::NoStreet), "{line}");
        let no_town_column = of(&[line, "Leeds"], "LS6 3AA", false);
        assert_eq!(no_town_column.is_ok(), line == "Leeds", "{line}");
        assert!(
            of(&[line, "1 Mill Lane", "Leeds"], "LS6 3AA", false).is_ok(),
            "{line}"
        );
    }
}

#[test]
fn a_forces_number_takes_the_place_of_a_postcode() {
    for number in ["BFPO 57", "BFPO57", "bfpo c/o 61", "BFPO c/o 4"] {
        assert!(is_forces_number(number), "{number}");
        let lines = of(&["1 Rgt Example", number], "", false).unwrap();
        assert_eq!(lines, ["1 Rgt Example", number]);
        let lines = of(&[number, "1 Rgt Example"], "", false).unwrap();
        assert_eq!(lines, ["1 Rgt Example", number]);
        assert!(of(&["1 Rgt Example", number], "BF1 2AU", false).is_ok());
    }
    assert!(is_forces_number("BFPO  c/o  4"));
    for other in ["BFPO", "BFPO 12345", "BFPO Road", "BFPOé", "BF1"] {
        assert!(!is_forces_number(other), "{other}");
    }
    let extra = r#","address":["BFPO 57"],"town_line":0,"postcode":"BF1 2AU""#;
    assert!(lines(&patient(extra), false).is_ok());
    assert_eq!(
        of(&["1 Main Street"], "", false),
        Err(Unmailable::NoPostcode)
    );
}

#[test]
fn what_pkb_upload_left_out_keeps_the_letter_back() {
    let of = |no_letter: &str, lines: &str, international: bool| {
        let extra = format!(r#","address":{lines},"no_letter":"{no_letter}""#);
        super::lines(&patient(&extra), international).err()
    };
    let dublin = r#"["1 Main Street","Dublin","Ireland"]"#;
    assert_eq!(of("postcode", dublin, false), Some(Unmailable::Abroad));
    assert_eq!(
        of("postcode", dublin, true),
        Some(Unmailable::PostcodeLeftOut)
    );
    let leeds = r#"["1 Main Street","Leeds"]"#;
    assert_eq!(
        of("postcode", leeds, false),
        Some(Unmailable::PostcodeLeftOut)
    );
    assert_eq!(
        of("address", leeds, false),
        Some(Unmailable::AddressLeftOut)
    );
    assert_eq!(of("abode", leeds, false), Some(Unmailable::NoAbode));
}

#[test]
fn no_letter_goes_to_nowhere() {
    for line in [
        "NFA",
        "N.F.A.",
        "Nfa",
        "No Fixed Address",
        "No  fixed abode",
        "of no fixed abode",
        "(No Fixed Abode)",
        "UNKNOWN",
        "Homeless",
    ] {
        let nowhere = of(&[line, "Leeds"], "LS6 3AA", false);
        assert_eq!(nowhere, Err(Unmailable::NoAbode), "{line}");
    }
    for line in [
        "Unknown Street",
        "1 Nfa Road",
        "Homeless Close",
        "1 Fixed Row",
    ] {
        assert!(of(&[line, "Leeds"], "LS6 3AA", false).is_ok(), "{line}");
    }
    let pseudo = of(&["x"], "ZZ99 3VZ", false);
    assert_eq!(pseudo, Err(Unmailable::PseudoPostcode));
    let abroad = of(&["1 Main Street", "Madrid", "Spain"], "ZZ99 2VZ", false);
    assert_eq!(abroad, Err(Unmailable::Abroad));
}

proptest::proptest! {
    #[test]
    fn any_lines_are_printed_or_kept_back_for_a_reason(lines in proptest::collection::vec("[A-Za-z0-9 .,/]{1,12}|Ireland|BFPO 5|England", 0..7), code in "|NE1 4ST|JE2 3AB|ZZ99 3VZ", international: bool) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.trim().is_empty()).collect();
        if let Ok(printed) = of(&lines, &code, international) {
            proptest::prop_assert!(!printed.is_empty());
            proptest::prop_assert!(printed.iter().all(|line| !line.is_empty()));
        }
    }
}
