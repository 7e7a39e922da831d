//! The functions through which every record goes.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::{Bencher, black_box, counter::BytesCount};
use pkb_core::Record;
use pkb_files::journal::Key;

/// A record of 300 bytes, as pkb-upload writes it of a file with few columns.
const SHORT: &str = r#"{"schema":"pkb-record/1","row":{"file":"short.csv","number":2,"of":1000000},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Priya","last_name":"Fairweather","date_of_birth":"1987-04-12"},"upload":{"batch":"batch-0001.csv","state":"sent","at":"2026-11-25T02:12:52Z"}}"#;
/// A usual one with its codes.
const INVITED: &str = r#"{"schema":"pkb-record/1","row":{"file":"patients.csv","number":2,"of":500000},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Priya","last_name":"Fairweather","date_of_birth":"1987-04-12","address":["Flat 30, 77 Juniper Terrace","London"],"town_line":1,"postcode":"SE28 7RL","mobile":"+447700900825","language":"en"},"upload":{"batch":"batch-0001.csv","state":"sent","at":"2026-11-25T02:14:57Z"},"pkb":{"registered":false,"checked_at":"2026-11-25T02:15:07Z"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-25T02:15:07Z"}}"#;

fn main() {
    divan::main();
}

fn line(name: &str) -> &'static str {
    if name == "short" { SHORT } else { INVITED }
}

/// What passing costs.
#[divan::bench(args = ["short", "invited"])]
fn read_whole(bencher: Bencher<'_, '_>, name: &str) {
    let line = line(name);
    let bencher = bencher.counter(BytesCount::of_str(line));
    bencher.bench(|| drop(serde_json::from_str::<Record>(black_box(line)).unwrap()));
}

#[divan::bench(args = ["short", "invited"])]
fn write(bencher: Bencher<'_, '_>, name: &str) {
    let line = line(name);
    let record: Record = serde_json::from_str(line).unwrap();
    let mut out = Vec::with_capacity(line.len() + 1);
    let bencher = bencher.counter(BytesCount::of_str(line));
    bencher.bench_local(|| {
        out.clear();
        serde_json::to_writer(&mut out, black_box(&record)).unwrap();
    });
}

#[divan::bench]
fn key() -> Key {
    Key::of(black_box(&[
        &b"09990000018"[..],
        b"1987-04-12",
        b"Fairweather",
        b"\0",
    ]))
}
