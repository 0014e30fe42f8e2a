use crate::settings::HighWater;

/// What waits, and whether that is too much. Pure.
#[derive(Debug, Default)]
pub(super) struct Level {
    mark: HighWater,
    results: usize,
    bytes: usize,
    is_high: bool,
}

impl Level {
    pub(super) fn new(mark: HighWater) -> Self {
        Self { mark, ..Self::default() }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.results += 1;
        self.bytes += bytes;
        self.is_high |= self.results >= self.mark.results || self.bytes >= self.mark.bytes;
    }

    /// Down to three quarters it is enough again: not for each result anew.
    pub(super) fn remove(&mut self, bytes: usize) {
        self.results = self.results.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.is_high &= self.results > self.mark.results / 4 * 3 || self.bytes > self.mark.bytes / 4 * 3;
    }

    pub(super) fn is_high(&self) -> bool {
        self.is_high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_high_from_the_mark_until_a_quarter_is_gone() {
        for mark in [HighWater { results: 100, bytes: 1_000_000 }, HighWater { results: 1_000, bytes: 1_000 }]
        {
            let mut level = Level::new(mark);
            (0..99).for_each(|_| level.add(10));
            assert!(!level.is_high());
            level.add(10);
            assert!(level.is_high());
            (0..24).for_each(|_| level.remove(10));
            assert!(level.is_high());
            level.remove(10);
            assert!(!level.is_high());
        }
    }

    #[test]
    fn one_result_over_the_mark_does_not_stay_high_when_it_is_gone() {
        let mut level = Level::new(HighWater { results: 1, bytes: 1 });
        level.add(1_000);
        assert!(level.is_high());
        level.remove(1_000);
        assert!(!level.is_high());
    }
}
