//! The benchmark of `bench-calls`.

mod contenders;
mod cpu;

use std::{path::PathBuf, time::Instant};

use anyhow::Context as _;
use clap::Parser;
use pkb_cli::{args::PkbArgs, progress::tell};
use pkb_core::{ExitCode, Fatal, Record, ndjson::NdjsonReader};
use pkb_values::NationalId;
use reqwest::Url;
use serde_json::json;

use contenders::Contender;
use cpu::CpuTime;

/// What a call costs, beside the libraries and the system below it
#[derive(Debug, Parser)]
pub struct Args {
    /// Records as pkb-upload wrote them: one call for each
    input: PathBuf,
    /// How often each contender runs
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long the sandbox takes for an answer, in milliseconds, one after the other
    #[arg(long, value_delimiter = ',', default_value = "5,20,100")]
    latencies: Vec<u32>,
    #[command(flatten)]
    pkb: PkbArgs,
}

/// How the sandbox answers.
#[derive(Clone, Copy)]
struct Latency {
    mostly_ms: u32,
    /// One call in a hundred.
    rarely_ms: u32,
}

impl Latency {
    /// Calls a second that are possible with so many at a time.
    fn limit(self, in_flight: usize) -> f64 {
        let mean_ms = 0.99 * f64::from(self.mostly_ms) + 0.01 * f64::from(self.rarely_ms);
        1000.0 * in_flight as f64 / mean_ms
    }

    fn words(self) -> String {
        if self.rarely_ms == self.mostly_ms {
            format!("{} ms", self.mostly_ms)
        } else {
            format!("{} ms, 1% of calls {} ms", self.mostly_ms, self.rarely_ms)
        }
    }

    /// Lets the sandbox answer so.
    async fn set(self) -> anyhow::Result<()> {
        let fault = json!({
            "mostly": self.mostly_ms, "rarely": self.rarely_ms, "rate": 0.01,
        });
        let faults = json!({"rules": [{
            "endpoint": "by_national_id", "when": {"always": true}, "fault": {"latency_ms": fault},
        }]});
        let url = setting("PKB_BASE_URL")?.join("/sandbox/faults")?;
        let http = pkb_client::tls::on_loopback()?;
        let answer = http.put(url).body(faults.to_string()).send().await?;
        answer.error_for_status().context("the sandbox's faults")?;
        Ok(())
    }
}

/// The address in an environment variable, as `pkb-sandbox env` sets them.
fn setting(name: &str) -> anyhow::Result<Url> {
    let text = std::env::var(name).with_context(|| name.to_owned())?;
    Ok(text.parse()?)
}

/// What a run came to.
#[derive(Clone, Copy)]
struct Figures {
    calls_a_second: f64,
    /// Microseconds of a processor for each call, in our process or that which was started.
    cpu_us: f64,
}

/// Runs all contenders at each latency and prints the table.
///
/// # Errors
/// The benchmark could not be run.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    compare(&args)
        .await
        .map_err(|error| Fatal::Input(format!("{error:#}")))
}

async fn compare(args: &Args) -> anyhow::Result<ExitCode> {
    let ids = ids(args)?;
    tell(format!(
        "  {} calls, {} in flight, medians of {}",
        ids.len(),
        args.pkb.at_a_time(),
        args.rounds
    ));
    let even = args.latencies.iter().map(|ms| Latency {
        mostly_ms: *ms,
        rarely_ms: *ms,
    });
    let uneven = Latency {
        mostly_ms: 20,
        rarely_ms: 1000,
    };
    for latency in even.chain([uneven]) {
        latency.set().await?;
        tell(format!("  {}", latency.words()));
        let mut runs = vec![Vec::new(); Contender::ALL.len()];
        for _ in 0..args.rounds {
            for (contender, runs) in Contender::ALL.iter().zip(&mut runs) {
                runs.push(measure(*contender, args, &ids).await?);
            }
        }
        for (contender, runs) in Contender::ALL.iter().zip(runs) {
            let calls_a_second = median(runs.iter().map(|run| run.calls_a_second));
            let limit = latency.limit(args.pkb.at_a_time());
            tell(format!(
                "    {:<32} {calls_a_second:>8.0} calls/s {:>6.1}% of what is possible {:>6.1} us CPU a call",
                contender.name(),
                100.0 * calls_a_second / limit,
                median(runs.iter().map(|run| run.cpu_us)),
            ));
        }
    }
    Ok(ExitCode::Done)
}

async fn measure(contender: Contender, args: &Args, ids: &[NationalId]) -> anyhow::Result<Figures> {
    let (start, cpu) = (Instant::now(), CpuTime::now()?);
    contender.run(args, ids).await?;
    let (seconds, calls) = (start.elapsed().as_secs_f64(), ids.len() as f64);
    Ok(Figures {
        calls_a_second: calls / seconds,
        cpu_us: 1e6 * cpu.seconds_since()? / calls,
    })
}

fn ids(args: &Args) -> anyhow::Result<Vec<NationalId>> {
    let mut reader = NdjsonReader::new(std::fs::File::open(&args.input)?);
    let mut ids = Vec::new();
    while let Some(line) = reader.read()? {
        let Record {
            patient: Some(patient),
            ..
        } = *line.record
        else {
            continue;
        };
        ids.push(patient.national_id);
    }
    Ok(ids)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
