//! Answers that leave out, repeat, reorder, add strangers and mix systems: nobody ever gets codes that were made for another.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{Refused, body, code, code_facts, identifier, named, numbers, of, part, refused};
use crate::fhir::{
    codes::{self, Codes},
    parameters,
};
use pkb_values::{NationalId, NationalIdType};

const SCHEMES: [NationalIdType; 3] = [
    NationalIdType::NhsNumber,
    NationalIdType::ChiNumber,
    NationalIdType::HcNumber,
];

/// How a part names the patient whose codes it has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Naming {
    Plain,
    Twice,
    WithSlash,
    WithLocalId,
    /// Besides the patient, somebody else, who may have been asked for.
    WithAnother(usize),
    /// By the same digits in another scheme, which is somebody else.
    OtherScheme,
    Nobody,
}

#[derive(Debug, Clone)]
struct Made {
    owner: usize,
    naming: Naming,
    is_readable: bool,
    expiry: Option<&'static str>,
}

/// Everybody there is: the same digits under each scheme are different people.
fn people() -> Vec<NationalId> {
    let digits = numbers(12);
    SCHEMES
        .iter()
        .flat_map(|scheme| digits.iter().map(|digits| of(*scheme, digits)))
        .collect()
}

fn made() -> impl Strategy<Value = Made> {
    let naming = prop_oneof![
        4 => Just(Naming::Plain),
        1 => Just(Naming::Twice),
        1 => Just(Naming::WithSlash),
        1 => Just(Naming::WithLocalId),
        2 => any::<Index>().prop_map(|index| Naming::WithAnother(index.index(36))),
        1 => Just(Naming::OtherScheme),
        1 => Just(Naming::Nobody),
    ];
    let expiry = prop::sample::select(vec![None, Some("2026-01-01T00:00:00Z"), Some("2026-01-02")]);
    (0..36_usize, naming, prop::bool::weighted(0.9), expiry).prop_map(
        |(owner, naming, is_readable, expiry)| Made {
            owner,
            naming,
            is_readable,
            expiry,
        },
    )
}

impl Made {
    /// The codes say whose they are and which part they stand in.
    fn part(&self, people: &[NationalId], place: usize) -> Value {
        let owner = &people[self.owner];
        let (system, digits) = (owner.scheme.fhir_system(), owner.value.expose_digits());
        let names = match self.naming {
            Naming::Plain => vec![named(owner)],
            Naming::Twice => vec![named(owner), named(owner)],
            Naming::WithSlash => vec![identifier(&format!("{system}/"), digits)],
            Naming::WithLocalId => vec![
                identifier("https://hospital.example/id", digits),
                named(owner),
            ],
            // Nobody has two numbers of one scheme. Of two schemes somebody may, so that would be no lie about another.
            Naming::WithAnother(other) if people[other].scheme == owner.scheme => {
                vec![named(&people[other]), named(owner)]
            }
            Naming::WithAnother(_) | Naming::Nobody => vec![],
            Naming::OtherScheme => vec![identifier("urn:oid:2.16.840.1", digits)],
        };
        let code = format!("P{}x{place}", self.owner);
        let code = if self.is_readable {
            code
        } else {
            format!("-{code}")
        };
        part(
            "patientTokens",
            [names, code_facts(&code, self.expiry)].concat(),
        )
    }

    /// Whom the part names of `asked`: its owner, or why the whole answer is refused.
    fn is_about(&self, people: &[NationalId], asked: &[usize]) -> Result<usize, Refused> {
        let is_asked = |index| asked.contains(&index);
        match self.naming {
            Naming::OtherScheme | Naming::Nobody => Err(Refused::MayBeAnybodys),
            Naming::WithAnother(other) if people[other].scheme != people[self.owner].scheme => {
                Err(Refused::MayBeAnybodys)
            }
            Naming::WithAnother(other) if other != self.owner && is_asked(other) => {
                Err(Refused::MayBeAnybodys)
            }
            _ if !is_asked(self.owner) => Err(Refused::SomebodyElse),
            Naming::WithAnother(other) if other != self.owner => Err(Refused::MayBeAnybodys),
            _ => Ok(self.owner),
        }
    }

