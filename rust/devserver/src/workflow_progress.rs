//! How a workflow goes from task to task and ends (`DeciderService.java`, `WorkflowExecutorOps.java`).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::clock::Now;
use crate::expression::{Context, replaced};
use crate::identifier::{IdentifierText, as_str};
use crate::options::PushOptions;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::task_store::TaskStore;
use crate::template::Place;
use crate::workflow::{Workflow, WorkflowStatus};
use crate::workflow_definition::WorkflowDefinition;

impl TaskStore {
    /// Starts a run and queues its first task; gives the workflow id. `given` has the definition, the input, the
    /// correlation id and the domains.
    pub(crate) fn start_workflow(&mut self, given: Workflow, now: Now) -> Arc<str> {
        // The number of its first task, as with a pushed task: so no two workflows share an id.
        let number = self.tasks.next_sequence();
        let id: Arc<str> = Arc::from(as_str(&self.identifiers.workflow_instance_id(number)));
        let workflow = Workflow { id: Arc::clone(&id), ..given };
        self.workflows.insert(Arc::clone(&id), workflow);
        self.schedule(&id, 0, now);
        id
    }

    /// An attempt of a workflow's task has ended and none follows it.
    pub(crate) fn workflow_task_ended(&mut self, sequence: u64, now: Now) {
        let Some(task) = self.tasks.get_mut(sequence) else { return };
        let Some(workflow) = self.workflows.get_mut(&task.workflow_instance_id) else { return };
        // A terminated workflow cancels its tasks: they do not end it again.
        if workflow.status != WorkflowStatus::Running {
            return;
        }
        let id = Arc::clone(&workflow.id);
        let done = (workflow.definition.tasks.iter())
            .position(|wanted| wanted.reference_task_name == task.template.reference_task_name)
            .map_or(0, |index| index + 1);
        if task.status == TaskStatus::Completed && done < workflow.definition.tasks.len() {
            task.executed = true;
            self.schedule(&id, done, now);
            return;
        }
        workflow.status = WorkflowStatus::after(task.status);
        workflow.reason_for_incompletion = failure(workflow.status, task, self.identifiers.task_id(sequence));
        if matches!(task.status, TaskStatus::Failed | TaskStatus::FailedWithTerminalError) {
            let template = &task.template;
            workflow.failed_task =
                Some((template.reference_task_name.clone(), template.task_type.to_string()));
        }
        self.close_workflow(&id, now);
    }

    /// Notes when a workflow ended and what its output is.
    pub(crate) fn close_workflow(&mut self, id: &str, now: Now) {
        let Some(workflow) = self.workflows.get(id) else { return };
        let parameters = &workflow.definition.output_parameters;
        let output = if parameters.as_object().is_some_and(|parameters| !parameters.is_empty()) {
            replaced(parameters, &self.context(workflow))
        } else {
            let last = workflow.tasks.last().and_then(|&last| self.tasks.get(last));
            last.map_or_else(|| "{}".to_owned(), output)
        };
        if let Some(workflow) = self.workflows.get_mut(id) {
            workflow.output = output;
            workflow.end_millis = now.millis;
            workflow.update_millis = now.millis;
        }
    }

    /// What `GET /workflow/{workflowId}` answers.
    pub(crate) fn workflow_json(&self, id: &str, include_tasks: bool) -> Option<String> {
        let built;
        let workflow = if let Some(workflow) = self.workflows.get(id) {
            workflow
        } else {
            built = self.pushed_workflow(id)?;
            &built
        };
        let mut tasks = b"[".to_vec();
        if include_tasks {
            for task in workflow.tasks.iter().filter_map(|&sequence| self.tasks.get(sequence)) {
                if tasks.len() > 1 {
                    tasks.push(b',');
                }
                task.write_json(&self.identifiers, &mut tasks);
            }
        }
        tasks.push(b']');
        // An input pushed raw may be anything; then so is the answer.
        Some(workflow.json(&String::from_utf8_lossy(&tasks)))
    }

