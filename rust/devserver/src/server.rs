//! The server's thread: accepts connections, lets time pass, ends when told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::connection::serve;
use crate::shared::Shared;

/// Pause after a failed accept (too many open files), so that the loop does not spin.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Runs until `Shared::stop` is notified; dropping the connections then closes them.
pub(crate) async fn run(shared: Arc<Shared>, listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    tokio::select! {
        () = accept(&shared, &listener) => {}
        () = let_time_pass(&shared) => {}
        () = shared.stop.notified() => {}
    }
}

async fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => open(shared, stream, &mut connections),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

fn open(shared: &Arc<Shared>, stream: TcpStream, connections: &mut JoinSet<()>) {
    shared.connections_opened.fetch_add(1, Ordering::Relaxed);
    connections.spawn(serve(Arc::clone(shared), stream));
}

/// The one timer of all tasks.
async fn let_time_pass(shared: &Shared) {
    let sooner = Arc::clone(&shared.store().alarms.sooner);
    loop {
        match shared.expire() {
            Some(next) => tokio::select! {
                () = sleep_until(Instant::from_std(next)) => {}
                () = sooner.notified() => {}
            },
            None => sooner.notified().await,
        }
    }
}
