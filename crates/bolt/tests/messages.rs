//! The exact bytes of each message in each version that has a form of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::columns::Transcoder;
use bolt::server::{Replies, Requests};
use bolt::{
    Auth, Connection, Event, Hello, Limits, NotificationFilter, Parameters, RequestError, Route, Run, TxMeta,
    Value, Version,
};
use secrecy::zeroize::Zeroizing;
use support::batch_reader::ResultReader;
use support::exchange::Exchange;
use support::{bytes, hex};

fn v(version: &str) -> Version {
    let (major, minor) = version.split_once('.').unwrap();
    Version::new(major.parse().unwrap(), minor.parse().unwrap())
}

fn versions(from: &str, to: &str) -> Vec<Version> {
    Version::SUPPORTED.iter().copied().filter(|it| (v(from)..=v(to)).contains(it)).collect()
}

/// The messages in the output, without chunks.
fn sent(connection: &mut Connection) -> Vec<Vec<u8>> {
    let mut requests = Requests::new(connection.version(), false);
    requests.feed(connection.output()).unwrap();
    connection.consume_output(connection.output().len());
    std::iter::from_fn(|| requests.next_raw()).collect()
}

fn check(connection: &mut Connection, expected: &[&str], context: &str) {
    let sent: Vec<String> = sent(connection).iter().map(|message| hex(message)).collect();
    let expected: Vec<String> = expected.iter().map(|message| hex(&bytes(message))).collect();
    assert_eq!(sent, expected, "{context} on Bolt {}", connection.version());
}

fn fresh(version: Version) -> Connection {
    Connection::new(version, Limits::default())
}

fn greet(connection: &mut Connection, hello: &[(&str, Value)]) {
    let version = connection.version();
    let auth = Auth::none();
    let hello_request =
        Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
    connection.hello(&hello_request).unwrap();
    let mut replies = Replies::new(version, false);
    replies.success(hello).unwrap();
    if version >= v("5.1") {
        replies.success(&[]).unwrap();
    }
    connection.handle_input(&replies.take());
    while connection.poll_event().unwrap().is_some() {}
    connection.consume_output(usize::MAX);
}

/// A connection that is ready for queries.
fn ready(version: Version) -> Connection {
    let mut connection = fresh(version);
    greet(&mut connection, &[("server", "Neo4j/3.5.0".into())]);
    connection
}

/// A connection whose transaction is open.
fn in_transaction(version: Version) -> Connection {
    let mut connection = ready(version);
    connection.begin(&TxMeta::default()).unwrap();
    connection.consume_output(usize::MAX);
    connection
}

fn filter(severity: Option<&str>, disabled: Option<&[&str]>) -> NotificationFilter {
    NotificationFilter {
        minimum_severity: severity.map(str::to_owned),
        disabled: disabled.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

#[test]
fn a_connection_introduces_itself() {
    let auth = Auth { realm: Some("r".to_owned()), ..Auth::basic("neo", "pw") };
    let routing = [("address".to_owned(), "h:1".to_owned())];
    let hello = Hello {
        user_agent: "a/1",
        bolt_agent: &[("product", "p/1")],
        auth: &auth,
        routing: Some(&routing),
        notification_filter: None,
    };
    let agent = "8A 'user_agent' 83 'a/1'";
    let token = "86 'scheme' 85 'basic' 89 'principal' 83 'neo' 8B 'credentials' 82 'pw' 85 'realm' 81 'r'";
    let route = "87 'routing' A1 87 'address' 83 'h:1'";
    let patch = "8A 'patch_bolt' 91 83 'utc'";
    let bolt_agent = "8A 'bolt_agent' A1 87 'product' 83 'p/1'";
    let logon = format!("B1 6A A4 {token}");
    let table = [
        ("1.0", "2.0", vec![format!("B2 01 83 'a/1' A4 {token}")]),
        ("3.0", "4.0", vec![format!("B1 01 A5 {token} {agent}")]),
        ("4.1", "4.2", vec![format!("B1 01 A6 {token} {agent} {route}")]),
        ("4.3", "4.4", vec![format!("B1 01 A7 {token} {agent} {route} {patch}")]),
        ("5.0", "5.0", vec![format!("B1 01 A6 {token} {agent} {route}")]),
        ("5.1", "5.2", vec![format!("B1 01 A2 {agent} {route}"), logon.clone()]),
        ("5.3", "6.1", vec![format!("B1 01 A3 {agent} {bolt_agent} {route}"), logon]),
    ];
    let mut seen = 0;
    for (from, to, expected) in &table {
        for version in versions(from, to) {
            let mut connection = fresh(version);
            connection.hello(&hello).unwrap();
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            check(&mut connection, &expected, "hello");
            seen += 1;
        }
    }
    assert_eq!(seen, Version::SUPPORTED.len());
}

fn packed(key: &str, value: Value) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Parameters::from_map(&[(key, value)]).unwrap().bytes.to_vec())
}

