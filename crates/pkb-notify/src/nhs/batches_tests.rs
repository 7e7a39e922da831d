use super::*;

fn keys(names: &[&str]) -> Vec<Key> {
    names
        .iter()
        .map(|name| Key::of(&[name.as_bytes()]))
        .collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T09:00:00Z")
}

/// Takes to heart what is noted, as a run does and the next one again.
fn noted(notes: impl IntoIterator<Item = Value>) -> Batches {
    let mut batches = Batches::default();
    for note in notes {
        batches.recall(&note).unwrap();
    }
    batches
}

fn begun(batch: &str, mark: &str, names: &[&str]) -> Vec<Value> {
    begin(batch, mark, now(), &keys(names)).collect()
}

fn id(letter: char) -> NotificationId {
    NotificationId::ksuid(&letter.to_string().repeat(27)).unwrap()
}

#[test]
fn rows_without_an_answer_are_open_and_keep_their_batch() {
    let batches = noted(begun("X", "m", &["a", "b"]));
    let [a, c] = [keys(&["a"])[0], keys(&["c"])[0]];
    assert_eq!(batches.state(a), RowState::Open("X".into()));
    assert_eq!(batches.state(c), RowState::Free);
    assert!(batches.certain("X", a) && !batches.certain("X", c));
    assert!(batches.is_noted("X", "m") && batches.is_same_request("X", "m"));
    assert!(!batches.is_same_request("X", "other"));
}

#[test]
fn what_was_taken_is_known_by_its_id_and_the_rest_of_the_batch_is_free() {
    let rows = [(keys(&["a"])[0], id('A'))];
    let mut notes = begun("X", "m", &["a", "b"]);
    notes.extend(begun("X", "n", &["a"]));
    notes.extend(taken("X", now(), &rows));
    // A run that was killed here asks about b under the same reference.
    let killed = noted(notes.clone());
    assert_eq!(killed.state(keys(&["b"])[0]), RowState::Open("X".into()));
    notes.push(end("X"));
    let batches = noted(notes);
    let RowState::Taken(taken) = batches.state(rows[0].0) else {
        panic!("a was not taken");
    };
    assert_eq!(taken.id, Some(id('A')));
    assert_eq!(batches.state(keys(&["b"])[0]), RowState::Free);
    assert!(!batches.is_open("X"));
}

#[test]
fn a_row_that_only_some_unknown_calls_had_is_doubtful() {
    let mut notes = begun("X", "m", &["a", "b"]);
    notes.extend(begun("X", "n", &["a"]));
    let mut batches = noted(notes);
    let [a, b] = [keys(&["a"])[0], keys(&["b"])[0]];
    assert!(!batches.is_doubtful(a, at("2026-01-01T00:00:00Z")));
    assert!(batches.is_doubtful(b, at("2026-01-01T00:00:00Z")));
    assert!(batches.certain("X", a) && !batches.certain("X", b));
    assert!(
        batches.is_doubtful(a, at("2026-12-01T00:00:00Z")),
        "forgotten"
    );
    batches.recall(&not("X", "n")).unwrap();
    assert!(!batches.is_doubtful(b, at("2026-01-01T00:00:00Z")));
}

#[test]
fn a_reference_is_the_same_in_each_run_and_a_new_one_after_a_batch_that_was_not_taken() {
    let own = keys(&["a", "b"]);
    let fresh = Batches::default();
    let first = fresh.reference(&own, &["REF1", "REF2"], false);
    assert_eq!(
        first,
        Batches::default().reference(&own, &["REF1", "REF2"], false)
    );
    assert_eq!(first.len(), REFERENCE_LENGTH);
    assert_ne!(first, fresh.reference(&own, &["REF2", "REF1"], false));
    assert_ne!(first, fresh.reference(&own, &["REF1", "REF2"], true));
    let mut notes = begun(&first, "m", &["a", "b"]);
    notes.push(end(&first));
    assert_ne!(
        first,
        noted(notes).reference(&own, &["REF1", "REF2"], false)
    );
}

#[test]
fn after_a_clash_the_same_batch_has_the_same_reference_again() {
    let own = keys(&["a", "b"]);
    let first = Batches::default().reference(&own, &["REF1", "REF2"], false);
    let mut notes = begun(&first, "m", &["a", "b"]);
    notes.push(clash(&first));
    let batches = noted(notes);
    assert_eq!(batches.state(own[0]), RowState::Free);
    assert_eq!(batches.reference(&own, &["REF1", "REF2"], false), first);
}

#[test]
fn large_batches_are_noted_in_lines_that_the_journal_takes() {
    let many: Vec<Key> = (0..45_000_u32)
        .map(|n| Key::of(&[&n.to_be_bytes()]))
        .collect();
    let rows: Vec<(Key, NotificationId)> = many.iter().map(|key| (*key, id('A'))).collect();
    let notes: Vec<Value> = begin("X", "m", now(), &many)
        .chain(taken("X", now(), &rows))
        .collect();
    assert!(notes.iter().all(|note| note.to_string().len() < 1 << 20));
    let batches = noted(notes);
    assert!(
        many.iter()
            .all(|key| matches!(batches.state(*key), RowState::Taken(_)))
    );
}

#[test]
fn a_damaged_note_stops_the_run() {
    for note in [
        json!({}),
        json!({"nhs": "begin", "batch": "X"}),
        json!({"nhs": "begin", "batch": "X", "mark": "m", "at": "soon", "rows": []}),
        json!({"nhs": "taken", "batch": "X", "at": "2026-11-22T09:00:00Z", "rows": [["a", "b"]]}),
        json!({"nhs": "other", "batch": "X"}),
    ] {
        assert!(Batches::default().recall(&note).is_err(), "{note}");
    }
}
