//! The states of a task that this server can reach (`Task.java`, `TaskModel.java`).

/// `COMPLETED_WITH_ERRORS` and `SKIPPED` are missing: only a workflow engine sets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskStatus {
    Scheduled,
    InProgress,
    Completed,
    Failed,
    FailedWithTerminalError,
    Canceled,
    TimedOut,
}

impl TaskStatus {
    pub(crate) const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::FailedWithTerminalError,
        Self::Canceled,
        Self::TimedOut,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::FailedWithTerminalError => "FAILED_WITH_TERMINAL_ERROR",
            Self::Canceled => "CANCELED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The values of `TaskResult.Status`: what a worker may report.
    pub(crate) fn from_result_name(name: &str) -> Option<Self> {
        Self::from_name(name).filter(|status| !matches!(status, Self::Scheduled | Self::TimedOut))
    }

    pub(crate) const fn is_terminal(self) -> bool {
        !matches!(self, Self::Scheduled | Self::InProgress)
    }

    /// Whether a new attempt follows while retries are left.
    pub(crate) const fn is_retriable(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut)
    }
}
