//! A Bolt server that answers from prepared bytes, so that a benchmark measures its client.
//!
//! `replay-server [PORT] [--version 3|4.4|5.8] [--members N]` listens on 127.0.0.1 (on a free port without one, or with 0), prints
//! `listening PORT` once it is ready, and ends when its standard input does: it cannot outlive who started it. With `--members` it is
//! so many servers in one process, on a free port each, and prints all of these.

mod framing;
mod library;
mod packstream;
mod session;
mod version;

use std::{
    io::{self, Read, Write},
    rc::Rc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    task::{spawn_local, LocalSet},
};

use framing::Deframer;
use library::Library;
use packstream::Malformed;
use session::Session;
use version::Version;

struct Options {
    port: u16,
    version: Option<Version>,
    members: usize,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { port: 0, version: None, members: 1 };
        while let Some(argument) = arguments.next() {
            if argument == "--version" {
                let version = arguments.next().ok_or("--version needs a Bolt version")?;
                options.version = Some(version.parse()?);
            } else if argument == "--members" {
                let members = arguments.next().and_then(|number| number.parse().ok());
                options.members = members.ok_or("--members needs a number")?;
            } else {
                options.port = argument.parse().map_err(|_| format!("{argument:?} is not a port"))?;
            }
        }
        Ok(options)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    std::thread::spawn(end_with_stdin);
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, serve(options))?;
    Ok(())
}

fn end_with_stdin() {
    let (mut stdin, mut ignored) = (io::stdin(), [0; 256]);
    while !matches!(stdin.read(&mut ignored), Ok(0) | Err(_)) {}
    std::process::exit(0);
}

async fn serve(options: Options) -> io::Result<()> {
    let library = Rc::new(Library::new());
    let (mut listeners, mut line) = (Vec::new(), "listening".to_owned());
    for member in 0..options.members {
        let port = if member == 0 { options.port } else { 0 };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        line += &format!(" {}", listener.local_addr()?.port());
        listeners.push(listener);
    }
    writeln!(io::stdout(), "{line}")?;
    let accepting =
        listeners.into_iter().map(|one| spawn_local(accept(one, library.clone(), options.version)));
    for member in accepting.collect::<Vec<_>>() {
        member.await??;
    }
    Ok(())
}

/// Serves whoever comes.
async fn accept(listener: TcpListener, library: Rc<Library>, only: Option<Version>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let library = library.clone();
        spawn_local(async move {
            // Whatever goes wrong concerns this client alone: its connection ends. That one leaves in mid-result is
            // not worth a word; that one breaks the protocol is.
            match converse(socket, library, only).await {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    eprintln!("replay server: {error}")
                }
                _ => {}
            }
        });
    }
}

/// Serves one client until it leaves.
async fn converse(mut socket: TcpStream, library: Rc<Library>, only: Option<Version>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut opening = [0; 20];
    socket.read_exact(&mut opening).await?;
    let Some(version) = Version::agree(&opening, only) else {
        return socket.write_all(&[0; 4]).await;
    };
    socket.write_all(&version.answer()).await?;

    let mut session = Session::new(version, library, socket.local_addr()?.to_string());
    let mut deframer = Deframer::default();
    let (mut input, mut output) = (vec![0; 1 << 16], Vec::new());
    loop {
        let read = socket.read(&mut input).await?;
        let mut bytes = input.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        while let Some(message) = deframer.next(&mut bytes).map_err(malformed)? {
            if session.answer(message, &mut output).map_err(malformed)?.is_break() {
                return Ok(());
            }
        }
        socket.write_all(&output).await?;
        output.clear();
    }
}

fn malformed(_: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a client sent what is not Bolt")
}
