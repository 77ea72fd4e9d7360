//! Waits for a condition with a deadline, and says what was seen last when it does not come.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a look at a condition found: what was waited for, or the state that is not it yet.
pub enum Look<T, S> {
    Done(T),
    NotYet(S),
}

/// Calls `look` until it is done.
///
/// # Panics
/// After `limit`, with `what` and the last state seen.
pub async fn wait_until<T, S: Debug>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Look<T, S>) -> T {
    let start = Instant::now();
    loop {
        let seen = match look().await {
            Look::Done(value) => return value,
            Look::NotYet(state) => state,
        };
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}; last seen: {seen:#?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Calls `state` until `done` holds for what it returns, and returns that.
pub async fn wait_for<S: Debug>(limit: Duration, what: &str, mut state: impl AsyncFnMut() -> S, done: impl Fn(&S) -> bool) -> S {
    wait_until(limit, what, async || {
        let now = state().await;
        if done(&now) { Look::Done(now) } else { Look::NotYet(now) }
    })
    .await
}
