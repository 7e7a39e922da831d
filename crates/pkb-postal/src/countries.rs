//! Names of countries as people write them in addresses.

use std::sync::LazyLock;

use super::folded_names::{FoldedNames, folded};

/// A country that is not in the United Kingdom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Country {
    /// A Crown dependency, with its postcode areas: addressed like the United Kingdom.
    Dependency(&'static [&'static str]),
    /// Any other.
    Foreign,
}

/// Parts of the United Kingdom: Royal Mail needs no country on inland mail.
const AT_HOME: [&str; 24] = [
    "england",
    "scotland",
    "wales",
    "cymru",
    "northern ireland",
    "n ireland",
    "north ireland",
    "north of ireland",
    "ireland north",
    "ireland (north)",
    "ireland (northern)",
    "united kingdom",
    "uk",
    "great britain",
    "gb",
    "lloegr",
    "yr alban",
    "gogledd iwerddon",
    "y deyrnas unedig",
    "prydain fawr",
    "gb-eng",
    "gb-sct",
    "gb-wls",
    "gb-nir",
];

/// Crown dependencies, by the names that addresses have.
const DEPENDENCIES: [(&str, &[&str]); 11] = [
    ("jersey", &["JE"]),
    ("guernsey", &["GY"]),
    ("alderney", &["GY"]),
    ("sark", &["GY"]),
    ("herm", &["GY"]),
    ("isle of man", &["IM"]),
    ("iom", &["IM"]),
    ("ellan vannin", &["IM"]),
    ("channel islands", &["JE", "GY"]),
    ("channel isles", &["JE", "GY"]),
    ("ci", &["JE", "GY"]),
];

/// Names that people write for countries and ISO 3166 does not have.
const MORE_COUNTRIES: [&str; 40] = [
    "usa",
    "us",
    "united states",
    "uae",
    "eire",
    "éire",
    "republic of ireland",
    "rep of ireland",
    "irish republic",
    "southern ireland",
    "roi",
    "iwerddon",
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
    "kosovo",
    "north cyprus",
    "northern cyprus",
    "ffrainc",
    "sbaen",
    "españa",
];

/// Countries as people who live there call them.
#[rustfmt::skip]
const OWN_NAMES: [&str; 56] = [
    "al maghrib", "algérie", "belgië", "belgie", "belgique", "bharat", "brasil", "česko", "cesko", "česká republika",
    "ceska republika", "crna gora", "danmark", "deutschland", "eesti", "ελλάδα", "ellada", "ellás", "hellas",
    "hrvatska", "italia", "latvija", "lietuva", "magyarország", "magyarorszag", "maroc", "méxico", "misr",
    "nederland", "nippon", "norge", "österreich", "osterreich", "oesterreich", "polska", "rossiya", "россия",
    "românia", "schweiz", "shqipëria", "shqiperia", "slovensko", "slovenija", "srbija", "suisse", "suomi", "sverige",
    "svizzera", "türkiye", "turkiye", "україна", "ukraina", "българия", "ísland", "yr almaen", "gwlad pwyl",
];

/// Countries of which people write only the half, or add to.
#[rustfmt::skip]
const PARTS_OF_NAMES: [&str; 15] = [
    "ireland rep", "ireland republic", "rep ireland", "republic ireland", "ireland (rep)", "ireland (republic)",
    "ireland (republic of)", "ireland (roi)", "ireland (eire)", "ireland (south)", "ireland eire", "eire ireland",
    "u s a", "p r china", "pr china",
];

/// Counties of the Republic of Ireland. Some are also names of towns in the United Kingdom, so only with "Co." or "County".
#[rustfmt::skip]
const IRISH_COUNTIES: [&str; 26] = [
    "carlow", "cavan", "clare", "cork", "donegal", "dublin", "galway", "kerry", "kildare", "kilkenny", "laois",
    "leitrim", "limerick", "longford", "louth", "mayo", "meath", "monaghan", "offaly", "roscommon", "sligo",
    "tipperary", "waterford", "westmeath", "wexford", "wicklow",
];

/// Towns of the Republic of Ireland whose name no place in the United Kingdom has.
#[rustfmt::skip]
const IRISH_TOWNS: [&str; 10] = [
    "dublin", "cork", "galway", "limerick", "donegal", "letterkenny", "drogheda", "dundalk", "sligo", "tralee",
];