    /// The workflow that pushed tasks pretend to belong to, from how they stand. A walk over all tasks.
    pub(crate) fn pushed_workflow(&self, id: &str) -> Option<Workflow> {
        let tasks: Vec<&Task> = self.tasks.iter().filter(|task| *task.workflow_instance_id == *id).collect();
        let (first, last) = (tasks.first()?, tasks.last()?);
        let definition = Arc::new(WorkflowDefinition::pushed());
        let mut workflow =
            Workflow::new(Arc::clone(&first.workflow_instance_id), definition, first.scheduled_millis);
        workflow.tasks = tasks.iter().map(|task| task.sequence).collect();
        workflow.status = if tasks.iter().any(|task| !task.status.is_terminal()) {
            WorkflowStatus::Running
        } else {
            let failed = tasks.iter().find(|task| task.status != TaskStatus::Completed && !task.retried);
            WorkflowStatus::after(failed.unwrap_or(last).status)
        };
        if workflow.status != WorkflowStatus::Running {
            workflow.end_millis = last.end_millis;
            workflow.update_millis = last.end_millis;
            workflow.output = output(last);
            workflow.reason_for_incompletion =
                failure(workflow.status, last, self.identifiers.task_id(last.sequence));
        }
        Some(workflow)
    }

    /// Queues the definition's task with that index, behind the workflow's attempts so far.
    fn schedule(&mut self, id: &str, index: usize, now: Now) {
        let Some(workflow) = self.workflows.get(id) else { return };
        let definition = Arc::clone(&workflow.definition);
        let Some(task) = definition.tasks.get(index) else { return };
        let options = PushOptions {
            domain: workflow.domain(&task.name),
            reference_task_name: Some(task.reference_task_name.clone()),
            correlation_id: workflow.correlation_id.clone(),
            ..PushOptions::default()
        };
        let input = replaced(&task.input_parameters, &self.context(workflow));
        let workflow_instance_id = Arc::clone(&workflow.id);
        let input_parameters = task.input_parameters.to_string();
        let place = Place { workflow_type: &definition.name, input_parameters: &input_parameters };
        let template = Arc::new(self.new_template(&task.name, &options, Some(place)));
        let sequence = self.tasks.next_sequence();
        let mut task = Task::new(sequence, template, Bytes::from(input), workflow_instance_id, now.millis);
        if let Some(workflow) = self.workflows.get_mut(id) {
            task.number = u32::try_from(workflow.tasks.len()).unwrap_or(u32::MAX).saturating_add(1);
            workflow.tasks.push(sequence);
            workflow.update_millis = now.millis;
        }
        self.add(task);
        self.make_ready(sequence);
    }

    /// What a workflow's expressions can name (`ParametersUtils.getTaskInputV2`).
    fn context(&self, workflow: &Workflow) -> Context {
        let definition = &workflow.definition;
        let own = format!(
            "{{\"input\":{},\"output\":{},\"status\":\"{}\",\"workflowId\":\"{}\",\"workflowType\":{},\
             \"version\":{},\"correlationId\":{},\"reasonForIncompletion\":{},\"schemaVersion\":2,\
             \"variables\":{{}}}}",
            workflow.input,
            workflow.output,
            workflow.status.name(),
            workflow.id,
            json!(definition.name),
            definition.version,
            json!(workflow.correlation_id),
            json!(workflow.reason_for_incompletion),
        );
        let mut context = Context::from([("workflow".to_owned(), own)]);
        for task in workflow.tasks.iter().filter_map(|&sequence| self.tasks.get(sequence)) {
            let mut json = Vec::new();
            task.write_json(&self.identifiers, &mut json);
            // The names that differ from the task's own.
            let aliases =
                format!("{{\"input\":{},\"output\":{},", String::from_utf8_lossy(&task.input), output(task));
            let own = String::from_utf8_lossy(&json);
            let fields = own.strip_prefix('{').unwrap_or_default();
            context.insert(task.template.reference_task_name.clone(), aliases + fields);
        }
        context
    }
}

fn output(task: &Task) -> String {
    String::from_utf8_lossy(task.output.as_deref().unwrap_or(b"{}")).into_owned()
}

/// The reason of a workflow that did not complete; the status in it is the workflow's, as on the real server.
fn failure(status: WorkflowStatus, task: &Task, task_id: IdentifierText) -> Option<String> {
    let reason = task.reason_for_incompletion.as_deref().unwrap_or("null");
    (status != WorkflowStatus::Completed).then(|| {
        format!("Task {} failed with status: {} and reason: '{reason}'", as_str(&task_id), status.name())
    })
}
