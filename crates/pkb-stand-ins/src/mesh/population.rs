//! Everybody whom PDS knows, and what is out of the ordinary about some of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::ToSpan;
use jiff::civil::Date;
use pkb_synthetic::{KnownRecord, World, derive, generate, nhs_number};

use super::MeshError;
use super::args::{Exceptions, Mesh};

/// How far back deaths go, in days.
const DEATHS_WITHIN: i64 = 700;

/// What PDS answers about a patient beyond what the patient file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Dead since this day.
    Died(Date),
    /// Nobody may learn where the patient is.
    Sensitive,
    /// The patient has this number now.
    Superseded(String),
    /// The patient lives here now: two lines, town, county; and the postcode.
    Moved([String; 4], String),
    /// The number was withdrawn.
    Invalid,
    /// PDS has no such record.
    NotFound,
    /// PDS has several records that could be meant.
    Several,
    /// Found by name alone, for certain or (`true`) by a score.
    ByName { is_scored: bool },
}

impl Fate {
    /// The name of its list in the file of `--truth`.
    fn list(&self) -> &'static str {
        match self {
            Self::Died(_) => "deceased",
            Self::Sensitive => "sensitive",
            Self::Superseded(_) => "superseded",
            Self::Moved(..) => "moved",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Several => "several",
            Self::ByName { .. } => "by_name",
        }
    }
}

/// Somebody whom PDS knows.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) record: KnownRecord,
    pub(super) fate: Option<Fate>,
}

/// Everybody, by NHS number.
#[derive(Debug)]
pub(super) struct Population(HashMap<String, Person>);

impl Population {
    /// The patients of a file, of whom the seed chooses some for each exception. Which, depends on the seed and the numbers, not on
    /// the order of the rows.
    pub(super) fn new(file: &[u8], args: &Mesh, as_at: Date) -> Result<Self, MeshError> {
        let world = World::of_patient_file(file).map_err(MeshError::Patients)?;
        let mut people = HashMap::new();
        for entry in world.entries() {
            let Some(record) = entry.record.clone() else {
                continue;
            };
            let number = entry.national_id.replace(' ', "");
            people.insert(number, Person { record, fate: None });
        }
        let mut population = Self(people);
        population.choose(&args.exceptions, args.seed, as_at)?;
        Ok(population)
    }

    pub(super) fn get(&self, number: &str) -> Option<&Person> {
        self.0.get(number)
    }

    /// Everybody with this family name and date of birth whose gender is not another.
    pub(super) fn named(&self, family_name: &str, born: Date, gender: &str) -> Vec<&str> {
        let is_meant = |person: &Person| {
            person.record.date_of_birth == Some(born)
                && person.record.last_name.to_lowercase() == family_name.to_lowercase()
                && gender_of(&person.record) == gender
        };
        let found = self.0.iter().filter(|(_, person)| is_meant(person));
        found.map(|(number, _)| number.as_str()).collect()
    }

    /// The lists of `--truth`: every list is there, with its numbers in order.
    pub(super) fn truth(&self) -> BTreeMap<&'static str, Vec<&str>> {
        let names = [
            "deceased",
            "sensitive",
            "superseded",
            "moved",
            "invalid",
            "not_found",
            "several",
            "by_name",
        ];
        let mut lists: BTreeMap<_, Vec<&str>> =
            names.into_iter().map(|name| (name, Vec::new())).collect();
        for (number, person) in &self.0 {
            if let Some(fate) = &person.fate {
                lists.entry(fate.list()).or_default().push(number);
            }
        }
        lists.values_mut().for_each(|list| list.sort_unstable());
        lists
    }

    /// The numbers that superseded ones were replaced by.
    pub(super) fn superseded_by(&self) -> BTreeMap<&str, &str> {
        let replaced = self
            .0
            .iter()
            .filter_map(|(number, person)| match &person.fate {
                Some(Fate::Superseded(new)) => Some((number.as_str(), new.as_str())),
                _ => None,
            });
        replaced.collect()
    }

    fn choose(&mut self, exceptions: &Exceptions, seed: u64, as_at: Date) -> Result<(), MeshError> {
        // Only somebody with a number and a date of birth can be cross-checked.
        let mut numbers: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(number, person)| {
                nhs_number::is_valid(number) && person.record.date_of_birth.is_some()
            })
            .map(|(number, _)| (derive::text(seed, &["mesh", number], 20), number.clone()))
            .collect();
        numbers.sort_unstable();
        let kinds = kinds(exceptions);
        let wanted = kinds
            .iter()
            .fold(0, |sum: usize, (_, count)| sum.saturating_add(*count));
        if wanted > numbers.len() {
            return Err(MeshError::TooMany {
                wanted,
                known: numbers.len(),
            });
        }
        let mut new_numbers = NewNumbers {
            seed,
            taken: self.0.keys().cloned().collect(),
        };
        let chosen = kinds
            .iter()
            .flat_map(|&(kind, count)| (0..count).map(move |place| (kind, place)));
        for ((kind, place), (_, number)) in chosen.zip(&numbers) {
            let Some(person) = self.0.get_mut(number) else {
                continue;
            };
            let mut rng = fastrand::Rng::with_seed(seed_of(seed, number));
            person.fate = Some(match kind {
                Kind::Died => Fate::Died(death(&person.record, as_at, &mut rng)),
                Kind::Sensitive => Fate::Sensitive,
                Kind::Superseded => Fate::Superseded(new_numbers.instead_of(number)),
                Kind::Moved => elsewhere(&person.record, &mut rng),
                Kind::Invalid => Fate::Invalid,
                Kind::NotFound => Fate::NotFound,
                Kind::Several => Fate::Several,
                Kind::ByName => Fate::ByName {
                    is_scored: place % 2 == 1,
                },
            });
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Died,
    Sensitive,
    Superseded,
    Moved,
    Invalid,
    NotFound,
    Several,
    ByName,
}

