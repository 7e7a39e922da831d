//! The checksum at the end of each line of a journal, by which it defends itself: a bit that flipped, a line that was
//! lost, doubled, moved, or is another journal's, is found when the line is read.
//!
//! A line `{…}` is written as `{…,"check":"0123456789abcdef"}`, still a JSON object, and read as it was. The first
//! eight digits are the CRC-32 of the line itself, all before the check. The others are that of the line and of all
//! lines before it: a chain, of which no link can be taken out. Both together tell which line is damaged from where
//! lines are missing.
//!
//! An output of a stage has no checks and serves as a journal, too: lines without a check are at the start of a file and
//! nowhere else, and the first line that has one vouches for them all.

use std::io::Write as _;

use crate::Fatal;

/// Between a line and the digits of its check; the brace that ended the line is behind them.
const BEFORE: &[u8; 10] = b",\"check\":\"";
/// The name in it.
const NAME: &[u8; 5] = b"check";
/// Hexadecimal digits.
const DIGITS: usize = 16;
/// Behind the digits.
const BEHIND: &[u8; 2] = b"\"}";
/// Bytes of a check, with the brace.
const CHECK: usize = BEFORE.len() + DIGITS + BEHIND.len();
/// Bytes by which a line is longer for its check.
pub(super) const ADDED_BYTES: usize = CHECK - 1;
/// Of the twelve bytes around the digits, so many make a check of what is not exactly one: a damaged one.
const LIKE_A_CHECK: usize = 9;

/// Why a line is not what was written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The line itself has changed.
    Changed,
    /// It is as it was, and what is before it is not.
    DoesNotFollow,
    /// It has no check, and lines before it have.
    Foreign,
}

impl Damage {
    /// What has become of the line with this number, to follow the name of the file.
    #[must_use]
    pub fn at(self, line: u64) -> String {
        let what = match self {
            Self::Changed => "is damaged, because it is not what was written there",
            Self::DoesNotFollow => {
                "does not follow the lines before it. A line was lost, doubled, moved or changed"
            }
            Self::Foreign => "was not written by the run that wrote the lines before it",
        };
        format!("line {line} {what}")
    }
}

/// A line as far as its check can be judged by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// Of the line without its check and its last brace.
    own: u32,
    written: Written,
    /// Bytes of the line without its check.
    pub(super) length: usize,
}

/// The check that stands in a line.
#[derive(Debug, Clone, Copy)]
enum Written {
    None,
    /// One that cannot be read.
    Illegible,
    /// The sum of the line, and that of the chain.
    Sums(u32, u32),
}

impl Sum {
    /// The sum of a line without its line end, and what check it has.
    pub(super) fn of(text: &[u8]) -> Self {
        let (body, written) = match text.split_last_chunk::<CHECK>() {
            Some((body, check)) => (body, Written::of(check)),
            None => (text, Written::None),
        };
        let written = match written {
            Written::None if has_shortened_check(text) => Written::Illegible,
            written => written,
        };
        let (body, length) = match written {
            Written::None => (&text[..text.len().saturating_sub(1)], text.len()),
            Written::Illegible | Written::Sums(..) => (body, body.len() + 1),
        };
        Self {
            own: crc32fast::hash(body),
            written,
            length,
        }
    }

    /// Whether the line is whole by its own check.
    pub(super) fn is_whole(self) -> bool {
        matches!(self.written, Written::Sums(own, _) if own == self.own)
    }

    /// Whether it has a check of whatever kind.
    pub(super) fn is_checked(self) -> bool {
        !matches!(self.written, Written::None)
    }
}

/// Whether a line ends with a check of which bytes are gone, from its name or from its digits.
fn has_shortened_check(text: &[u8]) -> bool {
    let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let Some(text) = text.strip_suffix(BEHIND) else {
        return false;
    };
    let digits = text.iter().rev().take_while(is_digit).count();
    let Some(key) = text[..text.len() - digits].strip_suffix(b"\":\"") else {
        return false;
    };
    let quote = key.iter().rposition(|byte| *byte == b'"');
    let mut name = key[quote.map_or(0, |quote| quote + 1)..].iter().peekable();
    for letter in NAME {
        name.next_if(|byte| *byte == letter);
    }
    let of_name = name.next().is_none();
    of_name && (digits == DIGITS || key.ends_with(NAME))
}

