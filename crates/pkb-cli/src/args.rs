//! Arguments that the stages share.

mod notify;
mod one_of;
mod progress;

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use pkb_client::{
    AuthStyle, Client, Credentials, Settings, fhir::FhirSettings, network::Network,
    proxies::Proxies,
};
use pkb_core::{
    Clock, Fatal,
    monitor::Monitor,
    output::{Target, is_stream},
    pipeline::{Limits, Source},
};
use pkb_files::exposure;

pub use notify::{NotifyArgs, NotifyKeyArgs};
pub use one_of::one_of;
pub use progress::ProgressArgs;

/// Heading of the options that concern a single run, and are refused in a settings file, where they would hold for
/// every run.
pub const ONCE: &str = "For one run (not in pkb.toml)";

/// Heading of the options about what a command reads and writes. In a settings file, those of a command are not those
/// of its subcommands.
pub const STREAM: &str = "Stream";

/// How a stage reads, counts and reports.
#[derive(Debug, Clone, Args)]
pub struct StreamArgs {
    /// The stream is a part on purpose (split, filtered): do not insist on every row
    #[arg(long, help_heading = ONCE)]
    pub partial: bool,

    /// Note each settled record in FILE, and answer from it what an earlier run has settled: after
    /// any failure, run the same command again. An earlier output of this stage will do, too
    ///
    /// Without this option, a run with --output FILE has its journal in FILE.journal, and one that writes into a folder
    /// DIR in DIR.journal. Keep it: it holds codes and knows who has a letter
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub journal: Option<PathBuf>,

    /// Keep no journal: the same command again begins from the start
    #[arg(long, conflicts_with = "journal", help_heading = STREAM)]
    pub no_journal: bool,

    /// No other machine works on this campaign: take a journal also where locks do not hold between machines
    #[arg(
        long,
        env = "PKB_ONE_MACHINE",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = STREAM
    )]
    pub one_machine: bool,

    /// Write the records to FILE (complete or absent, mode 0600) instead of standard output
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub output: Option<PathBuf>,

    /// Write the records to standard output even if it is a terminal: they hold names, numbers and codes
    #[arg(long, help_heading = ONCE)]
    pub show_records: bool,
    /// Replace the records in the --output FILE even if some of their patients are not in the new ones
    #[arg(long, requires = "output", help_heading = ONCE)]
    pub replace: bool,

    /// What is shown of the work.
    #[command(flatten)]
    pub progress: ProgressArgs,

    /// Also write the summary to FILE, as JSON
    #[arg(long, value_name = "FILE", help_heading = STREAM)]
    pub summary: Option<PathBuf>,

    /// The time.
    #[command(flatten)]
    pub clock: ClockArgs,
}

/// What time it is.
#[derive(Debug, Clone, Args)]
pub struct ClockArgs {
    /// Pretend that it is this moment (for tests and rehearsals): 2026-11-22T09:00:00Z
    #[arg(long, env = "PKB_FIXED_TIME", value_name = "TIME", hide = true)]
    fixed_time: Option<Timestamp>,
}

impl ClockArgs {
    /// The clock of this run.
    pub fn clock(&self) -> Clock {
        self.fixed_time.map_or(Clock::System, Clock::Fixed)
    }

    /// Whether the time is pretended.
    pub fn is_fixed(&self) -> bool {
        self.fixed_time.is_some()
    }
}

impl StreamArgs {
    /// The clock of this run.
    pub fn clock(&self) -> Clock {
        self.clock.clock()
    }

    /// Where the records go.
    ///
    /// # Errors
    /// The file cannot be written there.
    pub fn target(&self) -> Result<Target, Fatal> {
        self.output.as_deref().map_or_else(
            || Ok(Target::stdout()),
            |path| Target::file(path, self.replace),
        )
    }

    /// The same with the journal that a run has if nobody chose one: beside the `folder` of what it makes, or beside its
    /// output. A stream that goes on to somewhere else has none.
    #[must_use]
    pub fn with_usual_journal(mut self, folder: Option<&Path>) -> Self {
        let output = self.output.as_deref().filter(|path| !is_stream(path));
        if !self.no_journal && self.journal.is_none() {
            self.journal = folder.or(output).and_then(usual_journal);
        }
        self
    }

