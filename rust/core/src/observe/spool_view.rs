/// What lies on disk, and how the disk does. Plain data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolView {
    /// Results that wait for delivery.
    pub waiting: u64,
    pub dead_letters: u64,
    pub bytes: u64,
    pub failed_writes: u64,
    /// Damaged files that were renamed.
    pub set_aside: u64,
    /// False while no task is taken because there is not.
    pub has_room: bool,
}

impl SpoolView {
    /// Of two hosts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            dead_letters: self.dead_letters + other.dead_letters,
            bytes: self.bytes + other.bytes,
            failed_writes: self.failed_writes + other.failed_writes,
            set_aside: self.set_aside + other.set_aside,
            has_room: self.has_room && other.has_room,
        }
    }
}
