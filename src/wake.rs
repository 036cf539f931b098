//! The function of JavaScript's that drains the inbox, called from any thread.
//!
//! Not napi's own `ThreadsafeFunction`: where that is compiled in, each environment gets a second one at load, which is never let
//! go, and holds the `AsyncLocalStorage` store of whoever loaded the module first.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use napi::bindgen_prelude::Function;
use napi::{check_status, sys, Env, JsValue};
use parking_lot::Mutex;

/// Does not keep the process alive, until [`Wake::keep_alive`]. Dropping it lets the function go.
pub(crate) struct Wake(Arc<Slot>);

/// None once its environment has ended.
type Slot = Mutex<Option<Raw>>;

struct Raw(sys::napi_threadsafe_function);

// SAFETY: Node-API lets any thread call and release such a function.
unsafe impl Send for Raw {}

const NAME: &str = "neo4j_wake";

impl Wake {
    pub(crate) fn new(env: Env, function: Function<'_, (), ()>) -> napi::Result<Self> {
        let slot: Arc<Slot> = Arc::default();
        let mut name = ptr::null_mut();
        let mut raw = ptr::null_mut();
        let finalized = Arc::into_raw(slot.clone());
        // SAFETY: the handles are of this environment and alive; `ended` takes the slot back, once.
        unsafe {
            check_status!(sys::napi_create_string_utf8(
                env.raw(),
                NAME.as_ptr().cast(),
                NAME.len() as isize,
                &mut name
            ))?;
            let created = check_status!(sys::napi_create_threadsafe_function(
                env.raw(),
                function.raw(),
                ptr::null_mut(),
                name,
                0,
                1,
                finalized.cast_mut().cast(),
                Some(ended),
                ptr::null_mut(),
                Some(call),
                &mut raw,
            ));
            if let Err(error) = created {
                drop(Arc::from_raw(finalized));
                return Err(error);
            }
            *slot.lock() = Some(Raw(raw));
            check_status!(sys::napi_unref_threadsafe_function(env.raw(), raw))?;
        }
        Ok(Wake(slot))
    }

    /// The function is called soon, on its own thread.
    pub(crate) fn call(&self) {
        self.with(|raw| {
            // SAFETY: it is neither released nor finalized: the slot is locked.
            unsafe {
                sys::napi_call_threadsafe_function(
                    raw,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                )
            };
        });
    }

    /// Whether the process stays alive for it. To be called on its own thread.
    pub(crate) fn keep_alive(&self, env: Env, is_needed: bool) {
        self.with(|raw| {
            // SAFETY: as above, and on the environment's own thread.
            unsafe {
                match is_needed {
                    true => sys::napi_ref_threadsafe_function(env.raw(), raw),
                    false => sys::napi_unref_threadsafe_function(env.raw(), raw),
                }
            };
        });
    }

    fn with(&self, action: impl FnOnce(sys::napi_threadsafe_function)) {
        if let Some(Raw(raw)) = *self.0.lock() {
            action(raw);
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        // Locked until it is released: its environment may be ending on another thread.
        let mut slot = self.0.lock();
        if let Some(Raw(raw)) = slot.take() {
            // SAFETY: nobody else has it any more, and it is not finalized.
            unsafe {
                sys::napi_release_threadsafe_function(raw, sys::ThreadsafeFunctionReleaseMode::release)
            };
        }
    }
}

/// Calls the function. Without an environment, it is about to be finalized.
unsafe extern "C" fn call(env: sys::napi_env, function: sys::napi_value, _: *mut c_void, _: *mut c_void) {
    if env.is_null() || function.is_null() {
        return;
    }
    let mut this = ptr::null_mut();
    let mut error = ptr::null_mut();
    // SAFETY: Node-API calls this on the environment's own thread, in a handle scope.
    unsafe {
        sys::napi_get_undefined(env, &mut this);
        let status = sys::napi_call_function(env, this, function, 0, ptr::null(), ptr::null_mut());
        if status == sys::Status::napi_pending_exception
            && sys::napi_get_and_clear_last_exception(env, &mut error) == sys::Status::napi_ok
        {
            sys::napi_fatal_exception(env, error);
        }
    }
}

/// It was released, or its environment ends: whoever calls it from now on calls nobody.
unsafe extern "C" fn ended(_: sys::napi_env, slot: *mut c_void, _: *mut c_void) {
    // SAFETY: it is what `Wake::new` gave away, and this is called once.
    let slot: Arc<Slot> = unsafe { Arc::from_raw(slot.cast()) };
    slot.lock().take();
}
