//! `crates/bolt`: bytes to events, values and columns, requests to bytes.

use std::hint::black_box;

use bolt::columns::{Batch, Transcoder};
use bolt::packstream::decode;
use bolt::server::Replies;
use bolt::{Auth, Connection, Event, Hello, Limits, Parameters, RawRecords, Run, TxMeta, Value};

use crate::count::uncounted;
use crate::records::{parameters, Records, ROWS, VERSION};
use crate::{Failure, Scenario, SetUp};

/// Rounds of all the records that there are.
const ROUNDS: usize = 20;
/// So much a read from a socket brings.
const READ: usize = 64 << 10;

pub(crate) fn scenarios() -> Vec<(&'static str, SetUp)> {
    vec![
        ("receive", Box::new(receive)),
        ("decode-scalars", Box::new(|| decoded(&Records::scalars()))),
        ("decode-nodes", Box::new(|| decoded(&Records::nodes()))),
        ("columns-scalars", Box::new(|| columns(&Records::scalars()))),
        ("columns-nodes", Box::new(|| columns(&Records::nodes()))),
        ("columns-lists", Box::new(|| columns(&Records::lists()))),
        ("columns-maps", Box::new(|| columns(&Records::maps()))),
        ("columns-temporals", Box::new(|| columns(&Records::temporals()))),
        ("write-scalars", Box::new(|| write(&Records::scalars()))),
        ("write-nodes", Box::new(|| write(&Records::nodes()))),
        (
            "encode",
            Box::new(|| encode(Parameters::from_map(&[("id", Value::from(1)), ("name", "one".into())])?, 1)),
        ),
        ("encode-rows", Box::new(|| encode(parameters(false), ROWS))),
        ("encode-date-times", Box::new(|| encode(parameters(true), ROWS))),
    ]
}

/// Something done to all records of a result.
fn of_records(work: impl FnMut() -> Result<(), Failure> + 'static) -> Result<Scenario, Failure> {
    let operations = usize::try_from(ROWS)?;
    Ok(Scenario { unit: "record", operations, rounds: ROUNDS, work: Box::new(work) })
}

/// What a server sends, to records as they came.
fn receive() -> Result<Scenario, Failure> {
    let mut connection = connected()?;
    let mut replies = Replies::new(VERSION, true);
    replies.success(&[("fields", vec!["id".into(), "name".into(), "score".into()].into())])?;
    for row in Records::scalars().rows {
        replies.record(&row)?;
    }
    replies.success(&[])?;
    let answer = replies.take();
    of_records(move || {
        uncounted(&mut || ask(&mut connection, &Parameters::empty()))?;
        for read in answer.chunks(READ) {
            connection.handle_input(read);
            while let Some(event) = connection.poll_event()? {
                black_box(event);
            }
        }
        Ok(())
    })
}

/// Records to values.
fn decoded(records: &Records) -> Result<Scenario, Failure> {
    let RawRecords { bytes, offsets } = records.raw()?;
    // Behind the records, and before each, are two bytes that are not of a list.
    let ends = offsets.iter().skip(1).map(|offset| *offset as usize - 2).chain([bytes.len()]);
    let lists: Vec<_> = offsets.iter().zip(ends).map(|(from, to)| *from as usize..to).collect();
    let limits = Limits::default();
    of_records(move || {
        for list in &lists {
            let packed = bytes.get(list.clone()).unwrap_or_default();
            black_box(decode(packed, VERSION, true, &limits)?);
        }
        Ok(())
    })
}

/// Records to columns.
fn columns(records: &Records) -> Result<Scenario, Failure> {
    let (raw, columns) = (records.raw()?, records.columns);
    of_records(move || {
        black_box(batch(&raw, columns)?);
        Ok(())
    })
}

/// Columns to the bytes that JavaScript reads.
fn write(records: &Records) -> Result<Scenario, Failure> {
    let batch = batch(&records.raw()?, records.columns)?;
    let mut into = vec![0; batch.byte_len()];
    of_records(move || {
        batch.write(black_box(&mut into));
        Ok(())
    })
}

/// Of a result of its own.
fn batch(raw: &RawRecords, columns: usize) -> Result<Batch, Failure> {
    Ok(Transcoder::new(VERSION, true, Limits::default()).records(raw, columns)?)
}

/// A query with parameters to bytes. `rows`: how many maps these are.
fn encode(parameters: Parameters, rows: i64) -> Result<Scenario, Failure> {
    let mut connection = connected()?;
    let mut replies = Replies::new(VERSION, true);
    replies.success(&[("fields", Vec::new().into())])?;
    replies.success(&[])?;
    let answer = replies.take();
    let (operations, rows_each) = (usize::try_from(rows)?, rows > 1);
    Ok(Scenario {
        unit: if rows_each { "row" } else { "query" },
        operations,
        rounds: if rows_each { ROUNDS } else { ROUNDS * usize::try_from(ROWS)? },
        work: Box::new(move || {
            ask(&mut connection, &parameters)?;
            uncounted(&mut || hear(&mut connection, &answer))
        }),
    })
}

/// RUN and PULL.
fn ask(connection: &mut Connection, parameters: &Parameters) -> Result<(), Failure> {
    let tx = TxMeta { read: true, database: Some("neo4j"), ..TxMeta::default() };
    connection.run(&Run { query: "UNWIND $rows AS row RETURN row", parameters, tx: Some(&tx) })?;
    connection.pull(1_000, None)?;
    let written = black_box(connection.output()).len();
    connection.consume_output(written);
    Ok(())
}

/// Takes answers that succeed.
fn hear(connection: &mut Connection, answer: &[u8]) -> Result<(), Failure> {
    connection.handle_input(answer);
    while let Some(event) = connection.poll_event()? {
        if !matches!(event, Event::Success { .. }) {
            return Err(format!("not a success: {event:?}").into());
        }
    }
    Ok(())
}

/// A connection that is logged in.
fn connected() -> Result<Connection, Failure> {
    let mut connection = Connection::new(VERSION, Limits::default());
    let auth = Auth::none();
    let hello = Hello {
        user_agent: "count/1",
        bolt_agent: &[],
        auth: &auth,
        routing: None,
        notification_filter: None,
    };
    connection.hello(&hello)?;
    connection.consume_output(connection.output().len());
    let mut replies = Replies::new(VERSION, true);
    replies.success(&[("server", "Neo4j/5.26.0".into()), ("connection_id", "bolt-1".into())])?;
    replies.success(&[])?;
    hear(&mut connection, &replies.take())?;
    Ok(connection)
}
