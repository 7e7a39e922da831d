//! A server that writes what it wants to, when it wants to. It never closes a connection of its own accord, whatever the client asks for.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

/// A request: which connection it came by, counted from 0, its head in small letters, and all of it as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) connection: usize,
    pub(super) head: String,
    pub(super) whole: String,
}

impl Request {
    /// The path, without the query.
    pub(super) fn path(&self) -> &str {
        let target = self.head.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// The last part of the path but `behind`.
    pub(super) fn part(&self, behind: usize) -> &str {
        self.path().rsplit('/').nth(behind).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn is_for_token(&self) -> bool {
        self.path() == "/token"
    }
}

/// What is written before, for and after a request.
#[derive(Clone, Default)]
pub(super) struct Script {
    /// On a connection before any request has come.
    pub(super) early: Vec<u8>,
    /// Of the answer before, in front of each answer.
    pub(super) repeats_the_last: bool,
    /// How much of the answer is repeated after it: all is 1.
    pub(super) surplus: f64,
    /// After how long.
    pub(super) surplus_after: Duration,
}

pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request with what `answer` says: whole, with its head. Requests for access tokens are answered right, and not
    /// counted.
    pub(super) fn start(
        script: Script,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with_tokens(script, move |request| match request.is_for_token() {
            true => access_token("a"),
            false => answer(request),
        })
    }

    /// The same for a server of which access tokens are tested.
    pub(super) fn start_with_tokens(
        script: Script,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let script = script.clone();
                std::thread::spawn(move || {
                    // It ends when the client closes the connection.
                    serve(connection, &stream.unwrap(), &script, &seen, &*answer)
                });
            }
        });
        Self { url, requests }
    }

    /// The requests so far, but for those for access tokens.
    pub(super) fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        let asked = requests.iter().filter(|request| !request.is_for_token());
        asked.cloned().collect()
    }

    /// The requests for access tokens.
    pub(super) fn token_requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        let asked = requests.iter().filter(|request| request.is_for_token());
        asked.cloned().collect()
    }

    /// How many access tokens were asked for.
    pub(super) fn tokens(&self) -> usize {
        self.token_requests().len()
    }
}

fn serve(
    connection: usize,
    mut stream: &TcpStream,
    script: &Script,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Vec<u8> + Send + Sync),
) -> std::io::Result<()> {
    stream.write_all(&script.early)?;
    let mut reader = BufReader::new(stream);
    let mut last = Vec::new();
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let mut request = Request {
            connection,
            head: head.to_lowercase(),
            whole: head,
        };
        let length = request.header("content-length");
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body)?;
        request.whole.push_str(&String::from_utf8_lossy(&body));
        let bytes = answer(&request);
        let is_token = request.is_for_token();
        seen.lock().push(request);
        if is_token {
            stream.write_all(&bytes)?;
            continue;
        }
        if script.repeats_the_last {
            stream.write_all(&last)?;
        }
        let surplus = bytes[..(bytes.len() as f64 * script.surplus) as usize].to_vec();
        if script.surplus_after.is_zero() {
            stream.write_all(&[bytes.clone(), surplus].concat())?;
        } else {
            stream.write_all(&bytes)?;
            let mut late = stream.try_clone()?;
            let after = script.surplus_after;
            std::thread::spawn(move || {
                std::thread::sleep(after);
                late.write_all(&surplus)
            });
        }
        last = bytes;
    }
}

/// An answer with this status, these lines of its head, and this body.
pub(super) fn answer(status: u16, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{lines}\r\n{body}").into_bytes()
}

pub(super) fn access_token(token: &str) -> Vec<u8> {
    let body =
        serde_json::json!({"access_token": token, "token_type": "bearer", "expires_in": 600});
    answer(200, "content-type: application/json\r\n", &body.to_string())
}
