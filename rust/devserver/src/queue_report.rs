//! What can be asked of queues (`ExecutionService.java`). Walks over all tasks: nothing hot asks.

use serde_json::{Map, Value, json};

use crate::status::TaskStatus;
use crate::task_store::TaskStore;

impl TaskStore {
    /// How many tasks wait in a queue: ready, or for a retry or a callback.
    pub(crate) fn queue_size(&self, task_type: &str, domain: Option<&str>) -> usize {
        self.queues.find(task_type, domain).map_or(0, |queue| self.waiting(queue))
    }

    /// Queue names to their sizes, as JSON.
    pub(crate) fn queue_sizes(&self) -> String {
        let sizes: Map<String, Value> = (self.queues.names())
            .map(|(index, name)| (name.to_owned(), Value::from(self.waiting(index))))
            .collect();
        Value::from(sizes).to_string()
    }

    /// Who polled last, per domain, as JSON; of all types without one.
    pub(crate) fn poll_data(&self, task_type: Option<&str>) -> String {
        let mut rows = Vec::new();
        for queue in self.queues.iter() {
            let Some(last_poll) = &queue.last_poll else { continue };
            if task_type.is_some_and(|wanted| *queue.task_type != *wanted) {
                continue;
            }
            let mut row = json!({ "queueName": queue.task_type, "lastPollTime": last_poll.millis });
            if let Some(domain) = &queue.domain {
                row["domain"] = json!(domain);
            }
            if let Some(worker_id) = &last_poll.worker_id {
                row["workerId"] = json!(**worker_id);
            }
            rows.push(row);
        }
        Value::from(rows).to_string()
    }

    /// Makes polled tasks of a type ready once more, as the real server does; gives the number of unfinished ones.
    pub(crate) fn requeue(&mut self, task_type: &str) -> usize {
        let open: Vec<(u64, TaskStatus)> = (self.tasks.iter())
            .filter(|task| *task.template.task_type == *task_type && !task.status.is_terminal())
            .map(|task| (task.sequence, task.status))
            .collect();
        for &(sequence, status) in &open {
            if status == TaskStatus::InProgress {
                self.make_ready(sequence);
            }
        }
        open.len()
    }

    fn waiting(&self, queue: usize) -> usize {
        let waits = |status: TaskStatus, queued: bool| status == TaskStatus::Scheduled || queued;
        (self.tasks.iter())
            .filter(|task| task.template.queue == queue && waits(task.status, task.queued))
            .count()
    }
}
