//! The pipeline against a model: whatever the stage, the batches, the limits and the timing, the
//! output is what a loop over the input would write.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    collections::HashSet,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pkb_core::{
    Admission, Batch, Fatal, Reason, Record, Stage, StageName, Verdict,
    output::Target,
    pipeline::{self, Limits, Report, Source},
    record::{PkbAnswer, Row},
    stage::{BatchResult, Plan},
};
use pkb_files::journal::Key;
use pkb_values::PkbId;
use proptest::prelude::*;

/// What becomes of a record, told by its row number.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Advance,
    Exclude,
    Fail,
    NotReady,
    StoppedBefore,
}

/// A stage that does to each record what its fate says, after a while.
struct Fated {
    fates: Vec<Fate>,
    delays: Vec<u8>,
    batch_rows: usize,
    linger: Option<Duration>,
    running: AtomicUsize,
    most_running: AtomicUsize,
    calls: AtomicUsize,
    batches: Mutex<Vec<(u64, u64, Vec<u64>)>>,
}

impl Fated {
    fn new(fates: &[Fate], delays: &[u8], batch_rows: usize) -> Arc<Self> {
        Arc::new(Self {
            fates: fates.to_vec(),
            delays: delays.to_vec(),
            batch_rows,
            linger: None,
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            batches: Mutex::default(),
        })
    }

    fn fate(&self, number: u64) -> Fate {
        self.fates[usize::try_from(number - 2).unwrap()]
    }
}

fn answer(number: u64) -> PkbAnswer {
    let id = PkbId::parse(&number.to_string()).unwrap();
    PkbAnswer {
        id: Some(id),
        registered: None,
        name_asked: false,
        name_differs: false,
        checked_at: "2026-11-22T09:00:00Z".parse().unwrap(),
        unknown: Default::default(),
    }
}

impl Stage for Fated {
    type Work = u64;
    type Done = PkbAnswer;

    fn plan(&self) -> Plan {
        Plan {
            stage: StageName::Resolve,
            batch_rows: self.batch_rows,
            linger: self.linger,
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        let row = &record.row;
        Some(Key::of(&[row.file.as_bytes(), &row.number.to_le_bytes()]))
    }

    fn admit(&self, record: &Record, _: bool) -> Admission<u64> {
        match self.fate(record.row.number) {
            Fate::NotReady => Admission::NotReady,
            _ if record.pkb.is_some() => Admission::AlreadyDone,
            _ => Admission::Work(record.row.number),
        }
    }

    async fn advance(&self, batch: Batch<u64>) -> BatchResult<PkbAnswer> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        self.calls.fetch_add(batch.work.len(), Ordering::SeqCst);
        for (place, number) in batch.work.iter().enumerate() {
            assert_eq!(batch.records.get(place)?.row.number, *number);
        }
        assert!(batch.records.get(batch.work.len()).is_err());
        let delay = self.delays[batch.number as usize % self.delays.len()];
        if delay > 200 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for _ in 0..delay % 7 {
            tokio::task::yield_now().await;
        }
        self.batches
            .lock()
            .unwrap()
            .push((batch.number, batch.first, batch.work.clone()));
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(batch
            .work
            .into_iter()
            .map(|number| match self.fate(number) {
                Fate::Exclude => Err(Reason::Deceased.into()),
                Fate::Fail => Err(Reason::Unavailable.into()),
                _ => Ok(answer(number)),
            })
            .collect())
    }

    fn apply(&self, record: &mut Record, answer: PkbAnswer) {
        record.pkb = Some(answer);
    }
}

fn records(file: &str, fates: &[Fate]) -> Vec<Record> {
    let of = fates.len() as u64;
    (2..)
        .zip(fates)
        .map(|(number, fate)| {
            let mut record = Record::new(Row {
                file: file.into(),
                number,
                of,
                unknown: Default::default(),
            });
            if matches!(fate, Fate::StoppedBefore) {
                record.outcome = Some(Verdict::from(Reason::BadName).at(StageName::Upload));
            }
            record
        })
        .collect()
}

fn lines(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record).unwrap();
        out.push(b'\n');
    }
    out
}