#[test]
fn auth_tokens_of_other_schemes() {
    let table = [
        (Auth::none(), "A1 86 'scheme' 84 'none'"),
        (
            Auth { scheme: "bearer".into(), credentials: Some("t".into()), ..Auth::default() },
            "A2 86 'scheme' 86 'bearer' 8B 'credentials' 81 't'",
        ),
        (
            Auth { scheme: "own".into(), others: Some(packed("n", Value::Integer(1))), ..Auth::default() },
            "A2 86 'scheme' 83 'own' 81 'n' 01",
        ),
    ];
    for (auth, map) in table {
        let mut connection = fresh(v("5.8"));
        let hello =
            Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
        connection.hello(&hello).unwrap();
        check(&mut connection, &["B1 01 A1 8A 'user_agent' 81 'x'", &format!("B1 6A {map}")], "auth");
    }
}

#[test]
fn an_auth_token_shows_no_secret() {
    let auth = Auth { others: Some(packed("token", Value::from("hidden"))), ..Auth::basic("neo", "hidden") };
    let shown = format!("{auth:?} {:?}", auth.credentials);
    assert!(shown.contains("neo") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn a_hello_whose_token_cannot_be_sent_leaves_nothing_behind() {
    let uuid = Value::Uuid(Box::default());
    let auth = Auth { others: Some(packed("id", uuid)), ..Auth::none() };
    for version in versions("1.0", "6.0") {
        let mut connection = fresh(version);
        let hello =
            Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
        assert!(matches!(connection.hello(&hello), Err(RequestError::Auth(_))));
        assert_eq!((connection.output(), connection.pending()), (&[][..], 0));
        greet(&mut connection, &[]);
    }
}

#[test]
fn users_change_from_5_1_on() {
    for version in versions("5.1", "6.1") {
        let mut connection = ready(version);
        connection.logoff().unwrap();
        connection.logon(&Auth::none()).unwrap();
        check(&mut connection, &["B0 6B", "B1 6A A1 86 'scheme' 84 'none'"], "logoff, logon");
    }
    for version in versions("1.0", "5.0") {
        assert!(matches!(
            ready(version).logoff(),
            Err(RequestError::Unsupported { type_name: "LOGOFF", .. })
        ));
    }
}

#[test]
fn run_and_pull() {
    let parameters = Parameters::from_map(&[("n", Value::Integer(1))]).unwrap();
    let auto = TxMeta::default();
    let run = |tx| Run { query: "Q", parameters: &parameters, tx };
    for version in versions("1.0", "2.0") {
        let mut connection = ready(version);
        connection.run(&run(Some(&auto))).unwrap();
        connection.pull(1000, None).unwrap();
        check(&mut connection, &["B2 10 81 'Q' A1 81 'n' 01", "B0 3F"], "run, pull");
        connection.run(&run(Some(&auto))).unwrap();
        connection.discard(-1, Some(3)).unwrap();
        check(&mut connection, &["B2 10 81 'Q' A1 81 'n' 01", "B0 2F"], "run, discard");
    }
    let mut connection = ready(v("3.0"));
    connection.run(&run(Some(&auto))).unwrap();
    connection.pull(1000, None).unwrap();
    check(&mut connection, &["B3 10 81 'Q' A1 81 'n' 01 A0", "B0 3F"], "run, pull");
    for version in versions("4.0", "6.1") {
        let mut connection = ready(version);
        connection.run(&run(Some(&auto))).unwrap();
        connection.pull(1000, None).unwrap();
        connection.discard(-1, None).unwrap();
        let run_message = "B3 10 81 'Q' A1 81 'n' 01 A0";
        check(&mut connection, &[run_message, "B1 3F A1 81 'n' C9 03 E8", "B1 2F A1 81 'n' FF"], "run, pull");
        let mut connection = in_transaction(version);
        connection.run(&run(None)).unwrap();
        connection.pull(-1, Some(7)).unwrap();
        check(
            &mut connection,
            &[run_message, "B1 3F A2 81 'n' FF 83 'qid' 07"],
            "run, pull in a transaction",
        );
    }
}

#[test]
fn settings_of_a_transaction() {
    let bookmarks = ["b1".to_owned(), "b2".to_owned()];
    let metadata = bytes("A1 81 'm' 01");
    let all = TxMeta {
        bookmarks: &bookmarks,
        timeout_ms: Some(3000),
        metadata: Some(&metadata),
        read: true,
        ..TxMeta::default()
    };
    let common = "89 'bookmarks' 92 82 'b1' 82 'b2' 8A 'tx_timeout' C9 0B B8 8B 'tx_metadata' A1 81 'm' 01 \
                  84 'mode' 81 'r'";
    let database = "82 'db' 82 'db'";
    let user = "88 'imp_user' 81 'u'";
    let table = [
        ("3.0", "3.0", all, format!("A4 {common}")),
        ("4.0", "4.3", TxMeta { database: Some("db"), ..all }, format!("A5 {common} {database}")),
        (
            "4.4",
            "6.1",
            TxMeta { database: Some("db"), impersonated_user: Some("u"), ..all },
            format!("A6 {common} {database} {user}"),
        ),
        ("3.0", "6.1", TxMeta::default(), "A0".to_owned()),
    ];
    for (from, to, settings, map) in &table {
        for version in versions(from, to) {
            let mut connection = ready(version);
            connection.begin(settings).unwrap();
            check(&mut connection, &[&format!("B1 11 {map}")], "begin");
            let mut connection = ready(version);
            connection
                .run(&Run { query: "Q", parameters: &Parameters::empty(), tx: Some(settings) })
                .unwrap();
            check(&mut connection, &[&format!("B3 10 81 'Q' A0 {map}")], "run");
        }
    }
}

#[test]
fn what_a_version_cannot_carry_is_refused_and_not_sent() {
    let filter = filter(Some("OFF"), None);
    let metadata = bytes("A0");
    let table = [
        ("4.0", TxMeta { database: Some("db"), ..TxMeta::default() }),
        ("4.4", TxMeta { impersonated_user: Some("u"), ..TxMeta::default() }),
        ("5.2", TxMeta { notification_filter: Some(&filter), ..TxMeta::default() }),
        ("3.0", TxMeta { timeout_ms: Some(1), ..TxMeta::default() }),
        ("3.0", TxMeta { metadata: Some(&metadata), ..TxMeta::default() }),
    ];
    for (since, settings) in table {
        for version in Version::SUPPORTED.iter().copied() {
            let mut connection = ready(version);
            let refused = version < v(since);
            let begun = connection.begin(&settings);
            let run = Run { query: "Q", parameters: &Parameters::empty(), tx: Some(&settings) };
            let ran = ready(version).run(&run);
            for result in [begun, ran] {
                let unsupported =
                    matches!(result, Err(RequestError::Unsupported { version: it, .. }) if it == version);
                assert_eq!(unsupported, refused, "{settings:?} {version} {result:?}");
            }
            assert_eq!(connection.output().is_empty(), refused);
        }
    }
}

#[test]
fn bookmarks_and_mode_are_left_out_where_bolt_1_and_2_have_no_place_for_them() {
    let bookmarks = ["neo4j:bookmark:v1:tx9".to_owned(), "neo4j:bookmark:v1:tx10".to_owned()];
    let settings = TxMeta { bookmarks: &bookmarks, read: true, ..TxMeta::default() };
    for version in versions("1.0", "2.0") {
        let mut connection = ready(version);
        connection.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: Some(&settings) }).unwrap();
        check(&mut connection, &["B2 10 81 'Q' A0"], "run");
        let mut connection = ready(version);
        connection.begin(&settings).unwrap();
        let begin = "B2 10 85 'BEGIN' A2 88 'bookmark' D0 16 'neo4j:bookmark:v1:tx10' \
                     89 'bookmarks' 92 D0 15 'neo4j:bookmark:v1:tx9' D0 16 'neo4j:bookmark:v1:tx10'";
        check(&mut connection, &[begin, "B0 3F"], "begin");
    }
}