fn kinds(exceptions: &Exceptions) -> [(Kind, usize); 8] {
    [
        (Kind::Died, exceptions.deaths),
        (Kind::Sensitive, exceptions.sensitive),
        (Kind::Superseded, exceptions.superseded),
        (Kind::Moved, exceptions.moved),
        (Kind::Invalid, exceptions.invalid),
        (Kind::NotFound, exceptions.not_found),
        (Kind::Several, exceptions.several),
        (Kind::ByName, exceptions.by_name),
    ]
}

/// PDS's digit for a gender: 0 not known, 1 male, 2 female, 9 not specified (PDS MESH data dictionary).
pub(super) fn gender_of(record: &KnownRecord) -> &'static str {
    match record.gender.as_str() {
        "M" => "1",
        "F" => "2",
        "I" => "9",
        _ => "0",
    }
}

fn seed_of(seed: u64, number: &str) -> u64 {
    derive::mix(derive::mix(seed) ^ number.parse().unwrap_or(0))
}

fn death(record: &KnownRecord, as_at: Date, rng: &mut fastrand::Rng) -> Date {
    let died = as_at.saturating_sub(rng.i64(0..DEATHS_WITHIN).days());
    record.date_of_birth.map_or(died, |born| died.max(born))
}

fn elsewhere(record: &KnownRecord, rng: &mut fastrand::Rng) -> Fate {
    loop {
        let (address, postcode) = generate::draw_address(rng);
        if postcode != record.postcode && address[0] != record.address1 {
            return Fate::Moved(address, postcode);
        }
    }
}

/// Numbers of the test range that nobody has.
struct NewNumbers {
    seed: u64,
    taken: HashSet<String>,
}

impl NewNumbers {
    fn instead_of(&mut self, number: &str) -> String {
        let start = seed_of(!self.seed, number);
        // The test range is never full: a population that large leaves nobody to choose.
        let candidates = (0..1_000_000u64).filter_map(|step| {
            let tail = (start % 1_000_000 + step) % 1_000_000;
            nhs_number::complete(999_000_000 + tail as u32)
        });
        let mut free = candidates.filter(|candidate| !self.taken.contains(candidate));
        let new = free.next().unwrap_or_else(|| number.to_owned());
        self.taken.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::civil::date;

    use super::super::tests::{args, patient_file};
    use super::*;

    fn all_kinds() -> Exceptions {
        Exceptions {
            deaths: 9,
            sensitive: 8,
            superseded: 7,
            moved: 6,
            invalid: 5,
            not_found: 4,
            several: 3,
            by_name: 2,
        }
    }

    fn chosen(file: &[u8], seed: u64) -> Population {
        let mut args = args("unused".as_ref());
        (args.exceptions, args.seed) = (all_kinds(), seed);
        Population::new(file, &args, date(2026, 11, 30)).unwrap()
    }

    #[test]
    fn exceptions_depend_on_the_seed_and_not_on_the_order_of_rows() {
        let file = patient_file(300);
        let text = String::from_utf8(file.clone()).unwrap();
        let (header, rows) = text.split_once('\n').unwrap();
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.reverse();
        let reversed = format!("{header}\n{}\n", rows.join("\n"));
        let (first, second) = (chosen(&file, 5), chosen(reversed.as_bytes(), 5));
        assert_eq!(first.truth(), second.truth());
        assert_eq!(first.superseded_by(), second.superseded_by());
        for number in first.truth()["moved"]
            .iter()
            .chain(&first.truth()["deceased"])
        {
            assert_eq!(first.0[*number].fate, second.0[*number].fate);
        }
        assert_ne!(first.truth(), chosen(&file, 6).truth());
    }

    #[test]
    fn as_many_are_chosen_as_were_asked_for_and_nobody_twice() {
        let population = chosen(&patient_file(300), 1);
        let truth = population.truth();
        let counts: Vec<usize> = truth.values().map(Vec::len).collect();
        // By name of the list: by_name, deceased, invalid, moved, not_found, sensitive, several, superseded.
        assert_eq!(counts, [2, 9, 5, 6, 4, 8, 3, 7]);
        let people: HashSet<_> = truth.values().flatten().collect();
        assert_eq!(people.len(), 44);
    }

    #[test]
    fn a_new_number_is_valid_and_nobody_elses() {
        let population = chosen(&patient_file(300), 1);
        let new: HashSet<_> = population.superseded_by().into_values().collect();
        assert_eq!(new.len(), 7);
        for number in new {
            assert!(nhs_number::is_valid(number) && number.starts_with("999"));
            assert!(population.get(number).is_none());
        }
    }

    #[test]
    fn nobody_dies_before_birth_or_after_the_day_of_the_trace() {
        let population = chosen(&patient_file(300), 1);
        for number in &population.truth()["deceased"] {
            let person = population.get(number).unwrap();
            let Some(Fate::Died(died)) = person.fate else {
                panic!("not dead");
            };
            assert!(Some(died) >= person.record.date_of_birth && died <= date(2026, 11, 30));
        }
    }
}
