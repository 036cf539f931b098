//! Requests as messages, in the form that the version of the connection wants.

use super::tag;
use super::{Auth, Hello, NotificationFilter, RequestError, Route, Run, TxMeta};
use crate::packstream::{Reader, Writer};
use crate::params::{adapt, adapt_map, Carrier};
use crate::version::{Features, HelloForm, NotificationForm, PullForm, RouteForm};
use secrecy::zeroize::Zeroizing;

/// Writes messages (not yet in chunks) for one version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoder {
    pub(crate) features: &'static Features,
    pub(crate) carrier: Carrier,
}

type Written = Result<(), RequestError>;

impl Encoder {
    fn unsupported(&self, type_name: &'static str) -> RequestError {
        RequestError::Unsupported { type_name, version: self.features.version }
    }

    /// INIT or HELLO, which before Bolt 5.1 names the user as well.
    pub(crate) fn hello(&self, hello: &Hello<'_>, out: &mut Vec<u8>) -> Written {
        let filter = Entries::filter(self, hello.notification_filter)?;
        if self.features.hello == HelloForm::Init {
            let mut writer = Writer::new(out);
            writer.structure(tag::HELLO, 2);
            writer.string(hello.user_agent);
            return self.auth(hello.auth, 0, out);
        }
        let agent = self.features.bolt_agent && !hello.bolt_agent.is_empty();
        let routing = hello.routing.filter(|_| self.features.routing_context);
        let entries = 1
            + usize::from(agent)
            + usize::from(routing.is_some())
            + usize::from(self.features.utc_patch)
            + filter.count();
        Writer::new(out).structure(tag::HELLO, 1);
        match self.features.hello {
            HelloForm::HelloWithAuth => self.auth(hello.auth, entries, out)?,
            _ => Writer::new(out).map(entries),
        }
        let mut writer = Writer::new(out);
        writer.string_entry("user_agent", hello.user_agent);
        if agent {
            writer.string("bolt_agent");
            writer.map(hello.bolt_agent.len());
            for (key, value) in hello.bolt_agent {
                writer.string_entry(key, value);
            }
        }
        if let Some(context) = routing {
            writer.string("routing");
            string_map(&mut writer, context);
        }
        if self.features.utc_patch {
            writer.string("patch_bolt");
            writer.strings(&["utc"]);
        }
        filter.write(&mut writer);
        Ok(())
    }

    /// LOGON (Bolt 5.1).
    pub(crate) fn logon(&self, auth: &Auth, out: &mut Vec<u8>) -> Written {
        Writer::new(out).structure(tag::LOGON, 1);
        self.auth(auth, 0, out)
    }

    /// The head of a map of `more` entries and those of the token, and the latter.
    fn auth(&self, auth: &Auth, more: usize, out: &mut Vec<u8>) -> Written {
        let credentials = auth.credentials.as_ref().map(super::Secret::expose);
        let entries = [
            ("scheme", Some(auth.scheme.as_str())),
            ("principal", auth.principal.as_deref()),
            ("credentials", credentials),
            ("realm", auth.realm.as_deref()),
        ];
        let others = auth.others.as_ref().map(|map| self.other_entries(map)).transpose()?;
        let (count, others) = others.unwrap_or_default();
        let there = entries.iter().filter(|(_, value)| value.is_some()).count();
        let mut writer = Writer::new(out);
        writer.map(more + there + count);
        for (key, value) in entries {
            if let Some(value) = value {
                writer.string_entry(key, value);
            }
        }
        writer.raw(&others);
        Ok(())
    }

    /// How many entries a packed map has, and the entries without the head of the map.
    fn other_entries(&self, map: &[u8]) -> Result<(usize, Zeroizing<Vec<u8>>), RequestError> {
        let adapted = adapt_map(map, self.carrier).map_err(|error| RequestError::Auth(Box::new(error)))?;
        let adapted = Zeroizing::new(adapted.into_owned());
        let mut reader = Reader::new(&adapted);
        let count = reader.map().map_err(RequestError::Malformed)?;
        let entries = adapted.get(reader.position()..).unwrap_or_default();
        Ok((count, Zeroizing::new(entries.to_vec())))
    }

