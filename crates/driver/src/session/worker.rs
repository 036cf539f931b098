//! The task that does a session's commands, one after the other.

use std::sync::Arc;

use super::command::Command;
use super::sink::Sink;
use super::transaction::Transaction;
use super::{Inner, State};
use crate::error::Error;

pub(super) struct Worker {
    session: Arc<Inner>,
    /// `None` once it was given back.
    state: Option<State>,
}

impl Worker {
    pub(super) fn new(session: Arc<Inner>, state: State) -> Self {
        Worker { session, state: Some(state) }
    }

    pub(super) async fn work(mut self) {
        self.session.signals.listen().await;
        while let Some(next) = self.next() {
            let Some(state) = self.state.as_mut() else { return };
            let command = match next {
                Next::Command(command) => command,
                Next::ReadOn => {
                    if let Some(transaction) = state.transaction.as_mut() {
                        Box::pin(transaction.read_on(&self.session)).await;
                    }
                    continue;
                }
            };
            if self.session.core.is_closed() {
                if let Some(mut transaction) = state.transaction.take() {
                    transaction.fail(Error::driver_closed());
                }
                match command {
                    // The server rolls back what was open when its connection ends.
                    Command::Rollback(done) => done.settle(Ok(())),
                    command => command.refuse(Error::driver_closed()),
                }
                continue;
            }
            if let (true, Some(transaction)) = (command.ends_transaction(), state.transaction.as_mut()) {
                Box::pin(transaction.end_results(&self.session)).await;
            }
            match command {
                Command::Run(run) => {
                    let _told = ToldOfPanic { sink: run.sink.clone(), in_doubt: state.transaction.is_none() };
                    match state.transaction.as_mut() {
                        Some(transaction) => transaction.run(&self.session, run).await,
                        None => {
                            if let Err(error) = self.session.auto_commit(&run).await {
                                run.fail(error);
                            }
                        }
                    }
                }
                Command::Execute(run) => {
                    let _told = ToldOfPanic { sink: run.sink.clone(), in_doubt: true };
                    if let Err(error) = Box::pin(state.execute(&self.session, &run)).await {
                        run.fail(error);
                    }
                }
                Command::Begin(begin, done) => {
                    done.settle(Box::pin(state.begin(&self.session, &begin)).await)
                }
                Command::Aborted(id) => {
                    state.transaction = Some(Transaction::failed(id, Error::aborted()));
                }
                Command::Commit(done) => {
                    let done = done.begun();
                    done.settle(state.commit(&self.session).await);
                }
                Command::Rollback(done) => done.settle(state.roll_back(&self.session).await),
                Command::Close(done) => {
                    let _ = state.roll_back(&self.session).await;
                    done.settle(Ok(()));
                }
            }
        }
    }

    /// What is to be done next; `None` when there is nothing, and the state was given back.
    fn next(&mut self) -> Option<Next> {
        let mut queue = self.session.queue.lock();
        let state = self.state.as_mut()?;
        let open = state.transaction.as_mut();
        // What was aborted may have been over by then; but not its transaction.
        if self.session.signals.take_abort() {
            if let Some(transaction) = open.filter(|t| t.id == queue.doing) {
                transaction.fail(Error::aborted());
            }
        }
        let command = queue.commands.pop_front();
        let is_reading = state.transaction.as_ref().is_some_and(Transaction::is_reading);
        queue.doing = match (&command, &state.transaction) {
            (None, _) if !is_reading => 0,
            (Some(Command::Begin(begin, _)), _) => begin.id,
            (_, Some(transaction)) => transaction.id,
            (Some(Command::Run(run) | Command::Execute(run)), None) => run.id,
            (_, None) => 0,
        };
        match command {
            Some(command) => Some(Next::Command(command)),
            None if is_reading => Some(Next::ReadOn),
            None => {
                if let Some(transaction) = &mut state.transaction {
                    transaction.park(&self.session);
                }
                self.session.signals.stop_listening();
                queue.state = self.state.take();
                None
            }
        }
    }
}

enum Next {
    Command(Command),
    /// Results of the transaction are open, and nothing else is to be done.
    ReadOn,
}

impl Drop for Worker {
    /// Only with work left if the task panicked or its runtime went away: whoever waits is told.
    fn drop(&mut self) {
        let Some(state) = self.state.take() else { return };
        self.session.signals.stop_listening();
        if let Some(mut transaction) = state.transaction {
            let _entered = self.session.core.runtime.enter();
            transaction.fail(Error::internal());
        }
        let commands = {
            let mut queue = self.session.queue.lock();
            queue.closed = true;
            // For the session's own closing, which is all that is taken from now on.
            queue.state = Some(State { transaction: None });
            std::mem::take(&mut queue.commands)
        };
        for command in commands {
            command.refuse(Error::internal());
        }
    }
}

/// Ends a result whose task panics.
struct ToldOfPanic {
    sink: Arc<dyn Sink>,
    /// What the query did, if it did, is committed.
    in_doubt: bool,
}

impl Drop for ToldOfPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.sink.failure(Error::internal().with_unknown_outcome_if(self.in_doubt));
            self.sink.flush();
        }
    }
}