#[test]
fn transactions_open_and_close() {
    for version in versions("1.0", "2.0") {
        let mut connection = in_transaction(version);
        connection.commit().unwrap();
        connection.begin(&TxMeta::default()).unwrap();
        connection.rollback().unwrap();
        let expected = [
            "B2 10 86 'COMMIT' A0",
            "B0 3F",
            "B2 10 85 'BEGIN' A0",
            "B0 3F",
            "B2 10 88 'ROLLBACK' A0",
            "B0 3F",
        ];
        check(&mut connection, &expected, "commit, begin, rollback");
    }
    for version in versions("3.0", "6.1") {
        let mut connection = in_transaction(version);
        connection.commit().unwrap();
        connection.begin(&TxMeta::default()).unwrap();
        connection.rollback().unwrap();
        check(&mut connection, &["B0 12", "B1 11 A0", "B0 13"], "commit, begin, rollback");
    }
}

#[test]
fn notification_filters() {
    let both = filter(Some("WARNING"), Some(&["HINT"]));
    let severity = "D0 1E 'notifications_minimum_severity' 87 'WARNING'";
    let table = [
        ("5.2", "5.4", "D0 21 'notifications_disabled_categories' 91 84 'HINT'"),
        ("5.6", "6.1", "D0 26 'notifications_disabled_classifications' 91 84 'HINT'"),
    ];
    let auth = Auth::none();
    for (from, to, disabled) in table {
        for version in versions(from, to) {
            let mut connection = fresh(version);
            let hello = Hello {
                user_agent: "x",
                bolt_agent: &[],
                auth: &auth,
                routing: None,
                notification_filter: Some(&both),
            };
            connection.hello(&hello).unwrap();
            let expected = format!("B1 01 A3 8A 'user_agent' 81 'x' {severity} {disabled}");
            check(&mut connection, &[&expected, "B1 6A A1 86 'scheme' 84 'none'"], "hello");
            let mut connection = ready(version);
            connection.begin(&TxMeta { notification_filter: Some(&both), ..TxMeta::default() }).unwrap();
            check(&mut connection, &[&format!("B1 11 A2 {severity} {disabled}")], "begin");
        }
    }
    for version in versions("1.0", "5.1") {
        let hello = |filter| Hello {
            user_agent: "x",
            bolt_agent: &[],
            auth: &auth,
            routing: None,
            notification_filter: Some(filter),
        };
        assert!(matches!(fresh(version).hello(&hello(&both)), Err(RequestError::Unsupported { .. })));
        fresh(version).hello(&hello(&NotificationFilter::default())).unwrap();
    }
}

