//! What texts and letters cost: the price before, the price after, and the bill of the stand-in are the same sum.

use std::process::Command;

use pkb_sandbox::{Config, NOTIFY_API_KEY, NOTIFY_TEMPLATES, NotifyConfig, NotifyTemplate};

use crate::harness::{Campaign, Ended, run, synthetic_csv};

const PATIENTS: usize = 120;

/// Names and numbers as they come: some with letters that make a text dearer, some on the islands.
fn patients() -> Vec<u8> {
    let file = synthetic_csv(PATIENTS, 29);
    let mut reader = csv::Reader::from_reader(&*file);
    let header = reader.headers().unwrap().clone();
    let column = |words: &str| {
        header
            .iter()
            .position(|name| name.to_lowercase().contains(words))
    };
    let (mobile, name) = (column("mobile"), column("first"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for (place, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let cells = row.iter().enumerate().map(|(at, cell)| match place % 10 {
            0 if Some(at) == name => "Siân",
            1 if Some(at) == name => "Zoë Łucja",
            // No number of the islands is fictional: these are not given to anybody.
            2 if Some(at) == mobile && !cell.is_empty() => "07624 999999",
            _ if Some(at) == mobile && !cell.is_empty() => "07700 900123",
            _ => cell,
        });
        writer.write_record(cells).unwrap();
    }
    writer.into_inner().unwrap()
}

fn invited(campaign: &Campaign) -> Ended {
    let file = campaign.write("patients.csv", patients());
    let [_, _, _, letters] = campaign.journey(
        &file,
        &[
            "--out",
            "print",
            "--channel",
            "letter,sms",
            "--separate",
            "--output",
            "delivered.ndjson",
        ],
    );
    assert!(matches!(letters.code, 0 | 65), "{}", letters.stderr);
    letters
}

/// The campaign whose Notify has the texts that pkb-letters wrote, and the name before them.
fn campaign() -> (Campaign, String) {
    let first = Campaign::with(Config::default());
    let letters = invited(&first);
    let name = letters.stderr.split("with \"").nth(1).unwrap();
    let name = name.split(":\" before each").next().unwrap().to_owned();
    let texts = [1, 2].map(|number| {
        let text = first.read(&format!("print/sms-text-{number}.txt"));
        String::from_utf8(text).unwrap().trim_end().to_owned()
    });
    let templates = NOTIFY_TEMPLATES.iter().zip(&texts);
    let campaign = Campaign::with(Config {
        notify: NotifyConfig {
            templates: templates
                .map(|(id, text)| NotifyTemplate::text(id, text))
                .collect(),
            service_name: Some(name),
            international: true,
            ..NotifyConfig::default()
        },
        ..Config::default()
    });
    let letters = invited(&campaign);
    (campaign, letters.stderr)
}

fn notify(campaign: &Campaign, args: &[&str]) -> String {
    let mut command: Command = campaign.command("pkb-notify");
    command
        .args(args)
        .env("NOTIFY_BASE_URL", campaign.sandbox.base_url())
        .env("NOTIFY_API_KEY", NOTIFY_API_KEY);
    let ended = run(&mut command, b"");
    assert!(matches!(ended.code, 0 | 65), "{}", ended.stderr);
    ended.stderr
}

/// The first sum in some words.
fn sum(words: &str) -> String {
    let line = words
        .lines()
        .find(|line| line.contains('£') && line.contains("plus VAT"));
    let line = line.unwrap_or_else(|| panic!("no sum in {words}"));
    let from = line.find('£').unwrap();
    line[from..].split([' ', ',']).next().unwrap().to_owned()
}

fn bill(campaign: &Campaign) -> u64 {
    campaign.sandbox.notify_bill()
}

fn shown(tenths_of_a_penny: u64) -> String {
    let pence = (tenths_of_a_penny + 5) / 10;
    format!("£{}.{:02}", pence / 100, pence % 100)
}

#[test]
fn the_price_before_the_price_after_and_the_bill_agree_to_the_penny() {
    let (campaign, made) = campaign();
    let before = sum(&made);
    let templates = NOTIFY_TEMPLATES[..2].join(",");
    notify(
        &campaign,
        &[
            "sms",
            "send",
            "delivered.ndjson",
            "--template-id",
            &templates,
            "--settle-after",
            "300ms",
            "--output",
            "texted.ndjson",
        ],
    );
    let after = notify(
        &campaign,
        &[
            "sms",
            "status",
            "texted.ndjson",
            "--wait",
            "30s",
            "--output",
            "followed.ndjson",
        ],
    );
    let texts = bill(&campaign);
    assert!(texts > 24 * 2 * 80, "{texts}");
    assert_eq!([before, sum(&after)], [shown(texts), shown(texts)]);

    let before = notify(
        &campaign,
        &[
            "post",
            "send",
            "followed.ndjson",
            "--letters",
            "print",
            "--postage",
            "economy",
            "--settle-after",
            "300ms",
            "--output",
            "posted.ndjson",
        ],
    );
    let mut after = String::new();
    for _ in 0..4 {
        after = notify(
            &campaign,
            &[
                "post",
                "status",
                "posted.ndjson",
                "--output",
                "posted.ndjson",
            ],
        );
    }
    let letters = bill(&campaign) - texts;
    assert!(letters > 638 * 100, "{letters}");
    assert_eq!(
        [sum(&before), sum(&after)],
        [shown(letters), shown(letters)]
    );
}
