//! Names of countries as people write them in addresses.

use std::sync::LazyLock;

use super::folded_names::{FoldedNames, folded};

/// A country that is not in the United Kingdom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Country {
    /// A crown dependency, with its post code areas: mail goes there as at home.
    Dependency(&'static [&'static str]),
    /// Any other.
    Foreign,
}

/// Parts of the United Kingdom: Royal Mail needs no country on mail at home.
const AT_HOME: [&str; 19] = [
    "england",
    "scotland",
    "wales",
    "cymru",
    "northern ireland",
    "n ireland",
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

/// Places in the United Kingdom with the name of a country, and the post code areas that they are in. A letter that is
/// kept back for a place that is lacking here is named; one that goes astray is not.
const UK_PLACES: [(&str, &[&str]); 10] = [
    ("america", &["CB"]),
    ("bermuda", &["CV"]),
    ("canada", &["LN", "SO"]),
    ("egypt", &["BD", "RG", "SL", "SO"]),
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
    let names = official.chain(MORE_COUNTRIES);
    FoldedNames::of(names.filter(|name| !HOME.has(name) && !DEPENDENT.has(name)))
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
}

/// Whether the country's name is also the name of a place in this post code area.
pub(super) fn is_uk_place(line: &str, area: &str) -> bool {
    let name = folded(last_part(line));
    UK_PLACES
        .iter()
        .any(|(place, areas)| *place == name && areas.contains(&area))
}

fn last_part(line: &str) -> &str {
    line.rsplit(',').next().unwrap_or_default().trim()
}