impl Written {
    fn of(check: &[u8; CHECK]) -> Self {
        let (before, rest) = check.split_at(BEFORE.len());
        let (digits, behind) = rest.split_at(DIGITS);
        let same = |text: &[u8], wanted: &[u8]| {
            let pairs = text.iter().zip(wanted);
            pairs.filter(|(a, b)| a == b).count()
        };
        let like = same(before, BEFORE) + same(behind, BEHIND);
        if like < LIKE_A_CHECK {
            return Self::None;
        }
        let number = |digits: &[u8]| {
            let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let text = std::str::from_utf8(digits).ok()?;
            let number = u32::from_str_radix(text, 16).ok()?;
            digits.iter().all(is_digit).then_some(number)
        };
        let (own, chain) = digits.split_at(DIGITS / 2);
        match (number(own), number(chain)) {
            (Some(own), Some(chain)) if like == BEFORE.len() + BEHIND.len() => {
                Self::Sums(own, chain)
            }
            _ => Self::Illegible,
        }
    }
}

/// The lines of a journal up to some place, as one number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chain {
    sum: u32,
    /// Whether a line had a check.
    is_checked: bool,
}

impl Chain {
    /// Goes on to the next line, which is as it was written.
    pub(super) fn follow(&mut self, line: Sum) -> Result<(), Damage> {
        let next = self.next(line.own);
        match line.written {
            Written::None if self.is_checked => return Err(Damage::Foreign),
            Written::Illegible => return Err(Damage::Changed),
            Written::Sums(own, _) if own != line.own => return Err(Damage::Changed),
            Written::Sums(_, chain) if chain != next => return Err(Damage::DoesNotFollow),
            Written::None | Written::Sums(..) => {}
        }
        self.sum = next;
        self.is_checked |= line.is_checked();
        Ok(())
    }

    /// Takes the check out of the next line, a JSON object without line end. Says whether it had one.
    ///
    /// # Errors
    /// It is not the line that was written there.
    pub fn take_out(&mut self, line: &mut Vec<u8>) -> Result<bool, Damage> {
        let sum = Sum::of(line);
        self.follow(sum)?;
        line.truncate(sum.length);
        close(line);
        Ok(sum.is_checked())
    }

    /// Appends the next line, a JSON object that is not empty, to `out` with its check; without line end.
    ///
    /// # Errors
    /// A bug: it is no such object.
    pub fn append(&mut self, out: &mut Vec<u8>, line: &[u8]) -> Result<(), Fatal> {
        let body = line
            .strip_suffix(b"}")
            .filter(|body| body.len() > 1 && body.starts_with(b"{") && !body.contains(&b'\n'))
            .ok_or_else(|| Fatal::Bug("a journal line is not one JSON object".into()))?;
        let own = crc32fast::hash(body);
        self.sum = self.next(own);
        self.is_checked = true;
        out.reserve(line.len() + CHECK);
        out.extend_from_slice(body);
        out.extend_from_slice(BEFORE);
        // Writing into a vector does not fail.
        let _ = write!(out, "{own:08x}{:08x}", self.sum);
        out.extend_from_slice(BEHIND);
        Ok(())
    }

    /// Goes past a line that has no check.
    pub fn pass(&mut self, line: &[u8]) {
        self.sum = self.next(Sum::of(line).own);
    }

    fn next(self, own: u32) -> u32 {
        let mut both = [0; 8];
        both[..4].copy_from_slice(&self.sum.to_le_bytes());
        both[4..].copy_from_slice(&own.to_le_bytes());
        crc32fast::hash(&both)
    }
}