#[test]
fn reset_ack_failure_and_goodbye() {
    for version in Version::SUPPORTED.iter().copied() {
        let mut connection = ready(version);
        connection.reset().unwrap();
        check(&mut connection, &["B0 0F"], "reset");
        let mut connection = ready(version);
        connection.goodbye();
        check(&mut connection, if version >= v("3.0") { &["B0 02"] } else { &[] }, "goodbye");
        connection.goodbye();
        check(&mut connection, &[], "a second goodbye");
        let mut connection = ready(version);
        connection
            .run(&Run { query: "Q", parameters: &Parameters::empty(), tx: Some(&TxMeta::default()) })
            .unwrap();
        connection.consume_output(usize::MAX);
        let mut replies = Replies::new(version, false);
        replies.failure(&[("code", "Neo.X".into())]).unwrap();
        connection.handle_input(&replies.take());
        connection.poll_event().unwrap().unwrap();
        match version < v("3.0") {
            true => {
                connection.ack_failure().unwrap();
                check(&mut connection, &["B0 0E"], "ack_failure");
            }
            false => assert!(matches!(connection.ack_failure(), Err(RequestError::Unsupported { .. }))),
        }
    }
}

#[test]
fn routing_tables() {
    let context = [("address".to_owned(), "h:1".to_owned())];
    let bookmarks = ["b".to_owned()];
    let plain = Route { context: &context, bookmarks: &bookmarks, ..Route::default() };
    let database = Route { database: Some("db"), ..plain };
    let user = Route { impersonated_user: Some("u"), ..database };
    let head = "B3 66 A1 87 'address' 83 'h:1' 91 81 'b'";
    let mut connection = ready(v("4.3"));
    connection.route(&plain).unwrap();
    connection.route(&database).unwrap();
    check(&mut connection, &[&format!("{head} C0"), &format!("{head} 82 'db'")], "route");
    assert!(matches!(connection.route(&user), Err(RequestError::Unsupported { .. })));
    for version in versions("4.4", "6.1") {
        let mut connection = ready(version);
        for route in [&plain, &database, &user] {
            connection.route(route).unwrap();
        }
        let expected = [
            format!("{head} A0"),
            format!("{head} A1 82 'db' 82 'db'"),
            format!("{head} A2 82 'db' 82 'db' 88 'imp_user' 81 'u'"),
        ];
        check(&mut connection, &expected.each_ref().map(String::as_str), "route");
    }
    for version in versions("1.0", "4.2") {
        assert!(matches!(
            ready(version).route(&plain),
            Err(RequestError::Unsupported { type_name: "ROUTE", .. })
        ));
    }
}

