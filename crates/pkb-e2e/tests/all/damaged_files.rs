//! A file that was damaged between the hospital's system and the program: the run stops before anything is sent, or
//! whoever gets codes is the patient on that row.
//!
//! Damage that is seen in the file itself (quotes, cut rows, doubled cells, hidden rows, encodings) must never change a
//! value or bring it to another patient, whether PKB knows the patient or not.
//!
//! A column that moved by a row leaves a file in which nothing is wrong: each row is a patient who could be. Only PKB
//! can tell, of the patients whom it knows, and only by what its answers have.
//! * The date of birth is in every answer: no known patient ever goes on, or is overwritten, with another. Where three or
//!   more differ, nobody of the file goes on, also nobody who is new.
//! * Names, the first line of the address and the postcode are in answers over REST only. A known patient with both
//!   names of somebody else does not go on. One name, address or postcode alone may be right: people marry and move.
//!   At most [`FEW`] known patients of a file go on with one that is not theirs.
//! * Titles, further lines of addresses, mobiles, email addresses and languages are not compared. Neither are values of
//!   patients who are new. Of those it is asserted that reading the file has brought nothing into another row.
//!
//! Here are a few dozen campaigns; `PKB_DAMAGED_CAMPAIGNS` and `PKB_DAMAGED_SEED` choose more, and others.

use std::{collections::BTreeMap, process::Command};

use pkb_e2e::{hostile_pkb::Random, page_reader};
use pkb_sandbox::Config;
use serde_json::Value;

use crate::harness::{Campaign, Ended, records, run};

mod damage;
mod hospital;
mod judge;
mod written;

use damage::{Damage, KINDS};
use hospital::Hospital;
use judge::Judge;
use written::Form;

/// Campaigns here.
const CAMPAIGNS: u64 = 40;
/// Further ones, which have found a fault: streets of patients whose neighbours PKB does not know.
const FOUND_A_FAULT: [u64; 2] = [1451, 2231];
/// Campaigns at a time.
const THREADS: u64 = 2;
/// One campaign in so many prints its letters.
const PRINTS: u64 = 13;
/// Values of so many known patients may be those of others without a sign: two of neighbours, and one at the edge of
/// what has moved.
const FEW: usize = 3;
/// So many different dates of birth of known patients are a sign.
const A_SIGN: usize = 3;

/// One campaign, and all that was drawn for it.
struct Damaged {
    seed: u64,
    hospital: Hospital,
    damage: Damage,
    form: Form,
    is_fhir: bool,
    prints: bool,
    max_rejects: &'static str,
    day_first: bool,
}

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    words: &'static str,
    wrong: Vec<String>,
    stopped: bool,
    rows: usize,
    with_codes: usize,
    pages: usize,
}

impl Damaged {
    fn new(seed: u64) -> Self {
        let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let random = &mut random;
        let (kind, turn) = (seed % KINDS, seed / KINDS * 2 + seed % 2);
        // What the damage is done to is known when the hospital is, whose names depend on the form.
        let is_text = (6..=8).contains(&kind);
        let form = Form::new(is_text, kind == 5, random);
        let hospital = Hospital::new(seed, random, &form);
        let damage = Damage::new(kind, turn, hospital.rows.len(), random);
        assert!(is_text || !damage.is_of_text(), "seed {seed}: {damage:?}");
        Self {
            seed,
            damage,
            form,
            hospital,
            is_fhir: random.below(5) == 0,
            prints: seed % PRINTS == PRINTS - 1,
            max_rejects: ["3", "100%"][random.below(2) as usize],
            day_first: random.below(2) == 0,
        }
    }

    fn described(&self) -> String {
        let api = if self.is_fhir { "FHIR" } else { "REST" };
        let (known, of) = (self.hospital.known.len(), self.hospital.rows.len());
        format!(
            "seed {}: {:?}, {:?}, {api}, {known} of {of} known",
            self.seed, self.damage, self.form
        )
    }

    fn stage(&self, campaign: &Campaign, program: &str, args: &[&str], input: &[u8]) -> Ended {
        let mut command: Command = campaign.command(program);
        command
            .args(args)
            .env("PKB_API", if self.is_fhir { "fhir" } else { "rest" })
            .env("PKB_FHIR_URL", campaign.sandbox.fhir_url())
            .env("PKB_ORG_ID", pkb_sandbox::ORG_ID);
        let ended = run(&mut command, input);
        assert!(
            matches!(ended.code, 0 | 65),
            "{}: {program}: {}",
            self.described(),
            ended.stderr
        );
        ended
    }

