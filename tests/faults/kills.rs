//! `kill -9` of the worker at random points of a run.

use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::path::Path;

/// Rounds of the default run; `TRIBUTARY_KILLS` asks for more.
const ROUNDS: u32 = 8;

/// Each round the worker is killed after a random time, which falls into start, snapshot, streaming, a file commit or a
/// Hive update as it comes, and started again while rows keep arriving.
#[tokio::test]
async fn no_row_is_lost_or_doubled_by_kills() {
    let rounds = std::env::var("TRIBUTARY_KILLS").ok().map_or(ROUNDS, |text| text.parse().expect("TRIBUTARY_KILLS is a number"));
    let seed =
        std::env::var("TRIBUTARY_SEED").ok().map_or_else(rand::random, |text| text.parse().expect("TRIBUTARY_SEED is a number"));
    println!("{rounds} kills, TRIBUTARY_SEED={seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut path = Path::start(20_000).await;
    for _ in 0..rounds {
        path.insert_for(Duration::from_millis(random.random_range(50..4000))).await;
        path.worker.kill();
        path.insert().await;
        path.worker.start().await;
    }
    path.wait_running().await;
    let _ = path.check().await;
    // One commit more: a task deletes what it saw in the beginning only after a commit that it began then.
    path.insert().await;
    let duplicates = path.check().await;
    let files = path.wait_without_temporary_files().await;
    println!("{rounds} kills, {} rows: nothing lost; the source sent {duplicates} records twice; {files} files", path.rows);
}