#[test]
fn telemetry_goes_where_it_is_wanted() {
    let wanted: Value = [("telemetry.enabled", Value::Boolean(true))].into_iter().collect();
    for version in Version::SUPPORTED.iter().copied() {
        let mut connection = fresh(version);
        greet(&mut connection, &[("hints", wanted.clone())]);
        let knows = version >= v("5.4");
        assert_eq!(connection.telemetry(3), Ok(knows));
        check(&mut connection, if knows { &["B1 54 03"] } else { &[] }, "telemetry");
        assert_eq!(ready(version).telemetry(3), Ok(false));
    }
}

/// Parameters as they are packed before the version is known, and what each version sends.
#[test]
fn parameters_fit_the_version() {
    use bolt::needs::*;
    let offset = "B3 49 C9 0B B8 05 C9 0E 10"; // 00:50:00 UTC, an hour east
    let offset_local = "B3 46 C9 19 C8 05 C9 0E 10";
    let zone = "B4 69 C9 19 C8 05 88 'Etc/Some' C9 0E 10"; // local, an hour east
    let zone_utc = "B3 69 C9 0B B8 05 88 'Etc/Some'";
    let zone_local = "B3 66 C9 19 C8 05 88 'Etc/Some'";
    let wrap = |value: &str| format!("A2 81 'a' 92 01 {value} 81 'b' A1 81 'c' {value}");
    let temporal = TEMPORAL_OR_SPATIAL;
    let table = [
        ("3.0", "4.4", temporal | DATE_TIME_OFFSET, offset, offset_local),
        ("5.0", "6.1", temporal | DATE_TIME_OFFSET, offset, offset),
        ("2.0", "4.2", temporal | DATE_TIME_ZONE, zone, zone_local),
        ("5.0", "6.1", temporal | DATE_TIME_ZONE, zone, zone_utc),
        ("2.0", "6.1", temporal, "B1 44 01", "B1 44 01"),
        ("6.0", "6.1", VECTOR, "B2 56 CC 01 C8 CC 02 01 02", "B2 56 CC 01 C8 CC 02 01 02"),
        ("6.1", "6.1", UUID, "E0 00112233445566778899AABBCCDDEEFF", "E0 00112233445566778899AABBCCDDEEFF"),
        ("2.0", "6.1", BYTES, "CC 01 FF", "CC 01 FF"),
    ];
    for (from, to, needs, value, expected) in table {
        let parameters = Parameters { bytes: bytes(&wrap(value)).into(), needs };
        for version in versions(from, to) {
            let mut connection = ready(version);
            let settings = TxMeta::default();
            connection.run(&Run { query: "Q", parameters: &parameters, tx: Some(&settings) }).unwrap();
            let form = if version < v("3.0") { ("B2", "") } else { ("B3", "A0") };
            check(
                &mut connection,
                &[&format!("{} 10 81 'Q' {} {}", form.0, wrap(expected), form.1)],
                "parameters",
            );
        }
    }
}

