//! The server as a value: started, asked, stopped.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::fault::FaultRule;
use crate::options::{Options, PushError, PushOptions};
use crate::server::run;
use crate::shared::{Shared, Wait};
use crate::status::TaskStatus;

/// A running in-memory Conductor task service on a thread of its own. All methods may be called from any
/// thread. It stops when dropped.
#[derive(Debug)]
pub struct DevServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl DevServer {
    /// Binds, starts the thread and returns; requests are accepted from here on.
    pub fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let shared = Arc::new(Shared::new(options));
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("conductor-devserver".to_owned())
            .spawn(move || runtime.block_on(run(served, listener)))?;
        Ok(Self { shared, address, thread: Mutex::new(Some(thread)) })
    }

    /// The API's base URL, such as `http://127.0.0.1:8080/api`.
    pub fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a ready task; `input_json` must be a JSON object. Gives the task id.
    pub fn push(
        &self,
        task_type: &str,
        input_json: &str,
        options: &PushOptions,
    ) -> Result<String, PushError> {
        self.push_many(task_type, input_json, 1, options).map(|task_ids| task_ids.into_iter().collect())
    }

    /// Adds `count` ready tasks with the same input; gives their ids.
    pub fn push_many(
        &self,
        task_type: &str,
        input_json: &str,
        count: usize,
        options: &PushOptions,
    ) -> Result<Vec<String>, PushError> {
        self.shared.push(task_type, input_json, count, options)
    }

    /// Adds a task whose `inputData` is written as given, valid JSON or not. Gives the task id.
    pub fn push_raw_input(&self, task_type: &str, input: &[u8], options: &PushOptions) -> String {
        self.shared.push_unchecked(task_type, input, 1, options).into_iter().collect()
    }

    /// Creates or replaces a task definition (`TaskDef.java`), given as a JSON object. Tasks pushed earlier keep
    /// their values.
    pub fn define(&self, definition_json: &str) -> Result<(), PushError> {
        self.shared.define(definition_json)
    }

    /// Ends a task as `CANCELED`, as the termination of its workflow would; `false` when unknown or finished.
    pub fn cancel(&self, task_id: &str) -> bool {
        self.shared.cancel(task_id)
    }

    /// What `GET /tasks/{taskId}` answers.
    pub fn task_json(&self, task_id: &str) -> Option<String> {
        self.shared.store().task_json(task_id).map(text)
    }

    /// A JSON array of the tasks of a type and with a status, in push order; `None` means all.
    pub fn tasks_json(&self, task_type: Option<&str>, status: Option<&str>) -> String {
        text(self.shared.store().tasks_json(task_type, status))
    }

    /// How many tasks of a type have a status; `None` means all. Takes no time, however many there are.
    pub fn count(&self, task_type: Option<&str>, status: Option<&str>) -> usize {
        let wanted = status.map(TaskStatus::from_name);
        self.shared
            .store()
            .census
            .count(task_type, |status| wanted.is_none_or(|wanted| wanted == Some(status)))
    }

    /// Blocks the calling thread until `count` tasks of a type have a status (`None`: any terminal status; each
    /// attempt of a task counts); `false` after `timeout` or when no such status exists.
    pub fn wait_for(
        &self,
        count: usize,
        task_type: Option<&str>,
        status: Option<&str>,
        timeout: Duration,
    ) -> bool {
        let wanted = status.map(TaskStatus::from_name);
        if wanted == Some(None) {
            return false;
        }
        let wait = Wait { count, task_type: task_type.map(str::to_owned), status: wanted.flatten() };
        self.shared.wait_for(&wait, timeout)
    }

    /// Drops finished tasks, for long runs; gives their number. They are unknown from then on.
    pub fn forget_terminal(&self) -> usize {
        self.shared.store().forget_terminal()
    }

    /// The requests so far as a JSON array, oldest first: `sequence`, `elapsedMillis` (since the start), `method`,
    /// `path`, `query`, `taskType`, `body` (its first 2,048 bytes), `bodyBytes`, `status` (`null`: no answer).
    pub fn transcript_json(&self) -> String {
        self.shared.transcript().json()
    }

    /// Forgets the transcript's entries; their numbers go on.
    pub fn clear_transcript(&self) {
        self.shared.transcript().clear();
    }

    /// Adds a rule behind those in force; gives its number, counted from 1.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        self.shared.faults().add(rule)
    }

    /// Takes all rules away.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Lets every token that was issued so far expire now.
    pub fn expire_tokens(&self) {
        self.shared.tokens().expire(Instant::now());
    }

    /// Requests so far, without those to `/dev`.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Connections accepted so far.
    pub fn connections_opened(&self) -> u64 {
        self.shared.connections_opened.load(Ordering::Relaxed)
    }

    /// Closes the listener and all connections and ends the thread; does nothing the second time. What was
    /// asked and counted can still be read.
    pub fn stop(&self) {
        self.shared.stop.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was printed there; stopping must not spread it.
            let _ = thread.join();
        }
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Raw inputs need not be UTF-8.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
