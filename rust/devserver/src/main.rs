//! The dev server as a program.

#![forbid(unsafe_code)]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use conductor_devserver::{AuthOptions, DevServer, FaultRule, Options, PushOptions};

const USAGE: &str = "\
An in-memory Conductor task service for tests, demos and benchmarks.

usage: conductor-devserver [options]

  --host ADDRESS                 where to listen (127.0.0.1)
  --port PORT                    0 lets the system choose (8080)
  --gathering                    batch polls gather until count or timeout, as the SQL stores do
  --requests-per-connection N    close a connection after N requests, 0 never (100)
  --transcript N                 remember the last N requests, 0 none (100000)
  --auth-key KEY                 ask for a token, which /token gives for this key; with --auth-secret
  --auth-secret SECRET           the key's secret; visible to other users of the machine, so none of value
  --token-ttl-seconds N          how long a token is good (2700)
  --fault RULE                   let requests fail, such as '503 of=updates seconds=30'; may be repeated
  --list-faults                  all that can be put into RULE
  --define JSON                  create a task definition; may be repeated
  --input JSON                   input of the tasks below ({\"name\":\"World\"})
  --push TYPE:COUNT              add tasks at the start; may be repeated
  --auto TYPE:COUNT              keep at least COUNT ready tasks queued and drop finished ones; may be repeated
  --help

Without --push push tasks with: curl -d '{\"taskType\":\"greet\",\"inputData\":{}}' http://HOST:PORT/dev/push
";

/// How often `--auto` looks; 5 ms at 60,000 tasks a second are 300 tasks.
const REFILL_PAUSE: Duration = Duration::from_millis(5);
/// After how many looks finished tasks are dropped, which walks over all of them.
const LOOKS_PER_FORGET: u32 = 100;

/// What the command line asks for.
struct Arguments {
    options: Options,
    list_faults: bool,
    faults: Vec<FaultRule>,
    definitions: Vec<String>,
    input: String,
    push: Vec<(String, usize)>,
    auto: Vec<(String, usize)>,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(None) => say(&mut std::io::stdout(), USAGE, ExitCode::SUCCESS),
        Ok(Some(arguments)) if arguments.list_faults => {
            say(&mut std::io::stdout(), &FaultRule::table(), ExitCode::SUCCESS)
        }
        Ok(Some(arguments)) => match serve(&arguments) {
            Ok(never) => match never {},
            Err(message) => {
                say(&mut std::io::stderr(), &format!("conductor-devserver: {message}\n"), ExitCode::FAILURE)
            }
        },
        Err(message) => {
            let text = format!("conductor-devserver: {message}\nTry --help.\n");
            say(&mut std::io::stderr(), &text, ExitCode::from(2))
        }
    }
}

fn serve(arguments: &Arguments) -> Result<std::convert::Infallible, String> {
    let address = arguments.options.address;
    let server = DevServer::start(arguments.options.clone())
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    for rule in &arguments.faults {
        server.add_fault(rule.clone());
    }
    for definition in &arguments.definitions {
        server.define(definition).map_err(|error| error.to_string())?;
    }
    let push = |task_type: &str, count: usize| {
        let pushed = server.push_many(task_type, &arguments.input, count, &PushOptions::default());
        pushed.map(drop).map_err(|error| error.to_string())
    };
    for (task_type, count) in arguments.push.iter().chain(&arguments.auto) {
        push(task_type, *count)?;
    }
    say(&mut std::io::stdout(), &format!("listening on {}\n", server.url()), ());
    let mut looks = 0_u32;
    loop {
        if arguments.auto.is_empty() {
            // Only a signal ends the program.
            std::thread::park();
            continue;
        }
        std::thread::sleep(REFILL_PAUSE);
        for (task_type, count) in &arguments.auto {
            let ready = server.count(Some(task_type), Some("SCHEDULED"));
            push(task_type, count.saturating_sub(ready))?;
        }
        looks = (looks + 1) % LOOKS_PER_FORGET;
        if looks == 0 {
            server.forget_terminal();
        }
    }
}

/// `None`: help was asked for.
fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut host = IpAddr::from(Ipv4Addr::LOCALHOST);
    let mut port = 8080;
    let (mut key, mut secret, mut token_ttl) = (None, None, None);
    let mut arguments = Arguments {
        options: Options::default(),
        list_faults: false,
        faults: Vec::new(),
        definitions: Vec::new(),
        input: "{\"name\":\"World\"}".to_owned(),
        push: Vec::new(),
        auto: Vec::new(),
    };
    while let Some(name) = given.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        if name == "--gathering" {
            arguments.options.gathering = true;
            continue;
        }
        if name == "--list-faults" {
            arguments.list_faults = true;
            continue;
        }
        let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--host" => host = number(&name, &value()?)?,
            "--port" => port = number(&name, &value()?)?,
            "--requests-per-connection" => {
                let limit: u32 = number(&name, &value()?)?;
                arguments.options.requests_per_connection = (limit > 0).then_some(limit);
            }
            "--transcript" => arguments.options.transcript_capacity = number(&name, &value()?)?,
            "--auth-key" => key = Some(value()?),
            "--auth-secret" => secret = Some(value()?),
            "--token-ttl-seconds" => token_ttl = Some(Duration::from_secs(number(&name, &value()?)?)),
            "--fault" => arguments.faults.push(FaultRule::parse(&value()?)?),
            "--define" => arguments.definitions.push(value()?),
            "--input" => arguments.input = value()?,
            "--push" => arguments.push.push(type_and_count(&name, &value()?)?),
            "--auto" => arguments.auto.push(type_and_count(&name, &value()?)?),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    arguments.options.auth = auth(key, secret, token_ttl)?;
    arguments.options.address = SocketAddr::from((host, port));
    Ok(Some(arguments))
}

fn auth(
    key: Option<String>,
    secret: Option<String>,
    token_ttl: Option<Duration>,
) -> Result<Option<AuthOptions>, String> {
    match (key, secret) {
        (Some(key), Some(secret)) => {
            let auth = AuthOptions::new(key, secret);
            Ok(Some(AuthOptions { token_ttl: token_ttl.unwrap_or(auth.token_ttl), ..auth }))
        }
        (None, None) if token_ttl.is_none() => Ok(None),
        _ => Err("--auth-key and --auth-secret are needed together".to_owned()),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} does not take '{value}'"))
}

fn type_and_count(name: &str, value: &str) -> Result<(String, usize), String> {
    let (task_type, count) =
        value.rsplit_once(':').ok_or_else(|| format!("{name} takes TYPE:COUNT, not '{value}'"))?;
    Ok((task_type.to_owned(), number(name, count)?))
}

/// A closed pipe is no reason to fail.
fn say<T>(out: &mut impl Write, text: &str, then: T) -> T {
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
    then
}
