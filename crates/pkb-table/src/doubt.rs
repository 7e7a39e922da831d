//! Single-byte encodings that a text may be in: which of them make plausible text of all its bytes, and
//! whether they make the same. If they do not, nobody but the operator can say which is right.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, Read},
};

use encoding_rs::{
    ISO_8859_2, ISO_8859_14, ISO_8859_15, MACINTOSH, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254,
    WINDOWS_1257,
};

use super::{code_page::CodePage, encoding::EncodingChoice, plausible::is_plausible};

/// Bytes looked at together.
const BUFFER: usize = 256 << 10;
/// So many words are shown.
const WORDS: usize = 5;
/// So many doubtful letters of a word are shown at most.
const SHOWN_LETTERS: usize = 2;

/// Central Europe, and the Baltic.
const RARE: [&encoding_rs::Encoding; 3] = [WINDOWS_1250, ISO_8859_2, WINDOWS_1257];

/// An encoding with one byte for each character, and what was seen of it.
struct Candidate {
    encoding: EncodingChoice,
    /// The characters of the bytes from 0x80.
    characters: Vec<char>,
    /// Files of British hospitals are hardly ever in it: it is shown where Windows-1252 makes nothing of a text, and makes no doubt
    /// by itself.
    is_rare: bool,
    plausible: bool,
    /// It reads something otherwise than Windows-1252, the first candidate.
    differs: bool,
    /// The first words that make doubt, by line: those that Windows-1252 makes nothing of; and for another
    /// encoding those that it reads otherwise, and just as well.
    words: Vec<(u64, Vec<u8>)>,
}

