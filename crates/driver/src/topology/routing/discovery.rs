//! Asking one server for a routing table, in the form that its version has.

use bolt::packstream::decode;
use bolt::{Event, Limits, Parameters, RawRecords, Request, Route, RouteForm, TxMeta, Value, Version};

use super::fetch::Lookup;
use super::table::Table;
use crate::address::TlsWish;
use crate::error::{Error, Kind};
use crate::net::Conn;

/// Where procedures for routing run, from 4.0 on.
pub(super) const SYSTEM: &str = "system";
const MULTI_DATABASE: Version = Version { major: 4, minor: 0 };

/// A table for the database of the work, from the server at the other end.
pub(crate) async fn ask(
    router: &mut Conn,
    context: &[(String, String)],
    lookup: &Lookup,
    bookmarks: &[String],
    tls: TlsWish,
) -> Result<Table, Error> {
    let answer = if router.bolt.features().route == RouteForm::None {
        by_procedure(router, context, lookup, bookmarks).await?
    } else {
        by_message(router, context, lookup, bookmarks).await?
    };
    let mut table = Table::read(answer.ttl.as_ref(), answer.servers.as_ref(), tls).map_err(|why| {
        let message = format!("{} sent a routing table that cannot be used: {why}.", router.server.address);
        Error::new(Kind::Protocol, message).on(router.server.clone())
    })?;
    table.database = lookup.key.database.clone().or(answer.database);
    Ok(table)
}

/// The parts of a table as they came.
#[derive(Default)]
struct Answer {
    ttl: Option<Value>,
    servers: Option<Value>,
    database: Option<String>,
}

/// ROUTE: Bolt 4.3 and later.
async fn by_message(
    router: &mut Conn,
    context: &[(String, String)],
    lookup: &Lookup,
    bookmarks: &[String],
) -> Result<Answer, Error> {
    let route = Route {
        context,
        bookmarks,
        database: lookup.key.database.as_deref(),
        impersonated_user: lookup.impersonated_user.as_deref(),
    };
    router.bolt.route(&route).map_err(|e| refused(router, &e))?;
    loop {
        match router.event().await? {
            Event::Success { request: Request::Route, metadata } => {
                let Some(table) = metadata.get("rt") else { return Ok(Answer::default()) };
                return Ok(Answer {
                    ttl: table.get("ttl").cloned(),
                    servers: table.get("servers").cloned(),
                    database: table.get("db").and_then(Value::as_str).map(str::to_owned),
                });
            }
            Event::Failure { failure, .. } => {
                return Err(Error::from_failure(failure).on(router.server.clone()))
            }
            Event::Success { .. } => {}
            _ => return Err(router.protocol_error("an answer to ROUTE that the protocol does not have")),
        }
    }
}

/// A procedure: `dbms.routing` in 4.0 to 4.2, `dbms.cluster.routing` in 3.x.
async fn by_procedure(
    router: &mut Conn,
    context: &[(String, String)],
    lookup: &Lookup,
    bookmarks: &[String],
) -> Result<Answer, Error> {
    let context = context.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
    let mut parameters = vec![("context", Value::Map(context))];
    let several = router.bolt.version() >= MULTI_DATABASE;
    let (query, meta) = if several {
        let database = lookup.key.database.clone().map_or(Value::Null, Value::String);
        parameters.push(("database", database));
        let meta = TxMeta {
            bookmarks,
            read: true,
            database: Some(SYSTEM),
            impersonated_user: lookup.impersonated_user.as_deref(),
            ..TxMeta::default()
        };
        ("CALL dbms.routing.getRoutingTable($context, $database)", meta)
    } else {
        // One database, in which nobody acts as another: RUN refuses what this version cannot carry. What later versions
        // keep in `system` is in that one.
        let database = lookup.key.database.as_deref().filter(|name| *name != SYSTEM);
        let meta =
            TxMeta { database, impersonated_user: lookup.impersonated_user.as_deref(), ..TxMeta::default() };
        ("CALL dbms.cluster.routing.getRoutingTable($context)", meta)
    };
    let parameters = Parameters::from_map(&parameters).map_err(|e| refused(router, &e))?;
    let run = bolt::Run { query, parameters: &parameters, tx: Some(&meta) };
    router.bolt.run(&run).and_then(|()| router.bolt.pull(-1, None)).map_err(|e| refused(router, &e))?;
    let mut answer = Answer::default();
    let mut keys = Vec::new();
    loop {
        match router.event().await? {
            Event::Success { request: Request::Run, metadata } => {
                keys = metadata.fields().unwrap_or_default()
            }
            Event::Records(records) => read_row(router, &keys, &records, &mut answer)?,
            Event::Success { request: Request::Pull, .. } => return Ok(answer),
            Event::Failure { failure, .. } => {
                return Err(Error::from_failure(failure).on(router.server.clone()))
            }
            _ => return Err(router.protocol_error("an answer that nobody asked for")),
        }
    }
}

/// The one row of the procedure's result.
fn read_row(
    router: &mut Conn,
    keys: &[String],
    records: &RawRecords,
    answer: &mut Answer,
) -> Result<(), Error> {
    // What follows the first record is of no interest: a table is one row.
    let start = records.offsets.first().map(|at| *at as usize);
    let end = records
        .offsets
        .get(1)
        .map_or(records.bytes.len(), |next| (*next as usize).saturating_sub(RECORD_HEAD));
    let Some(row) = start.and_then(|start| records.bytes.get(start..end)) else { return Ok(()) };
    let value = decode(row, router.bolt.version(), router.bolt.utc_patched(), &Limits::default())
        .map_err(|e| router.protocol_error(&format!("a record cannot be read: {e}")))?;
    for (key, value) in keys.iter().zip(value.as_list().unwrap_or_default()) {
        match key.as_str() {
            "ttl" => answer.ttl = Some(value.clone()),
            "servers" => answer.servers = Some(value.clone()),
            _ => {}
        }
    }
    Ok(())
}

/// Bytes of a RECORD before its list.
const RECORD_HEAD: usize = 2;

fn refused(router: &Conn, why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Client, why.to_string()).on(router.server.clone())
}
