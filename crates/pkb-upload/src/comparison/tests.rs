//! Files of which a column, or a part of one, is in the wrong rows.

use pkb_core::record::Patient;
use proptest::prelude::*;

use super::{
    differences::{Differences, Neighbour},
    figures::{Figures, Limits},
    values::{Hasher, Values},
};

const FIRST: [&str; 7] = ["Anna", "Bryn", "Carol", "David", "Ewa", "Farid", "Gwen"];
const LAST: [&str; 5] = ["Archer", "Baker", "Carter", "Davies", "Evans"];

/// A row of a file, or a record at PKB.
#[derive(Clone, PartialEq, Debug)]
struct Person {
    first: String,
    last: String,
    born: String,
    street: String,
    postcode: String,
}

/// Families of three live together and have neighbouring rows, as in a file that is sorted by name.
fn population(size: usize) -> Vec<Person> {
    (0..size)
        .map(|at| Person {
            first: FIRST[at % FIRST.len()].to_owned(),
            last: format!("{}{}", LAST[at / 3 % LAST.len()], at / 15),
            born: format!(
                "{}-{:02}-{:02}",
                1931 + at * 37 % 70,
                1 + at * 7 % 12,
                1 + at * 11 % 28
            ),
            street: format!("{} Mill Road", at / 3),
            postcode: format!("NE{} {}AB", 1 + at / 3 % 90, at / 3 % 9),
        })
        .collect()
}

fn values(hasher: &Hasher, people: &[Person]) -> Vec<Values> {
    let patient = |person: &Person| -> Patient {
        serde_json::from_value(serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "first_name": person.first, "last_name": person.last, "date_of_birth": person.born,
            "address": [person.street, "Newcastle"], "postcode": person.postcode,
        }))
        .unwrap()
    };
    people
        .iter()
        .map(|person| hasher.ours(&patient(person)))
        .collect()
}

fn limits() -> Limits {
    Limits {
        mismatches: "1%".parse().unwrap(),
        address_changes: "50%".parse().unwrap(),
    }
}

/// What the comparison of a file with PKB says; `None` if it may be sent.
fn refusal(file: &[Person], pkb: &[Person]) -> (Figures, Option<String>) {
    refusal_of_known(file, pkb, |_| true)
}

/// The same where PKB knows only some of them.
fn refusal_of_known(
    file: &[Person],
    pkb: &[Person],
    is_known: impl Fn(usize) -> bool,
) -> (Figures, Option<String>) {
    let hasher = Hasher::default();
    let (ours, all) = (values(&hasher, file), values(&hasher, pkb));
    let theirs = |at: usize| all.get(at).filter(|_| is_known(at));
    let mut figures = Figures::default();
    for at in 0..ours.len() {
        let neighbour = |at: usize| Neighbour {
            ours: ours.get(at),
            theirs: theirs(at),
        };
        let Some(own) = theirs(at) else { continue };
        let above = at.checked_sub(1).map(neighbour).unwrap_or_default();
        let found = Differences::between(&ours[at], own, above, neighbour(at + 1));
        figures.count_known(at as u64 + 2, found);
    }
    let dates = || ours.iter().map(|values| values.born);
    let in_order = dates().is_sorted() || dates().rev().is_sorted();
    let refusal = figures.refusal(limits(), in_order);
    (figures, refusal.map(|refusal| refusal.to_string()))
}

fn refused(file: &[Person], pkb: &[Person]) -> String {
    refusal(file, pkb).1.expect("the file was let through")
}

type Field = fn(&mut Person) -> &mut String;
const BORN: Field = |person| &mut person.born;
const FIRST_NAME: Field = |person| &mut person.first;
const LAST_NAME: Field = |person| &mut person.last;
const STREET: Field = |person| &mut person.street;
const POSTCODE: Field = |person| &mut person.postcode;

/// Moves `fields` of the rows `from..to` down by a row; the last value comes first.
fn moved_down(people: &[Person], fields: &[Field], from: usize, to: usize) -> Vec<Person> {
    let mut moved = people.to_vec();
    for field in fields {
        let mut values: Vec<String> = moved[from..to]
            .iter_mut()
            .map(|p| field(p).clone())
            .collect();
        values.rotate_right(1);
        for (person, value) in moved[from..to].iter_mut().zip(values) {
            *field(person) = value;
        }
    }
    moved
}

fn moved_up(people: &[Person], fields: &[Field], from: usize, to: usize) -> Vec<Person> {
    let mut reversed: Vec<Person> = people.iter().rev().cloned().collect();
    let size = people.len();
    reversed = moved_down(&reversed, fields, size - to, size - from);
    reversed.reverse();
    reversed
}

#[test]
fn a_file_that_agrees_may_be_sent() {
    let pkb = population(100);
    let (figures, refusal) = refusal(&pkb, &pkb);
    assert_eq!(
        (figures.known, figures.mismatched.count(), refusal),
        (100, 0, None)
    );
}

