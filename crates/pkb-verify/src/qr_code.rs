//! The contents of a QR code of which the modules are known, as those of a picture of one pixel a module are.
//!
//! Where modules lie in what order is rqrr's work. Its error correction is made for photographs and takes longer than all
//! the rest of reading a letter; a picture has no errors, and that is quickly shown: every block of a code must be divisible
//! by the code's generator (ISO/IEC 18004, 8.5). What is not so, or is more than letters need, is rqrr's work, too.

use rqrr::{Grid, MetaData, RawData, SimpleGrid};

/// What a picture of one pixel a module says, if it is a QR code. Its finder patterns reach into three corners, so its
/// modules begin and end where the black ones do; nothing has to be searched for.
pub fn content_of(side: usize, is_black: impl Fn(usize, usize) -> bool) -> Option<String> {
    let first = (0..side).find(|at| is_black(*at, *at))?;
    let size = side.checked_sub(2 * first)?;
    let is_black = |x: usize, y: usize| is_black(first + x, first + y);
    unmasked_words(size, is_black)
        .and_then(|(form, words)| content_without_errors(&form, &words))
        .or_else(|| {
            let grid = Grid::new(SimpleGrid::from_func(size, is_black));
            let (_, content) = grid.decode().ok()?;
            Some(content)
        })
}

/// The words of a code as they are in it. rqrr gives them with the mask over them, so it is taken off first, but for the
/// modules that say which mask it is (7.8 and 7.9).
fn unmasked_words(
    size: usize,
    is_black: impl Fn(usize, usize) -> bool,
) -> Option<(MetaData, RawData)> {
    let far = size.checked_sub(8)?;
    let [high, middle, low] = [2, 3, 4].map(|x| u16::from(is_black(x, 8)));
    let mask = (high ^ 1) << 2 | middle << 1 | low ^ 1;
    let is_near_corner = |at: usize| at <= 8 || at >= far;
    let grid = SimpleGrid::from_func(size, |x, y| {
        let is_form = x == 8 && is_near_corner(y) || y == 8 && is_near_corner(x);
        is_black(x, y) ^ (!is_form && is_masked(mask, x, y))
    });
    let (form, words) = Grid::new(grid).get_raw_data().ok()?;
    (form.mask == mask).then_some((form, words))
}

/// Whether a mask inverts a module (table 10).
fn is_masked(mask: u16, x: usize, y: usize) -> bool {
    let sum = match mask {
        0 => (x + y) % 2,
        1 => y % 2,
        2 => x % 3,
        3 => (x + y) % 3,
        4 => (y / 2 + x / 3) % 2,
        5 => (x * y) % 2 + (x * y) % 3,
        6 => ((x * y) % 2 + (x * y) % 3) % 2,
        _ => ((x + y) % 2 + (x * y) % 3) % 2,
    };
    sum == 0
}

/// Versions up to 10 have 57 modules a side, and room for links twice as long as ours.
const VERSIONS: usize = 10;
/// Code words of each version (table 1).
const CODE_WORDS: [usize; VERSIONS] = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346];
/// Of each level, as rqrr numbers them (M, L, H, Q), and of each version: code words for errors a block (table 9).
const ERROR_WORDS: [[usize; VERSIONS]; 4] = [
    [10, 16, 26, 18, 24, 16, 18, 22, 22, 26],
    [7, 10, 15, 20, 26, 18, 20, 24, 30, 18],
    [17, 28, 22, 16, 22, 28, 26, 26, 24, 28],
    [13, 22, 18, 26, 18, 24, 18, 22, 20, 24],
];
/// And how many blocks.
const BLOCKS: [[usize; VERSIONS]; 4] = [
    [1, 1, 1, 2, 2, 4, 4, 4, 5, 5],
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 4],
    [1, 1, 2, 4, 4, 4, 5, 6, 8, 8],
    [1, 1, 2, 2, 4, 4, 6, 6, 8, 8],
];

/// `None` if there are errors, or it is not a text in bytes.
fn content_without_errors(form: &MetaData, words: &RawData) -> Option<String> {
    let (version, level) = (form.version.0.checked_sub(1)?, usize::from(form.ecc_level));
    let count = *CODE_WORDS.get(version)?;
    let errors = *ERROR_WORDS.get(level)?.get(version)?;
    let blocks = *BLOCKS.get(level)?.get(version)?;
    let words = words.data.get(..count)?;
    let (data, error_words) = words.split_at_checked(count - errors * blocks)?;
    // The last blocks have a word more, if they cannot all have as many; it comes last of the data.
    let (short, longer) = (data.len() / blocks, data.len() % blocks);
    let mut text = Vec::with_capacity(data.len());
    for block in 0..blocks {
        let start = text.len();
        text.extend((0..short).filter_map(|at| data.get(at * blocks + block)));
        if let Some(more) = (block + longer).checked_sub(blocks) {
            text.push(*data.get(short * blocks + more)?);
        }
        let error_words = (0..errors).filter_map(|at| error_words.get(at * blocks + block));
        let whole = text.get(start..)?.iter().chain(error_words);
        if (0..errors).any(|power| value_at(whole.clone(), power) != 0) {
            return None;
        }
    }
    text_in_bytes(&text, version + 1)
}