#[test]
fn with_the_patch_4_3_and_4_4_send_utc() {
    for version in versions("4.3", "4.4") {
        let mut connection = fresh(version);
        greet(&mut connection, &[("patch_bolt", vec![Value::from("utc")].into())]);
        assert!(connection.utc_patched());
        let parameters = Parameters {
            bytes: bytes("A1 81 'a' B4 69 C9 19 C8 05 81 'Z' C9 0E 10").into(),
            needs: bolt::needs::DATE_TIME_ZONE,
        };
        connection.run(&Run { query: "Q", parameters: &parameters, tx: Some(&TxMeta::default()) }).unwrap();
        check(&mut connection, &["B3 10 81 'Q' A1 81 'a' B3 69 C9 0B B8 05 81 'Z' A0"], "parameters");
    }
    for version in versions("4.3", "4.4") {
        assert!(!ready(version).utc_patched());
    }
    // nobody else is asked
    let mut connection = fresh(v("4.2"));
    greet(&mut connection, &[("patch_bolt", vec![Value::from("utc")].into())]);
    assert!(!connection.utc_patched());
}

#[test]
fn types_that_a_version_lacks_are_named() {
    use bolt::needs::*;
    let table = [
        ("2.0", TEMPORAL_OR_SPATIAL, "a temporal or spatial value"),
        ("2.0", DATE_TIME_OFFSET, "a temporal or spatial value"),
        ("6.0", VECTOR, "a Vector"),
        ("6.1", UUID, "a UUID"),
    ];
    for (since, needs, name) in table {
        let parameters = Parameters { bytes: bytes("A0").into(), needs };
        for version in Version::SUPPORTED.iter().copied() {
            let run = Run { query: "Q", parameters: &parameters, tx: Some(&TxMeta::default()) };
            let result = ready(version).run(&run);
            match version < v(since) {
                true => assert_eq!(result, Err(RequestError::Unsupported { type_name: name, version })),
                false => result.unwrap(),
            }
        }
    }
}

#[test]
fn byte_arrays_came_with_neo4j_3_2() {
    let parameters = Parameters { bytes: bytes("A1 81 'a' CC 01 FF").into(), needs: bolt::needs::BYTES };
    let run = Run { query: "Q", parameters: &parameters, tx: Some(&TxMeta::default()) };
    for (agent, knows) in [
        ("Neo4j/3.0.0", false),
        ("Neo4j/3.1.9", false),
        ("Neo4j/3.2.0-alpha01", true),
        ("Neo4j/3.5.0", true),
        ("Neo4j/2026.08.1", true),
        ("Neo4j/dev", true),
        ("Other/1.0", true),
    ] {
        let mut connection = fresh(v("1.0"));
        greet(&mut connection, &[("server", agent.into())]);
        assert_eq!(connection.server_agent(), Some(agent));
        assert_eq!(connection.run(&run).is_ok(), knows, "{agent}");
    }
}