    /// The limits of a stage that works on `in_flight` batches at a time.
    pub fn limits(&self, in_flight: usize) -> Limits {
        Limits {
            in_flight,
            partial: self.partial,
        }
    }
}

/// The journal of a run that writes `place`: beside it and not in it, because a folder of letters goes to a printer.
pub fn usual_journal(place: &Path) -> Option<PathBuf> {
    let place = match place.file_name() {
        Some(_) => place.to_owned(),
        // "." and "print/.." have their name only where they are.
        None => place.canonicalize().ok()?,
    };
    let mut name = place.file_name()?.to_owned();
    name.push(".journal");
    Some(place.with_file_name(name))
}

/// Where a stage other than the first reads its records.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// Record stream to read; standard input if absent or "-"
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

impl InputArgs {
    /// Opens the input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(&self) -> Result<Source, Fatal> {
        self.reader().map(Source::Ndjson)
    }

    /// The bytes of the input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reader(&self) -> Result<Box<dyn Read + Send>, Fatal> {
        Ok(match &self.input {
            Some(path) if path.is_dir() => {
                return Err(Fatal::Input(format!(
                    "{}: is a folder, not a file",
                    path.display()
                )));
            }
            Some(path) if path.as_os_str() != "-" => {
                exposure::warn_of_file(path);
                Box::new(
                    std::fs::File::open(path).map_err(|source| Fatal::cannot_read(path, source))?,
                )
            }
            _ => Box::new(std::io::stdin()),
        })
    }
}

/// How PKB is reached. Secrets come from the environment or a file, never from the command line,
/// which every user of the machine can read.
#[derive(Debug, Clone, Args)]
pub struct PkbArgs {
    /// Address of PKB's REST interface; https, or a loopback address
    #[arg(long, env = "PKB_BASE_URL", value_name = "URL", help_heading = "PKB")]
    base_url: Option<String>,

    /// Address that gives out access tokens (OAuth 2.0 client credentials)
    #[arg(long, env = "PKB_TOKEN_URL", value_name = "URL", help_heading = "PKB")]
    token_url: Option<String>,

    /// Name of the OAuth client; its secret is read from PKB_CLIENT_SECRET or from the file named
    /// by PKB_CLIENT_SECRET_FILE
    #[arg(
        long,
        env = "PKB_CLIENT_ID",
        value_name = "ID",
        help_heading = "PKB",
        hide_env_values = true
    )]
    client_id: Option<String>,

    /// File with the OAuth client's secret (mode 0600)
    #[arg(
        long,
        env = "PKB_CLIENT_SECRET_FILE",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    client_secret_file: Option<PathBuf>,

    /// File with the refresh token of a tethered-token client, used instead of a secret. The file is
    /// rewritten whenever PKB sends the next token
    #[arg(
        long,
        env = "PKB_REFRESH_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    refresh_token_file: Option<PathBuf>,

    /// How the client shows its secret to the token address
    #[arg(
        long,
        env = "PKB_AUTH_STYLE",
        value_enum,
        default_value = "basic",
        value_name = "STYLE",
        help_heading = "PKB"
    )]
    auth_style: AuthStyle,

    /// What to ask access tokens for (OAuth scopes, with spaces between them), if the server wants that said
    #[arg(long, env = "PKB_SCOPE", value_name = "SCOPES", help_heading = "PKB")]
    scope: Option<String>,

    /// File with certificates (PEM) of authorities to trust besides this machine's, such as your network's own. Take
    /// them from your network team, never from the connection
    #[arg(long, env = "PKB_CA_FILE", value_name = "FILE", help_heading = "PKB")]
    ca_file: Option<PathBuf>,

    /// File with your certificate and its key (PEM, mode 0600), for servers that want to see one (mutual TLS)
    #[arg(
        long,
        env = "PKB_CLIENT_CERT",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    client_cert: Option<PathBuf>,

    /// Address of PKB's FHIR interface, for what asks for many patients at once; https, or a loopback address
    #[arg(long, env = "PKB_FHIR_URL", value_name = "URL", help_heading = "PKB")]
    fhir_url: Option<String>,

    /// Your organisation's public id at PKB, which the FHIR interface wants to know: a UUID
    #[arg(long, env = "PKB_ORG_ID", value_name = "UUID", help_heading = "PKB")]
    org_id: Option<String>,

    /// Seconds to wait for one answer
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "PKB")]
    timeout: u64,

    /// Calls in all for one request that meets an outage or a rate limit
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "PKB")]
    attempts: u32,

    /// Stop with "try again later" after so many seconds of nothing but failures
    #[arg(
        long,
        default_value_t = 120,
        value_name = "SECONDS",
        help_heading = "PKB"
    )]
    give_up_after: u64,

    /// Requests a second at most, retries included; 0 for no limit
    #[arg(long, default_value_t = 50, value_name = "N", help_heading = "PKB")]
    rate: u32,
}

