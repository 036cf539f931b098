//! What `tokio::sync::watch` is, as far as the engine uses it; but whoever waits is woken in the order of waiting. Tokio's own
//! draws lots for that, and no seed can be given to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::sync::Notify;

struct Shared<T> {
    value: Mutex<Versioned<T>>,
    changed: Notify,
    receivers: AtomicUsize,
    /// The last receiver is gone.
    left: Notify,
}

struct Versioned<T> {
    value: T,
    version: usize,
    has_sender: bool,
}

/// The sender is gone.
#[derive(Debug)]
pub(crate) struct Gone;

pub(crate) struct Sender<T>(Arc<Shared<T>>);

pub(crate) struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: usize,
}

pub(crate) fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Shared<T> {
    fn borrow(&self) -> MappedMutexGuard<'_, T> {
        MutexGuard::map(self.value.lock(), |versioned| &mut versioned.value)
    }

    fn receiver(self: &Arc<Self>, seen: usize) -> Receiver<T> {
        self.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { shared: self.clone(), seen }
    }
}

impl<T> Sender<T> {
    pub(crate) fn new(value: T) -> Self {
        let value = Mutex::new(Versioned { value, version: 0, has_sender: true });
        let receivers = AtomicUsize::new(0);
        Sender(Arc::new(Shared { value, changed: Notify::new(), receivers, left: Notify::new() }))
    }

    pub(crate) fn subscribe(&self) -> Receiver<T> {
        self.0.receiver(self.0.value.lock().version)
    }

    pub(crate) fn borrow(&self) -> MappedMutexGuard<'_, T> {
        self.0.borrow()
    }

    pub(crate) fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        {
            let mut versioned = self.0.value.lock();
            modify(&mut versioned.value);
            versioned.version += 1;
        }
        self.0.changed.notify_waiters();
    }

    pub(crate) fn send_replace(&self, value: T) {
        self.send_modify(|old| *old = value);
    }

    /// Waits until there is no receiver.
    pub(crate) async fn closed(&self) {
        loop {
            let left = self.0.left.notified();
            if self.0.receivers.load(Ordering::Relaxed) == 0 {
                return;
            }
            left.await;
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.value.lock().has_sender = false;
        self.0.changed.notify_waiters();
    }
}

impl<T> Receiver<T> {
    pub(crate) fn borrow(&self) -> MappedMutexGuard<'_, T> {
        self.shared.borrow()
    }

    pub(crate) fn has_changed(&self) -> Result<bool, Gone> {
        let versioned = self.shared.value.lock();
        if versioned.has_sender {
            Ok(versioned.version != self.seen)
        } else {
            Err(Gone)
        }
    }

    pub(crate) fn mark_unchanged(&mut self) {
        self.seen = self.shared.value.lock().version;
    }

    pub(crate) fn mark_changed(&mut self) {
        self.seen = self.seen.wrapping_sub(1);
    }

    pub(crate) async fn changed(&mut self) -> Result<(), Gone> {
        loop {
            let changed = self.shared.changed.notified();
            {
                let versioned = self.shared.value.lock();
                if versioned.version != self.seen {
                    self.seen = versioned.version;
                    return Ok(());
                }
                if !versioned.has_sender {
                    return Err(Gone);
                }
            }
            changed.await;
        }
    }

    pub(crate) async fn wait_for(
        &mut self,
        condition: impl Fn(&T) -> bool,
    ) -> Result<MappedMutexGuard<'_, T>, Gone> {
        while !condition(&self.shared.borrow()) {
            self.changed().await?;
        }
        Ok(self.shared.borrow())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receiver(self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.shared.receivers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.shared.left.notify_waiters();
        }
    }
}
