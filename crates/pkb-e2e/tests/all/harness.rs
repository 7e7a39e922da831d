//! Starts a local PKB and the real programs.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use pkb_sandbox::{Config, Sandbox, World};
use serde_json::Value;

/// The day of every test campaign.
pub const NOW: &str = "2026-11-22T09:00:00Z";

/// The programs that operators run.
pub const PROGRAMS: [&str; 6] = [
    "pkb-upload",
    "pkb-resolve",
    "pkb-tokens",
    "pkb-letters",
    "pkb-notify",
    "pkb",
];

/// Root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

pub fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// Folder of the programs, which are built first: cargo builds only those of a test's own package.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(root())
            // Who times tests sets it (`--report-time`); cargo would compile everything anew.
            .env_remove("RUSTC_BOOTSTRAP")
            .args(["build", "--quiet", "--workspace", "--bins"]);
        let test = std::env::current_exe().unwrap();
        // target/<profile>/deps/<test>
        let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(
            cargo.status().unwrap().success(),
            "the programs do not build"
        );
        folder
    })
}

/// A campaign folder and the PKB that it talks to.
pub struct Campaign {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    now: String,
}

/// How a program ended.
pub struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    pub fn records(&self) -> Vec<Value> {
        records(&self.stdout)
    }
}

pub fn records(stream: &[u8]) -> Vec<Value> {
    stream
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect()
}

impl Campaign {
    /// With the fixture's world.
    pub fn fixture() -> Self {
        Self::start(World::read(&fixture("world.json")).unwrap())
    }

    pub fn start(world: World) -> Self {
        Self::with(Config {
            world,
            ..Config::default()
        })
    }

    pub fn with(config: Config) -> Self {
        Self::at(NOW, config)
    }

    /// At a different time: for the PKB, and for programs that `now` is given to.
    pub fn at(now: &str, config: Config) -> Self {
        programs();
        let config = Config {
            fixed_time: Some(now.parse().unwrap()),
            ..config
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let sandbox = runtime.block_on(Sandbox::start(config)).unwrap();
        Self {
            sandbox,
            folder: tempfile::tempdir().unwrap(),
            runtime,
            now: now.to_owned(),
        }
    }

    /// The time of the campaign.
    pub fn now(&self) -> &str {
        &self.now
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// A program with the settings of this campaign and nothing else from outside.
    pub fn command(&self, program: &str) -> Command {
        let base = self.sandbox.base_url();
        let mut command = Command::new(programs().join(program));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PKB_BASE_URL", &base)
            .env("PKB_TOKEN_URL", format!("{base}/api/oauth/token"))
            .env("PKB_CLIENT_ID", pkb_sandbox::CLIENT_ID)
            .env("PKB_CLIENT_SECRET", pkb_sandbox::CLIENT_SECRET)
            .env("PKB_JOIN_URL", format!("{base}/join/"))
            .env("PKB_FIXED_TIME", NOW);
        command
    }

    /// Runs a stage on `input`.
    pub fn stage(&self, program: &str, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(program);
        command.args(args);
        run(&mut command, input)
    }

    /// Runs a line of shell in the campaign's folder, with the programs on the PATH.
    pub fn shell(&self, line: &str) -> Ended {
        let settings = self.command("pkb-upload");
        let mut shell = Command::new("/bin/sh");
        shell
            .current_dir(self.folder.path())
            .env_clear()
            .arg("-c")
            .arg(line);
        shell.envs(
            settings
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs().display()));
        run(&mut shell, b"")
    }

    /// Runs the four stages one after the other; returns what each ended with.
    pub fn journey(&self, patients: &Path, letters: &[&str]) -> [Ended; 4] {
        let uploaded = self.stage(
            "pkb-upload",
            &[patients.to_str().unwrap(), "--rate", "0"],
            b"",
        );
        let resolved = self.stage("pkb-resolve", &["--rate", "0"], &uploaded.stdout);
        let invited = self.stage("pkb-tokens", &["--rate", "0"], &resolved.stdout);
        let delivered = self.stage("pkb-letters", letters, &invited.stdout);
        [uploaded, resolved, invited, delivered]
    }

    /// Registers at the join page; the HTTP status.
    pub fn join(&self, code: &str, token: &str, born: &str) -> u16 {
        let mut date = born.split('-');
        let (year, month, day) = (
            date.next().unwrap(),
            date.next().unwrap(),
            date.next().unwrap(),
        );
        let form = [
            ("t1", code),
            ("t2", token),
            ("day", day),
            ("month", month),
            ("year", year),
        ];
        let url = format!("{}/join/", self.sandbox.base_url());
        let sent = pkb_client::tls::on_loopback()
            .unwrap()
            .post(url)
            .form(&form)
            .send();
        self.runtime.block_on(sent).unwrap().status().as_u16()
    }
}

/// Runs a command on `input` to its end.
pub fn run(command: &mut Command, input: &[u8]) -> Ended {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let output = command.stdin(Stdio::from(file)).output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command to its end with a terminal as its standard output and error: how it ends, and all that the terminal got.
pub fn on_terminal(command: &mut Command) -> (i32, String) {
    use rustix::pty;
    let terminal = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).unwrap();
    pty::grantpt(&terminal).unwrap();
    pty::unlockpt(&terminal).unwrap();
    let name = pty::ptsname(&terminal, Vec::new()).unwrap();
    let screen = std::fs::File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    command
        .stdin(Stdio::null())
        .stdout(screen.try_clone().unwrap())
        .stderr(screen);
    let mut child = command.spawn().unwrap();
    // As long as the command has the terminal, it has no end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shown = Vec::new();
    // The last reading fails: nobody has the terminal any more.
    let _ = std::io::Read::read_to_end(&mut std::fs::File::from(terminal), &mut shown);
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&shown).into_owned())
}

/// A patient file of `count` invented patients.
pub fn synthetic_csv(count: usize, seed: u64) -> Vec<u8> {
    let mut file = csv::Writer::from_writer(Vec::new());
    pkb_synthetic::generate::write_header(&mut file).unwrap();
    for patient in pkb_synthetic::generate::patients(count, seed) {
        pkb_synthetic::generate::write_row(&mut file, &patient).unwrap();
    }
    file.into_inner().unwrap()
}

/// A PKB that has the patients of a patient file whose place (from 0) `is_known`, each with `change` made to the row.
pub fn world_of(
    file: &[u8],
    is_known: impl Fn(usize) -> bool,
    change: impl Fn(&mut [String]),
) -> World {
    let mut reader = csv::Reader::from_reader(file);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(reader.headers().unwrap()).unwrap();
    for (place, row) in reader.records().enumerate() {
        let mut cells: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        if is_known(place) {
            change(&mut cells);
            writer.write_record(&cells).unwrap();
        }
    }
    World::of_patient_file(&writer.into_inner().unwrap()).unwrap()
}

/// The patient lived elsewhere when PKB was told.
pub fn elsewhere(cells: &mut [String]) {
    cells[5] = "999 Old Road".to_owned();
}

/// The national ids of a patient file, in its order.
pub fn national_ids(file: &[u8]) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(file);
    let rows = reader.records();
    rows.map(|row| row.unwrap()[0].to_owned()).collect()
}

/// A journal whose lines were changed by a test, as an output is: without checks, nobody can tell.
pub fn without_checks(journal: &str) -> String {
    let line = |line: &str| match line.rfind(",\"check\":\"") {
        Some(at) => format!("{}}}\n", &line[..at]),
        None => format!("{line}\n"),
    };
    journal.lines().map(line).collect()
}