impl PkbArgs {
    /// The client of PKB that these settings describe; what it waits for is noted in `monitor`. Nothing is
    /// sent yet.
    ///
    /// # Errors
    /// A setting is missing or wrong; the message names it.
    pub fn client(&self, monitor: &Arc<Monitor>) -> Result<Client, Fatal> {
        Client::new(Settings {
            base_url: required(self.base_url.as_deref(), "PKB_BASE_URL")?,
            fhir: self.fhir()?,
            token_url: required(self.token_url.as_deref(), "PKB_TOKEN_URL")?,
            client_id: required(self.client_id.as_deref(), "PKB_CLIENT_ID")?,
            credentials: match &self.refresh_token_file {
                Some(path) => Credentials::RefreshToken(path.clone()),
                None => Credentials::Secret(pkb_client::read_secret(
                    self.client_secret_file.as_deref(),
                )?),
            },
            auth_style: self.auth_style,
            scope: self.scope.clone(),
            network: self.network()?,
            timeout_seconds: self.timeout,
            attempts: self.attempts,
            give_up_seconds: self.give_up_after,
            rate: self.rate,
            random: fastrand::Rng::new(),
            monitor: Arc::clone(monitor),
        })
    }

    /// How servers are reached.
    ///
    /// # Errors
    /// The environment names a proxy that cannot be used.
    pub(crate) fn network(&self) -> Result<Network, Fatal> {
        Ok(Network {
            ca_file: self.ca_file.clone(),
            client_cert: self.client_cert.clone(),
            proxies: Proxies::from_environment()?,
        })
    }

    /// A client for a look: one try, and not for long.
    ///
    /// # Errors
    /// As [`PkbArgs::client`].
    pub(crate) fn client_for_a_look(&self) -> Result<Client, Fatal> {
        let quick = Self {
            attempts: 1,
            timeout: self.timeout.min(20),
            ..self.clone()
        };
        quick.client(&Arc::default())
    }

    /// The settings without which PKB cannot be reached, and which are not set.
    pub fn missing(&self) -> Vec<&'static str> {
        [
            (&self.base_url, "PKB_BASE_URL"),
            (&self.token_url, "PKB_TOKEN_URL"),
            (&self.client_id, "PKB_CLIENT_ID"),
        ]
        .into_iter()
        .filter(|(value, _)| value.as_deref().is_none_or(|value| value.trim().is_empty()))
        .map(|(_, name)| name)
        .collect()
    }

    /// The file of the secret or of the refresh token, if it is in one.
    pub(crate) fn secret_file(&self) -> Option<&Path> {
        let file = self.refresh_token_file.as_deref();
        file.or(self.client_secret_file.as_deref())
    }

    /// The addresses that are called, with their names.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, &str)> {
        [
            ("PKB_BASE_URL", &self.base_url),
            ("PKB_TOKEN_URL", &self.token_url),
            ("PKB_FHIR_URL", &self.fhir_url),
        ]
        .into_iter()
        .filter_map(|(name, address)| Some((name, address.as_deref()?.trim())))
        .filter(|(_, address)| !address.is_empty())
        .collect()
    }

    /// Both settings of the FHIR interface or neither: one alone is a mistake that would show only hours later.
    fn fhir(&self) -> Result<Option<FhirSettings>, Fatal> {
        let is_blank =
            |value: &Option<String>| value.as_deref().is_none_or(|value| value.trim().is_empty());
        if is_blank(&self.fhir_url) && is_blank(&self.org_id) {
            return Ok(None);
        }
        Ok(Some(FhirSettings {
            base_url: required(self.fhir_url.as_deref(), "PKB_FHIR_URL")?,
            org_id: required(self.org_id.as_deref(), "PKB_ORG_ID")?,
        }))
    }
}

