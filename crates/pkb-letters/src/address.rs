//! The address of a letter, by Royal Mail's rules for addressing mail: town in capitals, no punctuation at the ends of
//! lines, no empty lines, post code alone on the last line. An address abroad ends with the country in capitals.

use std::{collections::HashSet, sync::LazyLock};

use pkb_core::{Reason, Verdict, record::Patient, value::Postcode};

/// Names that people write for countries and ISO 3166 does not have.
const MORE_COUNTRIES: [&str; 30] = [
    "usa",
    "us",
    "united states",
    "uae",
    "eire",
    "republic of ireland",
    "irish republic",
    "holland",
    "the netherlands",
    "south korea",
    "czech republic",
    "russia",
    "turkey",
    "vietnam",
    "ivory coast",
    "cape verde",
    "swaziland",
    "macedonia",
    "hong kong sar",
    "taiwan",
    "iran",
    "syria",
    "tanzania",
    "bolivia",
    "venezuela",
    "moldova",
    "brunei",
    "laos",
    "the gambia",
    "channel isles",
];

/// Parts of the United Kingdom: Royal Mail needs no country on mail at home.
const AT_HOME: [&str; 9] = [
    "england",
    "scotland",
    "wales",
    "cymru",
    "northern ireland",
    "united kingdom",
    "uk",
    "great britain",
    "gb",
];

/// Ways to say that there is no address.
const NO_ABODE: [&str; 8] = [
    "no fixed abode",
    "of no fixed abode",
    "nfa",
    "no fixed address",
    "no abode",
    "address unknown",
    "not known",
    "unknown",
];

static COUNTRIES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let official = rust_iso3166::ALL.iter().map(|country| {
        // "Iran (Islamic Republic of)", "Korea, Republic of"
        let name = country.name.split(['(', ',']).next().unwrap_or_default();
        folded(name)
    });
    official
        .chain(MORE_COUNTRIES.iter().map(|name| (*name).to_owned()))
        .filter(|name| !AT_HOME.contains(&name.as_str()))
        .collect()
});

/// The lines under the name, or why no letter can go there.
///
/// # Errors
/// [`Reason::Unmailable`], with words.
pub fn expose_address(patient: &Patient, international: bool) -> Result<Vec<String>, Verdict> {
    let unmailable = |words: &str| Err(Verdict::with_detail(Reason::Unmailable, words));
    let mut lines: Vec<String> = Vec::with_capacity(patient.address.len() + 1);
    for (at, line) in (0..).zip(&patient.address) {
        let line = without_punctuation(line.expose_line());
        if line.is_empty() {
            continue;
        }
        let is_town = patient.town_line == Some(at);
        lines.push(if is_town {
            line.to_uppercase()
        } else {
            line.to_owned()
        });
    }
    if lines
        .iter()
        .any(|line| NO_ABODE.contains(&folded(line).as_str()))
    {
        return unmailable("the address says that there is no fixed or no known abode");
    }
    let is_abroad = lines
        .last()
        .is_some_and(|line| COUNTRIES.contains(&folded(line)));
    let post_code = match &patient.post_code {
        Some(code) if !code.is_pseudo() => Postcode::expose_postcode(code),
        _ if is_abroad && !international => {
            return unmailable("the address is abroad: --international writes there");
        }
        _ if is_abroad => {
            let country = lines.pop().unwrap_or_default();
            if lines.is_empty() {
                return unmailable("the address has no lines but the country");
            }
            lines.push(country.to_uppercase());
            return Ok(lines);
        }
        Some(_) => {
            return unmailable("the post code stands for no fixed or no known address");
        }
        None => return unmailable("the address has no post code"),
    };
    let repeats = |line: &String| {
        let folded = folded(line);
        AT_HOME.contains(&folded.as_str()) || folded.replace(' ', "") == compact(post_code)
    };
    while lines.last().is_some_and(repeats) {
        lines.pop();
    }
    if lines.is_empty() {
        return unmailable("the address has no lines: three are needed with name and post code");
    }
    lines.push(post_code.to_owned());
    Ok(lines)
}

