//! All tasks of the server and what happens to them (`ExecutionService.java`, `WorkflowExecutorOps.java`).
//!
//! Plain and synchronous: every method is told the time, nothing here waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::alarms::Alarms;
use crate::census::Census;
use crate::clock::Now;
use crate::identifier::{Identifiers, as_str};
use crate::options::PushOptions;
use crate::queue::{LastPoll, Queues};
use crate::status::TaskStatus;
use crate::task::Task;
use crate::task_definition::TaskDefinitions;
use crate::task_table::TaskTable;
use crate::template::{Place, Template};
use crate::workflow::{Workflow, WorkflowStatus};
use crate::workflow_definition::WorkflowDefinitions;

#[derive(Debug)]
pub(crate) struct TaskStore {
    pub(crate) identifiers: Identifiers,
    pub(crate) tasks: TaskTable,
    pub(crate) queues: Queues,
    pub(crate) census: Census,
    pub(crate) alarms: Alarms,
    pub(crate) definitions: TaskDefinitions,
    pub(crate) workflow_definitions: WorkflowDefinitions,
    /// Started ones, and pushed tasks' terminated ones.
    pub(crate) workflows: HashMap<Arc<str>, Workflow>,
    /// The last push's template: 100,000 pushes of one kind share one instead of holding 1 KB each.
    last_template: Option<(PushOptions, Arc<Template>)>,
}

impl TaskStore {
    pub(crate) fn new() -> Self {
        Self {
            identifiers: Identifiers::new(),
            tasks: TaskTable::default(),
            queues: Queues::default(),
            census: Census::default(),
            alarms: Alarms::default(),
            definitions: TaskDefinitions::default(),
            workflow_definitions: WorkflowDefinitions::default(),
            workflows: HashMap::new(),
            last_template: None,
        }
    }

    /// Adds `count` ready tasks with the same input; gives their ids.
    pub(crate) fn push(
        &mut self,
        task_type: &str,
        input: &Bytes,
        count: usize,
        options: &PushOptions,
        now: Now,
    ) -> Vec<String> {
        let template = self.template(task_type, options);
        let given_workflow: Option<Arc<str>> = options.workflow_instance_id.as_deref().map(Arc::from);
        let mut task_ids = Vec::with_capacity(count);
        for _ in 0..count {
            let sequence = self.tasks.next_sequence();
            let workflow_instance_id = given_workflow
                .clone()
                .unwrap_or_else(|| Arc::from(as_str(&self.identifiers.workflow_instance_id(sequence))));
            let template = Arc::clone(&template);
            self.add(Task::new(sequence, template, input.clone(), workflow_instance_id, now.millis));
            self.make_ready(sequence);
            task_ids.push(as_str(&self.identifiers.task_id(sequence)).to_owned());
        }
        task_ids
    }

    /// Forgets what is built from definitions; call it after changing one.
    pub(crate) fn definitions_changed(&mut self) {
        self.last_template = None;
    }

    /// Takes up to `limit` ready tasks for a worker and appends their JSON, separated by commas; gives their
    /// number. As in `ExecutionService.poll`: `IN_PROGRESS`, `pollCount` + 1, the response timeout starts.
    pub(crate) fn take(
        &mut self,
        queue: usize,
        limit: usize,
        worker_id: Option<&Arc<str>>,
        now: Now,
        out: &mut Vec<u8>,
    ) -> usize {
        self.queues.get(queue).last_poll =
            Some(LastPoll { millis: now.millis, worker_id: worker_id.cloned() });
        let mut taken = 0;
        while taken < limit {
            let Some(sequence) = self.queues.get(queue).ready.pop_front() else { break };
            if !self.tasks.get(sequence).is_some_and(|task| task.queued) {
                continue;
            }
            self.set_status(sequence, TaskStatus::InProgress);
            let Some(task) = self.tasks.get_mut(sequence) else { continue };
            task.queued = false;
            task.poll_count += 1;
            task.callback_after_seconds = 0;
            task.update_millis = now.millis;
            if task.start_millis == 0 {
                task.start_millis = now.millis;
            }
            task.worker_id = worker_id.cloned();
            if !out.is_empty() && out.last() != Some(&b'[') {
                out.push(b',');
            }
            task.write_json(&self.identifiers, out);
            self.start_response_timeout(sequence, now);
            taken += 1;
        }
        taken
    }

    /// (Re)starts the response timeout of a polled task: at the poll and with each lease extension.
    pub(crate) fn start_response_timeout(&mut self, sequence: u64, now: Now) {
        let Some(task) = self.tasks.get(sequence) else { return };
        let seconds = task.template.rules.response_timeout_seconds;
        if seconds > 0 {
            self.set_alarm(sequence, now.after_seconds(seconds));
        }
    }