#[test]
fn dates_of_birth_that_moved_down_are_told_as_such() {
    let pkb = population(100);
    assert_eq!(
        refused(&moved_down(&pkb, &[BORN], 0, 100), &pkb),
        "100 of 100 known patients have a different date of birth at PKB: it looks as if the column date of birth moved \
         down by a row (rows 2 to 101)"
    );
}

#[test]
fn dates_of_birth_that_moved_up_are_told_as_such() {
    let pkb = population(100);
    let told = refused(&moved_up(&pkb, &[BORN], 0, 100), &pkb);
    assert!(told.contains("moved up by a row (rows 2 to 101)"), "{told}");
}

#[test]
fn dates_that_moved_in_a_block_in_the_middle_are_told_with_its_rows() {
    let pkb = population(100);
    let told = refused(&moved_down(&pkb, &[BORN], 40, 52), &pkb);
    assert!(told.starts_with("12 of 100 known patients have"), "{told}");
    assert!(
        told.ends_with("moved down by a row (rows 42 to 53)"),
        "{told}"
    );
}

#[test]
fn dates_that_were_sorted_without_the_other_columns_are_told_as_such() {
    let pkb = population(100);
    let mut file = pkb.clone();
    let mut dates: Vec<String> = pkb.iter().map(|person| person.born.clone()).collect();
    dates.sort();
    for (person, born) in file.iter_mut().zip(dates) {
        person.born = born;
    }
    let told = refused(&file, &pkb);
    assert!(
        told.contains("column was sorted without the others"),
        "{told}"
    );
}

#[test]
fn day_and_month_the_wrong_way_round_are_told_as_such() {
    let pkb = population(100);
    let mut file = pkb.clone();
    for person in &mut file {
        let parts: Vec<&str> = person.born.split('-').collect();
        let [year, month, day] = parts[..] else {
            unreachable!()
        };
        if day <= "12" {
            person.born = format!("{year}-{day}-{month}");
        }
    }
    let told = refused(&file, &pkb);
    assert!(told.contains("the wrong way round (--dates)"), "{told}");
}

#[test]
fn names_that_moved_stop_the_file_though_families_share_the_last_one() {
    let pkb = population(100);
    for fields in [&[FIRST_NAME, LAST_NAME][..], &[FIRST_NAME], &[LAST_NAME]] {
        let told = refused(&moved_down(&pkb, fields, 0, 100), &pkb);
        assert!(told.contains("moved down by a row"), "{told}");
    }
    let told = refused(&moved_up(&pkb, &[FIRST_NAME, LAST_NAME], 0, 100), &pkb);
    assert!(told.contains("first name and last name moved up"), "{told}");
}

