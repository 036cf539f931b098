//! Who a connection is logged in as, on a server of a few lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use bolt::Version;
use driver::{
    Answer, AuthConfig, ClientCertificate, Config, Driver, Error, Kind, LogLevel, Observer, SessionConfig,
    VerifyConfig, View,
};
use parking_lot::Mutex;
use support::{asking, direct, run, Collector, Server};

fn token(user: &str) -> AuthConfig {
    serde_json::from_value(serde_json::json!({"scheme": "basic", "principal": user, "credentials": "sesame"}))
        .unwrap()
}

/// Runs a query to its end, as `user` or as the driver's own.
async fn work(driver: &Driver, user: Option<&str>) -> Result<(), Error> {
    let config = SessionConfig { auth: user.map(token), ..SessionConfig::default() };
    let session = driver.session(driver.intent(true, -1, -1, -1), config);
    let sink = Arc::new(Collector::default());
    run(&session, 0, &sink).more(100, false);
    sink.until(|c| c.summaries == 1 || c.failure.is_some()).await;
    let failure = sink.collected.lock().failure.take();
    failure.map_or(Ok(()), Err)
}

/// A server that speaks `version`, and a driver that logs in there as `driver`.
async fn opened(version: Version, change: impl FnOnce(&mut Config)) -> (Server, Driver) {
    let server = Server::speaking(version, 1).await;
    let driver = direct(&server.uri, |config| {
        config.servers[0].auth = Some(token("driver"));
        change(config);
    });
    (server, driver)
}

/// What came in on one connection.
fn words(received: &[(usize, String)], connection: usize) -> Vec<&str> {
    received.iter().filter(|(number, _)| *number == connection).map(|(_, what)| what.as_str()).collect()
}

/// Gives whatever token is in it; none for ever, if there is none.
struct Manager(Mutex<Option<&'static str>>);

impl Observer for Manager {
    fn topology(&self, _: &View) {}
    fn log(&self, _: LogLevel, _: &str) {}
    fn token(&self, _: usize) -> Answer<AuthConfig> {
        match *self.0.lock() {
            Some(user) => Box::pin(std::future::ready(Ok(token(user)))),
            None => Box::pin(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn from_5_1_on_a_connection_changes_its_user() {
    let (server, driver) = opened(Version::new(5, 1), |_| {}).await;
    for user in [None, Some("ann"), Some("ann"), None] {
        work(&driver, user).await.unwrap();
    }
    let received = server.received();
    assert_eq!(
        words(&received, 1),
        ["driver", "run", "-", "ann", "run", "run", "-", "driver", "run"],
        "and only where it is another"
    );
    assert!(words(&received, 2).is_empty());
}

#[tokio::test]
async fn before_5_1_a_session_has_a_connection_of_its_own_even_in_a_pool_of_one() {
    let (server, driver) = opened(Version::new(4, 4), |config| config.max_connection_pool_size = 1).await;
    for user in [None, Some("ann"), None] {
        work(&driver, user).await.unwrap();
    }
    driver.close().await;
    let received = server.received();
    assert_eq!(words(&received, 1), ["driver", "run", "bye"], "it made room");
    assert_eq!(words(&received, 2), ["ann", "run", "bye"], "nobody else gets it");
    assert_eq!(words(&received, 3)[..2], ["driver", "run"]);
}

#[tokio::test]
async fn a_new_token_of_the_manager_counts_from_the_next_work_on() {
    for (minor, expected) in
        [(4, vec!["old", "run", "run", "-", "new", "run"]), (0, vec!["old", "run", "run", "bye"])]
    {
        let server = Server::speaking(Version::new(5, minor), 1).await;
        let manager = Arc::new(Manager(Mutex::new(Some("old"))));
        let driver = asking(&server.uri, |config| config.servers[0].managed = true, manager.clone());
        work(&driver, None).await.unwrap();
        work(&driver, None).await.unwrap();
        *manager.0.lock() = Some("new");
        work(&driver, None).await.unwrap();
        driver.close().await;
        let received = server.received();
        assert_eq!(words(&received, 1)[..expected.len()], expected, "5.{minor}");
    }
}

#[tokio::test]
async fn a_manager_that_never_answers_is_what_the_error_names() {
    let server = Server::start(1).await;
    let change = |config: &mut Config| {
        config.servers[0].managed = true;
        config.connection_acquisition_timeout = 50;
    };
    let driver = asking(&server.uri, change, Arc::new(Manager(Mutex::new(None))));
    let error = work(&driver, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Pool);
    assert!(error.message.contains("token manager gave no token"), "{error}");
}

#[tokio::test]
async fn to_verify_a_login_is_to_log_in() {
    for (minor, expected) in [(4, vec!["driver", "run", "-", "driver"]), (0, vec!["driver", "run"])] {
        let (server, driver) = opened(Version::new(5, minor), |_| {}).await;
        work(&driver, None).await.unwrap();
        driver.verify(None, VerifyConfig { login: true, ..VerifyConfig::default() }).await.unwrap();
        let wait = async {
            // The goodbye of a connection that gave way comes in its own time.
            while server.received.lock().len() < 4 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("a login");
        let received = server.received();
        assert_eq!(words(&received, 1)[..expected.len()], expected, "5.{minor}");
        assert_eq!(words(&received, 2), if minor == 0 { vec!["driver"] } else { vec![] });
    }
}

#[test]
fn secrets_are_not_in_debug() {
    let certificate: ClientCertificate =
        serde_json::from_value(serde_json::json!({"certificates": "public", "key": "sesame"})).unwrap();
    let session = SessionConfig { auth: Some(token("ann")), ..SessionConfig::default() };
    for text in [format!("{certificate:?}"), format!("{session:?}"), format!("{:?}", token("ann"))] {
        assert!(!text.contains("sesame"), "{text}");
    }
}
