//! A server in a few lines, on a socket of the loopback interface. It is played on the client's own thread, whenever the
//! client has nothing left to do but to wait for it: so the two take the same turns in each run, whatever else the machine
//! does.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use bolt::server::{signature, Replies, Requests};
use bolt::Value;

use crate::count::uncounted;
use crate::records::VERSION;
use crate::Failure;

/// How long the client may wait for something else than for the server.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a client's handshake.
const HANDSHAKE: usize = 20;
const BOOKMARK: &str = "FB:kcwQ/wTfJf8rS1WY+GiIKXsCXg6Q";

pub(crate) struct Server {
    listener: TcpListener,
    records: i64,
    client: Option<Client>,
}

struct Client {
    stream: TcpStream,
    has_shaken_hands: bool,
    requests: Requests,
    replies: Script,
}

impl Server {
    /// Its results have so many records.
    pub(crate) fn new(records: i64) -> Result<Self, Failure> {
        Ok(Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, records, client: None })
    }

    pub(crate) fn uri(&self) -> Result<String, Failure> {
        Ok(format!("bolt://{}", self.listener.local_addr()?))
    }

    /// Takes its turn: the first is to take the connection, the others to answer what has come on it.
    pub(crate) fn play(&mut self) -> Result<(), Failure> {
        uncounted(&mut || match &mut self.client {
            Some(client) => client.answer(),
            None => {
                self.client = Some(Client::new(self.listener.accept()?.0, self.records)?);
                Ok(())
            }
        })
    }
}

impl Client {
    fn new(stream: TcpStream, records: i64) -> Result<Self, Failure> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            has_shaken_hands: false,
            requests: Requests::new(VERSION, true),
            replies: Script::new(records),
        })
    }

    fn answer(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 4096];
        let read = match self.stream.read(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(())
            }
            read => read?,
        };
        let mut bytes = buffer.get(..read).unwrap_or_default();
        if !self.has_shaken_hands {
            bytes = bytes.get(HANDSHAKE..).ok_or("the handshake came in pieces")?;
            self.stream.write_all(&[0, 0, VERSION.minor, VERSION.major])?;
            self.has_shaken_hands = true;
        }
        self.requests.feed(bytes)?;
        while let Some(message) = self.requests.next_message()? {
            self.replies.to(message.signature)?;
        }
        self.stream.write_all(&self.replies.written.take())?;
        Ok(())
    }
}

/// What is answered, whatever is asked.
struct Script {
    written: Replies,
    records: i64,
    is_in_transaction: bool,
}

impl Script {
    fn new(records: i64) -> Self {
        Self { written: Replies::new(VERSION, true), records, is_in_transaction: false }
    }

    fn to(&mut self, request: u8) -> Result<(), Failure> {
        let Self { written, records, is_in_transaction } = self;
        match request {
            signature::HELLO => written.success(&[
                ("server", "Neo4j/5.26.0".into()),
                ("connection_id", "bolt-1".into()),
                ("hints", Value::Map(vec![("connection.recv_timeout_seconds".into(), 120.into())])),
            ])?,
            signature::RUN => {
                let fields = vec![Value::from("n")].into();
                written.success(&[("t_first", 1.into()), ("fields", fields), ("qid", 0.into())])?;
            }
            signature::PULL => {
                (0..*records).try_for_each(|n| written.record(&[n.into()]))?;
                let mut metadata = vec![("type", "r".into()), ("t_last", 0.into()), ("db", "neo4j".into())];
                if !*is_in_transaction {
                    metadata.push(("bookmark", BOOKMARK.into()));
                }
                written.success(&metadata)?;
            }
            signature::BEGIN => {
                *is_in_transaction = true;
                written.success(&[])?;
            }
            signature::COMMIT => {
                *is_in_transaction = false;
                written.success(&[("bookmark", BOOKMARK.into())])?;
            }
            _ => written.success(&[])?,
        }
        Ok(())
    }
}
