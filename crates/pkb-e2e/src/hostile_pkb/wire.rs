//! Connections: requests are read and answered one after the other, and now and then with an answer too many.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::atomic::Ordering,
    time::Duration,
};

use super::{Mischief, Shared};

/// A request, as far as it matters.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// A status and a body of JSON.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    fn bytes(&self) -> Vec<u8> {
        format!(
            "HTTP/1.1 {} Answer\r\ncontent-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n{}",
            self.status,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }
}

/// Answers the requests of a connection.
///
/// # Errors
/// The other side has hung up.
pub(super) fn serve(connection: TcpStream, server: &Shared) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader)? {
        if server.stops.load(Ordering::Relaxed) {
            return Ok(());
        }
        let answer = server.answer(&request);
        let is_token = request.path.contains("oauth");
        let (late, too_many) = {
            let mut memory = server.memory();
            let late = !is_token && server.strikes(&mut memory, Mischief::Delays);
            let late = late.then(|| match memory.random.below(8) {
                0 => Duration::from_millis(1_300),
                step => Duration::from_millis(10 * step),
            });
            let too_many = !is_token && server.strikes(&mut memory, Mischief::OneTooMany);
            let at_once = memory.random.below(2) == 0;
            (late, too_many.then_some(at_once))
        };
        if let Some(late) = late {
            std::thread::sleep(late);
        }
        let mut bytes = answer.bytes();
        match too_many {
            None => writer.write_all(&bytes)?,
            Some(at_once) => {
                let more = server.unasked(&request).bytes();
                if at_once {
                    bytes.extend(more);
                    writer.write_all(&bytes)?;
                } else {
                    writer.write_all(&bytes)?;
                    writer.flush()?;
                    std::thread::sleep(Duration::from_millis(3));
                    writer.write_all(&more)?;
                }
            }
        }
        writer.flush()?;
    }
    Ok(())
}

/// The next request; `None` at the end of the connection.
fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, body }))
}