#[test]
fn parameters_that_are_no_map_are_refused() {
    use bolt::needs::*;
    for (packed, needs) in [
        ("", 0),
        ("01", 0),
        ("91 01", 0),
        ("A1 81 'a' B4 69 01 02 81 'Z'", DATE_TIME_ZONE),
        ("A1 81 'a' B4 69 01 02 03 04", DATE_TIME_ZONE),
        ("A1 81 'a' B4 69 CB 7FFFFFFFFFFFFFFF 02 81 'Z' FF", DATE_TIME_ZONE),
        ("A1 81 'a' B4 69 01 02 81 'Z' CB 8000000000000000", DATE_TIME_ZONE),
        ("A1 81 'a' 01 02", DATE_TIME_ZONE),
    ] {
        let parameters = Parameters { bytes: bytes(packed).into(), needs };
        let mut connection = ready(v("5.8"));
        let run = Run { query: "Q", parameters: &parameters, tx: Some(&TxMeta::default()) };
        assert!(matches!(connection.run(&run), Err(RequestError::Malformed(_))), "{packed}");
        assert!(connection.output().is_empty());
        let metadata = bytes(packed);
        let settings = TxMeta { metadata: Some(&metadata), ..TxMeta::default() };
        assert!(matches!(connection.begin(&settings), Err(RequestError::Malformed(_))), "{packed}");
    }
}

#[test]
fn transaction_metadata_is_looked_through_for_types() {
    let metadata = bytes("A2 81 'a' B3 49 C9 0B B8 05 C9 0E 10 81 'b' B2 56 CC 01 C8 CC 01 01");
    let settings = TxMeta { metadata: Some(&metadata), ..TxMeta::default() };
    assert!(matches!(
        ready(v("4.2")).begin(&settings),
        Err(RequestError::Unsupported { type_name: "a Vector", .. })
    ));
    let mut connection = ready(v("6.0"));
    connection.begin(&settings).unwrap();
    let map = "A2 81 'a' B3 49 C9 0B B8 05 C9 0E 10 81 'b' B2 56 CC 01 C8 CC 01 01";
    check(&mut connection, &[&format!("B1 11 A1 8B 'tx_metadata' {map}")], "begin");
    let metadata = bytes("A1 81 'a' B3 49 C9 0B B8 05 C9 0E 10");
    let mut connection = ready(v("4.2"));
    connection.begin(&TxMeta { metadata: Some(&metadata), ..TxMeta::default() }).unwrap();
    check(&mut connection, &["B1 11 A1 8B 'tx_metadata' A1 81 'a' B3 46 C9 19 C8 05 C9 0E 10"], "begin");
}

#[test]
fn parts_of_the_graph_are_no_parameters() {
    for value in
        [Value::Node(Box::default()), Value::Path(Box::default()), Value::Relationship(Box::default())]
    {
        let nested = Value::List(vec![[("x", value)].into_iter().collect()]);
        Parameters::from_map(&[("p", nested)]).unwrap_err();
    }
}

#[test]
fn what_went_out_at_the_login_does_not_stay_in_memory() {
    let auth = Auth::basic("neo4j", "a secret");
    let mut connection = Connection::new(Version::new(5, 8), Limits::default());
    let hello =
        Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
    connection.hello(&hello).unwrap();
    let (start, length) = (connection.output().as_ptr(), connection.output().len());
    assert!(connection.output().windows(8).any(|bytes| bytes == b"a secret"));
    connection.consume_output(length);
    assert!(connection.output().is_empty());
    // SAFETY: the buffer is kept for what is sent next, and was written to for so many bytes
    let left = unsafe { std::slice::from_raw_parts(start, length) };
    assert!(left.iter().all(|byte| *byte == 0));
}

/// The answer to RUN: a map with a byte array of so many bytes.
fn metadata_of(length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap();
    let head = [&bytes("B1 70 A2 81 'a' CE")[..], &length.to_be_bytes()].concat();
    [head, vec![7; length as usize], bytes("81 'b' 01")].concat()
}