/// A length of time as people write it: `90s`, `30m`, `2h`, `7d`.
///
/// # Errors
/// It is not one, or negative.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    // Of units that are longer than an hour jiff knows only calendar ones; a day here is 24 hours.
    let days = text.strip_suffix('d').map(|days| days.parse::<u32>());
    if let Some(Ok(days)) = days {
        return Ok(Duration::from_secs(86_400 * u64::from(days)));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or("not a length of time, such as 90s, 30m, 2h or 7d")
}

/// Which of PKB's interfaces is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Api {
    /// The calls of the guide, one patient at a time
    Rest,
    /// FHIR operations, thousands of patients at a time; needs PKB_FHIR_URL and PKB_ORG_ID
    Fhir,
}

impl Api {
    /// Batches over FHIR at the same time: each is thousands of patients.
    pub const FHIR_IN_FLIGHT: usize = 2;
}

/// Which of PKB's interfaces is asked, and how batches are made for it.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// Interface of PKB
    #[arg(
        long,
        env = "PKB_API",
        value_enum,
        default_value = "rest",
        value_name = "API",
        help_heading = "PKB"
    )]
    pub api: Api,

    /// Patients in a request at most, where several go together; PKB's own limit if absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "PKB")]
    batch_rows: Option<u16>,

    /// Send a batch that is not full when no more records come for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "500ms", help_heading = "PKB")]
    pub linger: Duration,
}

impl ApiArgs {
    /// Patients in a request, of `most` that PKB takes.
    pub fn batch_rows(&self, most: usize) -> usize {
        self.batch_rows.map_or(most, |rows| most.min(rows.into()))
    }
}

/// How many calls at a time.
#[derive(Debug, Clone, Args)]
pub struct ConcurrencyArgs {
    /// Calls to PKB at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "PKB")]
    pub concurrency: u16,
}

fn required(value: Option<&str>, name: &str) -> Result<String, Fatal> {
    value
        .filter(|value| !value.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Fatal::Usage(format!(
                "{name} is not set: export it, or write {} below [pkb] in pkb.toml (`config --toml` prints a file to start from; \
                 for a rehearsal: eval \"$(pkb-sandbox env)\")",
                name.trim_start_matches("PKB_").to_lowercase()
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_beside_what_a_run_makes_and_never_in_it() {
        for (place, journal) in [
            ("print", "print.journal"),
            ("print/", "print.journal"),
            ("./print/.", "./print.journal"),
            ("/a b/delivered.ndjson", "/a b/delivered.ndjson.journal"),
            ("print/01-of-04", "print/01-of-04.journal"),
        ] {
            assert_eq!(
                usual_journal(Path::new(place)),
                Some(journal.into()),
                "{place}"
            );
        }
        let here = Path::new(".").canonicalize().unwrap();
        let journal = usual_journal(Path::new(".")).unwrap();
        assert_eq!(journal.parent(), here.parent());
        assert_eq!(usual_journal(Path::new("/")), None);
    }

    #[test]
    fn a_length_of_time_is_written_with_its_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("1h 30m", 5400),
            ("7d", 604_800),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "4", "-2h", "2h ago", "soon", "d", "-1d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
