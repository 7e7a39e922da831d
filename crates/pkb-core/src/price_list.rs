//! What GOV.UK Notify takes for text messages and letters, by the day on which it sends them.
//!
//! The prices are data (`data/notify-prices.toml`), because they change several times a year.

use std::sync::LazyLock;

use jiff::civil::Date;
use pkb_values::Money;
use serde::Deserialize;

static LIST: LazyLock<PriceList> = LazyLock::new(|| {
    // A test reads it, so that it cannot be wrong.
    toml::from_str(include_str!("../data/notify-prices.toml")).unwrap_or_default()
});

/// The list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    text: Vec<TextPrice>,
    letter: Vec<LetterPrices>,
    allowance: Vec<Allowance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextPrice {
    from: toml::value::Datetime,
    fragment: Money,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LetterPrices {
    from: toml::value::Datetime,
    postage: String,
    /// Of a letter with one sheet, two, and so on.
    sheets: Vec<Money>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowance {
    from: toml::value::Datetime,
    organisation: String,
    fragments: u64,
}

/// A price, and the day from which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Without VAT.
    pub price: Money,
    /// The day.
    pub from: Date,
}

impl PriceList {
    /// The list that comes with the program.
    #[must_use]
    pub fn of_notify() -> &'static Self {
        &LIST
    }

    /// What a fragment of a text message costs on a day; the oldest known price before that.
    #[must_use]
    pub fn of_fragment(&self, day: Date) -> Option<Price> {
        let all = self.text.iter();
        newest(all.map(|one| (&one.from, one.fragment)), day)
    }

    /// What a letter costs on a day. `postage` is `first`, `second`, `economy` or `abroad`. `None` if Notify does not post so many sheets.
    #[must_use]
    pub fn of_letter(&self, postage: &str, sheets: u64, day: Date) -> Option<Price> {
        let place = usize::try_from(sheets.checked_sub(1)?).ok()?;
        let own = self.letter.iter().filter(|one| one.postage == postage);
        let prices = own.filter_map(|one| Some((&one.from, *one.sheets.get(place)?)));
        newest(prices, day)
    }

    /// How many fragments are free in the financial year of a day, by kind of organisation.
    pub fn allowances(&self, day: Date) -> impl Iterator<Item = (&str, u64)> {
        let valid = move |one: &&Allowance| civil(&one.from).is_some_and(|from| from <= day);
        self.allowance
            .iter()
            .filter(valid)
            .map(|one| (one.organisation.as_str(), one.fragments))
    }
}

/// The last that holds on `day`, or the first of all.
fn newest<'a>(
    prices: impl Iterator<Item = (&'a toml::value::Datetime, Money)>,
    day: Date,
) -> Option<Price> {
    let dated = prices.filter_map(|(from, price)| {
        Some(Price {
            price,
            from: civil(from)?,
        })
    });
    let mut dated: Vec<Price> = dated.collect();
    dated.sort_by_key(|own| own.from);
    let valid = dated.iter().rfind(|own| own.from <= day);
    valid.or(dated.first()).copied()
}

fn civil(date: &toml::value::Datetime) -> Option<Date> {
    date.date?.to_string().parse().ok()
}

/// Sheets of a letter that is printed on both sides.
#[must_use]
pub fn sheets(pages: u64) -> u64 {
    pages.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(postage: &str, sheets: u64, day: &str) -> Option<String> {
        let list: PriceList = toml::from_str(include_str!("../data/notify-prices.toml")).unwrap();
        let price = list.of_letter(postage, sheets, day.parse().unwrap())?;
        Some(
            serde_json::to_string(&price.price)
                .unwrap()
                .replace('"', ""),
        )
    }

    #[test]
    fn a_letter_costs_what_its_postage_costs_on_the_day() {
        for (postage, sheets, day, price) in [
            ("economy", 1, "2026-06-30", Some("0.64")),
            ("economy", 1, "2026-07-01", Some("0.638")),
            ("economy", 5, "2026-12-01", Some("0.823")),
            ("second", 2, "2026-12-01", Some("0.77")),
            ("first", 1, "2026-12-01", Some("1.56")),
            ("abroad", 3, "2026-12-01", Some("1.88")),
            // Before the first price that we know.
            ("first", 1, "2025-12-01", Some("1.56")),
            ("second", 6, "2026-12-01", None),
            ("second", 0, "2026-12-01", None),
            ("pigeon", 1, "2026-12-01", None),
        ] {
            assert_eq!(
                letter(postage, sheets, day).as_deref(),
                price,
                "{postage} {sheets} {day}"
            );
        }
    }

    #[test]
    fn a_fragment_costs_two_pence_and_four_tenths() {
        let price = PriceList::of_notify()
            .of_fragment("2026-11-30".parse().unwrap())
            .unwrap();
        assert_eq!(
            (
                price.price.in_pence().as_str(),
                price.from.to_string().as_str()
            ),
            ("2.4p", "2026-04-01")
        );
        let free: Vec<u64> = PriceList::of_notify()
            .allowances("2026-11-30".parse().unwrap())
            .map(|(_, fragments)| fragments)
            .collect();
        assert_eq!(free, [20_000, 10_000, 5_000, 0]);
    }

    #[test]
    fn two_pages_are_one_sheet() {
        assert_eq!([1, 2, 3, 4, 5].map(sheets), [1, 1, 2, 2, 3]);
    }
}