/// Places in the United Kingdom with the name of a country, and the post code areas that they are in. A letter that is
/// kept back for a place that is lacking here is named; one that goes astray is not.
const UK_PLACES: [(&str, &[&str]); 11] = [
    ("america", &["CB"]),
    ("bermuda", &["CV"]),
    ("canada", &["LN", "SO"]),
    ("egypt", &["BD", "RG", "SL", "SO"]),
    ("france", &["EH"]),
    ("georgia", &["TR"]),
    ("gibraltar", &["HP", "IP", "PE"]),
    ("holland", &["PE", "RH"]),
    ("ireland", &["SG", "ZE"]),
    ("new zealand", &["DE"]),
    ("palestine", &["SP"]),
];

static HOME: LazyLock<FoldedNames> = LazyLock::new(|| FoldedNames::of(AT_HOME));

static DEPENDENT: LazyLock<FoldedNames> =
    LazyLock::new(|| FoldedNames::of(DEPENDENCIES.iter().map(|(name, _)| name)));

static FOREIGN: LazyLock<FoldedNames> = LazyLock::new(|| {
    let official = rust_iso3166::ALL.iter().map(|country| {
        // "Iran (Islamic Republic of)", "Korea, Republic of"
        country.name.split(['(', ',']).next().unwrap_or_default()
    });
    let names = official
        .chain(MORE_COUNTRIES)
        .chain(OWN_NAMES)
        .chain(PARTS_OF_NAMES);
    let counties = IRISH_COUNTIES
        .iter()
        .flat_map(|county| [format!("co {county}"), format!("county {county}")]);
    let names = names
        .chain(IRISH_TOWNS)
        .filter(|name| !HOME.has(name) && !DEPENDENT.has(name))
        .map(str::to_owned);
    FoldedNames::of(names.chain(counties))
});

/// Whether a line is a part of the United Kingdom and nothing else.
pub(super) fn is_at_home(line: &str) -> bool {
    HOME.has(line)
}

impl Country {
    /// The country that a line names, alone or behind a comma: `Ireland`, `Dublin, Ireland`. "Ireland Street" and
    /// "County Durham" name none.
    pub(super) fn at_the_end_of(line: &str) -> Option<Self> {
        let name = last_part(line);
        if DEPENDENT.has(name) {
            let name = folded(name);
            let dependency = DEPENDENCIES.iter().find(|(other, _)| *other == name);
            return dependency.map(|(_, areas)| Self::Dependency(areas));
        }
        FOREIGN.has(name).then_some(Self::Foreign)
    }

    /// Whether a line has a country abroad behind a town, without a comma: `Lahore PAKISTAN`, `Sydney NSW Australia`.
    /// A street or a person of that name is none.
    pub(super) fn is_behind_a_town(line: &str) -> bool {
        let is_street = line.starts_with(|c: char| c.is_ascii_digit()) || line.contains("c/o");
        let mut gaps = line.match_indices(' ').map(|(at, _)| line.split_at(at));
        !is_street
            && gaps
                .find_map(|(town, name)| {
                    let name = name.trim_start();
                    if HOME.has(name) || DEPENDENT.has(name) {
                        return Some(false);
                    }
                    let last = town.rsplit([' ', '.']).find(|word| !word.is_empty());
                    let is_saint = last.is_some_and(|word| {
                        word.eq_ignore_ascii_case("st") || word.eq_ignore_ascii_case("saint")
                    });
                    (name.len() > 2 && !is_saint && FOREIGN.has(name)).then_some(true)
                })
                .unwrap_or_default()
    }
}

/// Whether the country's name is also the name of a place in this post code area.
pub(super) fn is_uk_place(line: &str, area: &str) -> bool {
    let name = folded(last_part(line));
    UK_PLACES.iter().any(|(place, areas)| {
        let before = name.strip_suffix(place);
        before.is_some_and(|before| before.is_empty() || before.ends_with(' '))
            && areas.contains(&area)
    })
}

fn last_part(line: &str) -> &str {
    line.rsplit(',').next().unwrap_or_default().trim()
}
