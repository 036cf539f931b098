//! The state machine against a model of a server that keeps to the protocol: any requests, any timing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::{Connection, Event, Limits, Request, State, Version};
use proptest::prelude::*;
use support::client::request;
use support::model_server::ModelServer;

#[derive(Debug, Clone)]
enum Step {
    Ask(u8, u8),
    /// So many bytes of the output reach the server.
    Send(u8),
    /// The server answers a message.
    Answer(u8),
    /// So many bytes of the replies reach the client.
    Receive(u8),
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => any::<(u8, u8)>().prop_map(|(kind, detail)| Step::Ask(kind, detail)),
        2 => any::<u8>().prop_map(Step::Send),
        3 => any::<u8>().prop_map(Step::Answer),
        2 => any::<u8>().prop_map(Step::Receive),
    ]
    .boxed()
}

struct Play {
    client: Connection,
    server: ModelServer,
    wire: Vec<u8>,
    answered: Vec<Request>,
}

impl Play {
    fn new(version: Version) -> Self {
        Self {
            client: Connection::new(version, Limits::default()),
            server: ModelServer::new(version),
            wire: Vec::new(),
            answered: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(kind, detail) => {
                let before = (self.client.output().len(), self.client.pending());
                let asked = request(&mut self.client, *kind, *detail);
                if asked.is_err() {
                    assert_eq!((self.client.output().len(), self.client.pending()), before);
                }
            }
            Step::Send(n) => {
                let n = usize::from(*n).min(self.client.output().len());
                self.server.feed(&self.client.output()[..n]);
                self.client.consume_output(n);
            }
            Step::Answer(choice) => self.wire.extend(self.server.answer(*choice)),
            Step::Receive(n) => {
                let later = self.wire.split_off(usize::from(*n).min(self.wire.len()));
                let now = std::mem::replace(&mut self.wire, later);
                self.client.handle_input(&now);
                while let Some(event) = self.client.poll_event().expect("the server keeps to the protocol") {
                    match event {
                        Event::Success { request, .. }
                        | Event::Failure { request, .. }
                        | Event::Ignored { request } => self.answered.push(request),
                        Event::Records(_) => {}
                    }
                }
            }
        }
    }

    /// Sends and answers all that is left; then both sides agree on where they are.
    fn settle(&mut self) {
        while !self.client.output().is_empty() {
            self.step(&Step::Send(255));
        }
        while self.server.waiting() > 0 {
            self.step(&Step::Answer(16));
        }
        while !self.wire.is_empty() {
            self.step(&Step::Receive(255));
        }
        if self.server.state == State::Defunct {
            assert_eq!(self.client.state(), State::Defunct);
        } else {
            assert_eq!(self.client.pending(), 0);
            assert_eq!(self.client.state(), self.server.state);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn client_and_server_agree(
        version in prop::sample::select(Version::SUPPORTED),
        detail in any::<u8>(),
        steps in proptest::collection::vec(step(), 0..80),
        rest in proptest::collection::vec(step(), 0..40),
    ) {
        let mut play = Play::new(version);
        play.step(&Step::Ask(0, detail)); // HELLO
        play.settle();
        for step in &steps {
            play.step(step);
        }
        play.settle();
        for step in &rest {
            play.step(step);
        }
        play.settle();
    }
}
