//! Whether an archive is what was to be sealed, before anything relies on it.
//!
//! Without a key nobody can see what is in it. But the form of age (age-encryption.org/v1) gives away how long its content is: a
//! header, 16 bytes, and for each 64 KiB of the content 16 bytes more. So an archive that lost a part, or that no program encrypted,
//! has another length; and what was written is read again. With a key, all of it is decrypted and compared.

use std::io::{self, BufRead as _, BufReader, Read, Write};

use sha2::{Digest as _, Sha256};

/// How every file of age begins.
const VERSION: &str = "age-encryption.org/v1\n";
/// With which the last line of a header begins.
const LAST_LINE: &str = "--- ";
/// A header is some hundred bytes for each key.
const LONGEST_HEADER: u64 = 1 << 20;
/// Bytes of the content that are encrypted together.
const CHUNK: u64 = 64 << 10;
/// The check of such a chunk, and the number at the beginning.
const TAG: u64 = 16;

/// How long something is, and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) bytes: u64,
    digest: [u8; 32],
}

/// Measures what passes through it.
pub(super) struct Measured<T> {
    inner: T,
    bytes: u64,
    hash: Sha256,
}

impl<T> Measured<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            bytes: 0,
            hash: Sha256::new(),
        }
    }

    pub(super) fn measure(&self) -> Measure {
        Measure {
            bytes: self.bytes,
            digest: self.hash.clone().finalize().into(),
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(&buffer[..read]);
        Ok(read)
    }
}

/// The measure of all that comes.
pub(super) fn measure_of(from: impl Read) -> io::Result<Measure> {
    let mut from = Measured::new(from);
    io::copy(&mut from, &mut io::sink())?;
    Ok(from.measure())
}

/// What is wrong with an archive of `content`, as it is read again; `stored` is what was written. `None`: nothing.
pub(super) fn fault(
    archive: impl Read,
    stored: &Measure,
    content: &Measure,
) -> io::Result<Option<&'static str>> {
    let mut archive = BufReader::new(Measured::new(archive));
    let Some(header) = header_bytes(&mut archive)? else {
        return Ok(Some("it has no header of age"));
    };
    io::copy(&mut archive, &mut io::sink())?;
    let read = archive.into_inner().measure();
    let chunks = content.bytes.div_ceil(CHUNK).max(1);
    Ok(if read != *stored {
        Some("the disk does not give back what was written")
    } else if read.bytes != header + TAG + content.bytes + chunks * TAG {
        Some("its length is not that of the encrypted files")
    } else {
        None
    })
}

/// How long the header is; `None` if there is none.
fn header_bytes(archive: &mut impl io::BufRead) -> io::Result<Option<u64>> {
    let mut archive = archive.take(LONGEST_HEADER);
    let (mut bytes, mut keys, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let read = archive.read_until(b'\n', &mut line)?;
        let is_first = bytes == 0;
        bytes += read as u64;
        match line.as_slice() {
            line if is_first && line != VERSION.as_bytes() => return Ok(None),
            line if !line.ends_with(b"\n") => return Ok(None),
            line if line.starts_with(LAST_LINE.as_bytes()) => {
                return Ok((keys > 0).then_some(bytes));
            }
            line if line.starts_with(b"-> ") => keys += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What age would make of a content, but that it is not encrypted.
    pub(in super::super) fn like_age(content: &[u8]) -> Vec<u8> {
        let mut archive = format!("{VERSION}-> X25519 abc\ndef\n{LAST_LINE}mac\n").into_bytes();
        archive.extend([0; 16]);
        let mut chunks: Vec<&[u8]> = content.chunks(CHUNK as usize).collect();
        if chunks.is_empty() {
            chunks.push(b"");
        }
        for chunk in chunks {
            archive.extend(chunk);
            archive.extend([1; 16]);
        }
        archive
    }

    fn fault_of(archive: &[u8], content: &[u8]) -> Option<&'static str> {
        let stored = measure_of(archive).unwrap();
        fault(archive, &stored, &measure_of(content).unwrap()).unwrap()
    }

    #[test]
    fn an_archive_has_the_length_that_its_content_gives_it() {
        for bytes in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let content = vec![7; bytes];
            let good = like_age(&content);
            assert_eq!(fault_of(&good, &content), None, "{bytes}");
            let longer = [&good[..], b"x"].concat();
            for bad in [&good[..good.len() - 1], &good[..good.len() - 16], &longer] {
                assert!(
                    fault_of(bad, &content).unwrap().contains("length"),
                    "{bytes}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_of_age_or_is_read_back_as_something_else_is_a_fault() {
        let content = b"tar";
        for bad in [
            &b""[..],
            b"tar",
            b"age-encryption.org/v1\ntar",
            b"age-encryption.org/v1\n--- mac\n0123456789012345tar0123456789012345",
            b"age-encryption.org/v2\n-> X25519 abc\n--- mac\n",
        ] {
            assert_eq!(fault_of(bad, content), Some("it has no header of age"));
        }
        let good = like_age(content);
        let mut other = good.clone();
        *other.last_mut().unwrap() ^= 1;
        let stored = measure_of(good.as_slice()).unwrap();
        let found = fault(
            other.as_slice(),
            &stored,
            &measure_of(&content[..]).unwrap(),
        );
        assert!(found.unwrap().unwrap().contains("does not give back"));
    }
}
