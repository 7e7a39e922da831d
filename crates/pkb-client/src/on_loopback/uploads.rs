//! An upload that a busy server answers: before it can have the whole file, or after.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    client_with_tokens,
    server::{Script, Server, answer},
};
use crate::{
    CallError,
    upload::{UPLOAD_PATH, Uploaded},
};

/// More than the buffers of a connection hold.
const LARGE: usize = 48 << 20;
const SMALL: usize = 1000;
const REPORT: &str = r#"{"created":1,"updated":0,"failed":[]}"#;

/// A server that answers with `status` to the first upload, `is_early` before it reads the file, and takes those that follow. It counts
/// all uploads.
fn start(status: u16, is_early: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let uploads = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&uploads);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let is_first = seen.fetch_add(1, Ordering::SeqCst) == 0;
            let status = if is_first { status } else { 200 };
            let is_early = is_early && is_first;
            std::thread::spawn(move || serve(&stream.unwrap(), status, is_early));
        }
    });
    (url, uploads)
}

fn serve(mut stream: &TcpStream, status: u16, is_early: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head)?;
    }
    let lower = head.to_lowercase();
    let length = lower.split_once("content-length: ").unwrap().1;
    let length: u64 = length.split("\r\n").next().unwrap().parse().unwrap();
    let reply = answer(status, "", if status == 200 { REPORT } else { "" });
    if is_early {
        stream.write_all(&reply)?;
        // The client hears the answer while its file is still on the way, and goes away.
        std::thread::sleep(std::time::Duration::from_millis(500));
        std::io::copy(&mut reader, &mut std::io::sink())?;
        return Ok(());
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    stream.write_all(&reply)
}

async fn upload(status: u16, is_early: bool, bytes: usize) -> (Result<Uploaded, CallError>, usize) {
    let (url, uploads) = start(status, is_early);
    let tokens = Server::start(Script::default(), |_| answer(404, "", ""));
    let (client, _) = client_with_tokens(&url, &tokens.url);
    let result = client.upload(UPLOAD_PATH, "a.csv", vec![b'x'; bytes]).await;
    (result, uploads.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_server_that_is_busy_before_it_has_the_file_is_sent_it_again() {
    for status in [429, 503, 502] {
        let (result, uploads) = upload(status, true, LARGE).await;
        assert!(
            matches!(result, Ok(Uploaded::Processed(_))),
            "{status} {result:?}"
        );
        assert_eq!(uploads, 2, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_when_it_may_have_the_file_is_not_sent_it_again() {
    for status in [429, 503, 500, 502, 504] {
        for (is_early, bytes) in [(false, LARGE), (false, SMALL), (true, SMALL)] {
            let (result, uploads) = upload(status, is_early, bytes).await;
            assert!(
                matches!(result, Err(CallError::Unanswered)),
                "{status} {result:?}"
            );
            assert_eq!(uploads, 1, "{status}");
        }
    }
}
