//! The benchmark of `bench-calls`.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use clap::Parser;
use pkb_core::{
    ExitCode, Fatal, Record,
    args::PkbArgs,
    client::rest::{PathTemplate, USER_PATH},
    ndjson::NdjsonReader,
    progress::tell,
    value::NationalId,
};
use tokio::task::JoinSet;

/// Compare ordered with unordered calls
#[derive(Debug, Parser)]
pub struct Args {
    /// Records as pkb-upload wrote them
    input: std::path::PathBuf,
    /// Calls at the same time
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// How often each contender runs
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[command(flatten)]
    pkb: PkbArgs,
}

/// Runs both and prints rates and their ratio.
///
/// # Errors
/// The benchmark could not be run.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    compare(&args)
        .await
        .map_err(|error| Fatal::Input(format!("{error:#}")))
}

async fn compare(args: &Args) -> anyhow::Result<ExitCode> {
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
    let (mut unordered, mut ordered) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        unordered.push(run_unordered(args, &ids).await?);
        ordered.push(run_resolve(args, ids.len())?);
    }
    let (unordered, ordered) = (median(unordered), median(ordered));
    tell(format!(
        "  in the order they come   {unordered:>8.0} calls/s"
    ));
    tell(format!(
        "  in the order of the input {ordered:>7.0} calls/s, {:.1}% of that",
        100.0 * ordered / unordered
    ));
    Ok(ExitCode::Done)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Calls a second when nothing waits for anything but a free place.
async fn run_unordered(args: &Args, ids: &[NationalId]) -> anyhow::Result<f64> {
    let client = Arc::new(args.pkb.client(&Arc::default())?);
    let path = Arc::new(PathTemplate::new(USER_PATH, &["{number}", "{type}"])?);
    let start = Instant::now();
    let mut running = JoinSet::new();
    for &id in ids {
        if running.len() == args.concurrency {
            running.join_next().await.context("nothing runs")??;
        }
        let (client, path) = (Arc::clone(&client), Arc::clone(&path));
        running.spawn(async move { client.find_patient(&path, &id).await.is_ok() });
    }
    while let Some(ended) = running.join_next().await {
        ended?;
    }
    Ok(ids.len() as f64 / start.elapsed().as_secs_f64())
}

fn run_resolve(args: &Args, rows: usize) -> anyhow::Result<f64> {
    let program = std::env::current_exe()?.with_file_name("pkb-resolve");
    let start = Instant::now();
    let status = Command::new(program)
        .arg(&args.input)
        .args([
            "--rate",
            "0",
            "--concurrency",
            &args.concurrency.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    anyhow::ensure!(
        matches!(status.code(), Some(0 | 65)),
        "pkb-resolve ended with {status}"
    );
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}
