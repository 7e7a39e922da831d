//! The record path's hot functions.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::{Bencher, counter::BytesCount};
use pkb_core::{Record, record::KeyFields};

const SHORT: &str = r#"{"schema":"pkb-record/1","row":{"file":"short.csv","number":2,"of":1000000},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Priya","last_name":"Fairweather","date_of_birth":"1987-04-12"},"upload":{"batch":"batch-0001.csv","state":"sent","at":"2026-11-25T02:12:52Z"}}"#;
const REAL: &str = r#"{"schema":"pkb-record/1","row":{"file":"patients.csv","number":2,"of":500000},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Priya","last_name":"Fairweather","date_of_birth":"1987-04-12","address":["Flat 30, 77 Juniper Terrace","London"],"town_line":1,"post_code":"SE28 7RL","mobile":"+447700900825","language":"en"},"upload":{"batch":"batch-0001.csv","state":"sent","at":"2026-11-25T02:14:57Z"},"pkb":{"registered":false,"checked_at":"2026-11-25T02:15:07Z"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-25T02:15:07Z"}}"#;

fn main() {
    divan::main();
}

#[divan::bench(args = [SHORT, REAL])]
fn whole_record(bencher: Bencher, line: &str) {
    bencher
        .counter(BytesCount::of_str(line))
        .bench(|| serde_json::from_str::<Record>(divan::black_box(line)).unwrap());
}

#[divan::bench(args = [SHORT, REAL])]
fn key_fields(bencher: Bencher, line: &str) {
    bencher
        .counter(BytesCount::of_str(line))
        .bench(|| serde_json::from_str::<KeyFields>(divan::black_box(line)).unwrap());
}
