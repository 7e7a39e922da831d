//! What is healed, what is refused, and that a refused file is left alone.

use super::*;

#[test]
fn a_journal_cut_at_any_byte_keeps_exactly_the_whole_lines_and_goes_on() {
    let all: Vec<_> = (0..4).map(|number| record(number, "é.csv")).collect();
    let content = lines(&all);
    // What a cut leaves may be followed by what the disk had there: nothing, or zero bytes.
    for (cut, zeros) in (0..=content.len()).flat_map(|cut| [(cut, 0), (cut, 5)]) {
        let mut left = content[..cut].to_vec();
        // A line that lacks only its line end is whole, but not if something else follows it.
        let whole = (0..=all.len())
            .rev()
            .find(|count| {
                let bytes = lines(&all[..*count]).len();
                bytes <= cut || (bytes == cut + 1 && zeros == 0)
            })
            .unwrap();
        left.extend(std::iter::repeat_n(0, zeros));
        let place = Place::with(&left);
        let mut journal = place.open();
        assert_eq!(
            place.content(),
            lines(&all[..whole]),
            "healed at once: {cut}"
        );
        let kept = lines(&all[..whole]).len();
        assert_eq!(journal.cut_bytes(), left.len().saturating_sub(kept) as u64);
        append(&mut journal, &record(7, "new"));
        journal.sync().unwrap();
        kill(journal);

        let journal = place.open();
        let expected = [&all[..whole], &[record(7, "new")]].concat();
        assert_eq!(place.content(), lines(&expected));
        assert_eq!(journal.cut_bytes(), 0);
        assert_eq!(found(&journal, 7).unwrap(), record(7, "new"));
        for number in 1..4 {
            let line = all[..whole].get(number);
            assert_eq!(found(&journal, number as u64).as_ref(), line, "{cut}");
        }
    }
}

#[test]
fn what_a_power_cut_leaves_behind_the_last_whole_line_is_cut_off() {
    let good = lines(&[record(1, "a"), record(2, "b")]);
    let torn = record(3, "c");
    let (start, end) = torn.split_at(40);
    for rest in [
        vec![0; 4096],
        vec![0; MAX_LINE_BYTES + 4096],
        [vec![0; MAX_LINE_BYTES + 4096], b"\n".to_vec()].concat(),
        b"\0\0\0\n".to_vec(),
        [start, b"\0\0\0\0"].concat(),
        [start, b"\0\0\0\0\n"].concat(),
        [b"\0\0\0\0", end, b"\n"].concat(),
        // The end of one line and the start of the next.
        [b"\0\0\0\0", end, b"\n", start].concat(),
        [&torn[..], &torn[..]].concat(),
        b"\xff\xfe{".to_vec(),
    ] {
        let place = Place::with(&[&good[..], &rest].concat());
        let journal = place.open();
        assert_eq!(journal.cut_bytes(), rest.len() as u64);
        assert!(found(&journal, 1).is_some() && found(&journal, 2).is_some());
        assert_eq!(place.content(), good);
    }
}

#[test]
fn a_journal_whose_first_write_was_torn_is_empty() {
    for content in [&b""[..], b"\0\0\0\0", b"{", b"{\"schema\":\"pkb-re", b"\n"] {
        let place = Place::with(content);
        let mut journal = place.open();
        assert!(journal.lookup().is_empty());
        append(&mut journal, &record(1, "a"));
        drop(journal);
        assert_eq!(found(&place.open(), 1).unwrap(), record(1, "a"));
    }
}

#[test]
fn a_file_that_was_never_a_journal_is_refused_and_left_alone() {
    let long = [b"{\"a\":\"", &vec![b'x'; MAX_LINE_BYTES][..], b"\"}"].concat();
    for content in [
        &b"secret"[..],
        b"secret\n",
        b"national_id,first_name\n943,Canary\n",
        b"{\n  \"client_id\": \"Canary\"\n}\n",
        b"{\"client_id\":\"Canary\"}",
        b"{\"client_id\":\"Canary\"}\n",
        b"[1]",
        b"\0\x01\x02",
        &long,
    ] {
        let place = Place::with(content);
        let refusal = place.refusal();
        assert!(matches!(refusal, Fatal::Input(_)));
        let text = refusal.to_string();
        assert!(text.contains("journal.ndjson, line 1: "), "{text}");
        assert!(!text.contains("Canary") && !text.contains("secret"));
        assert_eq!(place.content(), content);
    }
}

