//! A client that asks for anything at any time.

use bolt::{
    Auth, Connection, Hello, NotificationFilter, Parameters, RequestError, Route, Run, State, TxMeta,
};

/// Kinds of requests, each as often as it shall come up.
const KINDS: [u8; 32] =
    [0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 8, 9, 9, 10, 10, 11, 12];

/// Makes the request that the numbers stand for. Whether it is possible is the connection's to say.
pub fn request(connection: &mut Connection, kind: u8, detail: u8) -> Result<(), RequestError> {
    let auth = Auth::basic("neo", "secret");
    let qid = (detail % 2 == 1).then_some(i64::from(detail / 2 % 3));
    let n = if detail.is_multiple_of(3) { -1 } else { i64::from(detail % 8) };
    let filter = NotificationFilter { minimum_severity: Some("OFF".into()), disabled: None };
    let bookmarks = ["b:tx1".to_owned()];
    let settings = TxMeta {
        bookmarks: if detail.is_multiple_of(2) { &bookmarks } else { &[] },
        read: detail.is_multiple_of(3),
        database: (detail % 32 == 7).then_some("db"),
        notification_filter: (detail % 32 == 9).then_some(&filter),
        ..TxMeta::default()
    };
    match KINDS[usize::from(kind) % KINDS.len()] {
        0 => connection.hello(&Hello {
            user_agent: "x",
            bolt_agent: &[("product", "p")],
            auth: &auth,
            routing: None,
            notification_filter: None,
        }),
        1 => connection.logon(&auth),
        2 => connection.logoff(),
        3 => {
            let tx = matches!(connection.state(), State::TxReady | State::TxStreaming);
            let parameters = Parameters::empty();
            connection.run(&Run { query: "Q", parameters: &parameters, tx: (!tx).then_some(&settings) })
        }
        4 => connection.pull(if n == 0 { 1 } else { n }, qid),
        5 => connection.discard(n, qid),
        6 => connection.begin(&settings),
        7 => connection.commit(),
        8 => connection.rollback(),
        9 => connection.reset(),
        10 => connection.ack_failure(),
        11 => connection.route(&Route::default()),
        _ => connection.telemetry(i64::from(detail)).map(drop),
    }
}
