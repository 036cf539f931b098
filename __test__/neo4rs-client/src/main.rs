//! An independent client for the integration tests: runs queries through the crate `neo4rs` (Bolt 4.0 and 4.1).
//!
//! Reads one JSON object from standard input, `{"uri", "user", "password", "queries": [{"text", "parameters"}]}`, runs
//! the queries in order, and prints one list of rows for each, `[[{column: value}]]`. Values are written as `values`
//! says. On an error it prints its text to standard error and ends with code 1.

mod values;

use std::error::Error;
use std::io::Read;
use std::process::ExitCode;

use neo4rs::{query, ConfigBuilder, Graph};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Command {
    uri: String,
    user: String,
    password: String,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    text: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

fn main() -> ExitCode {
    match work() {
        Ok(results) => {
            println!("{results}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<Value, Box<dyn Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let command: Command = serde_json::from_str(&input)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(command))
}

async fn run(command: Command) -> Result<Value, Box<dyn Error>> {
    let Command { uri, user, password, queries } = command;
    let config = ConfigBuilder::default().uri(uri).user(user).password(password).build()?;
    let graph = Graph::connect(config).await?;
    let mut results = Vec::new();
    for Query { text, parameters } in queries {
        let mut request = query(&text);
        for (name, value) in parameters {
            request = request.param(&name, values::from_json(value)?);
        }
        let mut stream = graph.execute(request).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await? {
            rows.push(values::of_row(&row)?);
        }
        results.push(Value::Array(rows));
    }
    Ok(Value::Array(results))
}
