//! The objects of a PDF, one by one from where they are in the file: a file of 50,000 letters has millions, and memory should
//! hold no more than a few bytes for each letter.
//!
//! Only what programs write today is understood: one cross-reference stream, objects in streams, no encryption, nothing
//! repaired (ISO 32000-1, 7.5). Whoever asks reads other files whole (`None` everywhere says so).

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

use flate2::bufread::ZlibDecoder;

use super::page_reader::SHORT;
use super::scanner::{Scanner, entry, number_of, reference_of};

/// Bytes that are read at places.
#[derive(Clone)]
pub enum Bytes {
    /// Of a file.
    File(Arc<File>, u64),
    /// In memory.
    Memory(Arc<Vec<u8>>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::new(bytes))
    }
}

impl Bytes {
    /// Those of a file, which is read while they are used.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::of(File::open(path)?)
    }

    /// Those of an open file, as long as it is now.
    ///
    /// # Errors
    /// It cannot be asked how long it is.
    pub fn of(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File(Arc::new(file), length))
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// In memory, if they are so few that they are read whole in any case; `None` if they cannot be read.
    pub fn read_if_short(self) -> Option<Self> {
        match self.len() {
            0..=SHORT => self.all().map(Self::Memory),
            _ => Some(self),
        }
    }

    /// All of them; `None` if they cannot be read.
    pub fn all(self) -> Option<Arc<Vec<u8>>> {
        match self {
            Self::Memory(bytes) => Some(bytes),
            Self::File(_, length) => self.read(0..length).map(Arc::new),
        }
    }

    /// All of them, as a stream.
    #[must_use]
    pub fn reader(&self) -> ReadFrom<'_> {
        ReadFrom { bytes: self, at: 0 }
    }

    /// Those in a range; `None` if they are not there.
    pub fn read(&self, range: Range<u64>) -> Option<Vec<u8>> {
        use std::os::unix::fs::FileExt as _;
        if range.end > self.len() {
            return None;
        }
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        let start = usize::try_from(range.start).ok()?;
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, range.start).ok()?;
                Some(bytes)
            }
            Self::Memory(bytes) => Some(bytes.get(start..start + length)?.to_vec()),
        }
    }
}

/// As a stream from a place on.
pub struct ReadFrom<'a> {
    bytes: &'a Bytes,
    at: u64,
}

impl Read for ReadFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.bytes.len().min(self.at + buffer.len() as u64);
        let read = self
            .bytes
            .read(self.at..end.max(self.at))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(part) = buffer.get_mut(..read.len()) {
            part.copy_from_slice(&read);
        }
        self.at += read.len() as u64;
        Ok(read.len())
    }
}

/// Objects with numbers that follow each other, in one object stream.
struct InStream {
    first: u32,
    count: u32,
    stream: u32,
    index: u32,
}

/// Where the objects are.
pub struct Objects {
    bytes: Bytes,
    /// Numbers and offsets, by number.
    direct: Vec<(u32, u64)>,
    /// All offsets: an object ends where the next begins.
    offsets: Vec<u64>,
    in_streams: Vec<InStream>,
    /// Number of the catalogue.
    pub root: u32,
    /// One more than the highest number.
    pub size: u32,
}

/// Most bytes of one object stream: what is longer is not ours.
const LONGEST: u64 = 256 << 20;

