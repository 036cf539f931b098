//! What errors of members mean for the routing.

use super::table::Table;
use super::Router;
use crate::address::Address;
use crate::error::{Error, Kind};

/// Errors of servers after which another server would answer the same.
const FAIL_FAST: [&str; 6] = [
    "Neo.ClientError.Database.DatabaseNotFound",
    "Neo.ClientError.Transaction.InvalidBookmark",
    "Neo.ClientError.Transaction.InvalidBookmarkMixture",
    "Neo.ClientError.Statement.ArgumentError",
    "Neo.ClientError.Request.Invalid",
    "Neo.ClientError.Statement.TypeError",
];
pub(crate) const NO_PROCEDURE: &str = "Neo.ClientError.Procedure.ProcedureNotFound";

impl Router {
    /// Draws the consequences of an error of work on a server, and gives the error as users of routing know it.
    pub(crate) fn on_error(&self, error: Error, database: Option<&str>) -> Error {
        let Some(server) = error.server.clone() else { return error };
        // One that has gone is in no table.
        let member = self.members.get(server.index);
        let concerned = |table: &Table| table.database.as_deref() == database || database.is_none();
        let change = |change: &dyn Fn(&mut Table, &Address)| {
            if let Some(member) = &member {
                self.change(member.address(), concerned, change);
            }
        };
        if error.kind == Kind::Connection {
            if let Some(member) = &member {
                self.forget(&member.pool);
            }
            return Error { kind: Kind::Expired, ..error };
        }
        if error.code().ends_with(".DatabaseUnavailable") {
            change(&Table::forget);
            return error;
        }
        if error.is_not_writable() {
            change(&|table, address| table.writers.retain(|a| a != address));
            let message =
                format!("No longer possible to write to server at {}: {}", server.address, error.message);
            let earlier = vec![format!("{}: {}", error.code(), error.message)];
            return Error { kind: Kind::Expired, message, failure: None, earlier, ..error };
        }
        error
    }
}

/// Whether no other router would answer otherwise.
pub(super) fn is_final(error: &Error) -> bool {
    let code = error.code();
    match error.kind {
        Kind::Client
        | Kind::Pool
        | Kind::Closed
        | Kind::Discovery
        | Kind::NotRouting
        | Kind::Aborted
        | Kind::Internal => true,
        Kind::Server => {
            FAIL_FAST.contains(&code)
                || (code.starts_with("Neo.ClientError.Security.")
                    && code != "Neo.ClientError.Security.AuthorizationExpired")
        }
        Kind::Connection | Kind::Protocol | Kind::Expired => false,
    }
}

/// No router had a table to give.
pub(super) fn no_router_answered<'a>(errors: impl Iterator<Item = &'a Error>, old: Option<&Table>) -> Error {
    let errors: Vec<String> = errors.map(describe).collect();
    let table = old.map_or_else(|| "none".to_owned(), |table| table.to_string());
    let message = format!(
        "Could not perform discovery. No routing servers available. Tried: {}. Known routing table: {table}.",
        errors.join("; "),
    );
    Error { earlier: errors, ..Error::new(Kind::Discovery, message) }
}

fn describe(error: &Error) -> String {
    match &error.server {
        Some(server) => format!("{}: {}", server.address, error.message),
        None => error.message.clone(),
    }
}
