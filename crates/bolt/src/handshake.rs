//! Agreeing on a version.
//!
//! The client sends four bytes of magic and four proposals, each of four bytes: 0, how many minor versions below are
//! meant too, minor, major. The server answers with the one it takes, or with zeros. One of the proposals may be
//! `00 00 01 FF`, the manifest: a server that knows it answers with it and then with a list of all that it speaks, and
//! the client chooses (Neo4j 5.26 and later).
//!
//! Four proposals are too few for all versions from 1 to 6, so that there are two sets of them: [`Proposal`]. A server
//! that has versions of both may answer one of them with less than its best; what it calls itself tells:
//! [`Proposal::has_better`].

use crate::Version;
use thiserror::Error;

/// What the client says first.
pub const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];
const MANIFEST: [u8; 4] = [0x00, 0x00, 0x01, 0xFF];
const NONE: [u8; 4] = [0; 4];
const HTTP: [u8; 4] = *b"HTTP";
/// TLS record of type alert, TLS version 3.x.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];
/// Entries of a manifest. Servers send a handful.
const MAX_VERSIONS: u64 = 256;

/// Which versions to propose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proposal {
    /// The manifest; 5.8 to 5.0; 4.4 to 4.2; 3.0: Neo4j 3.5, and from 4.2 on.
    Modern,
    /// 4.1; 4.0; 2.0; 1.0: Neo4j 4.0 and 4.1, and before 3.5.
    Legacy,
}

impl Proposal {
    fn slots(self) -> [[u8; 4]; 4] {
        match self {
            Self::Modern => [MANIFEST, [0, 8, 8, 5], [0, 2, 4, 4], [0, 0, 0, 3]],
            Self::Legacy => [[0, 0, 1, 4], [0, 0, 0, 4], [0, 0, 0, 2], [0, 0, 0, 1]],
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Modern => Self::Legacy,
            Self::Legacy => Self::Modern,
        }
    }

    /// Whether a server that answered this proposal with `version` has a better version for the other one, by what it
    /// calls itself (`Neo4j/4.0.11`).
    pub fn has_better(self, version: Version, agent: &str) -> bool {
        let best_elsewhere = match (self, neo4j_version(agent)) {
            (Self::Modern, Some((4, minor @ 0..=1))) => Version::new(4, minor as u8),
            (Self::Legacy, Some((4, 2..) | (5.., _))) => Version::new(4, 2),
            (Self::Legacy, Some((3, 5..))) => Version::new(3, 0),
            _ => return false,
        };
        version < best_elsewhere
    }
}

/// Where the handshake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Send [`Handshake::take_output`], if there is any, and feed what comes.
    NeedMore,
    /// Send [`Handshake::take_output`], if there is any; the connection begins.
    Done {
        /// The version agreed on.
        version: Version,
        /// What was fed beyond the handshake: the connection's first input.
        rest: Vec<u8>,
    },
}

/// Why no version was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The server speaks HTTP.
    #[error("the server answered HTTP: this is the port of its web interface (7474 by default), Bolt is on another one (7687 by default)")]
    Http,
    /// The server wants TLS.
    #[error("the server answered with TLS: turn encryption on for this connection")]
    Tls,
    /// No version is spoken by both sides.
    #[error("the server speaks none of the Bolt versions that were proposed")]
    NoCommonVersion,
    /// The answer is no version that was proposed.
    #[error(
        "the server chose {0:02X?}, which is no Bolt version that was proposed: is this a Neo4j server?"
    )]
    UnknownVersion([u8; 4]),
    /// The manifest claims more versions than can be.
    #[error("the server claims to speak more than {MAX_VERSIONS} ranges of Bolt versions")]
    TooManyVersions,
    /// A number of the manifest has no end.
    #[error("the server sent a manifest of Bolt versions that is malformed")]
    MalformedManifest,
    /// Input after the end.
    #[error("the handshake is over")]
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Answer,
    Manifest,
    Over,
}

