//! The lines of an address as a letter has them: the town in capitals; and the order of addresses.

use super::{Destination, lines};
use pkb_core::{Reason, Verdict, record::Patient};
use pkb_values::Postcode;

/// The lines under the name, or why no letter can go there.
///
/// # Errors
/// [`Reason::Unmailable`], with words.
pub fn expose_address(patient: &Patient, international: bool) -> Result<Vec<String>, Verdict> {
    let address = lines(patient, international)
        .map_err(|why| Verdict::with_detail(Reason::Unmailable, why.words()))?;
    let is_town = |at: usize| patient.town_line.map(usize::from) == Some(at);
    let last = address.lines.len() - 1;
    let is_country = |place: usize| address.destination == Destination::Abroad && place == last;
    let lines = address.lines.iter().enumerate();
    let mut lines: Vec<String> = lines
        .map(|(place, &(at, line))| {
            if is_town(at) || is_country(place) {
                line.to_uppercase()
            } else {
                line.to_owned()
            }
        })
        .collect();
    if address.destination == Destination::Postcode {
        let code = patient.postcode.as_ref().map(Postcode::expose_postcode);
        lines.extend(code.map(str::to_owned));
    }
    Ok(lines)
}

/// A key that puts addresses in the order in which Royal Mail sorts: area, district as a number, sector and unit.
#[must_use]
pub fn postal_order(postcode: &str) -> (String, u16, String) {
    let letters = postcode.bytes().take_while(u8::is_ascii_uppercase).count();
    let (area, rest) = postcode.split_at(letters);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (district, rest) = rest.split_at(digits);
    (
        area.to_owned(),
        district.parse().unwrap_or_default(),
        rest.to_owned(),
    )
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
        let extra = r#","address":["Flat 2,","1 Main Street.","Newcastle upon Tyne,","Tyne and Wear"],"town_line":2,"postcode":"NE1 1XC""#;
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
    fn a_postcode_or_home_country_in_the_lines_is_not_printed_twice() {
        let extra =
            r#","address":["1 Main Street","Cardiff","WALES","CF101AA"],"postcode":"CF10 1AA""#;
        assert_eq!(
            lines(extra, false).unwrap(),
            ["1 Main Street", "Cardiff", "CF10 1AA"]
        );
    }

    #[test]
    fn where_no_postman_goes_no_letter_goes() {
        for (extra, words) in [
            ("", "no postcode"),
            (r#","address":["1 Main Street"]"#, "no postcode"),
            (r#","postcode":"NE1 1XC""#, "only a postcode"),
            (
                r#","address":["England"],"postcode":"NE1 1XC""#,
                "no street",
            ),
            (r#","address":["N.F.A."],"postcode":"NE1 1XC""#, "no fixed"),
            (
                r#","address":["No Fixed  Abode","Leeds"],"postcode":"LS1 1AA""#,
                "no fixed",
            ),
            (r#","address":["x"],"postcode":"ZZ99 3VZ""#, "no fixed"),
            (
                r#","address":["1 Rue X","Paris","France"]"#,
                "--international",
            ),
            (
                r#","address":["1 Rue X","Paris","France"],"postcode":"ZZ99 6CZ""#,
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
    fn postcodes_are_sorted_as_mail_is() {
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