    /// RUN with its parameters, and from Bolt 3 on the settings of its transaction.
    pub(crate) fn run(&self, run: &Run<'_>, out: &mut Vec<u8>) -> Written {
        let parameters = adapt(run.parameters, self.carrier)?;
        let mut writer = Writer::new(out);
        writer.structure(tag::RUN, if self.features.transaction_settings { 3 } else { 2 });
        writer.string(run.query);
        writer.raw(&parameters);
        match run.tx {
            Some(settings) => self.settings(settings, out),
            None if self.features.transaction_settings => {
                Writer::new(out).map(0);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// BEGIN (Bolt 3).
    pub(crate) fn begin(&self, settings: &TxMeta<'_>, out: &mut Vec<u8>) -> Written {
        Writer::new(out).structure(tag::BEGIN, 1);
        self.settings(settings, out)
    }

    /// RUN "BEGIN" (Bolt 1 and 2). Neo4j of that time takes the newest bookmark under the first name, where there is
    /// no cluster of the newer kind, and all of them under the second.
    pub(crate) fn begin_statement(&self, settings: &TxMeta<'_>, out: &mut Vec<u8>) -> Written {
        self.settings(&TxMeta { bookmarks: &[], ..*settings }, out)?;
        let mut writer = Writer::new(out);
        writer.structure(tag::RUN, 2);
        writer.string("BEGIN");
        match newest(settings.bookmarks) {
            None => writer.map(0),
            Some(newest) => {
                writer.map(2);
                writer.string_entry("bookmark", newest);
                writer.string("bookmarks");
                writer.strings(settings.bookmarks);
            }
        }
        Ok(())
    }

    /// RUN of a statement without parameters (Bolt 1 and 2: COMMIT, ROLLBACK).
    pub(crate) fn statement(&self, text: &str, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.structure(tag::RUN, 2);
        writer.string(text);
        writer.map(0);
    }

    /// The map of a transaction's settings; nothing but a check in versions that have none.
    fn settings(&self, tx: &TxMeta<'_>, out: &mut Vec<u8>) -> Written {
        if tx.database.is_some() && !self.features.databases {
            return Err(self.unsupported("the name of a database"));
        }
        if tx.impersonated_user.is_some() && !self.features.impersonation {
            return Err(self.unsupported("an impersonated user"));
        }
        let filter = Entries::filter(self, tx.notification_filter)?;
        if !self.features.transaction_settings {
            return match tx {
                TxMeta { timeout_ms: Some(_), .. } => Err(self.unsupported("a transaction timeout")),
                TxMeta { metadata: Some(_), .. } => Err(self.unsupported("transaction metadata")),
                _ => Ok(()),
            };
        }
        let metadata = tx.metadata.map(|map| adapt_map(map, self.carrier)).transpose()?;
        let entries = [
            !tx.bookmarks.is_empty(),
            tx.timeout_ms.is_some(),
            metadata.is_some(),
            tx.read,
            tx.database.is_some(),
            tx.impersonated_user.is_some(),
        ];
        let mut writer = Writer::new(out);
        writer.map(entries.iter().filter(|there| **there).count() + filter.count());
        if !tx.bookmarks.is_empty() {
            writer.string("bookmarks");
            writer.strings(tx.bookmarks);
        }
        if let Some(timeout) = tx.timeout_ms {
            writer.string("tx_timeout");
            writer.integer(timeout);
        }
        if let Some(metadata) = metadata {
            writer.string("tx_metadata");
            writer.raw(&metadata);
        }
        if tx.read {
            writer.string_entry("mode", "r");
        }
        if let Some(database) = tx.database {
            writer.string_entry("db", database);
        }
        if let Some(user) = tx.impersonated_user {
            writer.string_entry("imp_user", user);
        }
        filter.write(&mut writer);
        Ok(())
    }

    /// PULL or DISCARD, with PULL_ALL and DISCARD_ALL under the same signatures.
    pub(crate) fn stream(&self, signature: u8, n: i64, qid: Option<i64>, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match self.features.pull {
            PullForm::All => writer.structure(signature, 0),
            PullForm::Some => {
                writer.structure(signature, 1);
                writer.map(1 + usize::from(qid.is_some()));
                writer.string("n");
                writer.integer(n);
                if let Some(qid) = qid {
                    writer.string("qid");
                    writer.integer(qid);
                }
            }
        }
    }

    /// ROUTE (Bolt 4.3).
    pub(crate) fn route(&self, route: &Route<'_>, out: &mut Vec<u8>) -> Written {
        if self.features.route == RouteForm::None {
            return Err(self.unsupported("ROUTE"));
        }
        if route.impersonated_user.is_some() && !self.features.impersonation {
            return Err(self.unsupported("an impersonated user"));
        }
        let mut writer = Writer::new(out);
        writer.structure(tag::ROUTE, 3);
        string_map(&mut writer, route.context);
        writer.strings(route.bookmarks);
        match (self.features.route, route.database) {
            (RouteForm::Extra, _) => {
                let entries = [("db", route.database), ("imp_user", route.impersonated_user)];
                writer.map(entries.iter().filter(|(_, value)| value.is_some()).count());
                for (key, value) in entries {
                    if let Some(value) = value {
                        writer.string_entry(key, value);
                    }
                }
            }
            (_, Some(database)) => writer.string(database),
            (_, None) => writer.null(),
        }
        Ok(())
    }

    /// TELEMETRY (Bolt 5.4).
    pub(crate) fn telemetry(&self, api: i64, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.structure(tag::TELEMETRY, 1);
        writer.integer(api);
    }

    /// A message without fields.
    pub(crate) fn bare(&self, signature: u8, out: &mut Vec<u8>) {
        Writer::new(out).structure(signature, 0);
    }
}

/// The entries of a notification filter under the names of the version.
struct Entries<'a> {
    severity: Option<&'a str>,
    disabled: Option<(&'static str, &'a [String])>,
}

impl<'a> Entries<'a> {
    fn filter(encoder: &Encoder, filter: Option<&'a NotificationFilter>) -> Result<Self, RequestError> {
        let Some(filter) = filter.filter(|filter| !filter.is_empty()) else {
            return Ok(Self { severity: None, disabled: None });
        };
        let key = match encoder.features.notifications {
            NotificationForm::None => return Err(encoder.unsupported("a notification filter")),
            NotificationForm::Categories => "notifications_disabled_categories",
            NotificationForm::Classifications => "notifications_disabled_classifications",
        };
        Ok(Self {
            severity: filter.minimum_severity.as_deref(),
            disabled: filter.disabled.as_deref().map(|names| (key, names)),
        })
    }

    fn count(&self) -> usize {
        usize::from(self.severity.is_some()) + usize::from(self.disabled.is_some())
    }

    fn write(&self, writer: &mut Writer<'_>) {
        if let Some(severity) = self.severity {
            writer.string_entry("notifications_minimum_severity", severity);
        }
        if let Some((key, names)) = self.disabled {
            writer.string(key);
            writer.strings(names);
        }
    }
}

fn string_map(writer: &mut Writer<'_>, entries: &[(String, String)]) {
    writer.map(entries.len());
    for (key, value) in entries {
        writer.string_entry(key, value);
    }
}

/// The bookmark with the highest transaction number (`neo4j:bookmark:v1:tx42`), else the last one.
fn newest(bookmarks: &[String]) -> Option<&String> {
    let number =
        |bookmark: &&String| bookmark.rsplit_once(":tx").and_then(|(_, number)| number.parse::<u128>().ok());
    bookmarks.iter().max_by_key(number)
}