/// One handshake. Feed it until it is done or fails.
#[derive(Debug)]
pub struct Handshake {
    proposal: Proposal,
    stage: Stage,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Handshake {
    /// Begins: the proposals are in [`Handshake::take_output`].
    pub fn new(proposal: Proposal) -> Self {
        let mut output = MAGIC.to_vec();
        output.extend(proposal.slots().as_flattened());
        Self { proposal, stage: Stage::Answer, input: Vec::new(), output }
    }

    /// Bytes to send now. Empty if there are none.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes what the server sent, in whatever pieces.
    pub fn handle_input(&mut self, bytes: &[u8]) -> Result<Progress, HandshakeError> {
        if self.stage == Stage::Over {
            return Err(HandshakeError::Over);
        }
        self.input.extend_from_slice(bytes);
        let progress = self.advance();
        if !matches!(progress, Ok(Progress::NeedMore)) {
            self.stage = Stage::Over;
        }
        progress
    }

    fn advance(&mut self) -> Result<Progress, HandshakeError> {
        if self.stage == Stage::Answer {
            if self.input.starts_with(&TLS_ALERT) {
                return Err(HandshakeError::Tls);
            }
            let Some((answer, rest)) = self.input.split_first_chunk::<4>() else {
                return Ok(Progress::NeedMore);
            };
            let (answer, rest) = (*answer, rest.to_vec());
            match answer {
                HTTP => return Err(HandshakeError::Http),
                NONE => return Err(HandshakeError::NoCommonVersion),
                MANIFEST if self.proposal == Proposal::Modern => {
                    self.input = rest;
                    self.stage = Stage::Manifest;
                }
                _ => {
                    let version = self.proposed(answer).ok_or(HandshakeError::UnknownVersion(answer))?;
                    return Ok(Progress::Done { version, rest });
                }
            }
        }
        let Some((version, rest)) = manifest(&self.input)? else {
            return Ok(Progress::NeedMore);
        };
        self.output.extend_from_slice(&[0, 0, version.minor, version.major]);
        self.output.push(0); // of the capabilities, none
        Ok(Progress::Done { version, rest: rest.to_vec() })
    }

    /// The version of an answer, if it was proposed.
    fn proposed(&self, answer: [u8; 4]) -> Option<Version> {
        let [0, 0, minor, major] = answer else { return None };
        let version = Version::new(major, minor);
        let proposed = self
            .proposal
            .slots()
            .iter()
            .any(|slot| *slot != MANIFEST && range(*slot).contains(&(major, minor)));
        (proposed && version.is_supported()).then_some(version)
    }
}

/// Major and minor version of a Neo4j server that calls itself so.
pub(crate) fn neo4j_version(agent: &str) -> Option<(u32, u32)> {
    let mut numbers = agent.strip_prefix("Neo4j/")?.split(['.', '-']).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// The versions that a slot stands for.
fn range([_, below, minor, major]: [u8; 4]) -> std::ops::RangeInclusive<(u8, u8)> {
    (major, minor.saturating_sub(below))..=(major, minor)
}

/// The best version of a manifest and what follows it, once it is all there.
fn manifest(bytes: &[u8]) -> Result<Option<(Version, &[u8])>, HandshakeError> {
    let Some((count, mut bytes)) = varint(bytes)? else { return Ok(None) };
    if count > MAX_VERSIONS {
        return Err(HandshakeError::TooManyVersions);
    }
    let mut ranges = Vec::new();
    for _ in 0..count {
        let Some((slot, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
        ranges.push(range(*slot));
        bytes = rest;
    }
    let Some((_capabilities, rest)) = varint(bytes)? else { return Ok(None) };
    let spoken =
        |version: &&Version| ranges.iter().any(|range| range.contains(&(version.major, version.minor)));
    match Version::SUPPORTED.iter().find(spoken) {
        Some(version) => Ok(Some((*version, rest))),
        None => Err(HandshakeError::NoCommonVersion),
    }
}

/// A number in groups of seven bits, the lowest first, with the top bit set in all bytes but the last.
fn varint(bytes: &[u8]) -> Result<Option<(u64, &[u8])>, HandshakeError> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let shift = 7 * index as u32;
        let group = u64::from(byte & 0x7F);
        if shift > 63 || (group << shift) >> shift != group {
            return Err(HandshakeError::MalformedManifest);
        }
        value |= group << shift;
        if byte & 0x80 == 0 {
            return Ok(Some((value, bytes.get(index + 1..).unwrap_or_default())));
        }
    }
    Ok(None)
}
