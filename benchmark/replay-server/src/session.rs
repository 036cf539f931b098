//! One client's conversation: messages in, replies out. No socket here.

use std::{ops::ControlFlow, rc::Rc};

use crate::{
    framing::frame,
    library::{receipt, DataSet, Library},
    packstream::{Malformed, Reader, Tally, Writer},
    version::Version,
};

mod signature {
    pub(super) const HELLO: u8 = 0x01;
    pub(super) const GOODBYE: u8 = 0x02;
    pub(super) const RESET: u8 = 0x0F;
    pub(super) const RUN: u8 = 0x10;
    pub(super) const BEGIN: u8 = 0x11;
    pub(super) const COMMIT: u8 = 0x12;
    pub(super) const ROLLBACK: u8 = 0x13;
    pub(super) const DISCARD: u8 = 0x2F;
    pub(super) const PULL: u8 = 0x3F;
    pub(super) const TELEMETRY: u8 = 0x54;
    pub(super) const ROUTE: u8 = 0x66;
    pub(super) const LOGON: u8 = 0x6A;
    pub(super) const LOGOFF: u8 = 0x6B;

    pub(super) const SUCCESS: u8 = 0x70;
    pub(super) const IGNORED: u8 = 0x7E;
    pub(super) const FAILURE: u8 = 0x7F;
}

const BOOKMARK: &str = "FB:kcwQr8Y0Zb0eTJyjBNRTZ3aPkgGQ";
/// How long a routing table may be used, in seconds.
const ROUTING_TTL: i64 = 300;

enum State {
    Ready,
    /// A result of so many rows, of which those from `next` on have not been asked for. Past its end it begins again.
    Streaming {
        result: Rc<DataSet>,
        rows: usize,
        next: usize,
    },
    /// All but RESET is ignored.
    Failed,
}

pub(crate) struct Session {
    version: Version,
    library: Rc<Library>,
    /// This server as `host:port`, which is what a routing table names.
    address: String,
    state: State,
}

impl Session {
    pub(crate) fn new(version: Version, library: Rc<Library>, address: String) -> Self {
        Self { version, library, address, state: State::Ready }
    }

