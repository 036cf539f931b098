//! A cluster in memory, on held time: the engine as it is, on a network whose delays, cuts and losses a schedule decides.

mod network;

pub(crate) use network::{Network, Port, Stream};
