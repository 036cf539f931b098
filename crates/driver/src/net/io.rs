//! Bytes over TCP or TLS.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::TlsConnector;

use super::dial::dial;
use super::phase::{Phase, Phases};
use super::Endpoint;
#[cfg(test)]
use crate::simulation::{Network, Port, Stream};

/// Bytes asked of the socket at once: so many that a scan is not bound by system calls.
pub(crate) const READ_SIZE: usize = 256 * 1024;

thread_local! {
    /// What the thread's connections read into, each for as long as it takes to take it: those that wait hold no memory.
    static SPACE: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// What an exchange of bytes did.
#[derive(Debug)]
pub(crate) enum Moved {
    /// So many bytes were taken.
    Written(usize),
    /// Nothing is held back.
    Flushed,
    /// So many bytes came; 0 at the end of the stream.
    Read(usize),
}

pub(crate) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    #[cfg(test)]
    Simulated(Stream),
}

impl Io {
    pub(crate) async fn connect(endpoint: &Endpoint, phases: &Phases) -> io::Result<Io> {
        #[cfg(test)]
        if let Some(network) = Network::current() {
            phases.enter(Phase::Connect);
            return network.connect(&endpoint.address.host, Port::Bolt).await.map(Io::Simulated);
        }
        let loss = endpoint.config.connection_loss_timeout;
        let loss = (loss > 0).then(|| Duration::from_millis(loss));
        let tcp = dial(&endpoint.address, loss, &endpoint.log, phases).await?;
        let Some(config) = endpoint.tls.clone() else { return Ok(Io::Plain(tcp)) };
        phases.enter(Phase::Tls);
        let name = ServerName::try_from(endpoint.address.certified_name().to_owned())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await?;
        Ok(Io::Tls(Box::new(stream)))
    }

    /// Reads at most `most` bytes, no more than [`READ_SIZE`], and gives them to `take`; 0 at the end of the stream. Cancel-safe.
    pub(crate) async fn read(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        poll_fn(|cx| self.poll_take(cx, most, &mut take)).await
    }

    /// What can be read without waiting, to `take`; `None` if nothing.
    pub(crate) async fn read_now(&mut self, mut take: impl FnMut(&[u8])) -> Option<io::Result<usize>> {
        if let Some(read) = self.read_once(&mut take).await {
            return Some(read);
        }
        let tcp = match self {
            Io::Plain(stream) => &*stream,
            Io::Tls(stream) => stream.get_ref().0,
            #[cfg(test)]
            Io::Simulated(_) => return None,
        };
        // What the kernel knows already, the runtime may not have been told yet: above all that the stream has ended.
        let mut space = [MaybeUninit::uninit(); 1];
        match SockRef::from(tcp).peek(&mut space) {
            Ok(0) => Some(Ok(0)),
            Ok(_) => {
                tokio::task::yield_now().await;
                self.read_once(&mut take).await
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => None,
            Err(e) => Some(Err(e)),
        }
    }

    async fn read_once(&mut self, take: &mut impl FnMut(&[u8])) -> Option<io::Result<usize>> {
        let reading = poll_fn(|cx| {
            Poll::Ready(match self.poll_take(cx, READ_SIZE, &mut *take) {
                Poll::Pending => None,
                Poll::Ready(read) => Some(read),
            })
        });
        // A task that has used up its turn would see nothing.
        tokio::task::unconstrained(reading).await
    }

    /// Reads at most `most` bytes, no more than [`READ_SIZE`], and gives them to `take`, before anybody else reads.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        SPACE.with_borrow_mut(|space| {
            let (space, _) = space.split_at_mut(most.min(READ_SIZE));
            let mut buffer = ReadBuf::new(space);
            ready!(self.poll_read(cx, &mut buffer))?;
            take(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    /// Writes some of the bytes, or sends what TLS holds back if there are none.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<Moved>> {
        match bytes.is_empty() {
            true => self.poll_flush(cx).map_ok(|()| Moved::Flushed),
            false => self.poll_write(cx, bytes).map_ok(Moved::Written),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
            #[cfg(test)]
            Io::Simulated(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            #[cfg(test)]
            Io::Simulated(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Io::Plain(_) => Poll::Ready(Ok(())),
            Io::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            #[cfg(test)]
            Io::Simulated(_) => Poll::Ready(Ok(())),
        }
    }

    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|cx| self.poll_write(cx, bytes)).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Io::Plain(stream) => stream.shutdown().await,
            Io::Tls(stream) => stream.shutdown().await,
            #[cfg(test)]
            Io::Simulated(stream) => stream.shutdown().await,
        }
    }
}
