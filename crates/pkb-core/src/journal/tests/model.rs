//! Random histories and random bytes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_the_journal_holds_what_was_synced(steps in proptest::collection::vec(step(), 1..40)) {
        let place = Place::new();
        let mut journal = place.open();
        // All lines in their order, and how many of them are safe.
        let mut history: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut synced = 0;
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(number, size) => {
                    let line = record(number, &format!("{at}{}", "x".repeat(size)));
                    append(&mut journal, number, &line);
                    history.push((number, line));
                }
                Step::Get(number) => {
                    let last = history.iter().rfind(|(of, _)| *of == number);
                    prop_assert_eq!(found(&mut journal, number), last.map(|(_, line)| line.clone()));
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
                }
            }
            let model: HashMap<_, _> = history.iter().map(|(number, line)| (*number, line)).collect();
            prop_assert_eq!(journal.len(), model.len());
            prop_assert!(model.keys().all(|number| journal.contains(key(*number))));
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
