//! Texts go between the hours that the operator wants, and at no others.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::{campaign, command, delivered, notify, sending};

/// The arguments of `sms send` between these hours. The day of every campaign is Sunday, 22 November 2026, 9am.
fn between<'a>(hours: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&sending()[..], &["--between", hours], more].concat()
}

#[test]
fn texts_go_at_once_within_the_hours() {
    let campaign = campaign();
    let ended = notify(&campaign, &between("08:00-18:00", &[]), &delivered(2));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(campaign.sandbox.notified().len(), 4);
}

#[test]
fn outside_the_hours_and_at_weekends_nothing_is_sent_and_the_wait_can_be_stopped() {
    for (hours, more, when) in [
        ("10:00-18:00", &[][..], "10:00 on 22 November 2026"),
        ("08:00-09:00", &[], "08:00 on 23 November 2026"),
        ("08:00-18:00", &["--weekdays"], "08:00 on 23 November 2026"),
    ] {
        let campaign = campaign();
        campaign.write("delivered.ndjson", delivered(2));
        let mut waiting = command(&campaign, &between(hours, more));
        let stdin = std::fs::File::open(campaign.path("delivered.ndjson")).unwrap();
        let mut child = (waiting
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped()))
        .spawn()
        .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut said = said.lines().map(Result::unwrap);
        let line = said.find(|line| line.contains("texts wait until")).unwrap();
        assert!(line.contains(when), "{line}");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        said.for_each(drop);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(campaign.sandbox.notified().is_empty());
    }
}