#[test]
fn metadata_has_limits_with_a_name() {
    let answer = |message: &[u8]| {
        let mut it = Exchange::ready(Version::new(5, 8));
        it.run();
        it.server.message(message);
        it.deliver();
        it.client.poll_event()
    };
    let error = answer(&metadata_of(Limits::MAX_METADATA)).unwrap_err();
    assert!(error.to_string().contains("the limit of 16777216 (option `limits.metadata`)"), "{error}");
    // below it, an entry that is too much to be a value is told to be so, and the others are there
    let Some(Event::Success { metadata, .. }) = answer(&metadata_of(4 << 20)).unwrap() else {
        panic!("no success")
    };
    let batch = Transcoder::new(Version::new(5, 8), true, Limits::default()).metadata(&metadata).unwrap();
    let mut out = vec![0; batch.byte_len()];
    batch.write(&mut out);
    assert!(out.len() < 1000);
    let read = ResultReader::default().read(&out).remove(0).remove(0);
    let Some(Value::Unsupported(reason)) = read.get("a") else { panic!("{read:?}") };
    assert_eq!(
        reason.message.as_deref(),
        Some("the metadata exceeds the limit of 2097152 (option `limits.metadata`)")
    );
    assert_eq!(read.get("b"), Some(&Value::Integer(1)));
}

/// What is the same each time may be read once by whoever reads it.
#[test]
fn results_that_ended_alike_have_equal_batches() {
    let ended = |entries: &str| {
        let mut it = Exchange::ready(Version::new(5, 8));
        it.run();
        it.server.message(&bytes(&format!("B1 70 {entries}")));
        it.deliver();
        let Some(Event::Success { metadata, .. }) = it.client.poll_event().unwrap() else {
            panic!("no success")
        };
        let batch = Transcoder::new(Version::new(5, 8), true, Limits::default()).metadata(&metadata).unwrap();
        let mut out = vec![0; batch.byte_len()];
        batch.write(&mut out);
        (metadata.bookmark(), metadata.t_last(), out)
    };
    let first = ended("A4 84 'type' 81 'r' 88 'bookmark' 81 'a' 86 't_last' 01 82 'db' 81 'n'");
    let second = ended("A4 84 'type' 81 'r' 88 'bookmark' 81 'b' 86 't_last' 02 82 'db' 81 'n'");
    assert_eq!((first.0.as_deref(), first.1), (Some("a"), Some(1)));
    assert_eq!((second.0.as_deref(), second.1), (Some("b"), Some(2)));
    assert_eq!(first.2, second.2);
    assert_ne!(first.2, ended("A2 84 'type' 81 'w' 82 'db' 81 'n'").2);
}

#[test]
fn metadata_with_an_unknown_structure_is_read_but_for_it() {
    let mut it = Exchange::ready(Version::new(5, 8));
    it.run();
    it.server.message(&bytes("B1 70 A2 81 'z' B1 7A 01 82 'db' 81 'n'"));
    it.deliver();
    let Some(Event::Success { metadata, .. }) = it.client.poll_event().unwrap() else { panic!("no success") };
    assert_eq!(metadata.database().as_deref(), Some("n"));
    assert_eq!(metadata.get("z"), None);
    assert_eq!(metadata.to_map(), Value::Map(vec![("db".to_owned(), "n".into())]));
}

/// Of a FAILURE only what is told is kept.
#[test]
fn a_failure_is_not_made_larger_by_what_comes_with_it() {
    let many = [bytes("D6"), 100_000u32.to_be_bytes().to_vec(), vec![1; 100_000]].concat();
    let cause =
        |levels: usize| [bytes("A1 85 'cause'").repeat(levels), bytes("A1 87 'message' 84 'deep'")].concat();
    let message = [
        bytes("B1 7F A4 8A 'neo4j_code' 85 'A.B.C'"),
        [&bytes("D0 11 'diagnostic_record' A1 81 'z'")[..], &many].concat(),
        [&bytes("85 'other'")[..], &many].concat(),
        [bytes("85 'cause'"), cause(1000)].concat(),
    ]
    .concat();
    let mut it = Exchange::ready(Version::new(5, 8));
    it.run();
    it.server.message(&message);
    it.deliver();
    let Some(Event::Failure { failure, .. }) = it.client.poll_event().unwrap() else { panic!("no failure") };
    assert_eq!(failure.code, "A.B.C");
    assert_eq!(failure.diagnostic_record.unwrap().get("z"), None);
    let causes = std::iter::successors(failure.cause.as_deref(), |it| it.cause.as_deref()).count();
    assert!((2..100).contains(&causes), "{causes}");
}
