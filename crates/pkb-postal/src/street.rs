//! Whether a line of an address may be a house and its street. Flat 2 alone, "as above" and the town once more are none:
//! a letter with nothing better would reach anybody with that post code, or nobody.

use std::sync::LazyLock;

use super::folded_names::FoldedNames;
use pkb_core::record::Patient;
use pkb_values::Postcode;

/// What people write instead of an address.
#[rustfmt::skip]
const NOT_AN_ADDRESS: [&str; 39] = [
    "above", "address as above", "as above", "as before", "as below", "as mother", "as mum", "as parents",
    "as previous", "care of", "c/o", "detail in notes", "do", "ditto", "same", "same address", "same as above",
    "same as mother", "same as nok", "same as parents", "see above", "see address 2", "see comments", "see nok",
    "see note", "see notes", "see other address", "see record", "to follow", "to be checked", "check address",
    "please check", "address", "address 1", "home", "home address", "current address", "fel uchod",
    "gweler y nodiadau",
];

/// Counties that end with "shire", without that.
#[rustfmt::skip]
const SHIRES: [&str; 51] = [
    "aberdeen", "ayr", "banff", "bedford", "berk", "berwick", "brecknock", "buckingham", "caernarfon", "cambridge",
    "cardigan", "carmarthen", "che", "denbigh", "derby", "dumfries", "dunbarton", "flint", "gloucester", "hamp",
    "hereford", "hertford", "huntingdon", "inverness", "kincardine", "kinross", "kirkcudbright", "lanark", "lanca",
    "leicester", "lincoln", "monmouth", "montgomery", "northampton", "nottingham", "oxford", "peebles", "pembroke",
    "perth", "radnor", "renfrew", "roxburgh", "selkirk", "shrop", "stafford", "stirling", "warwick", "wigtown",
    "wilt", "worcester", "york",
];

/// Other counties, and what people write for counties.
#[rustfmt::skip]
const OTHER_COUNTIES: [&str; 99] = [
    "county antrim", "co antrim", "county armagh", "co armagh", "county down", "co down", "county durham",
    "co durham", "county fermanagh", "co fermanagh", "county londonderry", "co londonderry", "county derry",
    "co derry", "county tyrone", "co tyrone", "anglesey", "angus", "argyll", "argyll and bute", "avon", "beds",
    "berks", "borders", "bucks", "cambs", "ceredigion", "cleveland", "clwyd", "cornwall", "cumberland", "cumbria",
    "devon", "dorset", "durham county", "dyfed", "east riding of yorkshire", "east lothian", "east sussex", "essex",
    "fife", "glos", "greater london", "greater manchester", "gwent", "gwynedd", "hants", "herts", "highland",
    "humberside", "isle of wight", "kent", "lancs", "leics", "lincs", "merseyside", "mid glamorgan", "middlesex",
    "middx", "midlothian", "moray", "norfolk", "northants", "northumberland", "north humberside", "notts", "oxon",
    "powys", "rutland", "salop", "scottish borders", "somerset", "south glamorgan", "south humberside", "staffs",
    "suffolk", "surrey", "sussex", "tyne and wear", "tyne & wear", "tyne-and-wear", "vale of glamorgan", "warks",
    "west glamorgan", "west lothian", "west midlands", "west sussex", "westmorland", "wilts", "worcs",
    "north yorkshire", "south yorkshire", "west yorkshire", "east yorkshire", "yorks", "n yorks", "s yorks",
    "w yorks", "e yorks",
];

static REFERENCES: LazyLock<FoldedNames> = LazyLock::new(|| FoldedNames::of(NOT_AN_ADDRESS));

static COUNTIES: LazyLock<FoldedNames> = LazyLock::new(|| {
    let shires = SHIRES.iter().map(|shire| format!("{shire}shire"));
    FoldedNames::of(shires.chain(OTHER_COUNTIES.map(str::to_owned)))
});

/// Words that stand in front of the number of a part of a house.
#[rustfmt::skip]
const UNITS: [&str; 20] = [
    "flat", "flt", "apartment", "apt", "unit", "room", "rm", "floor", "block", "no", "number", "house", "plot",
    "suite", "studio", "bedsit", "fflat", "ward", "bed", "rhif",
];

/// Words beside a unit that name no street either.
const BESIDE_UNITS: [&str; 8] = [
    "ground", "first", "second", "third", "top", "basement", "upper", "lower",
];

/// Whether a line may be a house and its street, or a house that has a name.
pub(super) fn may_be_street(line: &str, patient: &Patient) -> bool {
    if !line.contains(|c: char| c.is_alphabetic()) || line.contains('@') {
        // A number, a telephone number, an e-mail address.
        return false;
    }
    let rest = without_number(line);
    let may_be_code = line.len() <= 10 && line.bytes().any(|byte| byte.is_ascii_digit());
    if rest.is_empty() || is_unit(line) || (may_be_code && Postcode::parse(line).is_ok()) {
        return false;
    }
    let is_place = |at: Option<u8>| {
        let place = at.and_then(|at| patient.address.get(usize::from(at)));
        place.is_some_and(|place| begins_with(place.expose_line(), rest))
    };
    let is_name = [&patient.first_name, &patient.last_name]
        .into_iter()
        .any(|name| name.expose_name().eq_ignore_ascii_case(rest));
    !REFERENCES.has(rest)
        && !COUNTIES.has(rest)
        && !is_name
        && !is_place(patient.town_line)
        && !is_place(patient.county_line)
}

