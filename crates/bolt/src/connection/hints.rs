//! What a server tells in its answer to HELLO.

use crate::handshake::neo4j_version;
use crate::message::Metadata;
use crate::packstream::Value;
use std::time::Duration;

/// What the server asks of its clients (`hints`, Bolt 4.3 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    /// `connection.recv_timeout_seconds`: a server that sends nothing for so long, not even a NOOP, is gone. A day at
    /// most.
    pub recv_timeout: Option<Duration>,
    /// `telemetry.enabled`: TELEMETRY is welcome.
    pub telemetry: bool,
    /// `ssr.enabled`: work for another member is passed on by the server itself (Bolt 5.8).
    pub server_side_routing: bool,
}

/// Seconds of a day: longer waits make no difference, but overflow clocks.
const LONGEST: u64 = 86_400;

impl Hints {
    pub(crate) fn read(metadata: &Metadata) -> Self {
        let Some(hints) = metadata.get("hints") else { return Self::default() };
        Self {
            recv_timeout: hints
                .get("connection.recv_timeout_seconds")
                .and_then(Value::as_integer)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Duration::from_secs(seconds.min(LONGEST))),
            telemetry: hints.get("telemetry.enabled").and_then(Value::as_boolean).unwrap_or(false),
            server_side_routing: hints.get("ssr.enabled").and_then(Value::as_boolean).unwrap_or(false),
        }
    }
}

/// Whether a server of this name knows byte arrays: they came with Neo4j 3.2, while Bolt stayed at 1.
pub(crate) fn knows_bytes(agent: &str) -> bool {
    neo4j_version(agent).is_none_or(|version| version >= (3, 2))
}
