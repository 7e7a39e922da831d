//! Where invited patients live, by the area of their post code. A small number may tell who somebody
//! is, so small areas are put together.

use std::collections::BTreeMap;

/// Areas with fewer patients are not shown by themselves, nor are fewer patients of one area: the
/// usual limit for health statistics that leave an organisation.
pub const FEWEST_SHOWN: u64 = 5;

/// Patients of an area.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Invited.
    pub invited: u64,
    /// Registered since.
    pub registered: u64,
}

/// Invited patients by area.
#[derive(Debug, Default)]
pub struct Areas {
    by_area: BTreeMap<[u8; 2], Area>,
    nowhere: Area,
}

/// One line of what may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownArea {
    /// The area's letters; `None` for all others together.
    pub area: Option<String>,
    /// Invited patients; `None` if they are too few to be shown.
    pub invited: Option<u64>,
    /// Those of them who have registered; `None` if they, or those who have not, are too few or could be
    /// worked out.
    pub registered: Option<u64>,
}

impl Areas {
    /// Counts an invited patient.
    pub fn count(&mut self, area: Option<&str>, registered: bool) {
        let counts = match area.map(str::as_bytes) {
            Some(&[a]) => self.by_area.entry([a, b' ']).or_default(),
            Some(&[a, b]) => self.by_area.entry([a, b]).or_default(),
            _ => &mut self.nowhere,
        };
        counts.invited += 1;
        counts.registered += u64::from(registered);
    }

    /// What may be shown: areas of at least `fewest` patients, the largest first, and the others
    /// together. If those others are fewer, the smallest area goes with them: what is left out could
    /// be worked out from the sum otherwise.
    #[must_use]
    pub fn shown(&self, fewest: u64) -> Vec<ShownArea> {
        let mut areas: Vec<(String, Area)> = self
            .by_area
            .iter()
            .map(|(name, area)| (String::from_utf8_lossy(name).trim_end().to_owned(), *area))
            .collect();
        areas.sort_by(|(a, x), (b, y)| y.invited.cmp(&x.invited).then_with(|| a.cmp(b)));
        let mut others = self.nowhere;
        while let Some((_, area)) = areas.last()
            && (area.invited < fewest || (1..fewest).contains(&others.invited))
        {
            others.invited += area.invited;
            others.registered += area.registered;
            areas.pop();
        }
        let others = (others.invited > 0).then_some((None, others));
        let areas: Vec<(Option<String>, Area)> = areas
            .into_iter()
            .map(|(name, area)| (Some(name), area))
            .chain(others)
            .collect();
        let hidden = hidden_registrations(areas.iter().map(|(_, area)| *area), fewest);
        areas
            .into_iter()
            .zip(hidden)
            .map(|((area, counts), is_hidden)| ShownArea {
                area,
                invited: (counts.invited >= fewest).then_some(counts.invited),
                registered: (!is_hidden).then_some(counts.registered),
            })
            .collect()
    }
}

/// Of which areas the registered patients are not shown: where they, or those who have not registered, are
/// fewer than `fewest`, and as many others as it takes that neither can be worked out from the sum of all
/// areas, which is known.
fn hidden_registrations(areas: impl Iterator<Item = Area>, fewest: u64) -> Vec<bool> {
    let areas: Vec<Area> = areas.collect();
    let is_few = |area: &Area| area.registered < fewest || area.invited - area.registered < fewest;
    let mut hidden: Vec<bool> = areas.iter().map(is_few).collect();
    loop {
        let mut sum = Area::default();
        let mut count = 0;
        for (area, _) in areas
            .iter()
            .zip(&hidden)
            .filter(|(_, is_hidden)| **is_hidden)
        {
            sum.invited += area.invited;
            sum.registered += area.registered;
            count += 1;
        }
        let next = (0..areas.len())
            .filter(|at| !hidden[*at])
            .min_by_key(|at| areas[*at].registered);
        match next {
            Some(at) if count == 1 || count > 1 && is_few(&sum) => hidden[at] = true,
            _ => return hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn areas(patients: &[(&str, u64, u64)]) -> Areas {
        let mut areas = Areas::default();
        for (area, invited, registered) in patients {
            let area = Some(*area).filter(|area| !area.is_empty());
            (0..*invited).for_each(|at| areas.count(area, at < *registered));
        }
        areas
    }

    fn shown(patients: &[(&str, u64, u64)]) -> Vec<(String, Option<u64>, Option<u64>)> {
        let name = |area: ShownArea| area.area.unwrap_or_else(|| "others".into());
        areas(patients)
            .shown(5)
            .into_iter()
            .map(|area| (name(area.clone()), area.invited, area.registered))
            .collect()
    }

    #[test]
    fn small_areas_are_put_together_and_few_who_registered_are_not_shown() {
        let patients = [
            ("NE", 100, 40),
            ("SR", 50, 4),
            ("DH", 5, 0),
            ("M", 4, 1),
            ("", 3, 3),
        ];
        assert_eq!(
            shown(&patients),
            [
                ("NE".to_owned(), Some(100), Some(40)),
                ("SR".to_owned(), Some(50), None),
                ("DH".to_owned(), Some(5), None),
                ("others".to_owned(), Some(7), None),
            ]
        );
    }

    #[test]
    fn the_smallest_area_goes_with_others_that_are_too_few() {
        assert_eq!(
            shown(&[("NE", 100, 0), ("SR", 50, 10), ("M", 1, 0)]),
            [
                ("NE".to_owned(), Some(100), None),
                ("others".to_owned(), Some(51), None),
            ]
        );
        assert_eq!(shown(&[("M", 2, 0)]), [("others".to_owned(), None, None)]);
        assert_eq!(shown(&[]), []);
    }

    proptest! {
        #[test]
        fn no_number_below_the_limit_is_shown_or_can_be_worked_out(
            counts in proptest::collection::vec((0_u64..40, 0_u64..30), 0..7),
            nowhere in 0_u64..8,
        ) {
            let names = ["NE", "SR", "DH", "M", "L", "YO"];
            let mut patients: Vec<(&str, u64, u64)> = names
                .iter()
                .zip(&counts)
                .map(|(name, (invited, registered))| (*name, *invited, *registered))
                .collect();
            patients.push(("", nowhere, 0));
            let total: u64 = patients.iter().map(|(_, invited, _)| invited).sum();
            let shown = areas(&patients).shown(5);
            let known: u64 = shown.iter().filter_map(|area| area.invited).sum();
            prop_assert!(shown.iter().all(|area| area.invited.is_none_or(|n| n >= 5)));
            // Only when everything together is too small is anything left out.
            prop_assert!(known == total || shown.len() == 1 && total < 5);
            // What the hidden registrations add up to is known: it must not be few either.
            let registered: u64 = patients.iter().map(|(_, i, r)| *r.min(i)).sum();
            let visible: Vec<&ShownArea> = shown.iter().filter(|a| a.registered.is_some()).collect();
            let sum = |of: fn(&ShownArea) -> Option<u64>| visible.iter().filter_map(|a| of(a)).sum::<u64>();
            let (left, left_registered) = (total - sum(|a| a.invited), registered - sum(|a| a.registered));
            let hidden = shown.len() - visible.len();
            prop_assert!(visible.is_empty() || hidden == 0
                || hidden > 1 && left_registered >= 5 && left - left_registered >= 5);
        }
    }
}
