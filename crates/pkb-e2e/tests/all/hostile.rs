//! No letter, text or spreadsheet ever has codes that PKB made for somebody else, whatever PKB answers and whenever the
//! programs are killed. `scripts/hostile` runs a thousand campaigns; here are a few dozen.

use std::collections::BTreeMap;

use pkb_e2e::hostile_pkb::Mischief;

use crate::hostile_campaign::{Hostile, Outcome, Plan};

/// Campaigns here.
const CAMPAIGNS: u64 = 32;
/// Campaigns at a time.
const THREADS: u64 = 2;

fn plan(seed: u64) -> Plan {
    let kinds = Mischief::ALL.len() as u64;
    let turn = seed / kinds;
    let mischief = Mischief::ALL[(seed % kinds) as usize];
    Plan {
        seed: seed + 1,
        mischief,
        fhir: mischief.is_of_fhir().unwrap_or(turn % 2 == 1),
        killed: turn % 4 >= 2,
        letters: turn % 3 == 2,
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn nothing_ever_has_codes_that_pkb_made_for_somebody_else() {
    let first = setting("PKB_HOSTILE_SEED", 0);
    let campaigns = setting("PKB_HOSTILE_CAMPAIGNS", CAMPAIGNS);
    let mut wrong = Vec::new();
    let mut figures: BTreeMap<Mischief, (u64, Outcome)> = BTreeMap::new();
    let run = |thread: u64| -> Vec<(Plan, Outcome)> {
        let seeds = (first..first + campaigns).filter(|seed| seed % THREADS == thread);
        seeds
            .map(|seed| (plan(seed), Hostile::new(plan(seed)).run()))
            .collect()
    };
    let outcomes: Vec<(Plan, Outcome)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    for (plan, outcome) in outcomes {
        if plan.mischief == Mischief::Nothing {
            assert_eq!(outcome.reached, outcome.people, "{plan:?}");
        }
        wrong.extend(outcome.wrong.clone());
        let (count, sum) = figures.entry(plan.mischief).or_default();
        *count += 1;
        sum.wrong.extend(outcome.wrong);
        sum.told.extend(outcome.told);
        sum.reached += outcome.reached;
        sum.people += outcome.people;
        sum.harm += outcome.harm;
    }
    for (mischief, (count, sum)) in &figures {
        eprintln!(
            "{mischief:?}: {count} campaigns, {} wrong answers; {} of {} patients reached in the end; {} sheets or lines to \
             be taken out and named, {} not named",
            sum.harm,
            sum.reached,
            sum.people,
            sum.told.len(),
            sum.wrong.len()
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
