//! The report: its figures against an independent count, what it must not say, and what it does with
//! streams that are not whole.

use std::{
    collections::BTreeMap,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use pkb_sandbox::World;
use serde_json::{Value, json};

use crate::harness::{Campaign, Ended, NOW, fixture, programs};

/// A folder for reports, with the programs built.
fn campaign() -> Campaign {
    Campaign::start(World::default())
}

fn report(campaign: &Campaign, args: &[&str], stream: &[u8]) -> Ended {
    let always = ["report", "--out", "report.html", "--json", "report.json"];
    campaign.stage("pkb", &[&always, args].concat(), stream)
}

fn page(campaign: &Campaign) -> String {
    String::from_utf8(campaign.read("report.html")).unwrap()
}

fn figures(campaign: &Campaign) -> Value {
    serde_json::from_slice::<Value>(&campaign.read("report.json")).unwrap()["figures"].take()
}

/// The counts of a table by its rows.
fn counts(figures: &Value, table: &str) -> BTreeMap<String, u64> {
    let rows = figures[table].as_object();
    rows.unwrap_or_else(|| panic!("no table {table}"))
        .iter()
        .map(|(row, cells)| (row.clone(), cells["count"].as_u64().unwrap()))
        .collect()
}

/// A record of an invited patient.
fn invited(number: u64, of: u64) -> Value {
    json!({"schema":"pkb-record/1", "row":{"file":"patients.csv","number":number,"of":of},
        "patient":{"national_id":{"type":"NHS_NUMBER","value":"5760678914"},"first_name":"Read","last_name":"Richards",
            "date_of_birth":"2000-09-15","address":["1 Main Street","Newcastle"],"postcode":"NE1 1XC"},
        "upload":{"batch":"batch-0001.csv","state":"sent","at":"2026-10-01T09:00:00Z"},
        "pkb":{"id":"3594342","checked_at":"2026-10-01T10:00:00Z"},
        "invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},
        "deliveries":[{"channel":"letter","file":"letters-0001.pdf","date":"2026-10-02","pages":[number * 2 - 3, number * 2 - 2],
            "sequence":number - 1,"languages":"en","format":"standard"}]})
}

fn stream(records: &[Value]) -> Vec<u8> {
    records
        .iter()
        .flat_map(|record| format!("{record}\n").into_bytes())
        .collect()
}

#[test]
fn every_figure_of_the_fixture_campaign_is_what_its_records_say() {
    let campaign = Campaign::fixture();
    let letters = ["--out", "print", "--channel", "letter,sms"];
    let [.., delivered] = campaign.journey(&fixture("patients.csv"), &letters);
    let ended = report(&campaign, &["--csv", "csv"], &delivered.stdout);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let figures = figures(&campaign);
    let records = delivered.records();
    let number = |is: &dyn Fn(&Value) -> bool| records.iter().filter(|r| is(r)).count() as u64;

    // Each row in exactly one end.
    let headline = counts(&figures, "headline");
    let rows = records.len() as u64;
    let kind = |kind: &str| number(&|r| r["outcome"]["kind"] == kind);
    let made = number(&|r| r["outcome"].is_null() && r["deliveries"].is_array());
    for (end, expected) in [
        ("rows", rows),
        ("invited", made),
        ("to_mend", kind("rejected")),
        ("excluded", kind("excluded")),
        ("failed", kind("failed")),
        ("under_way", 0),
        ("missing", 0),
    ] {
        assert_eq!(headline[end], expected, "{end}");
    }
    assert!(made > 20 && kind("excluded") > 5 && kind("failed") > 0);

    // What is lost from step to step is what was stopped there.
    let funnel = counts(&figures, "funnel");
    let stopped = |stages: &[&str], reasons: &dyn Fn(&str) -> bool| {
        number(&|r| {
            let outcome = &r["outcome"];
            outcome["stage"]
                .as_str()
                .is_some_and(|stage| stages.contains(&stage))
                && reasons(outcome["reason"].as_str().unwrap())
        })
    };
    let no_answer = |reason: &str| {
        [
            "not_found",
            "no_access",
            "unavailable",
            "not_understood",
            "omitted_by_pkb",
        ]
        .contains(&reason)
    };
    let any = |_: &str| true;
    for (before, after, lost) in [
        ("rows", "uploaded", stopped(&["upload"], &any)),
        ("uploaded", "found", stopped(&["resolve"], &no_answer)),
        (
            "found",
            "may_be_invited",
            stopped(&["resolve"], &|r| !no_answer(r)),
        ),
        ("may_be_invited", "codes", stopped(&["tokens"], &any)),
        ("codes", "invited", stopped(&["letters"], &any)),
    ] {
        assert_eq!(
            funnel[before] - funnel[after],
            lost,
            "from {before} to {after}"
        );
    }
    assert_eq!(funnel["invited"], made);

    // Reasons, the secondary ones, too; and every row of theirs in rows.csv.
    let mut expected = BTreeMap::<(String, String), [u64; 2]>::new();
    for record in records.iter().filter(|r| r["outcome"].is_object()) {
        let outcome = &record["outcome"];
        let key = |reason: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&outcome["stage"]), text(reason))
        };
        expected.entry(key(&outcome["reason"])).or_default()[0] += 1;
        for reason in outcome["also"].as_array().into_iter().flatten() {
            expected.entry(key(reason)).or_default()[1] += 1;
        }
    }
    let mut found = BTreeMap::new();
    for table in ["outcomes_to_mend", "outcomes_failed", "outcomes_excluded"] {
        for (key, cells) in figures[table].as_object().unwrap() {
            let (stage, reason) = key.split_once('/').unwrap();
            let both = [
                cells["count"].as_u64().unwrap(),
                cells["also"].as_u64().unwrap(),
            ];
            found.insert((stage.to_owned(), reason.to_owned()), both);
        }
    }
    assert_eq!(found, expected);
    let rows_csv = csv_rows(&campaign, "csv/rows.csv");
    let listed = rows_csv.iter().filter(|row| row[0] == "outcome").count() as u64;
    assert_eq!(listed, rows - made);

    // What was made.
    let pages: u64 = records
        .iter()
        .filter_map(|r| {
            Some(
                r["deliveries"][0]["pages"][1].as_u64()?
                    - r["deliveries"][0]["pages"][0].as_u64()?
                    + 1,
            )
        })
        .sum();
    let files = figures["files"].as_object().unwrap();
    assert_eq!(
        files
            .values()
            .map(|file| file["pages"].as_u64().unwrap())
            .sum::<u64>(),
        pages
    );
    let channels = counts(&figures, "channels");
    let has = |r: &Value, at: usize, channel| r["deliveries"][at]["channel"] == channel;
    let has_text = |r: &Value| has(r, 0, "letter") && has(r, 1, "sms");
    let letters = number(&|r| has(r, 0, "letter"));
    assert_eq!(channels["letter+sms"], number(&has_text));
    assert_eq!(channels["letter"], letters - channels["letter+sms"]);
    let areas = figures["areas"].as_object().unwrap();
    assert_eq!(
        areas
            .values()
            .map(|area| area["invited"].as_u64().unwrap())
            .sum::<u64>(),
        made
    );
    assert!(page(&campaign).contains("Of the 61 patients in <bdi>patients.csv</bdi>, "));
}

