//! A TCP connection that can be cut from inside a request. HTTP libraries offer no way to answer nothing, so the socket itself fails.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As after a last answer (FIN). With bytes still unread, the system resets it all the same.
    Close = 1,
    /// At once, and the other side is told so (RST).
    Reset = 2,
}

/// Bytes that nobody asked for.
#[derive(Debug)]
pub(crate) struct Surplus {
    pub(crate) bytes: Vec<u8>,
    /// How long after the answer before them.
    pub(crate) after: Duration,
}

/// The handle that a request has on its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cutter(Arc<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    cut: AtomicU8,
    surplus: Mutex<Option<Surplus>>,
}

impl Cutter {
    /// Nothing is read or written from now on; the connection ends with the next try.
    pub(crate) fn cut(&self, cut: Cut) {
        self.0.cut.store(cut as u8, Ordering::Release);
    }

    /// Has these bytes sent behind the answer that is sent next.
    pub(crate) fn add_surplus(&self, surplus: Surplus) {
        *self.surplus() = Some(surplus);
    }

    fn surplus(&self) -> MutexGuard<'_, Option<Surplus>> {
        self.0.surplus.lock()
    }
}

/// Accepts connections that can be cut.
pub(crate) struct CuttableListener(pub(crate) TcpListener);

impl Listener for CuttableListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let cutter = Cutter::default();
        let connection = Connection {
            stream,
            cutter,
            has_written: false,
            is_surplus_due: false,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cutter.clone()
    }
}

/// A connection with a handle on it.
pub(crate) struct Connection {
    stream: TcpStream,
    cutter: Cutter,
    /// Whether something has been written since the last flush.
    has_written: bool,
    /// Something is to be sent after the HTTP library has done with the connection.
    is_surplus_due: bool,
}

impl Connection {
    /// An error makes the HTTP library drop the connection, which closes the socket.
    fn check(&self) -> io::Result<()> {
        match self.cutter.0.cut.load(Ordering::Acquire) {
            0 => return Ok(()),
            how if how == Cut::Reset as u8 => self.stream.set_zero_linger()?,
            _ => {}
        }
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    }

    /// Sends what nobody asked for, now that an answer is on its way. A second handle on the socket does it, so that the HTTP library
    /// knows nothing of it.
    fn send_surplus(&mut self) -> io::Result<()> {
        let Some(Surplus { bytes, after }) = self.cutter.surplus().take() else {
            return Ok(());
        };
        let mut socket = std::net::TcpStream::from(self.stream.as_fd().try_clone_to_owned()?);
        if after.is_zero() {
            return io::Write::write_all(&mut socket, &bytes);
        }
        self.is_surplus_due = true;
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            // The client may have gone by then.
            let _ = io::Write::write_all(&mut socket, &bytes);
        });
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        self.has_written = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        self.has_written = true;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        if std::mem::take(&mut self.has_written) {
            self.send_surplus()?;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        if self.is_surplus_due {
            // The other handle closes it.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