impl Candidate {
    fn new(encoding: EncodingChoice) -> Self {
        let character = |byte: u8| match encoding {
            EncodingChoice::Dos(page) => page.character(byte),
            EncodingChoice::Web(web) => web
                .decode_without_bom_handling_and_without_replacement(&[byte])
                .and_then(|text| text.chars().next())
                .unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        Self {
            encoding,
            characters: (0x80..=0xff).map(character).collect(),
            is_rare: RARE.iter().any(|rare| encoding == (*rare).into()),
            plausible: true,
            differs: false,
            words: Vec::new(),
        }
    }

    fn keep_words(&mut self, line: u64, cell: &[u8]) {
        for word in cell.split(|byte| *byte == b' ') {
            let is_new = || self.words.iter().all(|(_, known)| known != word);
            if self.words.len() < WORDS && !word.is_ascii() && is_new() {
                self.words.push((line, word.to_vec()));
            }
        }
    }

    fn character(&self, byte: u8) -> char {
        match byte.checked_sub(0x80) {
            None => char::from(byte),
            Some(at) => self.characters[usize::from(at)],
        }
    }
}

/// What the bytes of a text that is not UTF-8 may mean.
pub(super) struct Doubt {
    /// Windows-1252 first.
    candidates: Vec<Candidate>,
    line: u64,
    /// A carriage return ended the last line: a line feed belongs to it.
    after_cr: bool,
    text: Vec<char>,
}

impl Doubt {
    /// Looks through all text. `guess` is what somebody else makes of it.
    pub(super) fn read(mut from: impl Read, guess: EncodingChoice) -> io::Result<Self> {
        let mut doubt = Self::new(guess);
        let mut buffer = vec![0; BUFFER];
        // The beginning of a cell whose end is not read yet.
        let mut kept = 0;
        loop {
            let read = match from.read(&mut buffer[kept..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let seen = kept + read;
            let complete = match buffer[..seen].iter().rposition(|byte| is_edge(*byte)) {
                Some(last) if read > 0 => last + 1,
                None if read > 0 && seen < BUFFER => 0,
                _ => seen,
            };
            doubt.look(&buffer[..complete]);
            if read == 0 {
                return Ok(doubt);
            }
            buffer.copy_within(complete..seen, 0);
            kept = seen - complete;
        }
    }

    fn new(guess: EncodingChoice) -> Self {
        let mut encodings = vec![
            WINDOWS_1252.into(),
            EncodingChoice::Dos(CodePage::Cp850),
            EncodingChoice::Dos(CodePage::Cp437),
            MACINTOSH.into(),
            ISO_8859_14.into(),
            ISO_8859_15.into(),
            WINDOWS_1254.into(),
        ];
        encodings.extend(RARE.map(EncodingChoice::from));
        let is_other = !encodings.contains(&guess);
        if matches!(guess, EncodingChoice::Web(web) if web.is_single_byte() && is_other) {
            encodings.push(guess);
        }
        Self {
            candidates: encodings.into_iter().map(Candidate::new).collect(),
            line: 1,
            after_cr: false,
            text: Vec::new(),
        }
    }

    /// Whole cells.
    fn look(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| is_edge(*byte)) {
            self.look_at_cell(&bytes[..end]);
            match bytes[end] {
                b'\n' if self.after_cr && end == 0 => {}
                b'\n' | b'\r' => self.line += 1,
                _ => {}
            }
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
        }
        self.look_at_cell(bytes);
    }

    fn look_at_cell(&mut self, cell: &[u8]) {
        if cell.is_ascii() {
            return;
        }
        for at in 0..self.candidates.len() {
            // Nothing more is to be learnt of an encoding that is not plausible, but words of the first.
            let known = &self.candidates[at];
            if !known.plausible && (at > 0 || known.words.len() == WORDS) {
                continue;
            }
            let Self {
                candidates, text, ..
            } = self;
            text.clear();
            text.extend(cell.iter().map(|byte| candidates[at].character(*byte)));
            let plausible = is_plausible(text);
            let differs = cell
                .iter()
                .zip(&*text)
                .any(|(byte, c)| candidates[0].character(*byte) != *c);
            let candidate = &mut candidates[at];
            candidate.plausible &= plausible;
            candidate.differs |= differs;
            if (at == 0 && !plausible) || (plausible && differs) {
                candidate.keep_words(self.line, cell);
            }
        }
    }

    /// Whether Windows-1252 makes plausible text of all bytes, and no other encoding makes plausible text
    /// that is not the same.
    pub(super) fn is_surely_windows_1252(&self) -> bool {
        let [windows, others @ ..] = &*self.candidates else {
            return false;
        };
        windows.plausible
            && !others
                .iter()
                .any(|other| !other.is_rare && other.plausible && other.differs)
    }

    /// What to ask the operator.
    pub(super) fn question(&self) -> Question {
        let windows = |candidate: &&Candidate| candidate.encoding == EncodingChoice::WINDOWS_1252;
        let mut likely: Vec<&Candidate> = self
            .candidates
            .iter()
            .filter(|candidate| candidate.plausible && (candidate.differs || windows(candidate)))
            .filter(|candidate| !candidate.is_rare || !self.candidates[0].plausible)
            .collect();
        let unlikely = self.candidates.iter().filter(|candidate| {
            // Windows-1252 is shown whatever it makes of the text: it is what most files are in.
            !candidate.plausible && (likely.is_empty() || windows(candidate))
        });
        let unlikely: Vec<&Candidate> = unlikely.collect();
        let mut words: Vec<(u64, Vec<u8>)> = Vec::new();
        // First those that Windows-1252 makes nothing of.
        let doubtful = unlikely
            .iter()
            .copied()
            .filter(windows)
            .chain(likely.iter().copied());
        for word in doubtful.flat_map(|candidate| &candidate.words) {
            if words.len() < WORDS && !words.iter().any(|(_, known)| *known == word.1) {
                words.push(word.clone());
            }
        }
        words.sort();
        let mut shown = String::new();
        let certain = likely.len();
        let likeliest = likely
            .first()
            .filter(|first| !first.is_rare)
            .map(|first| first.encoding.label())
            // It is Windows-1252 that is in doubt: where another reads as well, no command is safe to paste.
            .filter(|label| certain == 1 || label != "windows-1252");
        likely.extend(unlikely);
        for (at, candidate) in likely.iter().enumerate() {
            let label = candidate.encoding.label();
            let words: Vec<String> = words
                .iter()
                .map(|(_, word)| masked(word, candidate))
                .collect();
            let note = if at < certain { "" } else { "  (not likely)" };
            // Writing to a String does not fail.
            let _ = write!(
                shown,
                "\n  --encoding {label:<12}  {}{note}",
                words.join("  ")
            );
        }
        Question {
            shown,
            lines: lines(&words),
            likeliest,
        }
    }
}

/// What the operator is asked.
pub(super) struct Question {
    /// The doubtful words as each encoding reads them, without the letters that are certain.
    pub(super) shown: String,
    /// Their lines.
    pub(super) lines: String,
    /// The label of the likeliest encoding; `None` if none is, or only a rare one.
    pub(super) likeliest: Option<String>,
}

/// `line 2`, `lines 2, 3 and 4`.
fn lines(words: &[(u64, Vec<u8>)]) -> String {
    let lines: BTreeSet<u64> = words.iter().map(|(line, _)| *line).collect();
    let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
    match lines.split_last() {
        None => "the file".to_owned(),
        Some((only, [])) => format!("line {only}"),
        Some((last, others)) => format!("lines {} and {last}", others.join(", ")),
    }
}

/// A byte between two cells, or two parts of one.
fn is_edge(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'|' | b'\n' | b'\r')
}

/// The form of a word, in which few doubtful characters are shown: one or two that are no neighbours, or of a word
/// with more of them only the first. A name in another script is doubtful as a whole, and must not be read here.
fn masked(word: &[u8], candidate: &Candidate) -> String {
    let doubtful = word.iter().filter(|byte| !byte.is_ascii()).count();
    let most = if doubtful > SHOWN_LETTERS {
        1
    } else {
        doubtful
    };
    let (mut shown, mut after_shown) = (0, false);
    word.iter()
        .map(|byte| {
            let hidden = hidden(*byte, candidate);
            let is_shown = !byte.is_ascii() && shown < most && !after_shown;
            after_shown = is_shown;
            shown += usize::from(is_shown);
            match candidate.character(*byte) {
                c if is_shown && !c.is_control() => c,
                _ => hidden,
            }
        })
        .collect()
}

/// What is shown for a character that is not.
fn hidden(byte: u8, candidate: &Candidate) -> char {
    match byte {
        0..0x20 | 0x7f => char::REPLACEMENT_CHARACTER,
        b'0'..=b'9' => '9',
        _ => match candidate.character(byte) {
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_ascii() => c,
            _ => '*',
        },
    }
}
