/// Why no more results may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shortage {
    /// The file is near its greatest size.
    File,
    /// The disk has less than the reserve.
    Disk,
    /// The last write failed.
    Writes,
}

/// Is there room for the results of tasks that are not yet polled? Pure.
#[derive(Debug)]
pub(super) struct Room {
    max_bytes: u64,
    reserve_bytes: u64,
    pub(super) shortage: Option<Shortage>,
}

impl Room {
    pub(super) fn new(max_bytes: u64, reserve_bytes: u64) -> Self {
        Self { max_bytes, reserve_bytes, shortage: None }
    }

    /// True if that changed something. What has run short ends only when there is clearly enough again.
    pub(super) fn look(&mut self, used: u64, free: u64, write_failed: bool) -> bool {
        let (file, disk) = match self.shortage {
            Some(Shortage::File) => (self.max_bytes / 4 * 3, self.reserve_bytes),
            Some(Shortage::Disk) => (self.max_bytes / 10 * 9, self.reserve_bytes / 4 * 5),
            _ => (self.max_bytes / 10 * 9, self.reserve_bytes),
        };
        let shortage = if write_failed {
            Some(Shortage::Writes)
        } else if used > file {
            Some(Shortage::File)
        } else if free < disk {
            Some(Shortage::Disk)
        } else {
            None
        };
        std::mem::replace(&mut self.shortage, shortage) != shortage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_short_ends_only_when_there_is_clearly_enough() {
        let mut room = Room::new(1_000, 100);
        let mut look = |used, free, failed| {
            let changed = room.look(used, free, failed);
            (changed, room.shortage)
        };
        assert_eq!(look(900, 100, false), (false, None));
        assert_eq!(look(901, 100, false), (true, Some(Shortage::File)));
        assert_eq!(look(800, 100, false), (false, Some(Shortage::File)));
        assert_eq!(look(750, 100, false), (true, None));
        assert_eq!(look(0, 99, false), (true, Some(Shortage::Disk)));
        assert_eq!(look(0, 124, false), (false, Some(Shortage::Disk)));
        assert_eq!(look(0, 125, false), (true, None));
        assert_eq!(look(0, 125, true), (true, Some(Shortage::Writes)));
        assert_eq!(look(0, 125, false), (true, None));
    }
}
