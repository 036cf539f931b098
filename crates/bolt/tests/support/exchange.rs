//! A client and a server that talk to each other without a wire.

use bolt::server::Replies;
use bolt::{
    Auth, Connection, Event, Hello, Limits, Parameters, Request, RequestError, Run, State, TxMeta, Value,
    Version,
};

/// A client and the replies of its server.
pub struct Exchange {
    pub client: Connection,
    pub server: Replies,
}

pub const V1: Version = Version::new(1, 0);
pub const V3: Version = Version::new(3, 0);
pub const V4: Version = Version::new(4, 0);
pub const V5: Version = Version::new(5, 8);

impl Exchange {
    pub fn new(version: Version) -> Self {
        Self { client: Connection::new(version, Limits::default()), server: Replies::new(version, false) }
    }

    pub fn ready(version: Version) -> Self {
        let mut exchange = Self::new(version);
        exchange.hello();
        exchange.success(&[("server", "Neo4j/x".into())]);
        if version >= Version::new(5, 1) {
            exchange.success(&[]);
        }
        exchange.events();
        assert_eq!(exchange.client.state(), State::Ready);
        exchange
    }

    pub fn in_transaction(version: Version) -> Self {
        let mut exchange = Self::ready(version);
        exchange.client.begin(&TxMeta::default()).unwrap();
        exchange.success(&[]);
        if version < V3 {
            exchange.success(&[]);
        }
        assert_eq!(exchange.events(), ["SUCCESS BEGIN"]);
        assert_eq!(exchange.client.state(), State::TxReady);
        exchange
    }

    pub fn hello(&mut self) {
        let auth = Auth::none();
        let hello =
            Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
        self.client.hello(&hello).unwrap();
    }

    pub fn try_run(&mut self) -> Result<(), RequestError> {
        let settings = TxMeta::default();
        let auto = self.client.state() != State::TxReady && self.client.state() != State::TxStreaming;
        self.client.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: auto.then_some(&settings) })
    }

    pub fn run(&mut self) {
        self.try_run().unwrap();
    }

    /// The first piece of a result has come: one record, and the promise of more.
    pub fn with_a_piece(version: Version) -> Self {
        let mut exchange = Self::ready(version);
        exchange.run();
        exchange.client.pull(2, None).unwrap();
        exchange.success(&[]);
        exchange.server.record(&[]).unwrap();
        exchange.success(&[("has_more", Value::Boolean(true))]);
        exchange
    }

    pub fn success(&mut self, metadata: &[(&str, Value)]) {
        self.server.success(metadata).unwrap();
    }

    pub fn failure(&mut self) {
        self.server.failure(&[("code", "Neo.ClientError.X.Y".into()), ("message", "no".into())]).unwrap();
    }

    pub fn deliver(&mut self) {
        let bytes = self.server.take();
        self.client.handle_input(&bytes);
    }

    /// What the client makes of all that the server wrote.
    pub fn events(&mut self) -> Vec<String> {
        self.deliver();
        let mut events = Vec::new();
        while let Some(event) = self.client.poll_event().unwrap() {
            events.push(match event {
                Event::Success { request, .. } => format!("SUCCESS {request}"),
                Event::Failure { request, .. } => format!("FAILURE {request}"),
                Event::Ignored { request } => format!("IGNORED {request}"),
                Event::Records(records) => format!("{} RECORDS", records.offsets.len()),
            });
        }
        events
    }

    pub fn refused(&mut self, request: Request, state: State, result: Result<(), RequestError>) {
        assert_eq!(result, Err(RequestError::State { request, state }));
    }
}