impl Objects {
    /// Reads where the objects are.
    pub fn read(bytes: Bytes) -> Option<Self> {
        let at = last_table(&bytes)?;
        let head = bytes.read(at..bytes.len().min(at + 4096))?;
        let mut scanner = Scanner::new(&head);
        scanner.object_number()?;
        let dict = scanner.value()?;
        let start = at + scanner.start_of_stream()? as u64;
        let name = |key: &str| entry(dict, key);
        let is_plain = name("Type")? == b"/XRef"
            && name("Filter")? == b"/FlateDecode"
            && ["Prev", "XRefStm", "Encrypt", "Index"]
                .into_iter()
                .all(|key| name(key).is_none());
        let [1, wide, narrow] = numbers::<3>(name("W")?)? else {
            return None;
        };
        if !is_plain || !(1..=8).contains(&wide) || narrow > 4 {
            return None;
        }
        let width = 1 + wide + narrow;
        let has_predictor = match name("DecodeParms") {
            None => false,
            Some(parameters) => {
                let is_up = entry(parameters, "Predictor").and_then(number_of)? >= 10
                    && entry(parameters, "Columns").and_then(number_of)? == width as u64
                    && entry(parameters, "Colors").is_none()
                    && entry(parameters, "BitsPerComponent").is_none();
                if !is_up {
                    return None;
                }
                true
            }
        };
        let mut objects = Self {
            bytes: bytes.clone(),
            direct: Vec::new(),
            offsets: vec![at, bytes.len()],
            in_streams: Vec::new(),
            root: reference_of(name("Root")?)?,
            size: u32::try_from(number_of(name("Size")?)?).ok()?,
        };
        let stream = ReadFrom {
            bytes: &bytes,
            at: start,
        };
        let mut table = BufReader::new(ZlibDecoder::new(BufReader::new(stream)));
        let mut row = vec![0_u8; width];
        let mut line = vec![0_u8; width + usize::from(has_predictor)];
        for number in 0..objects.size {
            table.read_exact(&mut line).ok()?;
            match (line.split_first(), has_predictor) {
                (Some((2, rest)), true) => {
                    for (byte, difference) in row.iter_mut().zip(rest) {
                        *byte = byte.wrapping_add(*difference);
                    }
                }
                (Some((0, rest)), true) => row.copy_from_slice(rest),
                (_, false) => row.copy_from_slice(&line),
                _ => return None,
            }
            let (place, index) = row.get(1..)?.split_at_checked(wide)?;
            objects.enter(number, *row.first()?, big_endian(place), big_endian(index))?;
        }
        if !table.fill_buf().ok()?.is_empty() {
            return None;
        }
        objects.offsets.sort_unstable();
        objects.offsets.dedup();
        Some(objects)
    }