/// A key that puts addresses in the order in which Royal Mail sorts: area, district as a number, sector and unit.
#[must_use]
pub fn postal_order(post_code: &str) -> (String, u16, String) {
    let letters = post_code.bytes().take_while(u8::is_ascii_uppercase).count();
    let (area, rest) = post_code.split_at(letters);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (district, rest) = rest.split_at(digits);
    (
        area.to_owned(),
        district.parse().unwrap_or_default(),
        rest.to_owned(),
    )
}

fn without_punctuation(line: &str) -> &str {
    line.trim()
        .trim_end_matches([',', ';', ':', '.', ' '])
        .trim_start_matches([',', ';', ' '])
}

fn folded(text: &str) -> String {
    let text = text.replace('.', "").to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn compact(post_code: &str) -> String {
    post_code.replace(' ', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(extra: &str) -> Patient {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"5760678914"}},"first_name":"Read","last_name":"Richards","date_of_birth":"2000-09-15"{extra}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn lines(extra: &str, international: bool) -> Result<Vec<String>, String> {
        expose_address(&patient(extra), international)
            .map_err(|verdict| verdict.detail.unwrap_or_default())
    }

    #[test]
    fn the_town_is_in_capitals_and_no_line_ends_with_punctuation() {
        let extra = r#","address":["Flat 2,","1 Main Street.","Newcastle upon Tyne,","Tyne and Wear"],"town_line":2,"post_code":"NE1 1XC""#;
        assert_eq!(
            lines(extra, false).unwrap(),
            [
                "Flat 2",
                "1 Main Street",
                "NEWCASTLE UPON TYNE",
                "Tyne and Wear",
                "NE1 1XC"
            ]
        );
    }

    #[test]
    fn a_post_code_or_home_country_in_the_lines_is_not_printed_twice() {
        let extra =
            r#","address":["1 Main Street","Cardiff","WALES","CF101AA"],"post_code":"CF10 1AA""#;
        assert_eq!(
            lines(extra, false).unwrap(),
            ["1 Main Street", "Cardiff", "CF10 1AA"]
        );
    }

    #[test]
    fn where_no_postman_goes_no_letter_goes() {
        for (extra, words) in [
            ("", "no post code"),
            (r#","address":["1 Main Street"]"#, "no post code"),
            (r#","post_code":"NE1 1XC""#, "no lines"),
            (
                r#","address":["England"],"post_code":"NE1 1XC""#,
                "no lines",
            ),
            (r#","address":["N.F.A."],"post_code":"NE1 1XC""#, "no fixed"),
            (
                r#","address":["No Fixed  Abode","Leeds"],"post_code":"LS1 1AA""#,
                "no fixed",
            ),
            (r#","address":["x"],"post_code":"ZZ99 3VZ""#, "stands for"),
            (
                r#","address":["1 Rue X","Paris","France"]"#,
                "--international",
            ),
            (
                r#","address":["1 Rue X","Paris","France"],"post_code":"ZZ99 6CZ""#,
                "--international",
            ),
        ] {
            let error = lines(extra, false).unwrap_err();
            assert!(error.contains(words), "{extra}: {error}");
        }
    }

    #[test]
    fn an_address_abroad_ends_with_its_country_in_capitals() {
        for country in ["France", "U.S.A.", "Republic of Ireland", "Iran"] {
            let extra = format!(r#","address":["1 Rue X","75001 Paris","{country}"]"#);
            let lines = lines(&extra, true).unwrap();
            assert_eq!(
                *lines.last().unwrap(),
                country.trim_end_matches('.').to_uppercase()
            );
        }
        assert!(lines(r#","address":["France"]"#, true).is_err());
        // Norfolk Island is a country, Norfolk is none.
        assert!(lines(r#","address":["1 High Street","Norfolk"]"#, true).is_err());
    }

    #[test]
    fn post_codes_are_sorted_as_mail_is() {
        let mut codes = [
            "NE10 1AA", "NE2 1AB", "NE2 1AA", "N1 1AA", "W1A 1HQ", "W1 1AA", "EC1A 1BB",
        ];
        codes.sort_by_key(|code| postal_order(code));
        assert_eq!(
            codes,
            [
                "EC1A 1BB", "N1 1AA", "NE2 1AA", "NE2 1AB", "NE10 1AA", "W1 1AA", "W1A 1HQ"
            ]
        );
    }
}