#[test]
fn a_line_of_another_stage_is_refused_wherever_it_is_and_the_file_left_alone() {
    let other = b"{\"schema\":\"other/1\",\"name\":\"Canary\"}".to_vec();
    for (line, content) in [
        (1, lines(&[other.clone(), record(1, "a")])),
        (2, lines(&[record(1, "a"), other.clone()])),
        (2, lines(&[record(1, "a"), other.clone(), record(2, "b")])),
        (2, lines(&[record(1, "a"), other]).trim_ascii_end().to_vec()),
    ] {
        let place = Place::with(&content);
        let expected = format!(
            "{}, line {line}: not a record. It may be the journal of a different stage. Give this stage its own --journal FILE",
            place.path().display()
        );
        assert_eq!(place.refusal().to_string(), expected);
        assert_eq!(place.content(), content);
    }
}

#[test]
fn damage_that_no_broken_write_leaves_is_named_by_line_and_the_file_left_alone() {
    let good = record(1, "a");
    let long = vec![b'x'; MAX_LINE_BYTES + 1];
    let whole = unchecked(std::slice::from_ref(&good));
    let junk = &lines(&[good.clone(), record(2, "b")])[lines(std::slice::from_ref(&good)).len()..];
    let junk = &junk[..junk.len() - 1];
    for (bad, rest) in [
        (&good[..20], &whole[..]),
        (&good[..20], &good),
        // More than half a line may be lost, and a line end is none of it.
        (&good[..20], b""),
        (b"Canary", b""),
        (b"Canary", b"\n"),
        (b"Canary", b"Canary\n"),
        (b"\0\0\0\0", &whole),
        (&long, &whole),
        // The line end is something else now.
        (&[junk, b"*"].concat(), b"\n"),
    ] {
        let content = [&lines(std::slice::from_ref(&good)), bad, b"\n", rest].concat();
        let place = Place::with(&content);
        let text = place.refusal().to_string();
        assert!(
            text.contains("journal.ndjson: line 2 is damaged, because it is not"),
            "{text}"
        );
        assert!(!text.contains("Canary") && text.contains("do not delete lines"));
        assert_eq!(place.content(), content);
    }
    let content = [&lines(std::slice::from_ref(&good)), junk, b"*"].concat();
    let place = Place::with(&content);
    assert!(place.refusal().to_string().contains("line 2 is damaged"));
    assert_eq!(place.content(), content);
}

#[test]
fn an_output_serves_as_a_journal_until_a_line_among_those_of_the_journal_has_no_check() {
    let all: Vec<_> = (1..5).map(|number| record(number, "a")).collect();
    let place = Place::with(&unchecked(&all[..2]));
    let mut journal = place.open();
    append(&mut journal, &all[2]);
    append(&mut journal, &all[3]);
    drop(journal);
    let journal = place.open();
    for (number, line) in (1..).zip(&all) {
        assert_eq!(found(&journal, number).as_ref(), Some(line));
    }
    drop(journal);
    let content = place.content();
    let first = content.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for (bad, words) in [
        // A line of the output is lost, has changed or is there twice.
        (content[first..].to_vec(), "line 2 does not follow"),
        ([b" ", &content[..]].concat(), "line 3 does not follow"),
        (
            [&content[..first], &content[..]].concat(),
            "line 4 does not follow",
        ),
        (
            [&content[..], &unchecked(&all[..1])].concat(),
            "line 5 was not written by the run",
        ),
    ] {
        let place = Place::with(&bad);
        let text = place.refusal().to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(place.content(), bad);
    }
}

#[test]
fn a_full_disk_is_an_error_and_what_was_synced_is_intact() {
    let place = Place::new();
    let mut journal = place.open();
    append(&mut journal, &record(1, "a"));
    journal.sync().unwrap();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let file = std::mem::replace(&mut journal.file, full.into());
    append(&mut journal, &record(2, "b"));
    let text = format!("cannot write {}", place.path().display());
    let error = journal.sync().unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Io);
    assert_eq!(
        error.to_string(),
        format!("{text}: no space left on device. Free some space on the disk")
    );
    // A disk that has room again does not make up for the lines that may be lost.
    journal.file = file;
    let again = format!("{text}: an earlier write failed");
    let line = record(3, "c");
    let now = Instant::now();
    assert_eq!(journal.sync().unwrap_err().to_string(), again);
    let refused = journal.append(&line, now).unwrap_err();
    assert_eq!(refused.to_string(), again);
    drop(journal);
    assert_eq!(place.content(), lines(&[record(1, "a")]));
    assert_eq!(found(&place.open(), 1).unwrap(), record(1, "a"));
}

#[test]
fn a_file_that_somebody_cuts_is_an_error() {
    let place = Place::with(&lines(&[record(1, "a")]));
    let journal = place.open();
    fs::write(place.path(), b"").unwrap();
    let text = look_up(&journal, 1).unwrap_err().to_string();
    assert!(text.ends_with("journal.ndjson: a different program shortened it"));
}
