//! A small campaign over a PKB that gives wrong answers, with the real programs, killed or not; and a look at all that it
//! has left behind.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use pkb_e2e::{
    hostile_pkb::{BORN, Config, HostilePkb, LAST_NAME, Mischief, Person, Random},
    page_reader,
};
use serde_json::{Value, json};

use crate::harness::{NOW, programs, records};

/// How one campaign is run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub mischief: Mischief,
    pub fhir: bool,
    pub killed: bool,
    pub letters: bool,
}

/// A campaign's folder, its PKB, and what the programs have said.
pub struct Hostile {
    plan: Plan,
    pkb: HostilePkb,
    people: Vec<Person>,
    folder: tempfile::TempDir,
    random: Random,
    said: String,
}

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Letters and texts with codes that were made for somebody else, and of which nobody was told.
    pub wrong: Vec<String>,
    /// The same, and the operator was told to take them out.
    pub told: Vec<String>,
    /// Patients with a letter or text.
    pub reached: usize,
    /// Patients in all.
    pub people: usize,
    /// Harm that the server did.
    pub harm: u64,
}

impl Hostile {
    pub fn new(plan: Plan) -> Self {
        let mut random = Random(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let count = 5 + random.below(8) as usize;
        let people: Vec<Person> = pkb_synthetic::generate::patients(count, plan.seed)
            .enumerate()
            .map(|(at, patient)| Person {
                number: patient.national_id.clone(),
                id: (70_001 + at).to_string(),
                born: BORN.to_owned(),
            })
            .collect();
        let config = Config {
            people: people.clone(),
            mischief: plan.mischief,
            percent: 20 + random.below(50),
            seed: random.below(u64::MAX),
        };
        let folder = tempfile::tempdir().unwrap();
        let hostile = Self {
            plan,
            pkb: HostilePkb::start(config).unwrap(),
            people,
            folder,
            random,
            said: String::new(),
        };
        std::fs::write(hostile.path("u.ndjson"), hostile.uploaded()).unwrap();
        hostile
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The records as pkb-upload leaves them.
    fn uploaded(&self) -> String {
        let mut lines = String::new();
        for (at, person) in self.people.iter().enumerate() {
            let record = json!({
                "schema": "pkb-record/1", "row": {"file": "p.csv", "number": at + 2, "of": self.people.len()}, "rehearsal": true,
                "patient": {
                    "national_id": {"type": "NHS_NUMBER", "value": person.number}, "first_name": "Anna",
                    "last_name": LAST_NAME, "date_of_birth": BORN, "address": ["1 Mill Lane", "Newcastle"],
                    "postcode": "NE1 4ST", "mobile": mobile(at),
                },
                "upload": {"batch": "batch-0001.csv", "state": "sent", "at": NOW},
            });
            writeln!(lines, "{record}").unwrap();
        }
        lines
    }

    fn command(&self, program: &str, args: &str) -> Command {
        let base = self.pkb.base_url();
        let mut command = Command::new(programs().join(program));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PKB_BASE_URL", &base)
            .env("PKB_TOKEN_URL", format!("{base}/oauth/token"))
            .env("PKB_FHIR_URL", format!("{base}/fhir"))
            .env("PKB_ORG_ID", pkb_sandbox::ORG_ID)
            .env("PKB_CLIENT_ID", "client")
            .env("PKB_CLIENT_SECRET", "sandbox-secret")
            .env("PKB_JOIN_URL", "https://joinpkb.com/")
            .env("PKB_FIXED_TIME", NOW)
            .args(args.split(' '));
        if matches!(program, "pkb-resolve" | "pkb-tokens") {
            let api = if self.plan.fhir { "fhir" } else { "rest" };
            command.args(["--api", api, "--rate", "0", "--timeout", "1"]);
        }
        command
    }

    /// The three stages as one pipeline. `kill`: after so long one of them is killed.
    fn pipeline(&mut self, kill: Option<Duration>) {
        let channel = if self.plan.letters {
            "letter,sms"
        } else {
            "sms"
        };
        let letters = format!(
            "--journal l.journal --out print --channel {channel} --letters-per-file 50 --engine typst --output l.ndjson"
        );
        let stages = [
            ("pkb-resolve", "u.ndjson --journal r.journal"),
            ("pkb-tokens", "--journal t.journal"),
            ("pkb-letters", letters.as_str()),
        ];
        let mut children: Vec<Child> = Vec::new();
        for (program, args) in stages {
            let before = children.last_mut().and_then(|child| child.stdout.take());
            let mut command = self.command(program, args);
            command
                .stdin(before.map_or_else(Stdio::null, Stdio::from))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            children.push(command.spawn().unwrap());
        }
        if let Some(after) = kill {
            std::thread::sleep(after);
            let victim = self.random.below(3) as usize;
            let _ = children[victim].kill();
        }
        // None says more than a pipe holds.
        for child in children {
            let ended = child.wait_with_output().unwrap();
            let code = ended.status.code().unwrap_or(-1);
            let stderr = String::from_utf8(ended.stderr).unwrap();
            assert!(
                matches!(code, -1 | 0 | 65 | 66 | 74 | 75 | 76 | 77),
                "{:?}: {code}: {stderr}",
                self.plan
            );
            self.said.push_str(&stderr);
        }
    }

    /// Runs the campaign to its end.
    pub fn run(mut self) -> Outcome {
        if self.plan.killed {
            for _ in 0..2 {
                let after = Duration::from_millis(20 + self.random.below(900));
                self.pipeline(Some(after));
            }
        }
        self.pipeline(None);
        let mut outcome = self.look();
        // A day later all is well at PKB.
        self.pkb.become_tame();
        for _ in 0..2 {
            self.pipeline(None);
        }
        let end = self.look();
        outcome.wrong.extend(end.wrong);
        outcome.told = end.told;
        outcome.reached = end.reached;
        outcome.harm = self.pkb.harm();
        outcome
    }

    /// Every letter and text, with the codes that are really there.
    fn look(&mut self) -> Outcome {
        let mut outcome = Outcome {
            people: self.people.len(),
            ..Outcome::default()
        };
        let delivered = match std::fs::read(self.path("l.ndjson")) {
            Ok(delivered) => records(&delivered),
            Err(_) => Vec::new(),
        };
        let mut owners: BTreeMap<(String, u64), String> = BTreeMap::new();
        for record in &delivered {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let number = text(&record["patient"]["national_id"]["value"]);
            if !record["deliveries"].is_array() {
                continue;
            }
            outcome.reached += 1;
            for code in [
                &record["invitation"]["code"],
                &record["invitation"]["token"],
            ] {
                let code = text(code);
                self.judge(
                    &code,
                    &number,
                    &format!("row {}", record["row"]["number"]),
                    &mut outcome,
                );
            }
            if let Some(page) = record["deliveries"][0]["pages"][0].as_u64() {
                owners.insert((text(&record["deliveries"][0]["file"]), page), number);
            }
        }
        self.look_at_files(&owners, &mut outcome);
        outcome
    }

    fn look_at_files(&self, owners: &BTreeMap<(String, u64), String>, outcome: &mut Outcome) {
        let Ok(entries) = self.path("print").read_dir() else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".pdf") {
                let pages = page_reader::read_text_only(std::fs::read(&path).unwrap()).unwrap();
                for (page, sheet) in (1..).zip(pages) {
                    let place = format!("{name}, page {page}");
                    let codes = sheet.text.split_whitespace().filter(|word| is_code(word));
                    let owner = owners.get(&(name.clone(), page));
                    for code in codes {
                        match owner {
                            Some(owner) => self.judge(code, owner, &place, outcome),
                            // A sheet of nobody: it has to be named.
                            None => self.judge(code, "", &place, outcome),
                        }
                    }
                }
            } else if name.starts_with("sms-") && name.ends_with(".csv") {
                let mut sheet = csv::Reader::from_path(&path).unwrap();
                for row in sheet.records() {
                    let row = row.unwrap();
                    let mut people = (0..).zip(&self.people);
                    let (at, person) = people.find(|(at, _)| mobile(*at) == row[0]).unwrap();
                    for code in row.iter().filter(|cell| is_code(cell)) {
                        let place = format!("{name}, row {}", at + 2);
                        self.judge(code, &person.number, &place, outcome);
                    }
                }
            }
        }
    }

    /// Enters a code that was found where a patient's should be.
    fn judge(&self, code: &str, number: &str, place: &str, outcome: &mut Outcome) {
        let made_for = self.pkb.made_for(code);
        if made_for.as_deref() == Some(number) {
            return;
        }
        let said = |words: &str| self.said.contains(words);
        let is_told = match place.split_once(", row ") {
            Some((sheet, row)) => self.said.lines().any(|line| {
                line.contains(&format!("row {row}"))
                    && line.contains(&format!("its text message is in {sheet}"))
            }),
            None if place.starts_with("row ") => self.said.lines().any(|line| {
                line.contains(&format!("{place}:"))
                    && (line.contains("remove page ") || line.contains("delete that line"))
            }),
            None => place
                .split_once(", page ")
                .is_some_and(|(file, sheet)| said(&format!("remove page {sheet} of {file}"))),
        };
        let list = if is_told {
            &mut outcome.told
        } else {
            &mut outcome.wrong
        };
        list.push(format!("{place}: {:?}", self.plan));
    }
}

fn mobile(at: usize) -> String {
    format!("+447700900{at:03}")
}

fn is_code(word: &str) -> bool {
    word.len() == 10
        && word.starts_with(['C', 'T'])
        && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}