/// The text of a stream of bits that has nothing but bytes in it (7.4).
fn text_in_bytes(words: &[u8], version: usize) -> Option<String> {
    let mut bits = Bits { words, at: 0 };
    let mut text = Vec::new();
    loop {
        // The end of the text, if there is room for a sign of it.
        match bits.next(4.min(bits.left()))? {
            0 => return String::from_utf8(text).ok(),
            4 => {}
            _ => return None,
        }
        let count = bits.next(if version < 10 { 8 } else { 16 })?;
        for _ in 0..count {
            text.push(u8::try_from(bits.next(8)?).ok()?);
        }
    }
}

struct Bits<'a> {
    words: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn left(&self) -> usize {
        8 * self.words.len() - self.at
    }

    fn next(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for at in self.at..self.at + count {
            let word = *self.words.get(at / 8)?;
            value = value << 1 | u32::from(word >> (7 - at % 8) & 1);
        }
        self.at += count;
        Some(value)
    }
}

/// The value of a polynomial over the field of 256 elements at the generator to the power of `power`.
fn value_at<'a>(polynomial: impl Iterator<Item = &'a u8>, power: usize) -> u8 {
    polynomial.fold(0, |value, word| word ^ times_power(value, power))
}

fn times_power(value: u8, power: usize) -> u8 {
    match value {
        0 => 0,
        value => POWERS[usize::from(LOGARITHMS[usize::from(value)]) + power],
    }
}

/// Powers of the generator 2, over the field that QR codes use, as often as sums of two logarithms need them.
const POWERS: [u8; 512] = {
    let mut powers = [0; 512];
    let (mut at, mut value) = (0, 1_u16);
    while at < 512 {
        powers[at] = value as u8;
        value <<= 1;
        if value > 255 {
            value ^= 0b1_0001_1101;
        }
        at += 1;
    }
    powers
};

const LOGARITHMS: [u8; 256] = {
    let mut logarithms = [0; 256];
    let mut at = 0;
    while at < 255 {
        logarithms[POWERS[at] as usize] = at as u8;
        at += 1;
    }
    logarithms
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

    use super::*;

    /// The code with its margin, as in a picture.
    fn picture(code: &QrCode) -> (usize, Vec<bool>) {
        let size = code.size();
        let modules = (-4..size + 4).flat_map(|y| (-4..size + 4).map(move |x| (x, y)));
        let modules = modules.map(|(x, y)| code.get_module(x, y)).collect();
        (usize::try_from(size + 8).unwrap(), modules)
    }

    fn read(side: usize, modules: &[bool]) -> Option<String> {
        content_of(side, |x, y| modules[y * side + x])
    }

    fn is_quick(side: usize, modules: &[bool]) -> bool {
        let words = unmasked_words(side - 8, |x, y| modules[(y + 4) * side + x + 4]);
        words.is_some_and(|(form, words)| content_without_errors(&form, &words).is_some())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn all_versions_and_levels_read_as_they_were_written(
            text in "[ -~ŵé]{1,24}", version in 1..=12_u8, level in 0..4_usize, damaged in any::<prop::sample::Index>(),
        ) {
            let level = [QrCodeEcc::Low, QrCodeEcc::Medium, QrCodeEcc::Quartile, QrCodeEcc::High][level];
            let segments = [QrSegment::make_bytes(text.as_bytes())];
            let (version, last) = (Version::new(version), Version::new(13));
            let code = QrCode::encode_segments_advanced(&segments, level, version, last, None, false).unwrap();
            let (side, mut modules) = picture(&code);
            prop_assert_eq!(read(side, &modules), Some(text.clone()));
            prop_assert_eq!(is_quick(side, &modules), code.version().value() <= 10);
            // Below the finder patterns and outside of the format: a word of the text, or one for errors.
            let (x, y) = (4 + 9 + damaged.index(side - 8 - 18), 4 + 9);
            modules[y * side + x] ^= true;
            prop_assert_eq!(read(side, &modules), Some(text));
        }
    }

    #[test]
    fn a_code_with_an_error_is_not_taken_for_one_without() {
        let code = QrCode::encode_text("https://example.org/?a=b", QrCodeEcc::Medium).unwrap();
        let (side, mut modules) = picture(&code);
        assert!(is_quick(side, &modules));
        let module = 14 * side + 14;
        modules[module] ^= true;
        assert!(!is_quick(side, &modules));
        assert_eq!(
            read(side, &modules).as_deref(),
            Some("https://example.org/?a=b")
        );
        assert_eq!(read(side, &vec![true; side * side]), None);
        assert_eq!(read(0, &[]), None);
    }
}
