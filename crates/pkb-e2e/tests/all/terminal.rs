//! What an operator sees on a real terminal (tmux), and what a log gets instead.

use std::{
    cell::RefCell,
    fmt::Write as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use pkb_sandbox::{Config, Faults};

use crate::harness::{Campaign, programs, synthetic_csv};

/// Whatever is waited for has happened long before, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A terminal with a shell in the campaign's folder.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    fn open(campaign: &Campaign, columns: u32, rows: u32) -> Self {
        let mut settings = format!("export PATH={}:/usr/bin:/bin\n", programs().display());
        for (name, value) in campaign.command("pkb-upload").get_envs() {
            let (name, value) = (name.to_str().unwrap(), value.unwrap().to_str().unwrap());
            writeln!(settings, "export {name}='{value}'").unwrap();
        }
        settings.push_str("export PS1='$ '\nexec /bin/sh -i\n");
        campaign.write("shell", settings);
        let terminal = Self {
            socket: campaign.path("tmux"),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let folder = campaign.folder.path().to_str().unwrap();
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            "-c",
            folder,
            ". ./shell",
        ]);
        terminal.until("the prompt", |screen| screen.trim_end() == "$");
        terminal
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(args)
            .env_remove("TMUX")
            .output()
            .expect("tmux is missing (on Debian: apt-get install tmux)");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn enter(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn interrupt(&self) {
        self.tmux(&["send-keys", "C-c"]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Also what has left the screen at its top.
    fn all(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }

    /// Looks at the screen until it is as it should be.
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} never came:\n{screen}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The cursor is visible, at a prompt of its own, and nothing stands below.
    fn is_at_a_clean_prompt(&self) -> bool {
        let screen = self.screen();
        let cursor = self.tmux(&["display-message", "-p", "#{cursor_flag} #{cursor_x}"]);
        screen.trim_end().ends_with("\n$") && cursor.trim() == "1 2"
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .arg("kill-server")
            .output();
    }
}

/// A campaign whose PKB has faults.
fn campaign(patients: usize, rules: &str) -> Campaign {
    let campaign = Campaign::with(Config {
        faults: Faults::from_json(format!(r#"{{"rules":[{rules}]}}"#)).unwrap(),
        ..Config::default()
    });
    campaign.write("patients.csv", synthetic_csv(patients, 3));
    campaign
}

/// The same, uploaded.
fn uploaded(patients: usize, rules: &str) -> Campaign {
    let campaign = campaign(patients, rules);
    let arguments = ["patients.csv", "--no-compare", "--output", "u.ndjson"];
    let ended = campaign.stage("pkb-upload", &arguments, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    campaign
}

const SLOW: &str =
    r#"{"endpoint":"by_national_id","when":{"always":true},"fault":{"latency_ms":{"fixed":300}}}"#;
const HANGS: &str = r#"{"endpoint":"by_national_id","when":{"from":20},"fault":"hang"}"#;
const BUSY: &str =
    r#"{"endpoint":"by_national_id","when":{"from":20},"fault":{"status":429,"retry_after":"60"}}"#;

/// Lines of progress on a screen of 120 columns.
fn lines_of_progress(screen: &str) -> Vec<&str> {
    let is_one = |line: &&str| {
        line.contains(" of 120 rows") || line.contains("waiting for the previous stage")
    };
    screen.lines().filter(is_one).collect()
}

#[test]
fn four_stages_in_a_pipe_have_one_live_line_and_leave_their_summaries() {
    let campaign = campaign(120, SLOW);
    let terminal = Terminal::open(&campaign, 120, 40);
    terminal.enter(
        "clear; pkb-upload patients.csv --no-compare | pkb-resolve --concurrency 8 | pkb-tokens --concurrency 8 | \
         pkb-letters --out print --no-verify --letters-per-file 10 > delivered.ndjson; echo ended $?",
    );
    let seen = RefCell::new(Vec::new());
    terminal.until("the end", |screen| {
        let lines = lines_of_progress(screen);
        assert!(lines.len() <= 1, "{screen}");
        seen.borrow_mut()
            .extend(lines.first().map(|line| (*line).to_owned()));
        screen.contains("\nended ")
    });
    let mut seen = seen.into_inner();
    seen.dedup();
    assert!(seen.len() >= 3, "it is alive: {seen:?}");
    // Each answer of PKB takes long: the stages that ask have the line in turn, though they are not the last.
    let asks = |line: &&String| line.starts_with("pkb-resolve") || line.starts_with("pkb-tokens");
    let shown = seen.iter().filter(asks).count();
    assert!(shown >= 3, "{seen:?}");
    let all = terminal.all();
    assert!(lines_of_progress(&all).is_empty(), "nothing remains: {all}");
    for stage in ["upload", "resolve", "tokens", "letters"] {
        let summary = format!("pkb-{stage}: 120 rows in, 120 rows out");
        assert_eq!(all.matches(&summary).count(), 1, "{stage}: {all}");
    }
    let (_, last) = all.split_once("pkb-letters: 120 rows in").unwrap();
    let said = |text: &str| text.matches("\nnext: ").count();
    assert!(
        said(last) > 0 && said(last) == said(&all),
        "only the last stage says it: {all}"
    );
    assert!(terminal.is_at_a_clean_prompt(), "{all}");
}

#[test]
fn ctrl_c_leaves_a_clean_screen() {
    let campaign = uploaded(120, HANGS);
    let terminal = Terminal::open(&campaign, 120, 30);
    terminal.enter("clear; pkb-resolve u.ndjson | pkb-tokens > t.ndjson");
    terminal.until("the live line", |screen| {
        !lines_of_progress(screen).is_empty()
    });
    // Calls that hang are questions: nothing is lost by not waiting for them.
    terminal.interrupt();
    let screen = terminal.until("the prompt", |screen| screen.trim_end().ends_with("\n$"));
    assert!(terminal.is_at_a_clean_prompt(), "{screen}");
    assert!(lines_of_progress(&screen).is_empty(), "{screen}");
    assert_eq!(screen.matches(": stopped by Ctrl-C").count(), 2, "{screen}");
    assert!(
        screen.contains("\nnext: run the same command again. Without a journal it starts"),
        "{screen}"
    );
}

#[test]
fn a_narrow_terminal_has_less_of_the_line_and_still_one() {
    let campaign = uploaded(120, BUSY);
    let terminal = Terminal::open(&campaign, 120, 20);
    terminal.enter("clear; pkb-resolve u.ndjson --give-up-after 600 --output r.ndjson");
    for (columns, part) in [
        ("120", " s, asked by PKB"),
        ("80", " s, asked by PKB"),
        ("40", " s, asked by PKB"),
        ("32", "  waits "),
        ("20", "%  waits "),
        ("120", " s, asked by PKB"),
    ] {
        terminal.tmux(&["resize-window", "-x", columns]);
        let drawn = |line: &&str| line.contains("asked by PKB") || line.contains("  waits ");
        let screen = terminal.until(part, |screen| {
            let lines: Vec<&str> = screen.lines().filter(drawn).collect();
            lines.len() == 1 && lines[0].contains(part) && screen.trim_end().ends_with(lines[0])
        });
        let width: usize = columns.parse().unwrap();
        assert!(
            screen.lines().filter(drawn).all(|line| line.len() < width),
            "{screen}"
        );
    }
    terminal.interrupt();
    terminal.until("the word of the calls", |screen| {
        screen.contains("stopping")
    });
    terminal.interrupt();
    terminal.until("the prompt", |screen| screen.trim_end().ends_with("\n$"));
    assert!(terminal.is_at_a_clean_prompt());
}

#[test]
fn what_other_programs_write_to_the_terminal_leaves_no_remains_of_the_line() {
    let campaign = uploaded(120, BUSY);
    let terminal = Terminal::open(&campaign, 120, 30);
    // Each of the lines is longer than the one after it.
    terminal.enter(
        "clear; (for n in 9 8 7 6 5; do sleep 0.5; printf 'other%0*d\\n' $n 0; done >&2) & \
         pkb-resolve u.ndjson --output r.ndjson",
    );
    let screen = terminal.until("the last of the lines", |screen| {
        screen.contains("\nother00000\n") && screen.trim_end().ends_with("asked by PKB")
    });
    let lines: Vec<&str> = screen
        .lines()
        .filter(|line| line.starts_with("other"))
        .collect();
    let expected = [
        "other000000000",
        "other00000000",
        "other0000000",
        "other000000",
        "other00000",
    ];
    assert_eq!(lines, expected, "{screen}");
    assert_eq!(lines_of_progress(&screen).len(), 1, "{screen}");
    terminal.interrupt();
    terminal.interrupt();
}

#[test]
fn a_log_gets_plain_lines_now_and_then_and_only_from_the_last_stage() {
    let campaign = uploaded(120, SLOW);
    let pipe = |args: &str| {
        let line = format!(
            "pkb-resolve u.ndjson --concurrency 8 {args} 2> log | pkb-tokens --concurrency 8 {args} 2>> log > t.ndjson"
        );
        assert_eq!(campaign.shell(&line).code, 0);
        let log = String::from_utf8(campaign.read("log")).unwrap();
        assert!(!log.contains(['\r', '\x1b']), "{log}");
        log
    };
    // A run that is shorter than the interval has none.
    let log = pipe("");
    assert!(!log.contains(" of 120 rows"), "{log}");
    let log = pipe("--progress-interval 100ms");
    assert!(
        log.contains("pkb-tokens: ") && log.contains(" of 120 rows ("),
        "{log}"
    );
    let of_resolve =
        |line: &str| line.starts_with("pkb-resolve: ") && line.contains(" of 120 rows");
    assert!(!log.lines().any(of_resolve), "{log}");
    let log = pipe("--progress-interval 100ms --progress never");
    assert!(!log.contains(" of 120 rows"), "{log}");
}

#[test]
fn quiet_is_quiet_only_if_all_went_well() {
    let campaign = uploaded(20, "");
    let well = campaign.stage("pkb-resolve", &["u.ndjson", "--quiet"], b"");
    assert_eq!(well.code, 0, "{}", well.stderr);
    assert!(
        !well.stderr.contains("rows in") && !well.stderr.contains("next:"),
        "{}",
        well.stderr
    );
    assert!(
        well.stderr.contains("the time is fixed"),
        "warnings stay: {}",
        well.stderr
    );
    let half = &well.stdout[..well.stdout.len() / 2];
    let badly = campaign.stage("pkb-tokens", &["--quiet"], half);
    assert_eq!(badly.code, 66);
    assert!(badly.stderr.contains("rows in"), "{}", badly.stderr);
}