    fn enter(&mut self, number: u32, kind: u8, place: u64, index: u64) -> Option<()> {
        match (kind, index) {
            (0, _) => {}
            (1, 0) => {
                self.direct.push((number, place));
                self.offsets.push(place);
            }
            (2, _) => {
                let (stream, index) = (u32::try_from(place).ok()?, u32::try_from(index).ok()?);
                match self.in_streams.last_mut() {
                    Some(run)
                        if run.stream == stream
                            && run.first + run.count == number
                            && run.index + run.count == index =>
                    {
                        run.count += 1;
                    }
                    _ => self.in_streams.push(InStream {
                        first: number,
                        count: 1,
                        stream,
                        index,
                    }),
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// An object that stands in the file, from its number to what is behind its end.
    fn direct(&self, number: u32) -> Option<Vec<u8>> {
        let at = self
            .direct
            .binary_search_by_key(&number, |(number, _)| *number);
        let (_, start) = self.direct.get(at.ok()?)?;
        let after = self.offsets.partition_point(|offset| offset <= start);
        let bytes = self.bytes.read(*start..*self.offsets.get(after)?)?;
        (Scanner::new(&bytes).object_number()? == number).then_some(bytes)
    }

    fn in_stream(&self, number: u32) -> Option<(u32, usize)> {
        let after = self.in_streams.partition_point(|run| run.first <= number);
        let run = self.in_streams.get(after.checked_sub(1)?)?;
        let index = run.index + (number - run.first);
        (number - run.first < run.count).then_some((run.stream, index as usize))
    }
}

/// Reads objects, and remembers the last object streams.
pub struct Reader<'a> {
    objects: &'a Objects,
    /// Numbers and streams, the last that was used first.
    streams: Vec<(u32, ObjectStream)>,
}

/// So many are remembered: pages of different letters that follow each other can stand in different ones.
const STREAMS: usize = 16;
/// So many bytes are inflated at least.
const INFLATED_AT_ONCE: u64 = 16 << 10;

/// An object stream, inflated as far as was asked for: pages come first in ours, and are a twentieth of all.
struct ObjectStream {
    /// `None` if all is inflated.
    rest: Option<io::Take<ZlibDecoder<io::Cursor<Vec<u8>>>>>,
    bytes: Vec<u8>,
    /// How many objects it has, and where the first begins.
    count: usize,
    first: usize,
    /// Number and place of those that were looked for, and where the next of these stands.
    places: Vec<(u32, usize)>,
    next_place: usize,
}

impl ObjectStream {
    /// Inflates until there are so many bytes.
    fn inflate(&mut self, length: usize) -> Option<()> {
        while self.bytes.len() < length {
            let rest = self.rest.as_mut()?;
            let missing = (length - self.bytes.len()) as u64;
            let mut part = rest.take(missing.max(INFLATED_AT_ONCE));
            if part.read_to_end(&mut self.bytes).ok()? == 0 {
                return None;
            }
        }
        Some(())
    }

    /// Number and place of an object; behind the last, what remains.
    fn place(&mut self, index: usize) -> Option<(u32, usize)> {
        while self.places.len() <= index {
            if self.places.len() == self.count {
                if let Some(mut rest) = self.rest.take() {
                    rest.read_to_end(&mut self.bytes).ok()?;
                }
                self.places.push((0, self.bytes.len()));
                continue;
            }
            let mut head = Scanner::new(self.bytes.get(self.next_place..self.first)?);
            let number = u32::try_from(number_of(head.value()?)?).ok()?;
            let place = usize::try_from(number_of(head.value()?)?).ok()?;
            self.next_place = self.first - head.rest().len();
            let place = self.first.checked_add(place)?;
            if self.places.last().is_some_and(|(_, last)| *last > place) {
                return None;
            }
            self.places.push((number, place));
        }
        self.places.get(index).copied()
    }

    /// The number of an object, and the object.
    fn object(&mut self, index: usize) -> Option<(u32, &[u8])> {
        let (number, start) = self.place(index)?;
        let (_, end) = self.place(index.checked_add(1)?)?;
        self.inflate(end)?;
        Some((number, self.bytes.get(start..end)?))
    }
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            streams: Vec::new(),
        }
    }

    /// The value of an object, with its stream if it has one, and `endobj`: `body` gets what stands behind `obj`.
    pub fn object<T>(&mut self, number: u32, body: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let Some((stream, index)) = self.objects.in_stream(number) else {
            let bytes = self.objects.direct(number)?;
            let mut scanner = Scanner::new(&bytes);
            scanner.object_number()?;
            return body(scanner.rest());
        };
        match self.streams.iter().position(|(known, _)| *known == stream) {
            Some(at) => self.streams.get_mut(..=at)?.rotate_right(1),
            None => {
                let inflated = self.object_stream(stream)?;
                self.streams.truncate(STREAMS - 1);
                self.streams.insert(0, (stream, inflated));
            }
        }
        let (_, stream) = self.streams.first_mut()?;
        let (own, object) = stream.object(index)?;
        if own != number {
            return None;
        }
        body(object)
    }

    fn object_stream(&self, number: u32) -> Option<ObjectStream> {
        let bytes = self.objects.direct(number)?;
        let mut scanner = Scanner::new(&bytes);
        scanner.object_number()?;
        let dict = scanner.value()?;
        let is_plain = entry(dict, "Type")? == b"/ObjStm" && entry(dict, "DecodeParms").is_none();
        let number = |key: &str| {
            let number = entry(dict, key).and_then(number_of)?;
            usize::try_from(number).ok()
        };
        let (count, first, length) = (number("N")?, number("First")?, number("Length")?);
        let start = scanner.start_of_stream()?;
        let raw = bytes.get(start..start.checked_add(length)?)?;
        if !is_plain {
            return None;
        }
        let (rest, bytes) = match entry(dict, "Filter") {
            Some(b"/FlateDecode") => {
                let inflater = ZlibDecoder::new(io::Cursor::new(raw.to_vec()));
                (Some(inflater.take(LONGEST)), Vec::new())
            }
            None => (None, raw.to_vec()),
            _ => return None,
        };
        let mut stream = ObjectStream {
            rest,
            bytes,
            count,
            first,
            places: Vec::new(),
            next_place: 0,
        };
        stream.inflate(first)?;
        Some(stream)
    }
}

/// Where the file says that its table of objects is.
fn last_table(bytes: &Bytes) -> Option<u64> {
    let start = bytes.len().saturating_sub(1024);
    let tail = bytes.read(start..bytes.len())?;
    let key = b"startxref";
    let at = tail.windows(key.len()).rposition(|part| part == key)?;
    number_of(Scanner::new(tail.get(at + key.len()..)?).value()?)
}

fn numbers<const N: usize>(array: &[u8]) -> Option<[usize; N]> {
    let inner = array.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut scanner = Scanner::new(inner);
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = usize::try_from(number_of(scanner.value()?)?).ok()?;
    }
    scanner.rest().trim_ascii().is_empty().then_some(numbers)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
