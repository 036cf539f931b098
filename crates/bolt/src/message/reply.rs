//! What a server sends: one message, not yet in relation to any request.

use super::{tag, Metadata, ServerFailure};
use crate::packstream::{check, DecodeError, Dialect, Item, Limits, Reader};

/// A message of the server other than RECORD.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Success(Metadata),
    Failure(ServerFailure),
    Ignored,
}

/// The head of a RECORD: a structure of one field.
const RECORD_HEAD: [u8; 2] = [0xB1, tag::RECORD];

impl Reply {
    /// Whether a message is a RECORD. Its list of fields begins at [`Reply::RECORD_HEAD_LEN`].
    pub(crate) fn is_record(message: &[u8]) -> bool {
        message.starts_with(&RECORD_HEAD)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Success(_) => "SUCCESS",
            Self::Failure(_) => "FAILURE",
            Self::Ignored => "IGNORED",
        }
    }

    pub(crate) const RECORD_HEAD_LEN: usize = RECORD_HEAD.len();

    /// Reads a message that is no RECORD. `None` for one that no server sends.
    pub(crate) fn parse(
        message: &[u8],
        dialect: Dialect,
        gql: bool,
        limits: &Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        let Item::Structure { signature, fields } = reader.item()? else {
            return Err(DecodeError::Expected("message"));
        };
        let body = message.get(reader.position()..).unwrap_or_default();
        if body.len() > Limits::MAX_METADATA {
            return Err(DecodeError::TooLarge {
                what: "metadata",
                name: "metadata",
                limit: Limits::MAX_METADATA,
            });
        }
        Ok(match (signature, fields) {
            (tag::SUCCESS, 1) => Some(Self::Success(Metadata::parse(body, dialect, limits)?)),
            (tag::FAILURE, 1) => {
                check(body, &dialect, limits)?;
                Some(Self::Failure(ServerFailure::parse(body, &dialect, gql)?))
            }
            // some servers send an empty map along
            (tag::IGNORED, 0 | 1) => {
                for _ in 0..fields {
                    reader.skip()?;
                }
                reader.finish()?;
                Some(Self::Ignored)
            }
            _ => None,
        })
    }
}
