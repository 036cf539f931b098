//! What the checks make of a server, on a member whose status endpoint answers when the test lets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use bolt::server::signature;
use bolt::{Parameters, Version};
use driver::{
    AuthConfig, Begin, Config, Done, Driver, Mode, RoutingContext, Run, ServerConfig, SessionConfig, Status,
    StatusEndpoint, TxConfig, VerifyConfig,
};
use support::{direct, session, Collector, Fault, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{watch, Semaphore};

/// Says `master` to each request, as soon as there is a permit for it.
struct Endpoint {
    url: String,
    answers: Arc<Semaphore>,
    asked: watch::Receiver<usize>,
}

impl Endpoint {
    async fn start() -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Semaphore::new(0));
        let (told, asked) = watch::channel(0);
        let permits = answers.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (told, permits) = (told.clone(), permits.clone());
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                        told.send_modify(|n| *n += 1);
                        permits.acquire().await.unwrap().forget();
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmaster";
                        stream.write_all(answer).await.unwrap();
                    }
                });
            }
        });
        Endpoint { url, answers, asked }
    }

    async fn asked(&mut self, times: usize) {
        self.asked.wait_for(|n| *n >= times).await.unwrap();
    }
}

fn member(endpoint: &Endpoint, server: &Server) -> Driver {
    member_checked_within(20_000, endpoint, server)
}

fn member_checked_within(check_timeout: u64, endpoint: &Endpoint, server: &Server) -> Driver {
    direct(&server.uri, |config: &mut Config| {
        config.mode = Mode::Ha;
        config.servers[0].http = Some(StatusEndpoint { url: endpoint.url.clone(), auth: None });
        config.check_interval = 3_600_000;
        config.check_timeout = check_timeout;
        config.retry_on_error = 0;
    })
}

/// A write that the member refuses, as one that is no master.
async fn refused(driver: &Driver, server: &Server) {
    server.when(signature::RUN, Fault::Fails("Neo.ClientError.Cluster.NotALeader"));
    let sink = Arc::new(Collector::default());
    let session = driver.session(driver.intent(true, -1, -1, -1), SessionConfig::default());
    session.run(Run {
        id: 0,
        query: "CREATE (n)".into(),
        parameters: Parameters::empty(),
        config: TxConfig::default(),
        metadata: None,
        sink: sink.clone(),
        flow: session.flow(),
    });
    sink.until(|c| c.failure.is_some()).await;
}

#[tokio::test]
async fn a_member_that_refuses_a_write_is_unknown_until_its_next_check() {
    let (mut endpoint, server) = (Endpoint::start().await, Server::speaking(Version::new(3, 0), 1).await);
    let driver = member(&endpoint, &server);
    endpoint.answers.add_permits(1);
    driver.ready().await.unwrap();
    assert_eq!(driver.view().master(), Some(0));
    refused(&driver, &server).await;
    assert_eq!(driver.view().servers[0].status, Status::Unknown);
    // The check that this hurried.
    endpoint.asked(2).await;
    assert_eq!(driver.view().master(), None);
    endpoint.answers.add_permits(1);
    until(|| driver.view().master() == Some(0)).await;
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_a_demotion_does_not_undo_it() {
    let (mut endpoint, server) = (Endpoint::start().await, Server::speaking(Version::new(3, 0), 1).await);
    let driver = member(&endpoint, &server);
    endpoint.answers.add_permits(1);
    driver.ready().await.unwrap();
    let check = tokio::spawn(driver.check());
    endpoint.asked(2).await;
    refused(&driver, &server).await;
    endpoint.answers.add_permits(1);
    check.await.unwrap();
    assert_eq!(driver.view().servers[0].status, Status::Unknown, "its answer is older than the refusal");
    endpoint.asked(3).await;
    endpoint.answers.add_permits(1);
    until(|| driver.view().master() == Some(0)).await;
}

#[tokio::test]
async fn a_commit_asked_for_after_close_is_not_sent() {
    let (endpoint, server) = (Endpoint::start().await, Server::speaking(Version::new(3, 0), 1).await);
    let driver = member(&endpoint, &server);
    endpoint.answers.add_permits(1);
    driver.ready().await.unwrap();
    let session = session(&driver);
    let (told, begun) = tokio::sync::oneshot::channel();
    let begin = Begin { id: 1, config: TxConfig::default(), metadata: None };
    session.begin(begin, Done::new(|result| told.send(result).unwrap()));
    begun.await.unwrap().unwrap();
    // A check is under way, which close() ends.
    let check = tokio::spawn(driver.check());
    let closing = tokio::spawn(driver.close());
    let (told, committed) = tokio::sync::oneshot::channel();
    session.commit(Done::new(|result| told.send(result).unwrap()));
    let error = committed.await.unwrap().unwrap_err();
    assert!(!error.unknown_outcome, "{error}");
    closing.await.unwrap();
    check.await.unwrap();
    assert_eq!(server.count(signature::COMMIT), 0);
}

#[tokio::test]
async fn a_server_that_does_not_answer_stays_down_when_work_fails_on_it() {
    let (endpoint, server) = (Endpoint::start().await, Server::speaking(Version::new(3, 0), 1).await);
    let driver = member_checked_within(400, &endpoint, &server);
    driver.ready().await.unwrap();
    assert_eq!(driver.view().servers[0].status, Status::Down);
    // Whoever waits for a connection to it looks for this.
    refused(&driver, &server).await;
    let seen = driver.view().servers[0].clone();
    assert_eq!(
        (seen.status, seen.error.as_deref().is_some_and(|e| e.contains("no answer in time"))),
        (Status::Down, true)
    );
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it never came");
}

#[test]
fn no_credential_is_printed() {
    let auth = serde_json::json!({"scheme": "basic", "principal": "somebody", "credentials": "hunter2",
        "parameters": "\u{a1}\u{83}otp\u{87}hunter2"});
    let url = "http://somebody:hunter2@h";
    let server = serde_json::json!({"http": {"url": url, "auth": auth}, "bolt": "bolt://somebody:hunter2@h", "auth": auth});
    let server: ServerConfig = serde_json::from_value(server).unwrap();
    let context = RoutingContext(vec![("token".into(), "hunter2".into())]);
    let config = Config { servers: vec![server], routing_context: Some(context), ..Config::default() };
    let auth: AuthConfig = serde_json::from_value(auth).unwrap();
    let session = SessionConfig { auth: Some(auth.clone()), ..SessionConfig::default() };
    let verify = VerifyConfig { auth: Some(auth), ..VerifyConfig::default() };
    let text = format!("{config:?} {session:?} {verify:?}");
    assert!(!text.contains("hunter2") && !text.contains("somebody"), "{text}");
    assert!(text.contains("token"), "the keys of the routing context are no secret: {text}");
}
