//! Every request in order of arrival, in a ring.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;

use crate::request::polled_type;

/// How much of a body is kept, in bytes.
const KEPT_BODY_BYTES: usize = 2048;

#[derive(Debug)]
struct Entry {
    elapsed_millis: u64,
    method: &'static str,
    /// Path, query and the kept part of the body, end to end: one allocation a request instead of three.
    text: Box<[u8]>,
    path_bytes: usize,
    query_bytes: usize,
    /// Length of the whole body.
    body_bytes: usize,
    /// Of the task that was updated; a poll's is in its path.
    task_type: Option<Arc<str>>,
    /// `None`: not answered yet, or the connection was closed without an answer.
    status: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct Transcript {
    capacity: usize,
    /// Sequence number of the oldest entry kept; the first request has 1.
    first: u64,
    entries: VecDeque<Entry>,
}

impl Transcript {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, first: 1, entries: VecDeque::new() }
    }

    /// Notes a request; gives its sequence number, for `answered`. 0 when the transcript is off.
    pub(crate) fn record(
        &mut self,
        elapsed_millis: u64,
        method: &'static str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> u64 {
        if self.capacity == 0 {
            return 0;
        }
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
            self.first += 1;
        }
        let kept = &body[..body.len().min(KEPT_BODY_BYTES)];
        self.entries.push_back(Entry {
            elapsed_millis,
            method,
            text: [path.as_bytes(), query.as_bytes(), kept].concat().into_boxed_slice(),
            path_bytes: path.len(),
            query_bytes: query.len(),
            body_bytes: body.len(),
            task_type: None,
            status: None,
        });
        self.first + self.entries.len() as u64 - 1
    }

    pub(crate) fn answered(&mut self, sequence: u64, status: Option<u16>, task_type: Option<Arc<str>>) {
        let position = sequence.checked_sub(self.first).and_then(|position| usize::try_from(position).ok());
        if let Some(entry) = position.and_then(|position| self.entries.get_mut(position)) {
            entry.status = status;
            entry.task_type = task_type;
        }
    }

    /// Forgets all entries; the numbers go on.
    pub(crate) fn clear(&mut self) {
        self.first += self.entries.len() as u64;
        self.entries.clear();
    }

    /// A JSON array, oldest first.
    pub(crate) fn json(&self) -> String {
        let mut out = String::from("[");
        for (sequence, entry) in (self.first..).zip(&self.entries) {
            let (path, rest) = entry.text.split_at(entry.path_bytes);
            let (query, body) = rest.split_at(entry.query_bytes);
            let path = String::from_utf8_lossy(path);
            let polled = polled_type(&path);
            let task_type = entry.task_type.as_deref().or(polled.as_deref());
            let value = json!({
                "sequence": sequence,
                "elapsedMillis": entry.elapsed_millis,
                "method": entry.method,
                "path": path,
                "query": String::from_utf8_lossy(query),
                "taskType": task_type,
                "body": String::from_utf8_lossy(body),
                "bodyBytes": entry.body_bytes,
                "status": entry.status,
            });
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&value.to_string());
        }
        out.push(']');
        out
    }
}
