//! One measurement by the crate neo4rs, as `benchmark/client.mjs`: `neo4rs-peer JOB`. One thread does all of it.

use std::{
    cell::Cell,
    collections::HashMap,
    error::Error,
    fs, io,
    time::{Duration, Instant},
};

use neo4rs::{query, BoltList, BoltMap, BoltType, ConfigBuilder, Graph, Row};
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, LocalSet};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_millis(1_500);
/// As many as the other drivers allow.
const CONNECTIONS: usize = 100;
const FETCH_SIZE: usize = 1_000;

#[derive(Deserialize)]
struct Job {
    measurement: String,
    uri: String,
    user: String,
    password: String,
    queries: HashMap<String, String>,
}

#[derive(Serialize)]
struct Figures {
    rate: f64,
    cpu: f64,
    peak: f64,
    checksum: HashMap<&'static str, f64>,
}

fn main() -> Outcome<()> {
    let job: Job = serde_json::from_str(&std::env::args().nth(1).ok_or("no job")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = LocalSet::new().block_on(&runtime, measure(&job))?;
    serde_json::to_writer(io::stdout(), &figures)?;
    Ok(())
}

async fn measure(job: &Job) -> Outcome<Figures> {
    let config = ConfigBuilder::default()
        .uri(&job.uri)
        .user(&job.user)
        .password(&job.password)
        .max_connections(CONNECTIONS)
        .fetch_size(FETCH_SIZE)
        .build()?;
    let graph = Graph::connect(config).await?;
    let text = |name: &str| job.queries.get(name).cloned().ok_or(format!("no query {name}"));
    match job.measurement.split_once('-') {
        Some(("scan", how)) => scan(&graph, &text("scan")?, how == "collect").await,
        Some((kind @ ("small" | "execute"), concurrency)) => {
            small(graph, text("one")?, concurrency.parse()?, kind == "execute").await
        }
        _ => unwind(&graph, &text("unwind")?).await,
    }
}

/// When something began, and the CPU time until then.
struct Begun(Instant, f64);

impl Begun {
    fn now() -> Outcome<Self> {
        Ok(Self(Instant::now(), cpu_seconds()?))
    }

    fn ended(self, count: f64, checksum: HashMap<&'static str, f64>) -> Outcome<Figures> {
        let seconds = self.0.elapsed().as_secs_f64();
        let cpu = (cpu_seconds()? - self.1) / count;
        Ok(Figures { rate: count / seconds, cpu, peak: peak_mebibytes()?, checksum })
    }
}

/// This program is one thread. In hundredths of a second, the kernel's own unit here.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("no name in stat")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

fn peak_mebibytes() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

#[derive(Default)]
struct Sum {
    rows: f64,
    sum: f64,
}

impl Sum {
    fn read(&mut self, row: &Row) -> Outcome<()> {
        let name: &str = row.get("name")?;
        let last = name.as_bytes().last().copied().ok_or("an empty name")?;
        self.rows += 1.0;
        let (id, score) = (row.get::<i64>("id")? as f64, row.get::<f64>("score")?);
        self.sum += id + name.len() as f64 + f64::from(last) + score;
        Ok(())
    }
}

async fn scan_once(graph: &Graph, text: &str, collected: bool) -> Outcome<Sum> {
    let mut stream = graph.execute(query(text)).await?;
    let (mut rows, mut sum) = (Vec::new(), Sum::default());
    while let Some(row) = stream.next().await? {
        if collected {
            rows.push(row);
        } else {
            sum.read(&row)?;
        }
    }
    for row in &rows {
        sum.read(row)?;
    }
    Ok(sum)
}

async fn scan(graph: &Graph, text: &str, collected: bool) -> Outcome<Figures> {
    scan_once(graph, text, collected).await?;
    let begun = Begun::now()?;
    let Sum { rows, sum } = scan_once(graph, text, collected).await?;
    begun.ended(rows, HashMap::from([("rows", rows), ("sum", sum)]))
}

/// Asks once; in a transaction of its own where it is to stand for `executeQuery`, which this crate has not.
async fn ask(graph: &Graph, text: &str, in_transaction: bool) -> Outcome<f64> {
    let answer = |row: Option<Row>| Ok(row.ok_or("no row")?.get::<i64>("n")? as f64);
    if !in_transaction {
        return answer(graph.execute(query(text)).await?.next().await?);
    }
    let mut transaction = graph.start_txn().await?;
    let mut stream = transaction.execute(query(text)).await?;
    let answered = answer(stream.next(transaction.handle()).await?);
    transaction.commit().await?;
    answered
}

async fn small(graph: Graph, text: String, concurrency: usize, in_transaction: bool) -> Outcome<Figures> {
    let repeated = async |duration: Duration| -> Outcome<(f64, f64)> {
        let end = Instant::now() + duration;
        let mut loops = JoinSet::new();
        for _ in 0..concurrency {
            let (graph, text) = (graph.clone(), text.clone());
            loops.spawn_local(async move {
                let (mut done, mut answered) = (0.0, 0.0);
                while Instant::now() < end {
                    answered +=
                        ask(&graph, &text, in_transaction).await.map_err(|error| error.to_string())?;
                    done += 1.0;
                }
                Ok::<_, String>((done, answered))
            });
        }
        let (mut done, mut answered) = (0.0, 0.0);
        while let Some(one) = loops.join_next().await {
            let (its, sum) = one??;
            done += its;
            answered += sum;
        }
        Ok((done, answered))
    };
    repeated(WARM_UP).await?;
    let begun = Begun::now()?;
    let (done, answered) = repeated(MEASURED).await?;
    begun.ended(done, HashMap::from([("answered", answered / done)]))
}

async fn unwind(graph: &Graph, text: &str) -> Outcome<Figures> {
    let cities = ["Warszawa", "London", "Berlin", "Tokyo"];
    let mut rows = BoltList::new();
    for (i, city) in (0..10_000).zip(cities.into_iter().cycle()) {
        let mut row = BoltMap::new();
        row.put("id".into(), BoltType::from(i));
        row.put("name".into(), BoltType::from(format!("Person number {i}")));
        row.put("score".into(), BoltType::from(i as f64 * 0.37));
        row.put("active".into(), BoltType::from(i % 3 == 0));
        row.put("city".into(), BoltType::from(city));
        rows.push(BoltType::Map(row));
    }
    let last = Cell::new((0.0, 0.0, 0.0));
    let repeated = async |duration: Duration| -> Outcome<f64> {
        let (end, mut done) = (Instant::now() + duration, 0.0);
        while Instant::now() < end {
            let asked = query(text).param("rows", BoltType::List(rows.clone()));
            let row = graph.execute(asked).await?.next().await?.ok_or("no row")?;
            let total: f64 = row.get("total")?;
            last.set((row.get::<i64>("rows")? as f64, total.round(), row.get::<i64>("text")? as f64));
            done += 1.0;
        }
        Ok(done)
    };
    repeated(WARM_UP).await?;
    let begun = Begun::now()?;
    let done = repeated(MEASURED).await?;
    let (rows, total, text) = last.get();
    begun.ended(done, HashMap::from([("rows", rows), ("total", total), ("text", text)]))
}
