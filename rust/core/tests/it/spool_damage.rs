//! Files that were damaged after their process had ended.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use conductor_core::spool::StoredResult;
use tempfile::TempDir;

use super::spool::{Opened, block_on, databases, files, open, settings};
use super::support::eventually;

/// Damages the one orphan of `directory` by `damage` and returns what the next process finds, with its lines.
fn after_damage(
    rows: usize,
    damage: impl FnOnce(&mut std::fs::File, u64),
) -> (TempDir, Opened, Vec<StoredResult>) {
    let directory = TempDir::new().unwrap();
    let first = open(&settings(&directory));
    let body = format!(r#""{}""#, "x".repeat(1_500));
    assert!(first.store((0..rows).map(|n| first.row(&format!("t{n:03}"), true, &body)).collect()));
    first.spool.close();
    let mut file = OpenOptions::new().read(true).write(true).open(&databases(&directory)[0]).unwrap();
    let length = file.metadata().unwrap().len();
    damage(&mut file, length);
    let mut second = open(&settings(&directory));
    let found = second.adopts(&directory);
    (directory, second, found)
}

fn write_at(file: &mut std::fs::File, at: u64, bytes: &[u8]) {
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn of_a_damaged_file_every_row_that_can_be_read_is_delivered() {
    // A page in the midst of the file is gone: two or three results of 1.5 KiB.
    let (directory, opened, found) = after_damage(100, |file, length| {
        write_at(file, length / 2 / 4_096 * 4_096, &[0xa5; 4_096]);
    });
    assert!((90..100).contains(&found.len()), "{} rows", found.len());
    for row in &found {
        let loaded = block_on(opened.spool.load(row.id)).unwrap();
        assert_eq!(loaded.body.len(), 1_502);
    }
    assert_eq!(files(&directory, ".corrupt-").len(), 1);
    assert!(opened.lines.all().iter().any(|line| line.contains("damaged") && line.contains(".corrupt-")));
    eventually("it is counted", || opened.spool.view().set_aside == 1);
}

#[test]
fn no_damage_keeps_a_process_from_its_start() {
    type Damage = fn(&mut std::fs::File, u64);
    let damages: [(&str, Damage); 5] = [
        ("no header", |file, _| write_at(file, 0, &[0; 100])),
        ("noise", |file, length| {
            let noise: Vec<u8> = (0..length).map(|_| fastrand::u8(..)).collect();
            write_at(file, 0, &noise);
        }),
        ("cut", |file, length| file.set_len(length / 3).unwrap()),
        ("zero bytes", |file, length| {
            write_at(file, 4_096, &vec![0; usize::try_from(length - 4_096).unwrap()]);
        }),
        ("version 0", |file, _| write_at(file, 60, &[0; 4])),
    ];
    for (what, damage) in damages {
        let (directory, opened, _) = after_damage(50, damage);
        assert_eq!(files(&directory, ".corrupt-").len(), 1, "{what}: {:?}", opened.lines.all());
        assert!(opened.store(vec![opened.row("new", true, "{}")]), "{what}");
    }
}

#[test]
fn one_flipped_bit_loses_one_result_at_most() {
    for seed in 0..40 {
        let (directory, opened, found) = after_damage(60, |file, length| {
            let random = fastrand::Rng::with_seed(seed).u64(4_096..length);
            let mut byte = [0];
            file.seek(SeekFrom::Start(random)).unwrap();
            std::io::Read::read_exact(file, &mut byte).unwrap();
            write_at(file, random, &[byte[0] ^ 1 << (seed % 8)]);
        });
        // A page that cannot be understood holds two results or, in the index, none.
        assert!(found.len() >= 56, "seed {seed}: {} rows: {:?}", found.len(), opened.lines.all());
        for row in &found {
            let loaded = block_on(opened.spool.load(row.id)).expect("what is delivered is whole");
            assert_eq!(loaded.body, format!("\"{}\"", "x".repeat(1_500)), "seed {seed}");
        }
        drop(directory);
    }
}

#[test]
fn a_file_of_a_later_version_is_left_as_it_is() {
    let (directory, opened, found) = after_damage(1, |file, _| write_at(file, 60, &2_u32.to_be_bytes()));
    assert_eq!(found, []);
    assert_eq!(files(&directory, ".corrupt-"), Vec::<PathBuf>::new());
    assert!(opened.lines.all().iter().any(|line| line.contains("later version")), "{:?}", opened.lines.all());
}
