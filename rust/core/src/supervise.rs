//! The only place that spawns Tokio tasks, so that a panic is logged once and its loop goes on; and what else
//! may panic at its own cost alone.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::observe::{Area, EventSink, Level, LogRecord, panicked};

/// So that a loop that panics at every turn costs two lines a second, not a core.
const PAUSE_AFTER_PANIC: Duration = Duration::from_millis(500);

/// Runs the loop that `start` makes until it returns; after a panic, makes it again.
pub(crate) fn supervise<F>(
    runtime: &Handle,
    sink: &Arc<dyn EventSink>,
    name: &'static str,
    start: impl Fn() -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let sink = Arc::clone(sink);
    runtime.spawn(async move {
        while let Err(panic) = caught(start()).await {
            tell(&sink, &format!("the {name} panicked and starts again"), &*panic);
            tokio::time::sleep(PAUSE_AFTER_PANIC).await;
        }
    });
}

/// Runs one future that ends by itself, such as a delay before a retry.
pub(crate) fn spawn(
    sink: &Arc<dyn EventSink>,
    name: &'static str,
    future: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let sink = Arc::clone(sink);
    tokio::spawn(async move {
        if let Err(panic) = caught(future).await {
            tell(&sink, &format!("the {name} panicked"), &*panic);
        }
    })
}

/// Runs a loop whose end, by a panic or not, the caller waits for.
pub(crate) fn start(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(future)
}

/// As `spawn` where nobody keeps a log: a panic is counted, and printed by Rust itself.
pub(crate) fn spawn_untold(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        if caught(future).await.is_err() {
            panicked();
        }
    });
}

/// Runs work for one task; `None` if it panics, which is counted, and told only by whoever finds `told` false.
/// What the panic says is not told: it may quote the payload.
pub fn contain<T>(told: &AtomicBool, tell: impl FnOnce(), work: impl FnOnce() -> T) -> Option<T> {
    if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
        return Some(done);
    }
    panicked();
    if !told.swap(true, Ordering::Relaxed) {
        tell();
    }
    None
}

/// Takes the first turn of a future here, before whoever awaits it takes the others. Should it panic, that is theirs too.
pub(crate) fn begin<T: Send + 'static>(
    mut future: Pin<Box<dyn Future<Output = T> + Send>>,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    // Nobody is to be woken: they look when they begin to wait.
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))) {
        Ok(Poll::Pending) => future,
        Ok(Poll::Ready(output)) => Box::pin(std::future::ready(output)),
        Err(panic) => Box::pin(async { resume_unwind(panic) }),
    }
}

async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn tell(sink: &Arc<dyn EventSink>, what: &str, panic: &(dyn Any + Send)) {
    panicked();
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    sink.log(LogRecord::new(Area::Engine, Level::Error, format!("{what}: {message}")));
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl EventSink for Lines {
        fn log(&self, record: LogRecord) {
            self.0.lock().unwrap().push(record.message);
        }
    }

    #[test]
    fn work_that_panics_costs_itself_alone_and_is_told_once() {
        let (told, lines) = (AtomicBool::new(false), AtomicUsize::new(0));
        for input in ["1", "x", "y", "2"] {
            let tell = || _ = lines.fetch_add(1, Ordering::Relaxed);
            let read = contain(&told, tell, || input.parse::<u32>().unwrap());
            assert_eq!(read, input.parse().ok());
        }
        assert_eq!(lines.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_logged_once_and_the_loop_starts_again() {
        let lines = Arc::new(Lines::default());
        let sink: Arc<dyn EventSink> = lines.clone();
        let (done, mut finished) = tokio::sync::mpsc::channel(1);
        let starts = Arc::new(AtomicUsize::new(0));
        supervise(&Handle::current(), &sink, "poller", move || {
            let (starts, done) = (Arc::clone(&starts), done.clone());
            async move {
                assert_ne!(starts.fetch_add(1, Ordering::Relaxed), 0, "first start");
                done.send(()).await.unwrap();
            }
        });
        finished.recv().await.unwrap();
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("poller panicked") && lines[0].contains("first start"), "{lines:?}");
    }
}
