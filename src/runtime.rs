//! The one I/O thread of the process, shared by all JavaScript environments in it.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};

/// The runtime; started at first use and never stopped, so that it outlives every environment.
///
/// # Errors
/// If the operating system gives no thread or no event queue.
pub(crate) fn handle() -> napi::Result<&'static Handle> {
    static RUNTIME: OnceLock<Result<Handle, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| start().map_err(|e| format!("The I/O thread cannot be started: {e}")))
        .as_ref()
        .map_err(|reason| napi::Error::from_reason(reason.clone()))
}

fn start() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("neo4j-bolt".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
