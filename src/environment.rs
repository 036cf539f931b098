//! One JavaScript environment: its inbox, and the drivers that post to it.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;

use napi::bindgen_prelude::{Function, Uint8ArraySlice};
use napi::{sys, Env};
use napi_derive::napi;

use crate::driver::NativeDriver;
use crate::inbox::Inbox;
use crate::json;
use crate::observer::JsObserver;
use crate::runtime;

/// One for each environment (main thread or worker).
#[napi]
pub struct Environment {
    inbox: Arc<Inbox>,
    next_driver: AtomicI32,
}

#[napi]
impl Environment {
    /// `wake` is called, with nothing, when there is something to drain.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()?;
        Ok(Environment { inbox: Arc::new(Inbox::new(wake)), next_driver: AtomicI32::new(1) })
    }

    /// Moves messages to `inbox`; see [`Inbox::drain`] for what is returned.
    #[napi(catch_unwind)]
    pub fn drain(&self, mut inbox: Uint8ArraySlice<'_>) -> i32 {
        // SAFETY: JavaScript does not run while this does, so nobody else looks at the buffer.
        self.inbox.drain(unsafe { inbox.as_mut() })
    }

    /// From now on the process stays alive: work is under way.
    #[napi(catch_unwind, js_name = "ref")]
    pub fn keep_alive(&self, env: Env) {
        if !self.inbox.wake_function().aborted() {
            // SAFETY: called on the environment's own thread, and the function was not aborted.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.inbox.wake_function().raw()) };
        }
    }

    /// From now on the process may end: no work is under way.
    #[napi(catch_unwind)]
    pub fn unref(&self, env: Env) {
        if !self.inbox.wake_function().aborted() {
            // SAFETY: as in `keep_alive`.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.inbox.wake_function().raw()) };
        }
    }

    /// Makes a driver from its configuration as JSON.
    #[napi(catch_unwind)]
    pub fn open(&self, config: String) -> napi::Result<NativeDriver> {
        let config: driver::Config = json::argument("The configuration", config)?;
        let id = self.next_driver.fetch_add(1, Ordering::Relaxed);
        let observer = Arc::new(JsObserver::new(id, self.inbox.clone()));
        let runtime = runtime::handle()?.clone();
        let driver = driver::Driver::new(config, observer.clone(), runtime)
            .map_err(|e| napi::Error::from_reason(e.to_string()))?;
        Ok(NativeDriver::new(id, driver, observer, self.inbox.clone()))
    }
}
