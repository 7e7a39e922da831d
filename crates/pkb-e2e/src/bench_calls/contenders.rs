//! Who makes the calls: our programs, and what they stand on, so that it shows what is whose.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use pkb_client::rest::{PathTemplate, USER_PATH};
use pkb_values::NationalId;
use reqwest::{Client, Url, header};
use tokio::{net::TcpStream, task::JoinSet};

use super::{Args, setting};

/// One who makes all calls.
#[derive(Clone, Copy)]
pub enum Contender {
    /// The program, which also reads, judges and writes records, in their order.
    Resolve,
    /// Our client, with results in the order in which they come.
    OurClient,
    /// The library, with nothing of ours.
    Reqwest,
    /// Requests that were put together before, over bare sockets: what the system itself costs.
    Sockets,
}

impl Contender {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Resolve, Self::OurClient, Self::Reqwest, Self::Sockets];

    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "pkb-resolve",
            Self::OurClient => "its client alone, in any order",
            Self::Reqwest => "reqwest alone",
            Self::Sockets => "sockets alone",
        }
    }

    /// Makes one call for each patient.
    ///
    /// # Errors
    /// Something else came than answers.
    pub async fn run(self, args: &Args, ids: &[NationalId]) -> anyhow::Result<()> {
        match self {
            Self::Resolve => resolve(args),
            Self::OurClient => our_client(args, ids).await,
            Self::Reqwest => reqwest_alone(args.pkb.at_a_time(), ids).await,
            Self::Sockets => sockets_alone(args.pkb.at_a_time(), ids).await,
        }
    }
}

fn resolve(args: &Args) -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("pkb-resolve");
    let concurrency = args.pkb.at_a_time().to_string();
    let status = Command::new(program)
        .arg(&args.input)
        .args(["--rate", "0", "--concurrency", &concurrency])
        // One GET for each patient and nothing else.
        .args(["--api", "rest", "--registered-check", "off"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    anyhow::ensure!(
        matches!(status.code(), Some(0 | 65)),
        "pkb-resolve ended with {status}"
    );
    Ok(())
}

/// Runs one call for each patient, so many at a time.
async fn with_limit<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
    in_flight: usize,
    ids: &[NationalId],
    call: impl Fn(NationalId) -> F,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for &id in ids {
        if running.len() == in_flight {
            running.join_next().await.context("nothing runs")???;
        }
        running.spawn(call(id));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

async fn our_client(args: &Args, ids: &[NationalId]) -> anyhow::Result<()> {
    let client = Arc::new(args.pkb.client(&Arc::default())?);
    let path = Arc::new(PathTemplate::of_user(USER_PATH)?);
    with_limit(args.pkb.at_a_time(), ids, |id| {
        let (client, path) = (Arc::clone(&client), Arc::clone(&path));
        async move {
            client.find_patient(&path, &id).await?;
            Ok(())
        }
    })
    .await
}

/// An access token.
async fn token(http: &Client) -> anyhow::Result<String> {
    let secret = std::env::var("PKB_CLIENT_SECRET")?;
    let request = http
        .post(setting("PKB_TOKEN_URL")?)
        .basic_auth(std::env::var("PKB_CLIENT_ID")?, Some(secret))
        .form(&[("grant_type", "client_credentials")]);
    let answer: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
    Ok(answer["access_token"].as_str().context("no token")?.into())
}

fn url(base: &Url, id: NationalId) -> anyhow::Result<Url> {
    let path = USER_PATH
        .replace("{number}", id.value.expose_digits())
        .replace("{type}", id.scheme.rest_name());
    Ok(base.join(&path)?)
}

async fn reqwest_alone(in_flight: usize, ids: &[NationalId]) -> anyhow::Result<()> {
    let http = pkb_client::tls::on_loopback()?;
    let bearer = header::HeaderValue::try_from(format!("Bearer {}", token(&http).await?))?;
    let base = setting("PKB_BASE_URL")?;
    with_limit(in_flight, ids, |id| {
        let (http, base, bearer) = (http.clone(), base.clone(), bearer.clone());
        async move {
            let request = http
                .get(url(&base, id)?)
                .header(header::AUTHORIZATION, bearer)
                .header(header::ACCEPT, "application/json");
            request.send().await?.error_for_status()?.bytes().await?;
            Ok(())
        }
    })
    .await
}

async fn sockets_alone(in_flight: usize, ids: &[NationalId]) -> anyhow::Result<()> {
    let http = pkb_client::tls::on_loopback()?;
    let token = token(&http).await?;
    let base = setting("PKB_BASE_URL")?;
    let host = base.socket_addrs(|| None)?;
    let host = *host.first().context("no address")?;
    let requests: anyhow::Result<Vec<String>> = ids.iter().map(|id| {
        let path = url(&base, *id)?.path().to_owned();
        Ok(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\naccept: application/json\r\n\r\n"))
    }).collect();
    let (requests, next) = (Arc::new(requests?), Arc::new(AtomicUsize::new(0)));
    let mut connections = JoinSet::new();
    for _ in 0..in_flight {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        connections.spawn(async move {
            let stream = TcpStream::connect(host).await?;
            stream.set_nodelay(true)?;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                exchange(&stream, request.as_bytes()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}

/// Sends a request and takes in its answer.
async fn exchange(stream: &TcpStream, mut request: &[u8]) -> anyhow::Result<()> {
    while !request.is_empty() {
        stream.writable().await?;
        match stream.try_write(request) {
            Ok(written) => request = &request[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut answer = Vec::with_capacity(4096);
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut answer) {
            Ok(0) => anyhow::bail!("the connection was closed"),
            Ok(_) if is_whole(&answer)? => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether an answer has come to its end. The sandbox writes the length of each, in lower case.
fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "an answer that is none");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("an answer without its length")?;
    Ok(body.len() >= length.parse()?)
}