/// The model: one record after the other.
fn expected(file: &str, fates: &[Fate]) -> Vec<u8> {
    let mut records = records(file, fates);
    for (record, fate) in records.iter_mut().zip(fates) {
        let stop = |reason: Reason| Some(Verdict::from(reason).at(StageName::Resolve));
        match fate {
            Fate::Advance => record.pkb = Some(answer(record.row.number)),
            Fate::Exclude => record.outcome = stop(Reason::Deceased),
            Fate::Fail => record.outcome = stop(Reason::Unavailable),
            Fate::NotReady | Fate::StoppedBefore => {}
        }
    }
    lines(&records)
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn run<S: Stage>(
    stage: Arc<S>,
    input: Vec<u8>,
    in_flight: usize,
    journal: Option<&Path>,
) -> (Report, Vec<u8>) {
    let out = Shared::default();
    let report = run_into(
        stage,
        input,
        in_flight,
        journal,
        Target::Stream(Box::new(out.clone())),
    );
    let bytes = out.0.lock().unwrap().clone();
    (report, bytes)
}

fn run_into<S: Stage>(
    stage: Arc<S>,
    input: Vec<u8>,
    in_flight: usize,
    journal: Option<&Path>,
    target: Target,
) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let source = Source::Ndjson(Box::new(io::Cursor::new(input)));
    let limits = Limits {
        in_flight,
        partial: false,
    };
    runtime.block_on(pipeline::run(
        stage,
        source,
        target,
        journal,
        limits,
        Arc::default(),
    ))
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Advance),
        1 => Just(Fate::Exclude),
        1 => Just(Fate::Fail),
        1 => Just(Fate::NotReady),
        2 => Just(Fate::StoppedBefore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_output_is_that_of_a_loop_over_the_input(
        fates in proptest::collection::vec(fate(), 1..700),
        delays in proptest::collection::vec(any::<u8>(), 1..40),
        batch_rows in 1_usize..40,
        in_flight in 1_usize..20,
    ) {
        let stage = Fated::new(&fates, &delays, batch_rows);
        let (report, out) = run(Arc::clone(&stage), lines(&records("a", &fates)), in_flight, None);
        prop_assert!(report.fatal.is_none());
        prop_assert_eq!(report.tally.rows_out(), fates.len() as u64);
        prop_assert!(out == expected("a", &fates), "lines are lost, changed or out of order");
        prop_assert!(stage.most_running.load(Ordering::SeqCst) <= in_flight);
        // Batches are full but the last, in input order, and numbered as they were formed.
        let mut batches = stage.batches.lock().unwrap().clone();
        batches.sort();
        let mut work: Vec<u64> = Vec::new();
        for (at, (number, first, rows)) in batches.iter().enumerate() {
            prop_assert_eq!(*number, at as u64 + 1);
            prop_assert_eq!(*first, work.len() as u64 + 1);
            prop_assert!(rows.len() == batch_rows || at + 1 == batches.len());
            work.extend(rows);
        }
        prop_assert!(work.is_sorted());
    }

    #[test]
    fn a_second_run_asks_only_for_what_failed_and_ends_with_the_same_lines(
        fates in proptest::collection::vec(fate(), 1..300),
        batch_rows in 1_usize..20,
        cut in 0.0_f64..1.0,
        name_length in 1_usize..80,
    ) {
        second_run(&"a".repeat(name_length), &fates, batch_rows, cut)?;
    }
}

/// Runs twice with a journal, of which a part is lost in between.
fn second_run(
    file: &str,
    fates: &[Fate],
    batch_rows: usize,
    cut: f64,
) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let input = lines(&records(file, fates));
    let (_, first) = run(
        Fated::new(fates, &[0], batch_rows),
        input.clone(),
        4,
        Some(&path),
    );
    prop_assert!(first == expected(file, fates));
    // A power cut takes the end of the journal, in the middle of a line or not.
    let bytes = std::fs::read(&path).unwrap();
    let kept = (bytes.len() as f64 * cut) as usize;
    std::fs::write(&path, &bytes[..kept]).unwrap();
    let whole = bytes[..kept].iter().filter(|byte| **byte == b'\n').count();
    let again = Fated::new(fates, &[0], batch_rows);
    let (report, second) = run(Arc::clone(&again), input, 4, Some(&path));
    prop_assert!(report.fatal.is_none(), "{:?}", report.fatal);
    prop_assert!(second == first);
    let work = fates
        .iter()
        .filter(|f| matches!(f, Fate::Advance | Fate::Exclude | Fate::Fail))
        .count();
    // A last line that lacks nothing but its line end is whole, too.
    let asked = again.calls.load(Ordering::SeqCst);
    prop_assert!(
        asked == work - whole || asked + 1 == work - whole,
        "{asked} of {work}, {whole} in the journal"
    );
    Ok(())
}

/// A stage of which the second batch ends before the first, which waits for that.
struct Overtaken {
    stage: StageName,
    second: tokio::sync::Notify,
}

impl Stage for Overtaken {
    type Work = u64;
    type Done = PkbAnswer;

