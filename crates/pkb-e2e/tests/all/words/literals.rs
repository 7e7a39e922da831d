//! The string literals of Rust source, without those of its tests.

/// A literal with the line that it begins on.
pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
}

/// The literals of a file, as they are written: escapes stay, lines that a backslash continues are joined.
pub(super) fn literals(source: &str) -> Vec<Literal> {
    let source = match source.find("\n#[cfg(test)]\nmod ") {
        // A module of tests in the file is at its end; one in a file of its own is declared anywhere.
        Some(at)
            if source[at + 19..]
                .lines()
                .next()
                .is_some_and(|line| line.ends_with('{')) =>
        {
            &source[..at]
        }
        _ => source,
    };
    let mut scanner = Scanner {
        source: source.as_bytes(),
        at: 0,
        line: 1,
        found: Vec::new(),
    };
    scanner.run();
    scanner.found
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    line: usize,
    found: Vec<Literal>,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.source.get(self.at) {
            match byte {
                b'/' if self.starts_with(b"//") => self.skip_until(b"\n"),
                b'/' if self.starts_with(b"/*") => self.skip_until(b"*/"),
                b'r' if !self.is_within_word() && self.raw_quotes().is_some() => self.raw(),
                b'"' => self.quoted(),
                b'\'' => self.character(),
                _ => self.step(),
            }
        }
    }

    fn starts_with(&self, what: &[u8]) -> bool {
        self.source[self.at..].starts_with(what)
    }

    fn step(&mut self) {
        if self.source.get(self.at) == Some(&b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn skip_until(&mut self, end: &[u8]) {
        while self.at < self.source.len() && !self.starts_with(end) {
            self.step();
        }
        for _ in 0..end.len() {
            self.step();
        }
    }

    fn is_within_word(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.source[at]);
        before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b' || byte == b'_')
    }

    /// How many # a raw literal has, if one begins here.
    fn raw_quotes(&self) -> Option<usize> {
        let behind = &self.source[self.at + 1..];
        let marks = behind.iter().take_while(|byte| **byte == b'#').count();
        (behind.get(marks) == Some(&b'"')).then_some(marks)
    }

    fn raw(&mut self) {
        let marks = self.raw_quotes().unwrap_or_default();
        let end = [b"\"".as_slice(), "#".repeat(marks).as_bytes()].concat();
        self.at += marks + 2;
        let (from, line) = (self.at, self.line);
        while self.at < self.source.len() && !self.starts_with(&end) {
            self.step();
        }
        let literal = self.source[from..self.at].to_vec();
        self.push(line, &literal);
        self.at += end.len();
    }

    fn quoted(&mut self) {
        let line = self.line;
        self.at += 1;
        let mut text = Vec::new();
        while let Some(&byte) = self.source.get(self.at) {
            if byte == b'"' {
                break;
            }
            if self.starts_with(b"\\\n") {
                self.step();
                while self
                    .source
                    .get(self.at)
                    .is_some_and(u8::is_ascii_whitespace)
                {
                    self.step();
                }
                continue;
            }
            text.push(byte);
            self.step();
            if byte == b'\\' {
                text.extend(self.source.get(self.at));
                self.step();
            }
        }
        self.step();
        self.push(line, &text);
    }

    /// A character, or the beginning of a lifetime.
    fn character(&mut self) {
        let behind = &self.source[self.at + 1..];
        let length = match behind {
            [b'\\', _, rest @ ..] => rest.iter().position(|byte| *byte == b'\'').map(|at| at + 4),
            _ => {
                let text = std::str::from_utf8(&behind[..behind.len().min(5)]);
                let valid = text.unwrap_or_else(|error| {
                    std::str::from_utf8(&behind[..error.valid_up_to()]).unwrap()
                });
                let width = valid.chars().next().map_or(1, char::len_utf8);
                (behind.get(width) == Some(&b'\'')).then_some(width + 2)
            }
        };
        self.at += length.unwrap_or(1);
    }

    fn push(&mut self, line: usize, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.found.push(Literal { line, text });
    }
}

#[test]
fn literals_are_found_and_nothing_else() {
    let source = "let a = \"one\\\"\\\n   two\"; // \"no\"\nlet b = '\"'; let c = r#\"three\"#; fn d<'a>() {}\n/* \"no\" */ x(\"four\");\n#[cfg(test)]\nmod tests {\n \"no\" }\n";
    let found: Vec<_> = literals(source)
        .into_iter()
        .map(|one| (one.line, one.text))
        .collect();
    let wanted = [(1, "one\\\"two"), (3, "three"), (4, "four")];
    assert_eq!(found, wanted.map(|(line, text)| (line, text.to_owned())));
}
