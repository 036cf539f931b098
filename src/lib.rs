//! The binding: handles and plain data, no logic. What a handle does is in `crates/driver`; what the data mean is
//! in ARCHITECTURE.md, under "Crossing". Each call returns at once; what comes of it arrives in the environment's inbox.
//!
//! This crate alone may use `unsafe`, for what Node-API cannot express otherwise: writing into the memory of a
//! JavaScript buffer, and a function that any thread may call, which keeps the process alive while work is under way.

mod bookmarks;
mod driver;
mod environment;
mod failure;
mod format;
mod inbox;
mod json;
mod log;
mod observer;
mod runtime;
mod session;
mod sink;
mod wake;
