//! One JavaScript environment: its inbox, and the drivers that post to it.

use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Function, Object, Uint8ArraySlice};
use napi::{check_status, sys, Env, JsValue};
use napi_derive::napi;

use crate::driver::NativeDriver;
use crate::inbox::{Inbox, Message};
use crate::json;
use crate::observer::JsObserver;
use crate::runtime;
use crate::wake::Wake;

/// One for each environment (main thread or worker).
#[napi]
pub struct Environment {
    inbox: Arc<Inbox>,
    next_driver: AtomicI32,
}

#[napi]
impl Environment {
    /// Nothing comes out of it until [`Environment::listen`].
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Environment { inbox: Arc::new(Inbox::default()), next_driver: AtomicI32::new(1) }
    }

    /// From now on `wake` is called, with nothing, when there is something to drain. It is held, with all that it reaches, until
    /// [`Environment::rest`].
    #[napi(catch_unwind)]
    pub fn listen(&self, env: Env, wake: Function<'_, (), ()>) -> napi::Result<()> {
        self.inbox.listen(Wake::new(env, wake)?);
        Ok(())
    }

    /// From now on nobody is called. What comes meanwhile waits.
    #[napi(catch_unwind)]
    pub fn rest(&self) {
        self.inbox.rest();
    }

    /// Calls a function in no context of `AsyncLocalStorage`, whoever asks for it: what it makes holds none.
    #[napi(catch_unwind)]
    pub fn outside(&self, env: Env, function: Function<'_, (), ()>) -> napi::Result<()> {
        let nobody = Object::new(&env)?;
        // Deno writes the outcome without looking whether somebody wants it.
        let mut outcome = ptr::null_mut();
        // SAFETY: the handles are of this environment and alive, and there are no arguments. Without an async context
        // the call is made in an empty one.
        check_status!(unsafe {
            sys::napi_make_callback(
                env.raw(),
                ptr::null_mut(),
                nobody.raw(),
                function.raw(),
                0,
                ptr::null(),
                &mut outcome,
            )
        })
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
        self.inbox.keep_alive(env, true);
    }

    /// From now on the process may end: no work is under way.
    #[napi(catch_unwind)]
    pub fn unref(&self, env: Env) {
        self.inbox.keep_alive(env, false);
    }

    /// Says that an operation is done after so many milliseconds.
    #[napi(catch_unwind)]
    pub fn pause(&self, op: i32, ms: u32) -> napi::Result<()> {
        let inbox = self.inbox.clone();
        runtime::handle()?.spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms.into())).await;
            inbox.push_text(Message::Done, op, "");
        });
        Ok(())
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