fn csv_rows(campaign: &Campaign, name: &str) -> Vec<Vec<String>> {
    csv::Reader::from_reader(&campaign.read(name)[..])
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_stream_of_any_stage_can_be_reported_on() {
    let campaign = Campaign::fixture();
    let stages = campaign.journey(&fixture("patients.csv"), &["--out", "print"]);
    let under_way = |ended: &Ended| {
        let going_on = |r: &&Value| r["outcome"].is_null() && r["deliveries"].is_null();
        ended.records().iter().filter(going_on).count() as u64
    };
    for (at, stage) in stages.iter().enumerate() {
        let ended = report(&campaign, &[], &stage.stdout);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let headline = counts(&figures(&campaign), "headline");
        assert_eq!(headline["under_way"], under_way(stage), "stage {at}");
        assert_eq!(headline["under_way"] > 0, at < 3, "stage {at}");
        let ends = ["invited", "excluded", "to_mend", "failed", "under_way"];
        assert_eq!(ends.map(|end| headline[end]).iter().sum::<u64>(), 61);
    }
}

#[test]
fn a_stream_that_is_not_whole_is_reported_on_and_ends_with_66() {
    let campaign = campaign();
    let all: Vec<Value> = (2..=11).map(|number| invited(number, 10)).collect();
    let half = stream(&all[..4]);
    let ended = report(&campaign, &[], &half);
    assert_eq!(ended.code, 66);
    assert!(
        ended
            .stderr
            .contains("4 of 10 rows of patients.csv arrived"),
        "{}",
        ended.stderr
    );
    assert!(
        page(&campaign)
            .contains("The stream is not complete.</strong> 6 of 10 patients are missing")
    );
    assert_eq!(counts(&figures(&campaign), "headline")["missing"], 6);
    assert_eq!(report(&campaign, &["--partial"], &half).code, 0);

    // A torn last line, as after a power cut.
    let whole = stream(&all);
    let ended = report(&campaign, &[], &whole[..whole.len() - 40]);
    assert_eq!(ended.code, 66);
    assert!(
        ended
            .stderr
            .contains("line 10 is not a complete JSON object: the input ends here")
    );
    assert!(page(&campaign).contains("<strong>1 line could not be read.</strong>"));
    assert_eq!(counts(&figures(&campaign), "headline")["invited"], 9);

    // The same rows twice.
    let ended = report(&campaign, &[], &[whole.clone(), half].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("4 rows came more than once"));
    assert!(page(&campaign).contains("<strong>4 records came more than once.</strong>"));
    assert_eq!(counts(&figures(&campaign), "headline")["invited"], 10);
}

#[test]
fn an_empty_stream_is_reported_on_and_what_is_no_stream_is_refused() {
    let campaign = campaign();
    assert_eq!(report(&campaign, &[], b"").code, 66);
    assert!(page(&campaign).contains("No record came."));
    std::fs::remove_file(campaign.path("report.html")).unwrap();
    for other in [
        "NHS number,First name\n9990000018,Canary\n",
        "{\"schema\":\"pkb-record/9\"}\n",
    ] {
        let ended = report(&campaign, &[], other.as_bytes());
        assert_eq!(ended.code, 66);
        assert!(!campaign.path("report.html").exists());
        assert!(!ended.stderr.contains("Canary"), "{}", ended.stderr);
    }
}

#[test]
fn nothing_of_a_patient_is_in_any_form_of_the_report() {
    let campaign = campaign();
    let mut record = invited(2, 9);
    record["patient"] = json!({
        "national_id":{"type":"NHS_NUMBER","value":"9990000018"}, "title":"Canarytitle", "first_name":"Canaryfirst",
        "last_name":"Canarylast", "date_of_birth":"1937-03-04", "address":["7 Canary Lane","Canaryton"],
        "postcode":"CA7 4RY", "mobile":"+447700900707", "email":"canary@example.org", "organisation_id":"CANARY77",
        "household":{"first_row":2,"patients":3}, "extra":{"ward":"Canaryward"}, "canary":"canary"});
    record["invitation"] =
        json!({"code":"CANARYcode","token":"CANARYtokn","expires_at":"2026-12-22T09:00:00Z"});
    record["pkb"]["id"] = "7707707707".into();
    record["deliveries"][0]["dispatches"] = json!([{"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":"canaryreference",
        "status":"permanent-failure","at":"2026-10-03T09:00:00Z"}]);
    record["uptake"] = json!({"registered":false,"checked_at":"2026-11-21T09:00:00Z"});
    let mut records = vec![record.clone()];
    for (number, reason, kind) in [
        (3, "name_differs", "excluded"),
        (4, "bad_name", "rejected"),
        (5, "unmailable", "rejected"),
    ] {
        let mut stopped = record.clone();
        stopped["row"]["number"] = number.into();
        stopped["outcome"] = json!({"stage":"letters","kind":kind,"reason":reason,"also":["no_mobile"],"detail":"Canarydetail"});
        records.push(stopped);
    }
    // Broken records: their values must not be in messages.
    let mut bad = record.clone();
    bad["patient"]["postcode"] = "Canarybadcode".into();
    records.push(bad.clone());
    bad["outcome"] = "Canaryoutcome".into();
    records.push(bad);
    let ended = report(&campaign, &["--csv", "csv"], &stream(&records));
    assert_eq!(ended.code, 66);
    let mut texts = vec![page(&campaign), ended.stderr];
    texts.push(String::from_utf8(campaign.read("report.json")).unwrap());
    for file in campaign.path("csv").read_dir().unwrap() {
        texts.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(texts.len() > 12, "the tables are there");
    assert!(texts[0].contains("Name differs") && texts[0].contains("2 lines"));
    for text in &texts {
        let lower = text.to_lowercase();
        for secret in [
            "canary",
            "9990000018",
            "1937",
            "7700900707",
            "4ry",
            "ca7",
            "77077",
            "740e5834",
            "16142",
        ] {
            let at = lower.find(secret);
            assert!(
                at.is_none(),
                "{secret}: {}",
                &lower[at.unwrap_or(0).saturating_sub(60)..]
            );
        }
    }
}

#[test]
fn a_hostile_file_name_stays_text_incident_40() {
    let campaign = campaign();
    let mut records = [invited(2, 3), invited(3, 3)];
    records[0]["row"]["file"] =
        "</style><script>alert('&')</script>\"><img src=x onerror=alert(1)>.csv".into();
    records[1]["row"]["file"] = "=cmd|'/c calc'!A1".into();
    records[1]["deliveries"][0]["file"] = "<b>letters</b>-0001.pdf".into();
    // Names and headers of the patient file.
    records[0]["patient"]["last_name"] = "\"><img src=x onerror=alert(1)>".into();
    records[0]["patient"]["extra"] =
        json!({"<script>alert(1)</script>": "<script>alert(1)</script>"});
    assert_eq!(
        report(&campaign, &["--csv", "csv"], &stream(&records)).code,
        66
    );
    let page = page(&campaign);
    for markup in ["<script", "<img", "<b>"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;script&gt;alert('&amp;')"));
    // One place for styles, and nothing that comes from elsewhere.
    assert_eq!(page.matches("<style").count(), 1);
    let fetched = [
        "<link",
        "@import",
        "url(http",
        " src=",
        "javascript:",
        "<iframe",
        "<object",
    ];
    for word in fetched {
        assert!(!page.replace("&lt;img src=", "").contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    let files = csv_rows(&campaign, "csv/patient_files.csv");
    assert!(
        files.iter().any(|row| row[1] == "'=cmd|'/c calc'!A1"),
        "{files:?}"
    );
}

#[test]
fn who_has_registered_and_who_is_due_a_reminder_is_counted_from_uptake() {
    let campaign = campaign();
    let mut records: Vec<Value> = (2..=31).map(|number| invited(number, 30)).collect();
    let uptake = |registered, seen: Option<&str>| {
        let mut uptake = json!({"registered":registered,"checked_at":"2026-11-21T09:00:00Z"});
        if let Some(seen) = seen {
            uptake["first_seen_at"] = seen.into();
        }
        uptake
    };
    for record in &mut records[..10] {
        record["uptake"] = uptake(true, Some("2026-10-09T09:00:00Z"));
    }
    for record in &mut records[10..20] {
        record["uptake"] = uptake(false, None);
    }
    // Not due: too young a letter (the last day that is due is 2026-10-25), and one that was stopped.
    records[10]["deliveries"][0]["date"] = "2026-10-26".into();
    records[11]["deliveries"][0]["date"] = "2026-10-25".into();
    records[12]["outcome"] = json!({"stage":"post","kind":"failed","reason":"not_postable"});
    // A reminder: weeks are counted from the first letter.
    records[0]["earlier"] = json!([{"deliveries":[{"channel":"letter","file":"letters-0001.pdf","date":"2026-09-10"}]}]);
    // Codes: one ended yesterday, one ends within the week.
    records[20]["invitation"]["expires_at"] = "2026-11-22T09:00:00Z".into();
    records[21]["invitation"]["expires_at"] = "2026-11-29T09:00:00Z".into();
    records[22]["invitation"]["expires_at"] = "2026-11-30T09:00:00Z".into();
    let ended = report(&campaign, &["--csv", "csv"], &stream(&records));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let figures = figures(&campaign);
    assert_eq!(
        figures["uptake_channels"]["letter"],
        json!({"registered":10,"invited":29})
    );
    let weeks = &figures["uptake_weeks"];
    assert_eq!(
        (&weeks["2"]["registered"], &weeks["5"]["registered"]),
        (&json!(9), &json!(1))
    );
    assert_eq!(
        counts(&figures, "reminders"),
        [("due".to_owned(), 18), ("due_unasked".to_owned(), 10)].into()
    );
    let due: Vec<u64> = csv_rows(&campaign, "csv/rows.csv")
        .iter()
        .filter(|row| row[0] == "reminder")
        .map(|row| row[5].parse().unwrap())
        .collect();
    let expected: Vec<u64> = (12..=31).filter(|row| ![12, 14].contains(row)).collect();
    assert_eq!(due, expected);
    let words = page(&campaign);
    for part in [
        "The codes of 1 patient have expired",
        "The codes of 1 patient expire within 7 days.",
        "Keep back the letters and text messages of 1 patient",
        "Remind 18 patients",
        "<strong>10</strong> of 29 invited patients have joined (34.5%)",
    ] {
        assert!(words.contains(part), "{part}");
    }
    assert_eq!(counts(&figures, "codes_end")["2026-11-21"], 1);
    // Ten have registered: their codes matter to nobody.
    assert_eq!(counts(&figures, "codes_end").values().sum::<u64>(), 19);

    // With another limit nobody is due.
    report(&campaign, &["--reminder-after", "60d"], &stream(&records));
    assert!(!page(&campaign).contains("Remind "));
}

#[test]
fn letters_of_which_nobody_has_said_anything_are_never_called_delivered_incident_30() {
    let campaign = campaign();
    let mut records: Vec<Value> = (2..=11).map(|number| invited(number, 10)).collect();
    // Made 20 days ago. The codes of three end in five days.
    for (at, record) in records.iter_mut().enumerate() {
        record["deliveries"][0]["date"] = "2026-11-02".into();
        let end = if at < 3 { "2026-11-27" } else { "2026-12-22" };
        record["invitation"]["expires_at"] = format!("{end}T09:00:00Z").into();
    }
    let ended = report(&campaign, &[], &stream(&records));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let all = figures(&campaign);
    assert_eq!(all["print_statuses"]["no_word"]["letters"], 10);
    assert_eq!(all["print_statuses"].as_object().unwrap().len(), 1);
    let look_after = |what: &str| all["letters_to_look_after"][what]["patients"].clone();
    assert_eq!([look_after("no_word"), look_after("too_late")], [10, 3]);
    let page = page(&campaign);
    for words in [
        "What became of the letters",
        "There are no reports on 10 letters",
        "Ask the mail company about the letters of 10 patients: nobody has said that they were dispatched.",
        "Fetch new codes for 3 patients: their codes expire before the letters can arrive.",
        "Expect questions: the codes of 3 patients expire within",
    ] {
        assert!(page.contains(words), "{words}");
    }
    for words in ["elivered", "Reached the patient"] {
        assert!(!page.contains(words), "{words}");
    }
}

#[test]
fn an_earlier_report_is_compared_with() {
    let campaign = campaign();
    let mut records: Vec<Value> = (2..=11).map(|number| invited(number, 10)).collect();
    records[3]["outcome"] = json!({"stage":"resolve","kind":"excluded","reason":"deceased"});
    // A table with one area says nothing, and the page leaves it out.
    for record in &mut records[5..] {
        record["patient"]["postcode"] = "LS1 4AP".into();
    }
    let mut before = campaign.command("pkb");
    before.args([
        "report",
        "--out",
        "before.html",
        "--json",
        "before.json",
        "--partial",
    ]);
    before.env("PKB_FIXED_TIME", "2026-11-15T09:00:00Z");
    crate::harness::run(&mut before, &stream(&records[..6]));
    let ended = report(
        &campaign,
        &["--earlier", "before.json", "--fewest-shown", "2"],
        &stream(&records),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let page = page(&campaign);
    assert!(
        page.contains("<dd class=\"change\">+4 since 15 Nov</dd>"),
        "invited: 5, then 9"
    );
    assert!(
        page.contains("<dd class=\"change\">±0 since 15 Nov</dd>"),
        "excluded"
    );
    assert!(!page.contains("is about other patient files"));
    // Areas of few patients could be worked out from changes: they have none.
    let areas = page.split("id=\"areas-caption\"").nth(1).unwrap();
    assert!(
        !areas
            .split("</table>")
            .next()
            .unwrap()
            .contains("since 15 Nov")
    );

    campaign.write("records.json", stream(&records));
    for (file, code) in [("records.json", 66), ("nowhere.json", 66)] {
        let ended = report(&campaign, &["--earlier", file], &stream(&records));
        assert_eq!(ended.code, code, "{file}");
        assert!(
            ended.stderr.contains(file) && !ended.stderr.contains("Richards"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn reports_are_private_and_never_replace_the_stream() {
    let campaign = campaign();
    let records = stream(&[invited(2, 1)]);
    campaign.write("delivered.ndjson", &records);
    let on_itself = [
        "report",
        "--in",
        "delivered.ndjson",
        "--out",
        "delivered.ndjson",
    ];
    assert_eq!(campaign.stage("pkb", &on_itself, b"").code, 2);
    assert_eq!(campaign.read("delivered.ndjson"), records);
    let both = [
        "report",
        "delivered.ndjson",
        "--out",
        "report.html",
        "--csv",
        "csv",
        "--json",
        "report.json",
    ];
    assert_eq!(campaign.stage("pkb", &both, b"").code, 0);
    for name in [
        "report.html",
        "report.json",
        "csv/rows.csv",
        "csv/funnel.csv",
    ] {
        assert_eq!(
            campaign.path(name).metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    // A table that the next report does not have is not left from this one.
    assert!(campaign.path("csv/areas.csv").exists());
    let again = ["report", "--out", "report.html", "--csv", "csv"];
    campaign.stage("pkb", &again, b"");
    assert!(!campaign.path("csv/areas.csv").exists() && campaign.path("csv/headline.csv").exists());
}

/// Kilobytes of memory that a process has used at most.
fn peak_kilobytes(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn memory_does_not_grow_with_the_number_of_records() {
    let campaign = campaign();
    let mut child = Command::new(programs().join("pkb"))
        .current_dir(campaign.folder.path())
        .env_clear()
        .env("PKB_FIXED_TIME", NOW)
        .args(["report", "--out", "report.html", "--json", "report.json"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    const ROWS: u64 = 100_000;
    let template = serde_json::to_string(&invited(7_777_777, ROWS)).unwrap();
    let pages = ("[15555551,15555552]", "[1,2]");
    let template = template.replace(pages.0, pages.1);
    let mut after_a_tenth = 0;
    for number in 2..ROWS + 2 {
        let household = format!(
            "\"household\":{{\"first_row\":{},\"patients\":2}},\"first_name\"",
            number - number % 2
        );
        let mut line = template.replace("7777777", &number.to_string());
        if number % 3 == 0 {
            line = line.replace("\"first_name\"", &household);
        }
        if number % 5 == 0 {
            let outcome = r#""outcome":{"stage":"letters","kind":"failed","reason":"not_postable","also":["unmailable"]},"deliveries""#;
            line = line.replace("\"deliveries\"", outcome);
        }
        writeln!(input, "{line}").unwrap();
        // All but what is in the pipe has been read by now.
        if number == ROWS / 10 {
            after_a_tenth = peak_kilobytes(&child);
        }
    }
    let at_the_end = peak_kilobytes(&child);
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let headline = counts(&figures(&campaign), "headline");
    assert_eq!((headline["rows"], headline["failed"]), (ROWS, ROWS / 5));
    // One byte in twenty of what was read would be more.
    assert!(
        at_the_end < after_a_tenth + 3 * 1024,
        "{after_a_tenth} kB after {} records, {at_the_end} kB after {ROWS}",
        ROWS / 10
    );
}

#[test]
fn one_letter_an_address_or_several_are_told_apart() {
    let campaign = campaign();
    let mut all: Vec<Value> = (2..=11).map(|number| invited(number, 10)).collect();
    // A family of three, one of two of whom one gets no letter, and five who live alone.
    for record in &mut all[..3] {
        record["patient"]["household"] = json!({"first_row":2,"patients":3});
    }
    for record in &mut all[3..5] {
        record["patient"]["household"] = json!({"first_row":5,"patients":2});
    }
    all[4]["deliveries"] = json!([]);
    let ended = report(&campaign, &[], &stream(&all));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let households = &figures(&campaign)["households"];
    assert_eq!(households["1"], json!({"addresses":6,"letters":6}));
    assert_eq!(households["3"], json!({"addresses":1,"letters":3}));
}

#[test]
fn the_board_reads_neither_row_numbers_nor_words_of_the_programs() {
    let campaign = campaign();
    let mut records: Vec<Value> = (2..=11).map(|number| invited(number, 10)).collect();
    records[3]["outcome"] = json!({"stage":"resolve","kind":"excluded","reason":"under_age"});
    records[3]["deliveries"] = json!([]);
    let title = "Northtown Health Board: <spring>";
    let args = ["--title", title, "--letter-price", "76"];
    let ended = report(&campaign, &args, &stream(&records));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let page = page(&campaign);
    assert!(page.contains("<h1>Northtown Health Board: &lt;spring&gt;</h1>"));
    let (board, operator) = page.split_once("<h2 id=\"operator\">").unwrap();
    let board = board.split_once("<main").unwrap().1;
    for words in [
        "How many have joined: <strong>not asked yet</strong>",
        "<strong>9</strong> of the 9 patients who may be invited have been invited (100%)",
        "1 child was not written to.",
        "Cost, plus VAT: £6.84 for 9 letters.",
        "What to do next",
    ] {
        assert!(board.contains(words), "{words}: {board}");
    }
    for words in [
        "<code>",
        "Row numbers",
        "--csv",
        "pkb-",
        " row",
        "under_age",
    ] {
        assert!(!board.contains(words), "{words}: {board}");
        assert!(words == " row" || operator.contains(words), "{words}");
    }
}
