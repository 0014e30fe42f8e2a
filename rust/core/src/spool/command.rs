use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::row::{Damage, RowState, StoredResult};
use super::store::Store;

/// What people ask of a file, whether its process runs or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
    /// All results without their bodies.
    List,
    /// The results of one task with their bodies.
    Show { task_id: String },
    /// All results with their bodies.
    Export,
    /// Dead letters wait for delivery again: those of these tasks, or all if none is named.
    Replay { task_ids: Vec<String> },
    /// Removes the results of these tasks, or all if none is named; only dead letters if so said.
    Drop { task_ids: Vec<String>, only_dead_letters: bool },
}

/// A result for people. The body is as it is on disk, if that is JSON.
#[derive(Debug, Serialize)]
pub struct Shown {
    task_id: String,
    workflow_instance_id: String,
    task_type: String,
    state: &'static str,
    is_terminal: bool,
    created: i64,
    deadline: Option<i64>,
    attempts: u32,
    first_error: Option<String>,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Serialize)]
pub struct Answer {
    pub results: Vec<Shown>,
    /// Results that were changed or removed.
    pub changed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Rows that wait again, for whoever delivers them.
    #[serde(skip)]
    pub(super) revived: Vec<StoredResult>,
}

impl Answer {
    pub(super) fn problem(problem: &dyn std::fmt::Display) -> Self {
        Self { problem: Some(problem.to_string()), ..Self::default() }
    }
}

impl Store {
    pub(super) fn run(&mut self, command: &Command) -> Answer {
        let mut answer = Answer::default();
        if let Err(error) = self.try_run(command, &mut answer) {
            answer.problem = Some(error.to_string());
        }
        answer
    }

    fn try_run(&mut self, command: &Command, answer: &mut Answer) -> rusqlite::Result<()> {
        let (with_body, task_ids): (bool, &[String]) = match command {
            Command::List => (false, &[]),
            Command::Show { task_id } => (true, std::slice::from_ref(task_id)),
            Command::Export => (true, &[]),
            Command::Replay { task_ids } | Command::Drop { task_ids, .. } => (false, task_ids),
        };
        let mut last = i64::MIN;
        loop {
            let rows = self.some(task_ids, last)?;
            let Some(row) = rows.last() else { return Ok(()) };
            last = row.id.0;
            match command {
                Command::Replay { .. } => {
                    for mut row in rows {
                        if self.revive(row.id)? {
                            answer.changed += 1;
                            row.body.clear();
                            answer.revived.push(row);
                        }
                    }
                }
                Command::Drop { only_dead_letters, .. } => {
                    let all =
                        rows.iter().filter(|row| !only_dead_letters || row.state == RowState::DeadLetter);
                    let ids: Vec<_> = all.map(|row| row.id).collect();
                    self.delete(&ids)?;
                    answer.changed += ids.len();
                }
                _ => answer.results.extend(rows.iter().map(|row| Shown::new(row, with_body))),
            }
            if !task_ids.is_empty() {
                return Ok(());
            }
        }
    }

    /// The rows of these tasks, or the next ones of all.
    fn some(&self, task_ids: &[String], after: i64) -> rusqlite::Result<Vec<StoredResult>> {
        if task_ids.is_empty() {
            let rows = self.after(after, 64)?;
            return rows.into_iter().map(readable).collect();
        }
        let mut found = Vec::new();
        for task_id in task_ids {
            found.extend(self.of_task(task_id)?);
        }
        Ok(found)
    }
}

/// People may see a row whose checksum is another; whoever delivers it looks again.
fn readable(row: Result<StoredResult, Damage>) -> rusqlite::Result<StoredResult> {
    match row {
        Ok(row) => Ok(row),
        Err(Damage::Checksum(row)) => Ok(*row),
        Err(Damage::Unreadable(error)) => Err(error),
    }
}

impl Shown {
    fn new(row: &StoredResult, with_body: bool) -> Self {
        let body = || serde_json::from_slice(&row.body).ok();
        Self {
            task_id: row.identity.task_id.to_string(),
            workflow_instance_id: row.identity.workflow_instance_id.to_string(),
            task_type: row.task_type.to_string(),
            state: row.state.name(),
            is_terminal: row.is_terminal,
            created: row.created,
            deadline: row.deadline,
            attempts: row.attempts,
            first_error: row.first_error.clone(),
            bytes: row.body.len(),
            body: with_body.then(body).flatten(),
        }
    }
}

/// One line of JSON.
pub(super) fn line(answer: &Answer) -> Vec<u8> {
    // Strings, numbers and text that was parsed as JSON: nothing that could fail.
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}
