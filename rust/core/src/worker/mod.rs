//! One task type: from free slots to finished functions.

mod slots;
mod run_time;
mod running;
mod prefetch;
mod executor;
mod waiting;
mod ready_queue;
mod burst_queue;
mod lease_manager;
mod poll_plan;
mod progress;
mod task_runner;
mod status;
mod look_back;
mod turn;
mod poller;
mod watchdog;

pub use burst_queue::BurstQueue;
pub use executor::{Assignment, Completion, Executor};
pub(crate) use lease_manager::LeaseManager;
pub use poll_plan::PollPlan;
pub use ready_queue::ReadyQueue;
pub use run_time::{RunTime, threads_to_wake};
pub use running::{Ended, Pace, Run};
pub use slots::{Slot, Slots};
pub(crate) use status::WorkerStatus;
pub(crate) use task_runner::Shared;
pub use task_runner::TaskRunner;
