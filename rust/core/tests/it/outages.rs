//! Servers that fail for long, on a clock that is driven.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conductor_core::delivery::{Finished, LeaseClock, Ledger, Updater};
use conductor_core::error::{Error, classify};
use conductor_core::observe::worker_metrics;
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_core::wire::{Status, TaskIdentity, TaskResultWriter};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::support::Lines;

type Answer = dyn Fn(Duration, &str) -> Result<(), Error> + Send + Sync;

/// Answers each report as the test says, by the time since the start and the body.
struct Server {
    start: Instant,
    answer: Box<Answer>,
    posts: Mutex<Vec<(Duration, String, bool)>>,
}

impl Server {
    fn new(answer: impl Fn(Duration, &str) -> Result<(), Error> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), answer: Box::new(answer), posts: Mutex::default() })
    }

    /// Time, body and whether it was taken.
    fn posts(&self) -> Vec<(Duration, String, bool)> {
        self.posts.lock().unwrap().clone()
    }

    fn taken(&self, what: &str) -> usize {
        self.posts().iter().filter(|(_, body, taken)| *taken && body.contains(what)).count()
    }
}

impl TaskClient for Server {
    fn batch_poll<'a>(
        &'a self,
        _queue: &'a Queue,
        _request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        unreachable!("nobody polls")
    }

    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let (at, body) = (self.start.elapsed(), String::from_utf8_lossy(&body).into_owned());
            let answer = (self.answer)(at, &body);
            self.posts.lock().unwrap().push((at, body, answer.is_ok()));
            answer
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        unreachable!("nobody looks")
    }
}

struct Delivery {
    updater: Arc<Updater>,
    ledger: Arc<Ledger>,
    lines: Arc<Lines>,
    report: UnboundedSender<Finished<()>>,
}

impl Delivery {
    fn start(server: &Arc<Server>, posts: usize) -> Self {
        let (ledger, lines) = (Arc::new(Ledger::default()), Arc::new(Lines::default()));
        let sink = Arc::clone(&lines) as _;
        let (updater, report) = Updater::start(
            &Handle::current(),
            Arc::clone(server) as _,
            Arc::clone(&ledger),
            &sink,
            posts,
            None,
        );
        Self { updater, ledger, lines, report }
    }

    fn finished(&self, task_type: &str, task_id: &str, response_timeout: u64) {
        let task_type = task_type.into();
        self.updater.register(&task_type);
        let identity = TaskIdentity { task_id: task_id.into(), workflow_instance_id: "w".into() };
        let clock = LeaseClock {
            since: Instant::now().into_std(),
            response_timeout: Duration::from_secs(response_timeout),
        };
        let hold = self.ledger.hold(&identity.task_id, &task_type, clock).unwrap();
        let result = TaskResultWriter::failure(&identity, "test", Status::Failed, "the result");
        let metrics = worker_metrics(&task_type, None);
        assert!(self.report.send(Finished { hold, metrics, result, guard: (), early: None }).is_ok());
    }

    async fn all_delivered(&self, within: Duration) {
        let start = Instant::now();
        while !self.ledger.held().is_empty() {
            assert!(start.elapsed() < within, "{} are left", self.ledger.held().len());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const OUTAGE: Duration = Duration::from_secs(30 * 60);

#[tokio::test(start_paused = true)]
async fn half_an_hour_of_500_makes_no_dead_letter_and_two_requests_a_second_at_most() {
    let server = Server::new(|at, _| if at < OUTAGE { Err(classify(500, b"no database")) } else { Ok(()) });
    let delivery = Delivery::start(&server, 64);
    for number in 0..200 {
        delivery.finished(["one", "other"][number % 2], &format!("t{number}"), 600);
    }
    tokio::time::sleep(OUTAGE).await;
    delivery.all_delivered(Duration::from_secs(2)).await;
    let posts = server.posts();
    let later = posts.iter().filter(|(at, _, _)| (10..1_800).contains(&at.as_secs())).count();
    assert!((1_000..=3_600).contains(&later), "{later}");
    assert_eq!((server.taken("the result"), server.taken("FAILED_WITH")), (200, 0));
    let lines = delivery.lines.all();
    assert!(lines.len() <= 10, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("delivered again")).count(), 2, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn five_minutes_of_503_for_one_type_hold_no_other_one_up() {
    let outage = Duration::from_secs(300);
    let server =
        Server::new(
            move |at, body| {
                if at < outage && body.contains("sick") { Err(classify(503, b"")) } else { Ok(()) }
            },
        );
    let delivery = Delivery::start(&server, 64);
    let blocked = delivery.updater.blocked();
    for number in 0..50 {
        delivery.finished("sick", &format!("sick-{number}"), 600);
    }
    delivery.finished("well", "well-first", 600);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(blocked.borrow().blocks("sick") && !blocked.borrow().blocks("well"));
    for second in 0..290 {
        delivery.finished("well", &format!("well-{second}"), 600);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(server.taken("well"), second + 2, "at once");
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    delivery.all_delivered(Duration::from_secs(2)).await;
    assert_eq!(server.taken("sick"), 50);
    assert!(!blocked.borrow().blocks("sick"));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_always_gets_500_is_told_from_an_outage_by_a_heartbeat() {
    // Nothing else is posted that could tell.
    let server = Server::new(|_, body| {
        let is_bad = body.contains("\"the result\"");
        if is_bad { Err(classify(500, b"cannot read it")) } else { Ok(()) }
    });
    let delivery = Delivery::start(&server, 64);
    delivery.finished("poison", "t1", 0);
    delivery.finished("poison", "t2", 0);
    delivery.all_delivered(Duration::from_secs(60)).await;
    let refused = server.posts().iter().filter(|(_, _, taken)| !taken).count();
    assert!((20..=40).contains(&refused), "each ten times, and once more: {refused}");
    assert_eq!(server.taken("FAILED_WITH_TERMINAL_ERROR"), 2);
    assert!(server.taken("extendLease") >= 1);
}

#[tokio::test(start_paused = true)]
async fn the_earliest_response_deadline_is_posted_first() {
    let server = Server::new(|_, _| Ok(()));
    let delivery = Delivery::start(&server, 1);
    for (task_id, response_timeout) in [("t1", 600), ("t2", 0), ("t3", 30), ("t4", 600), ("t5", 10)] {
        delivery.finished("one", task_id, response_timeout);
    }
    delivery.all_delivered(Duration::from_secs(1)).await;
    let posts = server.posts();
    let order: Vec<_> = posts
        .iter()
        .map(|(_, body, _)| ["t1", "t2", "t3", "t4", "t5"].into_iter().find(|id| body.contains(id)).unwrap())
        .collect();
    assert_eq!(order, ["t5", "t3", "t1", "t4", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_for_an_hour_costs_no_result() {
    let until = Duration::from_secs(10) + HOUR;
    let server = Server::new(move |at, _| if at < until { Err(classify(401, b"")) } else { Ok(()) });
    let delivery = Delivery::start(&server, 64);
    let blocked = delivery.updater.blocked();
    for number in 0..64 {
        delivery.finished("one", &format!("t{number}"), 600);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(blocked.borrow().unauthorized && blocked.borrow().blocks("any"));
    tokio::time::sleep(HOUR).await;
    delivery.all_delivered(Duration::from_secs(2)).await;
    assert_eq!(server.taken("the result"), 64);
    assert!(server.posts().len() <= 64 + 64 + 7_200);
    assert!(!blocked.borrow().blocks("any"));
}