    fn plan(&self) -> Plan {
        Plan {
            stage: self.stage,
            batch_rows: 2,
            linger: None,
        }
    }

    fn key(&self, record: &Record) -> Option<Key> {
        Some(Key::of(&[&record.row.number.to_le_bytes()]))
    }

    fn admit(&self, record: &Record, _: bool) -> Admission<u64> {
        Admission::Work(record.row.number)
    }

    async fn advance(&self, batch: Batch<u64>) -> BatchResult<PkbAnswer> {
        if batch.number == 1 {
            self.second.notified().await;
            // What the second comes to is there by now, whoever is quicker.
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            self.second.notify_one();
        }
        Ok(batch
            .work
            .into_iter()
            .map(|number| Ok(answer(number)))
            .collect())
    }

    fn apply(&self, record: &mut Record, answer: PkbAnswer) {
        record.pkb = Some(answer);
        let letter = r#"{"channel":"letter","file":"letters-0001.pdf"}"#;
        record.deliveries = vec![serde_json::from_str(letter).unwrap()];
    }
}

#[test]
fn batches_go_into_the_journal_as_they_end_or_in_their_order_if_the_stage_counts_on_it() {
    fn journaled(stage: StageName) -> Vec<u64> {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let input = lines(&records("a", &[Fate::Advance; 4]));
        let second = tokio::sync::Notify::new();
        let stage = Arc::new(Overtaken { stage, second });
        let (report, out) = run(stage, input, 2, Some(&journal));
        assert!(report.fatal.is_none());
        let rows = |lines: Vec<u8>| -> Vec<u64> {
            let lines = String::from_utf8(lines).unwrap();
            let lines = lines
                .lines()
                .map(|line| serde_json::from_str::<Record>(line).unwrap());
            lines.map(|record| record.row.number).collect()
        };
        assert_eq!(rows(out), [2, 3, 4, 5]);
        rows(std::fs::read(&journal).unwrap())
    }
    assert_eq!(journaled(StageName::Resolve), [4, 5, 2, 3]);
    assert_eq!(journaled(StageName::Letters), [2, 3, 4, 5]);
}

/// An output that looks, at each write, whether the journal has the lines already.
struct Witness {
    journal: PathBuf,
    too_early: Arc<AtomicUsize>,
}

/// A line of the journal as it is in the output.
fn without_check(line: &[u8]) -> Vec<u8> {
    let check = br#","check":""#;
    let found = line.windows(check.len()).rposition(|it| it == check);
    found.map_or_else(|| line.to_vec(), |at| [&line[..at], b"}"].concat())
}

impl Write for Witness {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let journal = std::fs::read(&self.journal)?;
        let journaled: HashSet<Vec<u8>> = journal
            .split(|byte| *byte == b'\n')
            .map(without_check)
            .collect();
        let missing = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !journaled.contains(*line));
        self.too_early.fetch_add(missing.count(), Ordering::SeqCst);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_record_is_written_before_it_is_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let too_early = Arc::new(AtomicUsize::new(0));
    let witness = Witness {
        journal: journal.clone(),
        too_early: Arc::clone(&too_early),
    };
    let fates = [Fate::Advance; 2000];
    let stage = Fated::new(&fates, &[0, 3, 255, 6], 1);
    let input = lines(&records("a", &fates));
    let report = run_into(
        stage,
        input,
        8,
        Some(&journal),
        Target::Stream(Box::new(witness)),
    );
    assert!(report.fatal.is_none());
    assert_eq!(report.tally.rows_out(), 2000);
    assert_eq!(too_early.load(Ordering::SeqCst), 0);
}

