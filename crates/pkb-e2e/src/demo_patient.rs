//! Plays the patient: everything is read off the printed page, as a phone would.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use pkb_cli::progress::tell;
use pkb_core::ExitCode;
use url::Url;

use crate::page_reader;

/// Read a letter and register with it at the local PKB
#[derive(Debug, Parser)]
pub struct Args {
    /// PDF of letters
    #[arg(long)]
    pub pdf: PathBuf,
    /// Page of the patient's letter, from 1
    #[arg(long)]
    pub page: usize,
    /// Date of birth, YYYY-MM-DD
    #[arg(long)]
    pub born: String,
    /// A wrong date of birth to try first
    #[arg(long)]
    pub wrong: String,
    /// NHS number under which the local PKB is asked afterwards
    #[arg(long)]
    pub national_id: String,
}

/// The act in full; fails where the journey fails.
///
/// # Errors
/// What went otherwise than it should.
pub async fn play(args: &Args) -> anyhow::Result<ExitCode> {
    let pdf = std::fs::read(&args.pdf).context("cannot read the letter")?;
    let pages = page_reader::read_pages(pdf)?;
    let page = pages
        .get(args.page - 1)
        .context("the PDF has no such page")?;
    let [link] = page.by_camera.as_slice() else {
        bail!("the page has {} QR codes", page.by_camera.len())
    };
    let link = Url::parse(link).context("the QR code is not a link")?;
    tell(format!(
        "  the QR code on page {} opens {}{}",
        args.page,
        link[..url::Position::BeforePath].trim_end_matches('/'),
        link.path()
    ));
    let code = |name: &str| {
        let value = link
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        let value = value.with_context(|| format!("the link has no {name}"))?;
        ensure!(
            page.text.contains(&value),
            "the code {name} of the QR code is not printed beside it"
        );
        Ok(value)
    };
    let codes = [("t1", code("t1")?), ("t2", code("t2")?)];
    let browser = Browser::new(link)?;
    browser.open().await?;
    ensure!(
        !browser.is_registered(&args.national_id).await?,
        "the patient is registered already"
    );
    ensure!(
        !browser.register(&codes, &args.wrong).await?,
        "a wrong date of birth was accepted"
    );
    tell("  a wrong date of birth is refused");
    ensure!(
        browser.register(&codes, &args.born).await?,
        "the right date of birth was refused"
    );
    tell("  the right date of birth is accepted");
    ensure!(
        browser.is_registered(&args.national_id).await?,
        "the local PKB does not have the patient as registered"
    );
    tell("  the local PKB now has the patient as registered");
    Ok(ExitCode::Done)
}

struct Browser {
    http: reqwest::Client,
    link: Url,
}

impl Browser {
    fn new(link: Url) -> anyhow::Result<Self> {
        Ok(Self {
            http: pkb_client::tls::on_loopback()?,
            link,
        })
    }

    /// Opens the page of the QR code: it must be a form that asks for a date of birth.
    async fn open(&self) -> anyhow::Result<()> {
        let page = self
            .http
            .get(self.link.clone())
            .send()
            .await?
            .error_for_status()?
            .text()
            .await?;
        for field in ["t1", "t2", "day", "month", "year"] {
            ensure!(
                page.contains(&format!("name=\"{field}\"")),
                "the page has no field {field}"
            );
        }
        Ok(())
    }

    /// Sends the form; whether the patient is registered now.
    async fn register(&self, codes: &[(&str, String); 2], born: &str) -> anyhow::Result<bool> {
        let mut parts = born.split('-');
        let mut part = || parts.next().context("a date is YYYY-MM-DD");
        let (year, month, day) = (part()?, part()?, part()?);
        let mut form: Vec<(&str, &str)> = codes
            .iter()
            .map(|(name, code)| (*name, code.as_str()))
            .collect();
        form.extend([("day", day), ("month", month), ("year", year)]);
        let mut address = self.link.clone();
        address.set_query(None);
        let status = self.http.post(address).form(&form).send().await?.status();
        ensure!(
            status.is_success() || status.as_u16() == 422,
            "the page answered {status}"
        );
        Ok(status.is_success())
    }

    async fn is_registered(&self, national_id: &str) -> anyhow::Result<bool> {
        let address = self
            .link
            .join(&format!("/sandbox/patients/{national_id}"))?;
        let answer: serde_json::Value = self
            .http
            .get(address)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        answer["registered"]
            .as_bool()
            .context("the local PKB does not say")
    }
}