/// Puts the brace back with which a line ended: the comma before its check is where it was.
pub(super) fn close(line: &mut [u8]) {
    if let Some(last) = line.last_mut() {
        *last = b'}';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &[&str]) -> Vec<Vec<u8>> {
        let mut chain = Chain::default();
        let line = |line: &&str| {
            let mut out = Vec::new();
            chain.append(&mut out, line.as_bytes()).unwrap();
            out
        };
        lines.iter().map(line).collect()
    }

    fn read(lines: &[Vec<u8>]) -> Result<Vec<String>, (usize, Damage)> {
        let mut chain = Chain::default();
        let line = |(at, line): (usize, &Vec<u8>)| {
            let mut line = line.clone();
            chain.take_out(&mut line).map_err(|damage| (at, damage))?;
            Ok(String::from_utf8(line).unwrap())
        };
        lines.iter().enumerate().map(line).collect()
    }

    const LINES: [&str; 4] = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"b":"}"}"#, r#"{"a":1}"#];

    #[test]
    fn lines_are_read_as_they_were_and_are_json_with_their_checks() {
        let lines = written(&LINES);
        assert_eq!(read(&lines).unwrap(), LINES);
        for line in &lines {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert_eq!(value["check"].as_str().unwrap().len(), DIGITS);
        }
        // The form is what journals on disks have.
        let first = std::str::from_utf8(&lines[0]).unwrap();
        assert_eq!(first, r#"{"a":1,"check":"a702fc6e78818124"}"#);
    }

    #[test]
    fn each_flipped_bit_is_found_where_it_is() {
        for at in 0..LINES.len() {
            for bit in 0..written(&LINES)[at].len() * 8 {
                let mut lines = written(&LINES);
                lines[at][bit / 8] ^= 1 << (bit % 8);
                let (found, damage) = read(&lines).unwrap_err();
                // In the digits of the chain nothing but the lines before it can be told to have changed.
                let is_of_chain = damage == Damage::DoesNotFollow;
                let from_end = lines[at].len() - bit / 8;
                assert_eq!(found, at, "line {at}, bit {bit}: {damage:?}");
                assert!(!is_of_chain || (3..=10).contains(&from_end));
            }
        }
    }

    #[test]
    fn a_check_that_lacks_bytes_is_damaged_unless_all_of_it_is_gone() {
        let line = written(&LINES[..1]).remove(0);
        let start = line.len() - CHECK;
        for from in start..line.len() {
            for to in from + 1..=line.len() {
                let left = [&line[..from], &line[to..]].concat();
                let is_json = serde_json::from_slice::<serde_json::Value>(&left).is_ok();
                let is_gone = left == LINES[0].as_bytes();
                let is_read = read(std::slice::from_ref(&left)).is_ok();
                // What is no JSON is refused by whoever reads the record.
                assert!(
                    !is_json || is_read == is_gone,
                    "{}",
                    String::from_utf8_lossy(&left)
                );
            }
        }
    }

    #[test]
    fn lost_doubled_swapped_and_foreign_lines_are_found_at_the_next_line() {
        use Damage::{DoesNotFollow, Foreign};
        let lines = written(&LINES);
        let others = written(&[r#"{"z":0}"#, r#"{"a":2}"#, r#"{"b":"}"}"#]);
        let of = |places: &[usize]| places.iter().map(|at| lines[*at].clone()).collect();
        let other = |at: usize| {
            let mut with: Vec<Vec<u8>> = of(&[0, 1, 2, 3]);
            with[at] = others[at].clone();
            with
        };
        let unchecked = |at: usize| {
            let mut with: Vec<Vec<u8>> = of(&[0, 1, 2, 3]);
            with[at] = LINES[at].as_bytes().to_vec();
            with.remove(at + 1);
            with
        };
        for (lines, found) in [
            (of(&[1, 2, 3]), (0, DoesNotFollow)),
            (of(&[0, 2, 3]), (1, DoesNotFollow)),
            (of(&[0, 0, 1, 2, 3]), (1, DoesNotFollow)),
            (of(&[0, 2, 1, 3]), (1, DoesNotFollow)),
            (of(&[1, 0, 2, 3]), (0, DoesNotFollow)),
            (of(&[0, 3, 1, 2]), (1, DoesNotFollow)),
            (other(0), (1, DoesNotFollow)),
            (other(1), (1, DoesNotFollow)),
            (other(2), (2, DoesNotFollow)),
            (unchecked(0), (1, DoesNotFollow)),
            (unchecked(1), (1, Foreign)),
        ] {
            assert_eq!(read(&lines).unwrap_err(), found);
        }
    }

    #[test]
    fn lines_without_checks_are_vouched_for_by_the_first_that_has_one() {
        let mut chain = Chain::default();
        let mut lines = vec![LINES[0].as_bytes().to_vec(), LINES[1].as_bytes().to_vec()];
        lines.iter().for_each(|line| chain.pass(line));
        let mut out = Vec::new();
        chain.append(&mut out, LINES[2].as_bytes()).unwrap();
        lines.push(out);
        assert_eq!(read(&lines).unwrap(), LINES[..3]);
        lines.remove(0);
        assert_eq!(read(&lines).unwrap_err(), (1, Damage::DoesNotFollow));
    }
}
