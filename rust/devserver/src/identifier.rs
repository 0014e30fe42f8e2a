//! Ids that look like the server's UUIDs and hold the task's sequence number, so that no map is needed.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Text of an id: 36 bytes, hexadecimal digits and dashes.
pub(crate) type IdentifierText = [u8; 36];

/// Maker and reader of one server's ids. Random per server: after a restart the old ids must be unknown.
#[derive(Debug)]
pub(crate) struct Identifiers {
    task_nonce: u64,
    workflow_nonce: u64,
}

impl Identifiers {
    pub(crate) fn new() -> Self {
        // The standard library's hash keys are the one source of randomness at hand without a dependency.
        Self { task_nonce: RandomState::new().hash_one(1), workflow_nonce: RandomState::new().hash_one(2) }
    }

    pub(crate) fn task_id(&self, sequence: u64) -> IdentifierText {
        write(sequence, self.task_nonce)
    }

    pub(crate) fn workflow_instance_id(&self, sequence: u64) -> IdentifierText {
        write(sequence, self.workflow_nonce)
    }

    /// The sequence number in a task id of this server, else `None`.
    pub(crate) fn sequence(&self, task_id: &str) -> Option<u64> {
        let low = u64::from_str_radix(task_id.get(0..8)?, 16).ok()?;
        let high = u64::from_str_radix(task_id.get(9..13)?, 16).ok()?;
        let sequence = high << 32 | low;
        (self.task_id(sequence) == *task_id.as_bytes()).then_some(sequence)
    }
}

/// The id as `&str`; it is ASCII by construction.
pub(crate) fn as_str(text: &IdentifierText) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

fn write(sequence: u64, nonce: u64) -> IdentifierText {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Twelve digits of sequence number, its low half first, so that the first eight tell tasks apart in a log;
    // then "4", the UUID's version; then the nonce.
    let sequence = u128::from(sequence & 0xffff_ffff) << 16 | u128::from(sequence >> 32 & 0xffff);
    let bits = sequence << 80 | 4 << 76 | u128::from(nonce) << 8 | 0x5a;
    let mut text = [b'-'; 36];
    let mut shift = 128;
    for (position, digit) in text.iter_mut().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            continue;
        }
        shift -= 4;
        let nibble = (bits >> shift) & 0xf;
        *digit = DIGITS[nibble as usize];
    }
    text
}
