//! Campaigns in which the commands of the guide are run: one that is as far as its letters, made by the guide's own commands.

use std::{path::Path, process::Command};

use pkb_sandbox::{Config, World};

use crate::harness::{Campaign, fixture, programs, root, run, synthetic_csv, world_of};

/// Patients of the guide's campaign. All of them may be invited by letter and by text message.
const PATIENTS: usize = 12;
const SEED: u64 = 7;

/// As the pages say, without what differs between them.
const FROM_THE_FILE_TO_THE_LETTERS: &str = "\
pkb-letters template new our-letter
pkb-upload patients.csv --output uploaded.ndjson
pkb-resolve uploaded.ndjson --output resolved.ndjson
pkb-tokens resolved.ndjson --output invited.ndjson
";

/// What the pages begin with.
pub struct Campaigns {
    /// Letters in one file.
    merged: Campaign,
    /// A file for each letter, and text messages, as GOV.UK Notify takes them.
    separate: Campaign,
}

impl Campaigns {
    pub fn prepare() -> Self {
        let campaign = |letters: &str| {
            let campaign = Campaign::start(World::default());
            campaign.write("patients.csv", synthetic_csv(PATIENTS, SEED));
            let script = format!(
                "{FROM_THE_FILE_TO_THE_LETTERS}pkb-letters invited.ndjson --template our-letter --out print --output delivered.ndjson {letters}\n"
            );
            let ended = run(shell(&campaign, None).arg("-ec").arg(script), b"");
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            campaign
        };
        Self {
            merged: campaign(""),
            separate: campaign("--separate --channel letter,sms"),
        }
    }

    /// A folder with what a page says that it begins with, and the PKB of that campaign. At another time than that of the campaign (`at`)
    /// PKB is another one, which knows all patients.
    pub fn of(
        &self,
        begins_with: &str,
        at: Option<&str>,
    ) -> (Option<Campaign>, tempfile::TempDir, &Campaign) {
        let (prepared, files) = match begins_with.strip_prefix("separate") {
            Some(files) => (&self.separate, files),
            None => (&self.merged, begins_with),
        };
        let folder = tempfile::tempdir().unwrap();
        if files.trim() == "all" {
            copy(&prepared.folder.path().join("."), folder.path());
        } else {
            for file in files.split_whitespace() {
                copy(&prepared.path(file), folder.path());
            }
        }
        let later = at.map(|at| {
            let file = synthetic_csv(PATIENTS, SEED);
            Campaign::at(
                at,
                Config {
                    world: world_of(&file, |_| true, |_| ()),
                    ..Config::default()
                },
            )
        });
        (later, folder, prepared)
    }
}

/// The PKB of the fixture, with a folder that looks like that of the project.
pub fn project() -> Campaign {
    let campaign = Campaign::with(Config {
        world: World::read(&fixture("world.json")).unwrap(),
        ..Config::default()
    });
    std::os::unix::fs::symlink(root().join("fixtures"), campaign.path("fixtures")).unwrap();
    campaign
}

/// A shell with the settings of a campaign, as `pkb-sandbox env` gives them, and nothing else from outside.
pub fn shell(campaign: &Campaign, folder: Option<&Path>) -> Command {
    let folder = folder.unwrap_or(campaign.folder.path());
    let address = campaign.sandbox.base_url();
    let address = address.strip_prefix("http://").unwrap();
    let mut env = Command::new(programs().join("pkb-sandbox"));
    let secrets = campaign.path("secrets-of-the-sandbox");
    env.args(["env", "--listen", address, "--secrets"])
        .arg(secrets);
    let exports = String::from_utf8(env.output().unwrap().stdout).unwrap();
    let mut shell = Command::new("/bin/bash");
    shell
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs().display()));
    for line in exports.lines() {
        let setting = line
            .strip_prefix("export ")
            .and_then(|line| line.split_once('='));
        let Some((name, value)) = setting.filter(|(name, _)| *name != "PATH") else {
            continue;
        };
        shell.env(name, value.trim_matches('\''));
    }
    shell.env("PKB_FIXED_TIME", campaign.now());
    shell
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status()
        .unwrap();
    assert!(copied.success(), "{}", from.display());
}