#[test]
fn large_batches_keep_their_records_as_lines_and_end_in_the_same() {
    let kinds = [
        Fate::Advance,
        Fate::Exclude,
        Fate::StoppedBefore,
        Fate::Fail,
        Fate::Advance,
        Fate::NotReady,
    ];
    let fates: Vec<Fate> = kinds.into_iter().cycle().take(40_000).collect();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    // Fields that nobody here knows are kept, too.
    let with_field = |lines: Vec<u8>| {
        let lines = String::from_utf8(lines).unwrap();
        lines.replace("}\n", ",\"colour\":\"blue\"}\n")
    };
    let input = with_field(lines(&records("a", &fates)));
    let known = |lines: Vec<u8>| {
        let lines = String::from_utf8(lines).unwrap();
        let fields = lines.matches(r#""colour":"blue""#).count();
        (lines.replace(r#","colour":"blue""#, ""), fields)
    };
    let expected = String::from_utf8(expected("a", &fates)).unwrap();
    for (batch_rows, asked) in [(10_000, 26_667), (3, 6_667)] {
        let stage = Fated::new(&fates, &[1, 0, 255], batch_rows);
        let input = input.clone().into_bytes();
        let (report, out) = run(Arc::clone(&stage), input, 2, Some(&journal));
        assert!(report.fatal.is_none());
        let (out, fields) = known(out);
        assert!(out == expected, "lines are lost, changed or out of order");
        assert_eq!(fields, fates.len());
        // The second run asks again for what failed.
        assert_eq!(stage.calls.load(Ordering::SeqCst), asked);
    }
}

#[test]
fn the_journal_of_another_input_answers_nothing_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fates = [Fate::Advance; 20];
    run(
        Fated::new(&fates, &[0], 1),
        lines(&records("a", &fates)),
        4,
        Some(&path),
    );
    let stage = Fated::new(&fates, &[0], 1);
    let (report, out) = run(
        Arc::clone(&stage),
        lines(&records("b", &fates)),
        4,
        Some(&path),
    );
    assert!(report.fatal.is_none() && out == expected("b", &fates));
    assert_eq!(stage.calls.load(Ordering::SeqCst), 20);
    let stage = Fated::new(&fates, &[0], 1);
    run(
        Arc::clone(&stage),
        lines(&records("a", &fates)),
        4,
        Some(&path),
    );
    assert_eq!(
        stage.calls.load(Ordering::SeqCst),
        0,
        "the first input is still answered"
    );
}

#[test]
fn an_input_that_breaks_off_leaves_a_batch_that_is_not_full_undone() {
    let fates = [Fate::Advance; 25];
    let stage = Fated::new(&fates, &[0], 10);
    let all = records("a", &fates);
    let (report, out) = run(Arc::clone(&stage), lines(&all[..24]), 2, None);
    assert!(matches!(report.fatal, Some(Fatal::Input(_))));
    assert_eq!(stage.calls.load(Ordering::SeqCst), 20);
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 20);
}

/// An input that pauses after each of its parts until the records before have come out.
struct Pausing {
    parts: std::collections::VecDeque<Vec<u8>>,
    given: usize,
    out: Shared,
}

impl io::Read for Pausing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let written = || {
            let out = self.out.0.lock().unwrap();
            out.iter().filter(|byte| **byte == b'\n').count()
        };
        while written() < self.given {
            std::thread::sleep(Duration::from_millis(1));
        }
        let part = self.parts.pop_front().unwrap_or_default();
        self.given += part.iter().filter(|byte| **byte == b'\n').count();
        buffer[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

#[test]
fn a_batch_that_may_not_wait_for_ever_goes_when_the_input_pauses() {
    let fates = [Fate::Advance; 9];
    let all = records("a", &fates);
    let mut stage = Arc::into_inner(Fated::new(&fates, &[0], 100)).unwrap();
    stage.linger = Some(Duration::from_millis(20));
    let stage = Arc::new(stage);
    let out = Shared::default();
    let input = Pausing {
        parts: [&all[..2], &all[2..7], &all[7..]].map(lines).into(),
        given: 0,
        out: out.clone(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(pipeline::run(
        Arc::clone(&stage),
        Source::Ndjson(Box::new(input)),
        Target::Stream(Box::new(out.clone())),
        None,
        Limits {
            in_flight: 2,
            partial: false,
        },
        Arc::default(),
    ));
    assert!(report.fatal.is_none());
    assert!(*out.0.lock().unwrap() == expected("a", &fates));
    // The input does not go on before the last part is written: each went as a batch of its own.
    let sizes: Vec<usize> = stage
        .batches
        .lock()
        .unwrap()
        .iter()
        .map(|(_, _, rows)| rows.len())
        .collect();
    assert_eq!(sizes, [2, 5, 2]);
}

#[test]
fn what_a_later_stage_found_too_old_is_done_again_whatever_the_journal_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fates = [Fate::Advance; 3];
    let run_over = |input: &[Record]| {
        let stage = Fated::new(&fates, &[0], 1);
        let (report, out) = run(Arc::clone(&stage), lines(input), 2, Some(&path));
        assert!(report.fatal.is_none());
        assert!(out == expected("a", &fates));
        stage.calls.load(Ordering::SeqCst)
    };
    let fresh = records("a", &fates);
    assert_eq!(run_over(&fresh), 3);
    let mut stale = fresh.clone();
    stale[1].pkb = Some(answer(3));
    stale[1].outcome = Some(Verdict::from(Reason::AnswerTooOld).at(StageName::Tokens));
    assert_eq!(run_over(&stale), 1);
}
