//! `--sort postcode`: the whole stream in the order of post codes, as mail discounts want it. Records without one come
//! last; those that are alike stay in their order.

use std::io::Read;

use clap::ValueEnum;
use pkb_core::{Fatal, spool};
use pkb_postal::postal_order;
use pkb_values::Postcode;

/// In which order letters are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// As the records come
    #[default]
    Input,
    /// By postcode. The whole stream is read before the first letter, and records are also written in this order
    Postcode,
}

/// The stream in another order.
///
/// # Errors
/// It cannot be read, or a line is no record.
pub fn by_postcode(input: Box<dyn Read + Send>) -> Result<impl Read + Send, Fatal> {
    let mut spool = spool::Spool::create()?;
    let mut places = Vec::new();
    spool::read_all(input, |record, raw| {
        let patient = record.patient.as_ref();
        let code = patient.and_then(|patient| patient.postcode.as_ref());
        let key = code.map(|code| postal_order(Postcode::expose_postcode(code)));
        places.push((key.is_none(), key, spool.add(raw)?));
        Ok(())
    })?;
    // Stable.
    places.sort_by(|(none, key, _), (other_none, other_key, _)| {
        (none, key).cmp(&(other_none, other_key))
    });
    let places = places.into_iter().map(|(_, _, place)| place).collect();
    Ok(spool.finish()?.stream(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_comes_out_once_as_the_same_bytes_sorted_and_stable() {
        let line = |row: u32, code: &str| {
            format!(
                r#"{{"schema":"pkb-record/1","row":{{"file":"a.csv","number":{row},"of":9}},"patient":{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"A","last_name":"B","date_of_birth":"1990-05-01"{code}}}, "mine": 1.50}}"#
            )
        };
        let code = |code: &str| format!(r#","postcode":"{code}""#);
        let lines = [
            line(2, &code("NE10 1AA")),
            line(3, ""),
            line(4, &code("NE2 1AA")),
            line(5, &code("AB1 1AA")),
            line(6, &code("NE2 1AA")),
        ];
        let input = lines.join("\n");
        let mut sorted = String::new();
        by_postcode(Box::new(std::io::Cursor::new(input)))
            .unwrap()
            .read_to_string(&mut sorted)
            .unwrap();
        let expected = [3, 2, 4, 0, 1].map(|at| lines[at].clone() + "\n").concat();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn a_line_that_is_no_record_stops_before_anything_is_printed() {
        let input = Box::new(std::io::Cursor::new("{\"schema\":\"pkb-record/1\""));
        assert!(matches!(by_postcode(input), Err(Fatal::Input(_))));
    }
}
