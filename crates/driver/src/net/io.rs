//! Bytes over TCP or TLS.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::ClientConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::TlsConnector;

use crate::address::Address;

/// Idle time after which the kernel begins to ask whether the other end is there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

pub(crate) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io {
    pub(crate) async fn connect(address: &Address, tls: Option<Arc<ClientConfig>>) -> io::Result<Io> {
        let tcp = match address.ip {
            Some(ip) => TcpStream::connect((ip, address.port)).await?,
            None => TcpStream::connect((address.host.as_str(), address.port)).await?,
        };
        tcp.set_nodelay(true)?;
        SockRef::from(&tcp).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEP_ALIVE))?;
        let Some(config) = tls else { return Ok(Io::Plain(tcp)) };
        let name = ServerName::try_from(address.host.clone())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await?;
        Ok(Io::Tls(Box::new(stream)))
    }

    /// Reads at most `most` bytes to the end of `into`; 0 at the end of the stream. Cancel-safe.
    pub(crate) async fn read_some(&mut self, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        into.reserve(most);
        match self {
            Io::Plain(stream) => stream.read_buf(into).await,
            Io::Tls(stream) => stream.read_buf(into).await,
        }
    }

    /// What can be read without waiting; `None` if nothing.
    pub(crate) async fn poll_read_now(&mut self, into: &mut Vec<u8>) -> Option<io::Result<usize>> {
        if let Some(read) = self.poll_read_once(into).await {
            return Some(read);
        }
        // What the kernel knows already, the runtime may not have been told yet: above all that the stream has ended.
        let mut space = [MaybeUninit::uninit(); 1];
        match SockRef::from(self.tcp()).peek(&mut space) {
            Ok(0) => Some(Ok(0)),
            Ok(_) => {
                tokio::task::yield_now().await;
                self.poll_read_once(into).await
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => None,
            Err(e) => Some(Err(e)),
        }
    }

    async fn poll_read_once(&mut self, into: &mut Vec<u8>) -> Option<io::Result<usize>> {
        let mut space = [0; 1024];
        let reading = std::future::poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut space);
            let result = match self {
                Io::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                Io::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut buffer),
            };
            Poll::Ready(match result {
                Poll::Pending => None,
                Poll::Ready(Ok(())) => {
                    into.extend_from_slice(buffer.filled());
                    Some(Ok(buffer.filled().len()))
                }
                Poll::Ready(Err(e)) => Some(Err(e)),
            })
        });
        // A task that has used up its turn would see nothing.
        tokio::task::unconstrained(reading).await
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Io::Plain(stream) => stream,
            Io::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Takes some of the bytes; [`Io::flush`] makes sure that they leave. Cancel-safe.
    pub(crate) async fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Io::Plain(stream) => stream.write(bytes).await,
            Io::Tls(stream) => stream.write(bytes).await,
        }
    }

    /// Sends what TLS holds back. Cancel-safe.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Io::Plain(_) => Ok(()),
            Io::Tls(stream) => stream.flush().await,
        }
    }

    pub(crate) async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.write_some(bytes).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        self.flush().await
    }

    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Io::Plain(stream) => stream.shutdown().await,
            Io::Tls(stream) => stream.shutdown().await,
        }
    }
}
