//! Random histories and random bytes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::journal::check::Sum;

#[derive(Debug, Clone)]
enum Step {
    Append(u64, usize),
    Get(u64),
    Sync,
    Reopen,
    /// The machine stops: of the bytes that were not synced, this part of 1000 is on the disk,
    /// followed by this many zero bytes.
    PowerCut(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u64..12, 0_usize..40).prop_map(|(number, size)| Step::Append(number, size)),
        // Enough to be written before it is synced.
        1 => (1_u64..12).prop_map(|number| Step::Append(number, PENDING_BYTES)),
        4 => (1_u64..12).prop_map(Step::Get),
        1 => Just(Step::Sync),
        1 => Just(Step::Reopen),
        1 => (0_usize..=1000, prop_oneof![Just(0_usize), 1_usize..9]).prop_map(|(part, zeros)| Step::PowerCut(part, zeros)),
    ]
}

/// What a disk, an editor or a script does to a file.
#[derive(Debug, Clone)]
enum Harm {
    Flip(usize, u8),
    Lose(usize),
    Double(usize),
    Swap(usize, usize),
    /// This line becomes that of another journal.
    Foreign(usize),
    /// A line of another journal is put in.
    Insert(usize, usize),
    CutOff(usize),
    /// Bytes are gone.
    Hole(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        4 => (at(), 0_u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        2 => at().prop_map(Harm::Lose),
        1 => at().prop_map(Harm::Double),
        1 => (at(), at()).prop_map(|(one, other)| Harm::Swap(one, other)),
        1 => at().prop_map(Harm::Foreign),
        1 => (at(), at()).prop_map(|(at, which)| Harm::Insert(at, which)),
        1 => at().prop_map(Harm::CutOff),
        1 => (at(), 1_usize..40).prop_map(|(at, bytes)| Harm::Hole(at, bytes)),
    ]
}

impl Harm {
    fn done_to(&self, content: &[u8], other: &[u8]) -> Vec<u8> {
        let cut = |content: &[u8]| -> Vec<Vec<u8>> {
            let lines = content.split_inclusive(|byte| *byte == b'\n');
            lines.map(<[u8]>::to_vec).collect()
        };
        let (mut bytes, mut lines, others) = (content.to_vec(), cut(content), cut(other));
        if lines.is_empty() {
            return bytes;
        }
        let count = lines.len();
        match *self {
            Self::Flip(at, bit) => {
                let at = at % bytes.len();
                bytes[at] ^= 1 << bit;
                return bytes;
            }
            Self::CutOff(at) => {
                bytes.truncate(at % bytes.len());
                return bytes;
            }
            Self::Hole(at, length) => {
                let at = at % bytes.len();
                bytes.drain(at..(at + length).min(content.len()));
                return bytes;
            }
            Self::Lose(at) => drop(lines.remove(at % count)),
            Self::Double(at) => lines.insert(at % count, lines[at % count].clone()),
            Self::Swap(one, other) => lines.swap(one % count, other % count),
            Self::Foreign(at) => lines[at % count] = others[at % others.len()].clone(),
            Self::Insert(at, which) => {
                lines.insert(at % (count + 1), others[which % others.len()].clone())
            }
        }
        lines.concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_the_journal_holds_what_was_synced(steps in proptest::collection::vec(step(), 1..40)) {
        let place = Place::new();
        let mut journal = place.open();
        // All lines in their order, and how many of them are safe.
        let mut history: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut synced = 0;
        // How many there were when it was opened: those are found.
        let mut opened = 0;
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(number, size) => {
                    let line = record(number, &format!("{at}{}", "x".repeat(size)));
                    append(&mut journal, &line);
                    history.push((number, line));
                }
                Step::Get(number) => {
                    let last = history[..opened].iter().rfind(|(of, _)| *of == number);
                    prop_assert_eq!(found(&journal, number), last.map(|(_, line)| line.clone()));
                }
                Step::Sync => {
                    journal.sync().unwrap();
                    synced = history.len();
                }
                Step::Reopen => {
                    drop(journal);
                    journal = place.open();
                    prop_assert_eq!(journal.cut_bytes(), 0);
                    synced = history.len();
                    opened = synced;
                }
                Step::PowerCut(part, zeros) => {
                    kill(journal);
                    let all = |count: usize| lines(&history[..count].iter().map(|(_, line)| line.clone()).collect::<Vec<_>>());
                    let mut content = place.content();
                    let safe = all(synced).len();
                    content.truncate(safe + (content.len() - safe) * part / 1000);
                    content.extend(std::iter::repeat_n(0, zeros));
                    fs::write(place.path(), &content).unwrap();
                    journal = place.open();
                    let kept = place.content();
                    let whole = kept.iter().filter(|byte| **byte == b'\n').count();
                    prop_assert!(whole >= synced);
                    prop_assert_eq!(kept, all(whole));
                    history.truncate(whole);
                    synced = whole;
                    opened = whole;
                }
            }
            let model: HashMap<_, _> = history[..opened].iter().map(|(number, line)| (*number, line)).collect();
            for (number, line) in model {
                let found = found(&journal, number);
                prop_assert_eq!(found.as_ref(), Some(line));
            }
        }
    }

    #[test]
    fn a_damaged_journal_is_refused_and_left_alone_or_answers_as_it_did(
        count in 1_usize..12,
        harms in proptest::collection::vec(harm(), 1..4),
    ) {
        let all: Vec<_> = (1..=count as u64).map(|number| record(number, "a")).collect();
        let others: Vec<_> = (1..=count as u64).map(|number| record(number, "another's")).collect();
        let mut content = lines(&all);
        for harm in &harms {
            content = harm.done_to(&content, &lines(&others));
        }
        let place = Place::with(&content);
        match open(&place.path()) {
            // A file in which no check is left is an output of a stage: nothing says what it was.
            Ok(_) if content.split(|byte| *byte == b'\n').all(|line| !Sum::of(line).is_checked()) => {}
            Ok(journal) => {
                // The end may have been cut off, as a kill does; or nothing was changed after all, or another's was given.
                let known = (1..=count).filter(|number| found(&journal, *number as u64).is_some()).count();
                let expected = if found(&journal, 1).as_ref() == others.first() { &others } else { &all };
                for number in 1..=count {
                    let line = found(&journal, number as u64);
                    let expected = expected.get(number - 1).filter(|_| number <= known);
                    prop_assert_eq!(line.as_ref(), expected);
                }
            }
            Err(refusal) => {
                prop_assert!(matches!(refusal, Fatal::Input(_)));
                prop_assert_eq!(place.content(), content);
            }
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused_and_a_refused_file_is_left_alone(
        start in 0_usize..3,
        bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'\n'), Just(b'{'), any::<u8>()], 0..60),
    ) {
        let good = lines(&(0..start as u64).map(|number| record(number, "a")).collect::<Vec<_>>());
        let content = [good.clone(), bytes].concat();
        let place = Place::with(&content);
        match open(&place.path()) {
            Ok(journal) => {
                let cut = usize::try_from(journal.cut_bytes()).unwrap();
                prop_assert_eq!(&place.content(), &content[..content.len() - cut]);
                prop_assert!(place.content().starts_with(&good));
            }
            Err(refusal) => {
                prop_assert!(matches!(refusal, Fatal::Input(_)));
                prop_assert_eq!(place.content(), content);
            }
        }
    }
}
