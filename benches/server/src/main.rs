//! The server of `make bench`: one thread, epoll, no runtime. It shares no code with what it measures.
//!
//! `conductor-bench-server '{"arrivals":{"kind":"closed","available":1000},"seconds":5}'` ([`Options`]) prints
//! one JSON object a line: `listening` with its URL, `working` after the first poll (idle) or the first result,
//! `started` and `measured` at the ends of the measured stretch, and, once its stdin is closed or
//! `longest_seconds` have passed, `ended` with everything that it counted.
//!
//! The modules below stand in import order.
#![forbid(unsafe_code)]

mod options;
mod payload;
mod result_body;
mod tasks;
mod report;
mod http;
mod connection;
mod waiters;
mod stretch;
mod serve;

use std::error::Error;

use options::Options;

fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args().nth(1).unwrap_or_else(|| "{}".to_owned());
    let options: Options = serde_json::from_str(&given).map_err(|error| format!("options: {error}"))?;
    serve::run(&options)?;
    Ok(())
}
