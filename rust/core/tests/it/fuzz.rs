//! Targets that take any bytes, on the corpus and on mutations of it: some in each run, and for as long as one
//! likes by `make fuzz`. What fails is kept in the corpus. Python's reader has its own loop over the same corpus.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use conductor_core::transport::retry_after;
use fastrand::Rng;

use super::{splitting, spool_rows};

/// For each target, instead of so many mutations.
const SECONDS: &str = "FUZZ_SECONDS";

/// What parsers look for.
const TOKENS: [&[u8]; 16] = [
    b"\"", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u0000", b"taskId", b"null", b"-", b"1e999", b"GMT",
    b"\xff", b"\0",
];

fn read_retry_after(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    let asked = retry_after(header, SystemTime::now());
    assert!(asked.is_none_or(|asked| asked <= Duration::from_mins(10)));
    if let Ok(seconds @ 0..600) = header.trim().parse() {
        assert_eq!(asked, Some(Duration::from_secs(seconds)));
    }
}

fn mutated(corpus: &[(PathBuf, Vec<u8>)], dice: &mut Rng) -> Vec<u8> {
    let mut bytes = dice.choice(corpus).unwrap().1.clone();
    for _ in 0..dice.usize(1..6) {
        let at = dice.usize(..=bytes.len());
        let end = (at + dice.usize(..16)).min(bytes.len());
        match dice.u8(..5) {
            0 if at < end => bytes[at] ^= 1 << dice.u8(..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, dice.u8(..)),
            3 => drop(bytes.splice(at..at, dice.choice(TOKENS).unwrap().iter().copied())),
            // The rest of another one.
            _ => {
                let other = &dice.choice(corpus).unwrap().1;
                bytes.truncate(at);
                bytes.extend_from_slice(&other[dice.usize(..=other.len())..]);
            }
        }
    }
    bytes
}

#[expect(clippy::print_stderr, reason = "of `make fuzz`: how much was tried")]
fn fuzz(name: &str, mutations: usize, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let paths = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut corpus: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    corpus.sort();
    for (path, bytes) in &corpus {
        let survived = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        assert!(survived.is_ok(), "{}", path.display());
    }
    let seconds = std::env::var(SECONDS).ok().map(|text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(3_600));
    // Without a time the same ones at each run.
    let mut dice = Rng::with_seed(if seconds.is_some() { fastrand::u64(..) } else { 1 });
    let mut count = 0;
    while if seconds.is_some() { Instant::now() < end } else { count < mutations } {
        let bytes = mutated(&corpus, &mut dice);
        let survived = catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_ok();
        if !survived {
            let path = folder.join(format!("found-{:016x}", dice.u64(..)));
            std::fs::write(&path, &bytes).unwrap();
            assert!(survived, "{} fails; it is kept in the corpus", path.display());
        }
        count += 1;
    }
    eprintln!("{name}: {count} mutations of {} files", corpus.len());
}

#[test]
fn any_bytes_are_split() {
    fuzz("split", 20_000, |bytes| drop(splitting::exercise(bytes)));
}

#[test]
fn any_retry_after_is_read() {
    fuzz("retry_after", 20_000, read_retry_after);
}

#[test]
fn any_values_in_the_rows_of_a_spool_are_survived() {
    fuzz("spool_row", 10, spool_rows::with_bytes_in_rows);
}