    /// Puts a task at the end of its queue and wakes who waits there.
    pub(crate) fn make_ready(&mut self, sequence: u64) {
        let Some(task) = self.tasks.get_mut(sequence) else { return };
        if !task.queued {
            task.queued = true;
            let queue = self.queues.get(task.template.queue);
            queue.ready.push_back(sequence);
            queue.arrived.notify_waiters();
        }
    }

    /// Takes a task out of its queue; its entry there is skipped later.
    pub(crate) fn withdraw(&mut self, sequence: u64) {
        if let Some(task) = self.tasks.get_mut(sequence) {
            task.queued = false;
        }
    }

    pub(crate) fn set_alarm(&mut self, sequence: u64, at: Instant) {
        self.clear_alarm(sequence);
        if let Some(task) = self.tasks.get_mut(sequence) {
            task.alarm = Some(at);
            self.alarms.set(at, sequence);
        }
    }

    pub(crate) fn clear_alarm(&mut self, sequence: u64) {
        if let Some(at) = self.tasks.get_mut(sequence).and_then(|task| task.alarm.take()) {
            self.alarms.clear(at, sequence);
        }
    }

    /// The only place that changes a status, so that the census stays right.
    pub(crate) fn set_status(&mut self, sequence: u64, status: TaskStatus) {
        if let Some(task) = self.tasks.get_mut(sequence) {
            self.census.remove(task.template.census, task.status);
            self.census.add(task.template.census, status);
            task.status = status;
        }
    }

    pub(crate) fn add(&mut self, task: Task) {
        self.census.add(task.template.census, task.status);
        self.tasks.push(task);
    }

    /// Adds a log line, a JSON object; an unknown task's goes nowhere, as on the real server.
    pub(crate) fn add_log(&mut self, task_id: &str, log: Box<str>) {
        let task = self.identifiers.sequence(task_id).and_then(|sequence| self.tasks.get_mut(sequence));
        if let Some(task) = task {
            task.logs.push(log);
        }
    }

    pub(crate) fn find(&self, task_id: &str) -> Option<&Task> {
        self.tasks.get(self.identifiers.sequence(task_id)?)
    }

    pub(crate) fn task_json(&self, task_id: &str) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(2048);
        self.find(task_id)?.write_json(&self.identifiers, &mut out);
        Some(out)
    }

    /// A JSON array of the tasks that fit, in push order. An unknown status name fits none.
    pub(crate) fn tasks_json(&self, task_type: Option<&str>, status: Option<&str>) -> Vec<u8> {
        let mut out = vec![b'['];
        for task in self.tasks.iter() {
            let fits = task_type.is_none_or(|wanted| *task.template.task_type == *wanted)
                && status.is_none_or(|wanted| task.status.name() == wanted);
            if fits {
                if out.len() > 1 {
                    out.push(b',');
                }
                task.write_json(&self.identifiers, &mut out);
            }
        }
        out.push(b']');
        out
    }

    /// Drops finished tasks and workflows; the server does not know them any more afterwards. A running
    /// workflow keeps its tasks: their output is read by those that follow.
    pub(crate) fn forget_terminal(&mut self) -> usize {
        self.workflows.retain(|_, workflow| workflow.status == WorkflowStatus::Running);
        let (census, workflows) = (&mut self.census, &self.workflows);
        self.tasks.forget(|task| {
            let forget = task.status.is_terminal()
                && !(task.template.has_workflow && workflows.contains_key(&task.workflow_instance_id));
            if forget {
                census.remove(task.template.census, task.status);
            }
            forget
        })
    }

    fn template(&mut self, task_type: &str, options: &PushOptions) -> Arc<Template> {
        // The workflow id is the task's own, not the template's.
        let key = PushOptions { workflow_instance_id: None, ..options.clone() };
        if let Some((last_key, template)) = &self.last_template
            && *last_key == key
            && *template.task_type == *task_type
        {
            return Arc::clone(template);
        }
        let template = Arc::new(self.new_template(task_type, options, None));
        self.last_template = Some((key, Arc::clone(&template)));
        template
    }

    pub(crate) fn new_template(
        &mut self,
        task_type: &str,
        options: &PushOptions,
        place: Option<Place<'_>>,
    ) -> Template {
        let name = self.census.task_type(task_type).unwrap_or_else(|| Arc::from(task_type));
        let queue = self.queues.index_of(task_type, options.domain.as_deref());
        let census = self.census.index_of(&name);
        Template::new(name, options, self.definitions.get(task_type), place, queue, census)
    }
}