#[test]
fn addresses_that_moved_stop_the_file_though_their_dates_are_right() {
    let pkb = population(100);
    for (fields, words) in [
        (&[STREET, POSTCODE][..], "address and postcode moved down"),
        (&[STREET], "column address moved down"),
    ] {
        let told = refused(&moved_down(&pkb, fields, 0, 100), &pkb);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn addresses_that_moved_stop_the_file_though_pkb_knows_nobody_in_the_next_row() {
    let pkb = population(300);
    for (fields, words) in [
        (&[STREET][..], "the column address moved "),
        (&[STREET, POSTCODE], "address and postcode moved "),
        (&[LAST_NAME], "the column last name moved "),
    ] {
        for (mv, way) in [
            (moved_down as fn(&_, &_, _, _) -> _, "down"),
            (moved_up, "up"),
        ] {
            // All rows, and some in the middle.
            for (from, to) in [(0, 300), (100, 200)] {
                let file = mv(&pkb, fields, from, to);
                let (_, refusal) = refusal_of_known(&file, &pkb, |at| at % 7 == 0);
                let told = refusal.unwrap_or_else(|| panic!("{words}{way} {from} {to}"));
                assert!(told.contains(&format!("{words}{way} by a row")), "{told}");
            }
        }
    }
}

#[test]
fn whoever_leaves_home_stops_nothing_though_pkb_does_not_know_the_family() {
    let pkb = population(300);
    let mut file = pkb.clone();
    for person in file.iter_mut().step_by(10) {
        person.street = "1 Elsewhere".to_owned();
    }
    let (figures, refusal) = refusal_of_known(&file, &pkb, |at| at % 2 == 0);
    assert_eq!((figures.addresses, refusal), (30, None));
}

#[test]
fn numbers_that_moved_are_told_from_everything_else_that_did() {
    let pkb = population(100);
    let all = [BORN, FIRST_NAME, LAST_NAME, STREET, POSTCODE];
    // The numbers down is everything else up.
    let told = refused(&moved_up(&pkb, &all, 0, 100), &pkb);
    assert!(
        told.contains("national numbers moved down by a row"),
        "{told}"
    );
}

#[test]
fn rows_about_different_patients_are_told_as_such() {
    let pkb = population(100);
    let mut file = pkb.clone();
    file.rotate_left(52);
    let told = refused(&file, &pkb);
    assert!(
        told.contains("the national numbers belong to different patients"),
        "{told}"
    );
}

#[test]
fn a_few_different_patients_stop_their_rows_and_not_the_file() {
    let pkb = population(100);
    let mut file = pkb.clone();
    file[7].born = "1999-12-31".to_owned();
    file[60].first = "Zoe".to_owned();
    file[60].last = "Zimmer".to_owned();
    let (figures, refusal) = refusal(&file, &pkb);
    assert_eq!(figures.mismatched.to_string(), "rows 9, 62");
    assert_eq!(
        refusal, None,
        "two of a hundred are more than 1% and fewer than three"
    );
    file[20].born = "1999-12-31".to_owned();
    assert!(refused(&file, &pkb).starts_with("3 of 100 known patients have"));
}

#[test]
fn marriages_and_removals_are_counted_and_stop_nothing() {
    let pkb = population(300);
    let mut file = pkb.clone();
    for person in file.iter_mut().step_by(10) {
        person.last = format!("{}-New", person.last);
        person.street = "1 Elsewhere".to_owned();
        person.postcode = "TS1 3BA".to_owned();
    }
    let (figures, refusal) = refusal(&file, &pkb);
    assert_eq!((figures.names, figures.addresses), (30, 30));
    assert_eq!((figures.mismatched.count(), refusal), (0, None));
}

/// The population in streets of its own form: a house number, and whatever street the family lives in.
fn with_numbers(people: &[Person], numbers: impl Fn(usize) -> usize) -> Vec<Person> {
    let house = |(at, person): (usize, &Person)| Person {
        street: format!("{} Mill Road {}", numbers(at), LAST[at % LAST.len()]),
        ..person.clone()
    };
    people.iter().enumerate().map(house).collect()
}

#[test]
fn house_numbers_of_the_row_above_stop_the_file_though_the_streets_are_right() {
    let number = |at: usize| 1 + at * 37 % 211;
    let pkb = with_numbers(&population(100), number);
    let down = with_numbers(&pkb, |at| number((at + 99) % 100));
    let told = refused(&down, &pkb);
    assert!(
        told.ends_with("the column house number moved down by a row (rows 2 to 101)"),
        "{told}"
    );
    let up = with_numbers(&pkb, |at| number((at + 1) % 100));
    assert!(refused(&up, &pkb).contains("house number moved up by a row"));
}

#[test]
fn house_numbers_of_rows_further_away_stop_the_file_with_the_way_forward() {
    let number = |at: usize| 1 + at * 37 % 211;
    let pkb = with_numbers(&population(100), number);
    let (figures, told) = refusal(&with_numbers(&pkb, |at| number(at + 5)), &pkb);
    assert_eq!(
        told.as_deref(),
        Some(
            "100 of 100 known patients have a different address at PKB: it looks as if the addresses are in the rows of other patients"
        )
    );
    let refusal = figures.refusal(limits(), false).unwrap();
    assert!(
        refusal
            .if_the_file_is_right()
            .ends_with("--max-address-changes 100%")
    );
    let all = Limits {
        address_changes: "100%".parse().unwrap(),
        ..limits()
    };
    assert!(
        figures.refusal(all, false).is_none(),
        "a real change of all"
    );
}

#[test]
fn two_changed_addresses_are_too_few_to_stop_a_file() {
    let pkb = population(2);
    let mut file = pkb.clone();
    for person in &mut file {
        person.street = "1 Elsewhere".to_owned();
    }
    let (figures, told) = refusal(&file, &pkb);
    assert_eq!((figures.addresses, told), (2, None));
}

#[test]
fn streets_without_their_house_numbers_in_other_rows_stop_the_file() {
    let street = |at: usize, people: &[Person]| -> Vec<Person> {
        let moved = |(row, person): (usize, &Person)| Person {
            street: format!("{row} {} Street", FIRST[(row + at) % FIRST.len()]),
            ..person.clone()
        };
        people.iter().enumerate().map(moved).collect()
    };
    let pkb = street(0, &population(100));
    let told = refused(&street(6, &pkb), &pkb);
    assert!(told.contains("a different address at PKB"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Each column alone and together, any block of rows, up and down: the file is stopped, or each row that is about
    /// somebody else is.
    #[test]
    fn whatever_moves_by_a_row_the_file_is_stopped(
        which in 1u8..32,
        from in 0usize..60,
        length in 20usize..100,
        up in any::<bool>(),
    ) {
        let pkb = population(120);
        let to = (from + length).min(120);
        let all = [BORN, FIRST_NAME, LAST_NAME, STREET, POSTCODE];
        let fields: Vec<Field> = all
            .into_iter()
            .enumerate()
            .filter_map(|(at, field)| (which & (1 << at) != 0).then_some(field))
            .collect();
        let mv = if up { moved_up } else { moved_down };
        let file = mv(&pkb, &fields, from, to);
        let (_, refusal) = refusal(&file, &pkb);
        prop_assert!(refusal.is_some(), "{which} {from} {to} {up}");
    }
}
