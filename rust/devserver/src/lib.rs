//! An in-memory Conductor task service for tests, demos and benchmarks.
//!
//! It answers over HTTP as `conductor-server` 3.32.3 did when it was asked (the table in the protocol notes and
//! the bodies captured from a live server), and shares no type with the worker engine, so that it can judge it.
//! Tasks are pushed, each into a workflow of its own, or come from workflows that are a sequence of `SIMPLE` tasks.
//!
//! ```
//! use conductor_devserver::{DevServer, Options, PushOptions};
//!
//! let server = DevServer::start(Options::default())?;
//! let task_id = server.push("greet", r#"{"name":"World"}"#, &PushOptions::default())?;
//! assert!(server.task_json(&task_id).is_some_and(|json| json.contains("SCHEDULED")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! A file imports only from files listed above it.
//!
//! | files | what they hold |
//! |---|---|
//! | `options` | what a user may choose |
//! | `clock` `identifier` `status` `task_definition` | time, ids, states, definitions and retry rules |
//! | `expression` `workflow_definition` | `${…}` and the definitions that hold them |
//! | `template` `task` `workflow` | a task, a workflow and their JSON |
//! | `alarms` `census` `queue` `task_table` | where tasks are timed, counted, wait, are found |
//! | `task_result` `task_store` `workflow_progress` `task_update` `termination` | what happens to tasks and workflows; plain functions of state and time |
//! | `queue_report` `reference_update` | what is asked of queues; updates by a task's name |
//! | `fault` `fault_text` `request` `tokens` `transcript` `shared` | what goes wrong, HTTP in, who may call, what is remembered, what all share |
//! | `answer` `metadata_routes` `polling` `task_routes` `token_routes` | HTTP out, the handlers of the API |
//! | `queue_routes` `reference_routes` `schema_routes` `workflow_metadata_routes` `workflow_routes` | those that no worker calls in a loop |
//! | `control` `control_routes` `routes` | what a test may do from outside; who answers which path |
//! | `fault_answer` `raw_answer` | answers under a fault; those that are no HTTP |
//! | `connection` `server` `dev_server` | sockets, the thread, the handle |
//! | `floor` | the least that a client can do |
//!
//! # Against the real server
//!
//! The same: statuses, bodies, headers of the answers of the task and definition routes; chunked JSON without a
//! length; `Connection: close` after `400` and `500` and on the 100th request; a long poll goes on when its client
//! has gone. Different: it answers in microseconds (the real one takes 10 ms for an empty poll); tasks of a type
//! without a definition carry a shorter `workflowTask` and `taskDefinition` (1.0 KB instead of 2.1 KB a task);
//! large inputs and outputs are never moved to an external storage; a key given twice in a body is an error.
//!
//! Of workflows: a definition with a task of another type (`SWITCH`, `FORK_JOIN`, `WAIT`, a custom one) is refused
//! with `501` and a message that names it; `optional`, `startDelay`, `inputTemplate`, a workflow's own timeout and
//! `failureWorkflow` are kept and shown but do nothing. The workflow of a pushed task is named `dev_workflow` and
//! shows no input. A signal ends nothing, as on the real server, where it ends `WAIT`, `HUMAN` and `YIELD` tasks.

#![forbid(unsafe_code)]

mod options;

mod clock;
mod identifier;
mod status;
mod task_definition;

mod expression;
mod workflow_definition;

mod template;

mod task;
mod workflow;

mod alarms;
mod census;
mod queue;
mod task_table;

mod task_result;
mod task_store;
mod workflow_progress;
mod task_update;
mod termination;

mod queue_report;
mod reference_update;

mod fault;
mod fault_text;
mod request;
mod tokens;
mod transcript;

mod shared;

mod answer;
mod metadata_routes;
mod polling;
mod task_routes;
mod token_routes;

mod queue_routes;
mod reference_routes;
mod schema_routes;
mod workflow_metadata_routes;
mod workflow_routes;

mod control;
mod control_routes;
mod routes;

mod fault_answer;
mod raw_answer;

mod connection;
mod server;

mod dev_server;

mod floor;

pub use dev_server::DevServer;
pub use fault::{FaultAction, FaultRule, FaultTarget, WireFault};
pub use floor::run_floor;
pub use options::{AuthOptions, Options, PushError, PushOptions};