    /// The same about somebody in `asked`, and plainly.
    fn in_order(mut self, asked: &[usize]) -> Self {
        self.owner = asked[self.owner % asked.len()];
        if matches!(
            self.naming,
            Naming::WithAnother(_) | Naming::OtherScheme | Naming::Nobody
        ) {
            self.naming = Naming::Plain;
        }
        self
    }
}

/// What is to be made of an answer: nothing, or for each of `asked` whether codes are taken.
fn expected(people: &[NationalId], asked: &[usize], answer: &[Made]) -> Result<Vec<bool>, Refused> {
    let about = answer.iter().map(|made| made.is_about(people, asked));
    let refused: Vec<Refused> = about.filter_map(Result::err).collect();
    if refused.contains(&Refused::SomebodyElse) {
        return Err(Refused::SomebodyElse);
    }
    if !refused.is_empty() {
        return Err(Refused::MayBeAnybodys);
    }
    let readable = |index: &usize| {
        let mut theirs = answer.iter().filter(|made| made.owner == *index);
        theirs.any(|made| made.is_readable)
    };
    let has_two = |index: &usize| {
        let theirs = answer.iter().filter(|made| made.owner == *index);
        // Two that cannot be read are not known to be different.
        theirs.clone().count() > 1 && theirs.clone().any(|made| made.is_readable)
    };
    if asked.iter().any(has_two) && !asked.iter().all(readable) {
        return Err(Refused::TwoPairs);
    }
    Ok(asked.iter().map(readable).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nobody_gets_codes_that_were_made_for_another_and_everybody_gets_their_own(
        asked in prop::collection::vec(0..36_usize, 1..40),
        answer in prop::collection::vec(made(), 0..60),
        is_in_order in prop::bool::weighted(0.7),
    ) {
        let people = people();
        let answer: Vec<Made> = match is_in_order {
            true => answer.into_iter().map(|made| made.in_order(&asked)).collect(),
            false => answer,
        };
        let ids: Vec<_> = asked.iter().map(|index| people[*index]).collect();
        let parts = answer.iter().enumerate().map(|(place, made)| made.part(&people, place));
        let found = codes::read(&ids, &body(parts));
        match expected(&people, &asked, &answer) {
            Err(expected) => prop_assert_eq!(refused(found), Some(expected)),
            Ok(expected) => {
                let found = found.unwrap();
                prop_assert_eq!(found.len(), ids.len());
                for ((index, found), is_taken) in asked.iter().zip(&found).zip(expected) {
                    prop_assert_eq!(code(found).is_some(), is_taken);
                    let theirs = format!("P{index}x");
                    prop_assert!(code(found).is_none_or(|code| code.starts_with(&theirs)));
                }
            }
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_is_an_error_and_not_a_shorter_list(
        answer in prop::collection::vec(made(), 1..6),
        cut in any::<Index>(),
    ) {
        let people = people();
        let parts = answer.iter().enumerate().map(|(place, made)| made.part(&people, place));
        let whole = body(parts);
        let cut = &whole[..cut.index(whole.len())];
        prop_assert!(parameters::is_whole(&whole));
        prop_assert!(!parameters::is_whole(cut));
        prop_assert!(codes::read(&people, cut).is_err());
    }

    #[test]
    fn nothing_that_is_json_makes_the_reader_fall(
        kinds in prop::collection::vec(0..7_usize, 0..20),
    ) {
        let odd = [json!(null), json!(7), json!([]), json!({}), json!({"name": 7}),
            json!({"name": "patientTokens"}), json!({"name": "patientTokens", "part": [[], 7]})];
        let people = people();
        let parts = kinds.iter().map(|kind| odd[*kind].clone());
        match codes::read(&people, &body(parts)) {
            Ok(found) => prop_assert!(kinds.is_empty() && found.iter().all(|one| *one == Codes::LeftOut)),
            refusal => prop_assert_eq!(refused(refusal), Some(Refused::MayBeAnybodys)),
        }
    }
}