    /// Appends the replies to one message. A break is the client's GOODBYE.
    pub(crate) fn answer(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<ControlFlow<()>, Malformed> {
        let mut body = Reader(message);
        let fields = match body.byte()? {
            marker @ 0xB0..=0xBF => marker & 0x0F,
            _ => return Err(Malformed),
        };
        match body.byte()? {
            signature::GOODBYE => return Ok(ControlFlow::Break(())),
            signature::RESET => {
                self.state = State::Ready;
                success(out, 0, |_| {});
            }
            _ if matches!(self.state, State::Failed) => frame(out, &[0xB0, signature::IGNORED]),
            signature::HELLO => success(out, 2, |metadata| {
                metadata.entry("server", self.version.agent());
                metadata.entry("connection_id", "bolt-1");
            }),
            signature::RUN => self.run(&mut body, out)?,
            signature::PULL => self.pull(if fields == 0 { -1 } else { requested_rows(&mut body)? }, out),
            signature::DISCARD => match self.state {
                State::Streaming { .. } => self.complete(out),
                _ => self.fail(out, "there is no result to discard"),
            },
            signature::COMMIT => success(out, 1, |metadata| metadata.entry("bookmark", BOOKMARK)),
            signature::ROUTE => self.route(out),
            signature::LOGON | signature::LOGOFF => success(out, 0, |_| {}),
            signature::BEGIN | signature::ROLLBACK | signature::TELEMETRY => success(out, 0, |_| {}),
            _ => self.fail(out, "a message that this server does not know"),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn run(&mut self, body: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if matches!(self.state, State::Streaming { .. }) {
            self.fail(out, "this server streams one result at a time");
            return Ok(());
        }
        let query = body.string()?;
        let (result, rows) = match self.library.find(query, self.version) {
            Some(found) => found,
            None => {
                let (rows, tally) = read_parameters(body)?;
                (Rc::new(receipt(rows, &tally)), 1)
            }
        };
        success(out, 2, |metadata| {
            metadata.string("fields");
            metadata.list(result.fields.len());
            for field in result.fields {
                metadata.string(field);
            }
            metadata.string("t_first");
            metadata.int(1);
        });
        self.state = State::Streaming { result, rows, next: 0 };
        Ok(())
    }

    /// A negative count asks for all that is left.
    fn pull(&mut self, count: i64, out: &mut Vec<u8>) {
        let State::Streaming { result, rows, next } = &mut self.state else {
            return self.fail(out, "there is no result to pull");
        };
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let until = next.saturating_add(wanted).min(*rows);
        while *next < until {
            let from = *next % result.rows();
            let to = (from + until - *next).min(result.rows());
            out.extend(result.records(from, to));
            *next += to - from;
        }
        if until < *rows {
            success(out, 1, |metadata| {
                metadata.string("has_more");
                metadata.boolean(true);
            });
        } else {
            self.complete(out);
        }
    }

    /// Says that the result is at its end, and forgets it.
    fn complete(&mut self, out: &mut Vec<u8>) {
        self.state = State::Ready;
        let statuses = self.version >= Version(5, 7);
        success(out, if statuses { 5 } else { 4 }, |metadata| {
            metadata.entry("type", "r");
            metadata.string("t_last");
            metadata.int(2);
            metadata.entry("db", "neo4j");
            metadata.entry("bookmark", BOOKMARK);
            if statuses {
                metadata.string("statuses");
                metadata.list(1);
                metadata.map(2);
                metadata.entry("gql_status", "00000");
                metadata.entry("status_description", "note: successful completion");
            }
        });
    }

    /// This one server in all three roles.
    fn route(&self, out: &mut Vec<u8>) {
        success(out, 1, |metadata| {
            metadata.string("rt");
            metadata.map(3);
            metadata.string("ttl");
            metadata.int(ROUTING_TTL);
            metadata.entry("db", "neo4j");
            metadata.string("servers");
            metadata.list(3);
            for role in ["ROUTE", "READ", "WRITE"] {
                metadata.map(2);
                metadata.entry("role", role);
                metadata.string("addresses");
                metadata.list(1);
                metadata.string(&self.address);
            }
        });
    }

    fn fail(&mut self, out: &mut Vec<u8>, what: &str) {
        self.state = State::Failed;
        let (code, message) = ("Neo.ClientError.Request.Invalid", format!("replay server: {what}"));
        let mut failure = Vec::new();
        let mut writer = Writer(&mut failure);
        writer.structure(1, signature::FAILURE);
        if self.version >= Version(5, 7) {
            writer.map(5);
            writer.entry("neo4j_code", code);
            writer.entry("gql_status", "08N06");
            writer.entry("description", "error: connection exception - protocol error");
            writer.string("diagnostic_record");
            writer.map(0);
        } else {
            writer.map(2);
            writer.entry("code", code);
        }
        writer.entry("message", &message);
        frame(out, &failure);
    }
}

/// Appends SUCCESS with metadata of so many entries.
fn success(out: &mut Vec<u8>, entries: usize, metadata: impl FnOnce(&mut Writer<'_>)) {
    let mut message = Vec::with_capacity(192);
    let mut writer = Writer(&mut message);
    writer.structure(1, signature::SUCCESS);
    writer.map(entries);
    metadata(&mut writer);
    frame(out, &message);
}

/// `n` of PULL's map.
fn requested_rows(body: &mut Reader<'_>) -> Result<i64, Malformed> {
    let mut rows = -1;
    for _ in 0..body.map()? {
        let (key, value) = (body.string()?, body.int()?);
        if key == "n" {
            rows = value;
        }
    }
    Ok(rows)
}

/// Reads a query's parameters: the length of the list `$rows`, and what all of them add up to.
fn read_parameters(body: &mut Reader<'_>) -> Result<(usize, Tally), Malformed> {
    let (mut rows, mut tally) = (0, Tally::default());
    for _ in 0..body.map()? {
        let key = body.string()?;
        if key == "rows" {
            rows = body.list_ahead().unwrap_or(0);
        }
        body.tally(&mut tally)?;
    }
    Ok((rows, tally))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Deframer;

    fn session(version: Version) -> Session {
        Session::new(version, Rc::new(Library::of_at_most(5)), "127.0.0.1:7687".into())
    }

    fn run(query: &str) -> Vec<u8> {
        let mut message = vec![0xB3, signature::RUN];
        Writer(&mut message).string(query);
        message.extend([0xA1, 0x84, b'r', b'o', b'w', b's', 0x92, 1, 2, 0xA0]);
        message
    }

    fn pull(count: i64) -> Vec<u8> {
        let mut message = vec![0xB1, signature::PULL, 0xA1, 0x81, b'n'];
        Writer(&mut message).int(count);
        message
    }

    /// The signatures of the replies.
    fn replies(session: &mut Session, messages: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for message in messages {
            assert!(session.answer(message, &mut out).is_ok());
        }
        let (mut input, mut deframer, mut signatures) = (out.as_slice(), Deframer::default(), Vec::new());
        while let Ok(Some(reply)) = deframer.next(&mut input) {
            signatures.extend(reply.get(1));
        }
        signatures
    }

    #[test]
    fn rows_come_in_the_portions_asked_for() {
        let (ok, row) = (signature::SUCCESS, 0x71);
        for version in [Version(3, 0), Version(4, 4), Version(5, 8)] {
            let seen = replies(&mut session(version), &[run("SCAN"), pull(2), pull(2), pull(2)]);
            assert_eq!(seen, [ok, row, row, ok, row, row, ok, row, ok]);
            let all_at_once = vec![0xB0, signature::PULL];
            assert_eq!(
                replies(&mut session(version), &[run("SCAN"), all_at_once]),
                [ok, row, row, row, row, row, ok]
            );
            assert_eq!(replies(&mut session(version), &[run("CREATE"), pull(-1)]), [ok, row, ok]);
        }
    }

    #[test]
    fn a_scan_of_more_rows_than_there_are_begins_again() {
        let seen = replies(&mut session(Version(5, 8)), &[run("SCAN 12"), pull(4), pull(-1)]);
        assert_eq!(seen.iter().filter(|&&one| one == 0x71).count(), 12);
        assert_eq!(replies(&mut session(Version(5, 8)), &[run("SCAN 0"), pull(-1)]).len(), 2);
    }

    #[test]
    fn what_makes_no_sense_fails_until_reset() {
        let messages = [pull(1), run("SCAN"), vec![0xB0, signature::RESET], run("SCAN"), run("SCAN")];
        let (ok, failed, ignored) = (signature::SUCCESS, signature::FAILURE, signature::IGNORED);
        assert_eq!(replies(&mut session(Version(5, 8)), &messages), [failed, ignored, ok, ok, failed]);
    }

    #[test]
    fn a_message_that_is_cut_short_is_an_error_and_no_panic() {
        for message in [run("SCAN!"), pull(1_000_000)] {
            // RUN's last map, which is not read, may be missing.
            for length in 0..message.len() - 1 {
                let cut = message.get(..length).unwrap_or_default();
                let answer = session(Version(5, 8)).answer(cut, &mut Vec::new());
                assert!(answer.is_err(), "{length} of {message:?}");
            }
        }
    }
}
