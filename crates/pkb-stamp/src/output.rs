//! A PDF file on its way out: objects one after the other, and at the end the table of where they are.
//!
//! Nothing of what was written is kept but where it is: one entry for each object that stands by itself, and one for
//! each run of objects that stand together in an object stream.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Obj, Settings};
use sha2::{Digest as _, Sha256};

use crate::deflate::Deflater;
use crate::syntax::{integer, object_ref, put};

/// Objects with numbers that follow each other, in an object stream.
struct Run {
    first: u32,
    count: u32,
    stream: u32,
    /// Place of the first in the stream.
    index: u32,
}

/// A PDF that is being written.
pub(crate) struct Output<W> {
    out: W,
    position: u64,
    digest: Sha256,
    /// Numbers and offsets of the objects that stand by themselves.
    alone: Vec<(u32, u64)>,
    together: Vec<Run>,
    scratch: Vec<u8>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(out: W) -> io::Result<Self> {
        let mut output = Self {
            out,
            position: 0,
            digest: Sha256::new(),
            alone: Vec::new(),
            together: Vec::new(),
            scratch: Vec::new(),
        };
        // Four bytes above 127 tell programs that this is no text.
        output.write(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")?;
        Ok(output)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.digest.update(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes an object.
    pub(crate) fn object(&mut self, number: u32, body: &[u8]) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        object(&mut bytes, number, body);
        let written = self.objects(&bytes, [(number, 0)]);
        self.scratch = bytes;
        written
    }

    /// Writes a stream: `entries` of its dictionary, and its data, which are deflated already.
    pub(crate) fn stream(&mut self, number: u32, entries: &str, data: &[u8]) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        deflated_stream(&mut bytes, number, entries, data);
        let written = self.objects(&bytes, [(number, 0)]);
        self.scratch = bytes;
        written
    }

    /// Writes objects that are complete: `offsets` says which begin where.
    pub(crate) fn objects(
        &mut self,
        bytes: &[u8],
        offsets: impl IntoIterator<Item = (u32, u64)>,
    ) -> io::Result<()> {
        let start = self.position;
        let offsets = offsets.into_iter();
        self.alone
            .extend(offsets.map(|(number, offset)| (number, start + offset)));
        self.write(bytes)
    }

    /// Notes which objects stand in an object stream, in their order.
    pub(crate) fn in_stream(&mut self, numbers: &[(u32, u32)], stream: u32) {
        let mut index = 0;
        for (first, count) in numbers.iter().copied() {
            self.together.push(Run {
                first,
                count,
                stream,
                index,
            });
            index += count;
        }
    }

    /// A digest of all that was written so far.
    pub(crate) fn digest(&self) -> String {
        self.digest
            .clone()
            .finalize()
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Writes the table, which is the object `number`, the last of all.
    pub(crate) fn finish(
        mut self,
        number: u32,
        trailer: &str,
        deflater: &mut Deflater,
    ) -> io::Result<W> {
        let start = self.position;
        self.alone.push((number, start));
        self.alone.sort_unstable();
        self.together.sort_unstable_by_key(|run| run.first);
        let mut rows = Rows::new(start);
        let mut next = 0;
        let (mut alone, mut together) = (
            self.alone.iter().peekable(),
            self.together.iter().peekable(),
        );
        loop {
            let (number, first) = (
                alone.peek().map(|own| own.0),
                together.peek().map(|run| run.first),
            );
            let place = match (number, first) {
                (Some(number), Some(first)) => number.min(first),
                (Some(place), None) | (None, Some(place)) => place,
                (None, None) => break,
            };
            while next < place {
                rows.add(0, 0, if next == 0 { u16::MAX } else { 0 })?;
                next += 1;
            }
            if number == Some(place)
                && let Some((_, offset)) = alone.next()
            {
                rows.add(1, *offset, 0)?;
                next += 1;
            } else if let Some(run) = together.next() {
                for index in run.index..run.index + run.count {
                    let index = u16::try_from(index).map_err(io::Error::other)?;
                    rows.add(2, run.stream.into(), index)?;
                }
                next += run.count;
            }
        }
        let (place, row) = (rows.place, rows.above.len());
        let data = rows.finish(deflater)?;
        let entries = format!(
            "/Type/XRef/Size {next}/W[1 {place} 2]{trailer}/DecodeParms<</Predictor 12/Columns {row}>>",
        );
        let mut bytes = Vec::new();
        deflated_stream(&mut bytes, number, &entries, &data);
        put(&mut bytes, format_args!("startxref\n{start}\n%%EOF\n"));
        self.write(&bytes)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The rows of the table: each is written as what differs from the one above (PNG's predictor "up"), which deflates to
/// next to nothing.
struct Rows {
    /// What waits to be compressed. All of it waits for the end unless it gets long.
    lines: Vec<u8>,
    encoder: Option<ZlibEncoder<Vec<u8>>>,
    above: Vec<u8>,
    /// Bytes of a place in the file: 4 or, where they are not enough, 8. There are readers that know no other width than
    /// those of machine words, and go through the whole file instead.
    place: usize,
}

impl Rows {
    /// Bytes of rows that are compressed at once at most.
    const AT_ONCE: usize = 64 << 10;

    /// For places up to `last`.
    fn new(last: u64) -> Self {
        let place = if u32::try_from(last).is_ok() { 4 } else { 8 };
        Self {
            lines: Vec::new(),
            encoder: None,
            above: vec![0; 1 + place + 2],
            place,
        }
    }

    fn add(&mut self, kind: u8, second: u64, third: u16) -> io::Result<()> {
        let (second, third) = (second.to_be_bytes(), third.to_be_bytes());
        let second = second.get(second.len() - self.place..).unwrap_or_default();
        self.lines.push(2);
        let row = std::iter::once(&kind).chain(second).chain(&third);
        for (own, above) in row.zip(&mut self.above) {
            self.lines.push(own.wrapping_sub(*above));
            *above = *own;
        }
        if self.lines.len() < Self::AT_ONCE {
            return Ok(());
        }
        let new = || ZlibEncoder::new(Vec::new(), Compression::default());
        self.encoder
            .get_or_insert_with(new)
            .write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }

    /// The table, compressed: in one go if it is small, which is several times as quick.
    fn finish(self, deflater: &mut Deflater) -> io::Result<Vec<u8>> {
        if let Some(mut encoder) = self.encoder {
            encoder.write_all(&self.lines)?;
            return encoder.finish();
        }
        let mut data = Vec::new();
        deflater.append(&self.lines, &mut data);
        Ok(data)
    }
}

/// What pdf-writer writes objects into, without blanks for people.
pub(crate) fn chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

/// What pdf-writer writes as one object, without its number: as it is in an object stream.
pub(crate) fn body(write: impl FnOnce(Obj<'_>)) -> Vec<u8> {
    let mut chunk = chunk();
    write(chunk.indirect(object_ref(1)));
    let bytes = chunk.as_bytes().strip_prefix(b"1 0 obj\n");
    let bytes = bytes.and_then(|bytes| bytes.strip_suffix(b"\nendobj\n"));
    bytes.unwrap_or_default().to_vec()
}

/// An object with its number.
pub(crate) fn object(out: &mut Vec<u8>, number: u32, body: &[u8]) {
    put(out, format_args!("{number} 0 obj\n"));
    out.extend_from_slice(body);
    out.extend_from_slice(b"\nendobj\n");
}

/// A stream with its number, from data that are deflated.
pub(crate) fn deflated_stream(out: &mut Vec<u8>, number: u32, entries: &str, data: &[u8]) {
    put(
        out,
        format_args!(
            "{number} 0 obj<<{entries}/Filter/FlateDecode/Length {}>>stream\n",
            data.len()
        ),
    );
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream\nendobj\n");
}

/// Objects that go into an object stream together.
#[derive(Default)]
pub(crate) struct ObjectStream {
    heads: Vec<u8>,
    bodies: Vec<u8>,
    /// Runs of numbers that follow each other: the first, and how many.
    numbers: Vec<(u32, u32)>,
}

/// An object stream that is complete.
pub(crate) struct Packed {
    /// Of its dictionary.
    pub entries: String,
    pub data: Vec<u8>,
    /// Whose objects are in it, as [`Output::in_stream`] needs it.
    pub numbers: Vec<(u32, u32)>,
}

impl ObjectStream {
    /// Where objects begin: at multiples of this. The table of their places has fewer digits that differ then, which
    /// deflates better; the blanks between them cost nothing.
    const STEP: usize = 10;

    /// A stream with room for so many bytes of so many objects.
    pub(crate) fn with_room(bytes: usize, objects: usize) -> Self {
        // A number and a place have up to eight digits each, in files of a usual size.
        let heads = objects * 16;
        Self {
            heads: Vec::with_capacity(heads),
            bodies: Vec::with_capacity(bytes + objects * Self::STEP + heads),
            numbers: Vec::new(),
        }
    }

    /// Begins the next object and says where to write it.
    pub(crate) fn next(&mut self, number: u32) -> &mut Vec<u8> {
        if !self.bodies.is_empty() {
            let end = (self.bodies.len() + 1).next_multiple_of(Self::STEP);
            self.bodies.resize(end, b' ');
        }
        integer(&mut self.heads, number.into());
        // Another blank than behind the place: what deflate knows of the one does not mix with the other.
        self.heads.push(b'\n');
        integer(&mut self.heads, self.bodies.len() as u64);
        self.heads.push(b' ');
        match self.numbers.last_mut() {
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => self.numbers.push((number, 1)),
        }
        &mut self.bodies
    }

    /// Adds an object that is written already.
    pub(crate) fn add(&mut self, number: u32, body: &[u8]) {
        self.next(number).extend_from_slice(body);
    }

    /// Whether no object is in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// What is to be written.
    pub(crate) fn finish(mut self) -> Packed {
        let count: u32 = self.numbers.iter().map(|(_, count)| count).sum();
        let entries = format!("/Type/ObjStm/N {count}/First {}", self.heads.len());
        // Moved within what they have, rather than put together in some megabytes of their own.
        self.bodies.splice(..0, self.heads);
        Packed {
            entries,
            data: self.bodies,
            numbers: self.numbers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::deflated;
    use hayro_syntax::Pdf;
    use hayro_syntax::object::{Dict, ObjectIdentifier, Stream};

    #[test]
    fn objects_are_found_where_the_table_says_alone_and_in_streams() {
        let mut output = Output::new(Vec::new()).unwrap();
        output.object(1, b"<</Type/Catalog/Pages 6 0 R>>").unwrap();
        let mut together = ObjectStream::default();
        for number in 6..9_u32 {
            let body = together.next(number);
            put(
                body,
                format_args!("<</Type/Pages/Kids[]/Count 0/Own {number}>>"),
            );
        }
        put(together.next(12), format_args!("<</Own 12>>"));
        let packed = together.finish();
        assert_eq!(packed.numbers, [(6, 3), (12, 1)]);
        output
            .stream(4, &packed.entries, &deflated(&packed.data))
            .unwrap();
        output.in_stream(&packed.numbers, 4);
        output.stream(3, "", &deflated(b"words")).unwrap();
        // Whoever does not understand the table, and looks for objects in the whole file, finds others.
        let decoy = b"\n3 0 obj<</Own 0>>\nendobj\n12 0 obj<</Own 0>>\nendobj\n";
        output.stream(5, "", decoy).unwrap();
        let file = output
            .finish(13, "/Root 1 0 R", &mut Deflater::new())
            .unwrap();
        let pdf = Pdf::new(file).unwrap();
        for number in [6, 7, 8, 12] {
            let dict: Dict<'_> = pdf.xref().get(ObjectIdentifier::new(number, 0)).unwrap();
            assert_eq!(dict.get::<i32>("Own"), Some(number));
        }
        let stream: Stream<'_> = pdf.xref().get(ObjectIdentifier::new(3, 0)).unwrap();
        assert_eq!(stream.decoded().unwrap().as_ref(), b"words");
        assert!(
            pdf.xref()
                .get::<Dict<'_>>(ObjectIdentifier::new(2, 0))
                .is_none()
        );
    }

    #[test]
    fn a_long_table_is_compressed_as_it_comes_and_reads_like_a_short_one() {
        for count in [3, 10_000, 20_000] {
            let mut rows = Rows::new(1);
            for place in 0..count {
                rows.add(1, place, 0).unwrap();
            }
            assert_eq!(rows.encoder.is_some(), count > 3);
            let data = rows.finish(&mut Deflater::new()).unwrap();
            let mut lines = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(data.as_slice());
            std::io::Read::read_to_end(&mut decoder, &mut lines).unwrap();
            let (rows, rest) = lines.as_chunks::<8>();
            assert!(rest.is_empty() && rows.len() as u64 == count);
            let mut row = [0_u8; 8];
            for (place, line) in (0..count).zip(rows) {
                for (own, moved) in row.iter_mut().zip(line).skip(1) {
                    *own = own.wrapping_add(*moved);
                }
                let [.., b, c, d, e] = place.to_be_bytes();
                assert_eq!(row, [0, 1, b, c, d, e, 0, 0]);
            }
        }
    }

    #[test]
    fn places_behind_four_gibibytes_have_room() {
        let rows = |last| {
            let mut rows = Rows::new(last);
            rows.add(1, last, 7).unwrap();
            rows.add(2, last, 7).unwrap();
            let mut lines = Vec::new();
            let data = rows.finish(&mut Deflater::new()).unwrap();
            let mut decoder = flate2::read::ZlibDecoder::new(data.as_slice());
            std::io::Read::read_to_end(&mut decoder, &mut lines).unwrap();
            lines
        };
        let short = [2, 1, 255, 255, 255, 255, 0, 7, 2, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(rows(u64::from(u32::MAX)), short);
        let long = rows(u64::from(u32::MAX) + 1);
        assert_eq!(long.split_at(12).0, [2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7]);
    }
}