/// Whether a place is this, or begins with it as a whole word: "Newcastle" of "Newcastle upon Tyne".
fn begins_with(place: &str, words: &str) -> bool {
    place
        .split_at_checked(words.len())
        .is_some_and(|(begin, more)| {
            begin.eq_ignore_ascii_case(words)
                && (more.is_empty() || more.starts_with([' ', ',', '-']))
        })
}

/// A line without the number of a house in front: empty if it is nothing else.
fn without_number(line: &str) -> &str {
    let line = line.trim();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '/'));
    if digits.len() == line.len() {
        return line;
    }
    // "12a"
    let mut letters = digits.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_alphabetic() => "",
        (Some(letter), Some(' ' | ',')) if letter.is_alphabetic() => {
            digits[letter.len_utf8()..].trim_start_matches([' ', ','])
        }
        _ => digits.trim_start_matches([' ', ',']),
    }
}

/// `Flat 2`, `Ground floor flat`, `Apt. 3b`, `Flat 2, 12`, `No 12`.
fn is_unit(line: &str) -> bool {
    let mut has_unit = false;
    let mut words = line
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let is_part = words.all(|word| {
        let is_one_of = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
        let is_unit = is_one_of(&UNITS);
        has_unit |= is_unit;
        let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_ordinal = ["st", "nd", "rd", "th"]
            .iter()
            .any(|end| end.eq_ignore_ascii_case(letters));
        is_unit
            || letters.chars().count() <= 1
            || (is_ordinal && letters.len() < word.len())
            || is_one_of(&BESIDE_UNITS)
    });
    is_part && has_unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(lines: &str) -> Patient {
        let json = format!(
            r#"{{"national_id":{{"type":"NHS_NUMBER","value":"5760678914"}},"first_name":"Owen","last_name":"Archer","date_of_birth":"2000-09-15","address":[{lines}]{}}}"#,
            if lines.is_empty() {
                ""
            } else {
                r#","town_line":1"#
            }
        );
        serde_json::from_str(&json).unwrap()
    }

    #[rustfmt::skip]
    #[test]
    fn what_is_no_street_is_known() {
        for line in [
            "As above", "AS ABOVE", "Same address", "ditto", "Ditto.", "See notes", "Flat 2", "FLAT 2B", "Flat A",
            "Apt. 3", "12", "12a", "12A", "3-5", "Flat 2, 12", "Ground floor flat", "1st Floor", "Room 12", "No. 12",
            "Newcastle", "newcastle upon tyne", "12 Newcastle", "NE1 4ST", "ne14st", "Tyne and Wear", "TYNE & WEAR",
            "Hampshire", "Lancashire", "West Yorkshire", "Yorkshire", "N. Yorks", "Co. Durham", "07700 900000",
            "+44 7700 900000", "a@b.example", "Archer", "ARCHER", "Owen", "c/o",
        ] {
            let patient = patient(&format!("{line:?},\"Newcastle upon Tyne\""));
            assert!(!may_be_street(line, &patient), "{line}");
        }
    }

    #[rustfmt::skip]
    #[test]
    fn streets_and_houses_with_names_are_streets() {
        for line in [
            "1 Mill Lane", "Mill Lane", "Rose Villa", "The Old Rectory", "12a Mill Lane", "Flat 2 Mill Court",
            "Flat 2, 1 Mill Lane", "3-5 High Street", "Same Street", "Ditto Lane", "Newcastle House",
            "12 Newcastle Road", "Hampshire House", "1 York Road", "Kent House", "Archer House", "1 Archer Street",
            "Room at the Top", "Block Lane", "Flat Iron House", "The Flat", "12 Ty Mawr", "2 Tŷ Mawr", "A Mill Lane",
            "Ward Street",
        ] {
            let patient = patient(&format!("{line:?},\"Newcastle upon Tyne\""));
            assert!(may_be_street(line, &patient), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_looked_at(line in "\\PC{0,30}|[0-9]{0,3}[a-zé]? ?(flat|no)? ?[0-9a-z]{0,3}") {
            let _ = may_be_street(&line, &patient(""));
        }

        #[test]
        fn a_number_in_front_of_a_street_is_a_street(number in "[0-9]{1,4}[a-c]?", street in "(Mill|Church|High) (Lane|Street|Row)") {
            let line = format!("{number} {street}");
            proptest::prop_assert!(may_be_street(&line, &patient("")));
        }
    }
}
