//! Messages: the requests that a client makes, their form in each version, and what a server replies.

mod encode;
mod failure;
mod metadata;
mod reply;
mod request;
pub(crate) mod tag;

pub(crate) use encode::Encoder;
pub(crate) use reply::Reply;

pub use failure::ServerFailure;
pub use metadata::Metadata;
pub use request::{Auth, Hello, NotificationFilter, Request, RequestError, Route, Run, Secret, TxMeta};
