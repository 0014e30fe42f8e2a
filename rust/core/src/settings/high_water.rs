/// How many results, and how large together, may wait for the server's yes before no more tasks are taken.
/// Nothing is ever dropped for it: what runs then is still taken in.
#[derive(Debug, Clone, Copy)]
pub struct HighWater {
    pub results: usize,
    pub bytes: usize,
}

impl Default for HighWater {
    fn default() -> Self {
        Self { results: 10_000, bytes: 256 * 1024 * 1024 }
    }
}