    fn run(&self) -> Outcome {
        let rows = self.damage.done_to(&self.hospital.rows);
        let campaign = Campaign::with(Config {
            world: self.hospital.world(),
            ..Config::default()
        });
        let name = self.form.file_name();
        campaign.write(name, self.form.write(&rows, &self.damage, self.day_first));
        let mut args = vec![name, "--max-rejects", self.max_rejects];
        if let Damage::Hidden {
            said: Some(said), ..
        } = &self.damage
        {
            args.extend(["--hidden-rows", said]);
        }
        let uploaded = self.stage(&campaign, "pkb-upload", &args, b"");
        let uploads = campaign
            .sandbox
            .ledger()
            .iter()
            .filter(|entry| entry.endpoint == "upload")
            .count();
        let mut judge = Judge::new(self, &rows, &campaign.sandbox);
        let mut outcome = Outcome {
            words: self.damage.words(),
            rows: rows.len(),
            ..Outcome::default()
        };
        if uploads == 0 {
            outcome.stopped = true;
            judge.stopped(&uploaded);
        } else {
            let resolved = self.stage(&campaign, "pkb-resolve", &["--rate", "0"], &uploaded.stdout);
            let invited = self.stage(&campaign, "pkb-tokens", &["--rate", "0"], &resolved.stdout);
            let invited_records = records(&invited.stdout);
            outcome.with_codes = judge.sent(&invited_records);
            if self.prints && outcome.with_codes > 0 {
                let args = [
                    "--out",
                    "print",
                    "--channel",
                    "letter,sms",
                    "--engine",
                    "typst",
                ];
                let delivered = self.stage(&campaign, "pkb-letters", &args, &invited.stdout);
                outcome.pages = look_at_paper(&campaign, &records(&delivered.stdout), &mut judge);
            }
        }
        judge.pkb();
        outcome.wrong = judge.wrong;
        outcome
    }
}

/// Each page and each row of a spreadsheet has the codes, the name and the postcode or mobile of one record. The number
/// of pages.
fn look_at_paper(campaign: &Campaign, delivered: &[Value], judge: &mut Judge<'_>) -> usize {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let squashed = |text: &str| text.split_whitespace().collect::<String>();
    let mut pages = BTreeMap::new();
    let mut sheets = BTreeMap::new();
    for entry in campaign.path("print").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".pdf") {
            pages.insert(
                name,
                page_reader::read_text_only(std::fs::read(&path).unwrap()).unwrap(),
            );
        } else if name.starts_with("sms-") && name.ends_with(".csv") {
            sheets.insert(
                name,
                csv::Reader::from_path(&path)
                    .unwrap()
                    .into_records()
                    .map(Result::unwrap)
                    .collect::<Vec<_>>(),
            );
        }
    }
    let mut read = 0;
    for record in delivered {
        let (patient, codes) = (&record["patient"], &record["invitation"]);
        let (code, token) = (text(&codes["code"]), text(&codes["token"]));
        if let Some(page) = record["deliveries"][0]["pages"][0].as_u64() {
            let page = &pages[&text(&record["deliveries"][0]["file"])][page as usize - 1];
            let found = squashed(&page.text);
            let values = ["first_name", "last_name", "postcode"].map(|name| text(&patient[name]));
            // A page has words that are written from right to left in another order.
            let is_as_printed =
                |value: &String| value.chars().all(|character| character < '\u{590}');
            for value in values
                .into_iter()
                .filter(is_as_printed)
                .chain([code.clone(), token])
            {
                judge.claim(found.contains(&squashed(&value)), || {
                    format!("row {}: its page has another", record["row"]["number"])
                });
            }
            read += 1;
        }
        for row in sheets.values().flatten().filter(|row| {
            row.iter()
                .any(|cell| cell.contains(&code) && !code.is_empty())
        }) {
            judge.claim(row[0] == text(&patient["mobile"]), || {
                format!("row {}: texted to somebody else", record["row"]["number"])
            });
        }
    }
    read
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn of_a_damaged_file_nothing_is_sent_or_each_patient_is_the_one_on_the_row() {
    let first = setting("PKB_DAMAGED_SEED", 0);
    let campaigns = setting("PKB_DAMAGED_CAMPAIGNS", CAMPAIGNS);
    let run = |thread: u64| -> Vec<Outcome> {
        let seeds = (first..first + campaigns).chain(FOUND_A_FAULT).zip(0..);
        let own = seeds.filter(|(_, turn): &(u64, u64)| turn % THREADS == thread);
        own.map(|(seed, _)| Damaged::new(seed).run()).collect()
    };
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut figures: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for outcome in &outcomes {
        let sums = figures.entry(outcome.words).or_default();
        let counts = [
            1,
            usize::from(outcome.stopped),
            outcome.with_codes,
            outcome.rows,
            outcome.pages,
        ];
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    for (words, [campaigns, stopped, with_codes, rows, pages]) in &figures {
        eprintln!(
            "{words}: {campaigns} campaigns, {stopped} stopped; {with_codes} of {rows} rows got codes; {pages} pages read"
        );
    }
    let wrong: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sums = |at: usize| figures.values().map(|sums| sums[at]).sum::<usize>();
    assert!(
        sums(1) > 0 && sums(2) > 0 && sums(4) > 0,
        "nothing was looked at: {figures:?}"
    );
}
