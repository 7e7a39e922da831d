//! Certificates made for a test, servers that show them, and a proxy.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd as day,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::PrivatePkcs8KeyDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{
    number,
    server::{access_token, answer},
};

/// The name of a server that is not this machine: nobody but the proxy knows where it is.
pub(super) const ELSEWHERE: &str = "pkb.example";

/// Who signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(super) struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// For what a certificate is made.
pub(super) fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = params("authority.example");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn signed(&self, params: &CertificateParams) -> Signed {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Signed { certificate, key }
    }

    /// Its certificate in a file.
    pub(super) fn file(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("authority.pem");
        std::fs::write(&path, self.0.pem()).unwrap();
        path
    }

    /// Takes clients that show a certificate of this authority, and no others.
    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap()
    }
}

impl Signed {
    /// The certificate and its key in a file.
    pub(super) fn file(&self, folder: &tempfile::TempDir, name: &str) -> PathBuf {
        let path = folder.path().join(name);
        let both = self.certificate.pem() + &self.key.serialize_pem();
        std::fs::write(&path, both).unwrap();
        path
    }

    fn config(&self, clients: Option<Arc<dyn ClientCertVerifier>>) -> Arc<ServerConfig> {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let config = match clients {
            Some(verifier) => ServerConfig::builder().with_client_cert_verifier(verifier),
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let chain = vec![self.certificate.der().clone()];
        Arc::new(config.with_single_cert(chain, key.into()).unwrap())
    }
}

pub(super) fn ended(name: &str) -> CertificateParams {
    let mut params = params(name);
    (params.not_before, params.not_after) = (day(2020, 1, 1), day(2021, 1, 1));
    params
}

pub(super) fn to_come(name: &str) -> CertificateParams {
    let mut params = params(name);
    (params.not_before, params.not_after) = (day(2900, 1, 1), day(2901, 1, 1));
    params
}

/// A server behind one port, that gives access tokens and knows the first patient.
pub(super) struct Listening {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Listening {
    /// A server that shows this certificate, and maybe asks for one.
    pub(super) fn with_tls(shown: &Signed, clients: Option<Arc<dyn ClientCertVerifier>>) -> Self {
        Self::with_marks(shown, clients, [false; 2])
    }

    /// The same, which says that it is a sandbox in its access tokens and in its other answers, or not.
    pub(super) fn with_marks(
        shown: &Signed,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        marks: [bool; 2],
    ) -> Self {
        let config = shown.config(clients);
        Self::start(move |stream, heads| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut kept = stream.try_clone()?;
            let tls = StreamOwned::new(connection, stream);
            let answered = respond(&mut BufReader::new(tls), heads, marks);
            // What the client has sent is read, so that closing does not take the alert from it.
            kept.shutdown(Shutdown::Write)?;
            std::io::copy(&mut kept, &mut std::io::sink())?;
            answered
        })
    }

    /// A server that writes these bytes to whoever has written something.
    pub(super) fn that_writes(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream, _| {
            let _ = stream.read(&mut [0; 1024])?;
            stream.write_all(bytes)
        })
    }

    /// A proxy that connects who shows `Authorization`, if that is asked for, to the port `to`, whatever name it was told.
    pub(super) fn proxy(asks_for: Option<&'static str>, to: u16) -> Self {
        Self::start(move |stream, heads| {
            let mut reader = BufReader::new(stream.try_clone()?);
            let head = read_head(&mut reader)?;
            let shown = asks_for.is_none_or(|wanted| {
                let line = format!("proxy-authorization: basic {wanted}");
                let mut lines = head.lines();
                lines.any(|shown| shown.eq_ignore_ascii_case(&line))
            });
            heads.lock().push(head);
            let mut stream = stream;
            if !shown {
                return stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n");
            }
            let server = TcpStream::connect(("127.0.0.1", to))?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let (mut up, mut down) = (server.try_clone()?, stream.try_clone()?);
            std::thread::spawn(move || {
                std::io::copy(&mut reader, &mut up).ok();
                up.shutdown(Shutdown::Write)
            });
            let mut server = server;
            std::io::copy(&mut server, &mut down).map(|_| ())?;
            stream.shutdown(Shutdown::Both)
        })
    }

    fn start(
        serve: impl Fn(TcpStream, &Mutex<Vec<String>>) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listening = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            heads: Arc::default(),
        };
        let (connections, heads) = (
            Arc::clone(&listening.connections),
            Arc::clone(&listening.heads),
        );
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (serve, heads) = (Arc::clone(&serve), Arc::clone(&heads));
                std::thread::spawn(move || serve(stream.unwrap(), &heads));
            }
        });
        listening
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of the requests so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// Answers one request.
fn respond<S: Read + Write>(
    reader: &mut BufReader<S>,
    heads: &Mutex<Vec<String>>,
    [of_token, of_others]: [bool; 2],
) -> std::io::Result<()> {
    let head = read_head(reader)?;
    let length = head.to_lowercase().lines().find_map(|line| {
        let value = line.strip_prefix("content-length: ")?;
        value.parse().ok()
    });
    reader.read_exact(&mut vec![0; length.unwrap_or(0)])?;
    let is_for_token = head.starts_with("POST /token");
    heads.lock().push(head);
    let answer = match is_for_token {
        true => access_token("a"),
        false => {
            let body = serde_json::json!({"id": number(0), "dob": "1950-01-01"});
            answer(200, "", &body.to_string())
        }
    };
    let line = answer.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mark: &[u8] = match (is_for_token && of_token) || (!is_for_token && of_others) {
        true => b"X-PKB-Sandbox: rehearsal\r\n",
        false => b"",
    };
    let answer = [&answer[..line], mark, &answer[line..]].concat();
    let stream = reader.get_mut();
    stream.write_all(&answer)?;
    stream.flush()
}
