//! Endpoints: each a port of its own that answers 200 and notes what came, when.
//!
//! Prints the ports as one line of JSON. Then, for each line on standard input: `wait COUNT MILLIS`
//! answers when every endpoint has that many different events, or that long has passed; `report`
//! says what was received and forgets it. Ends with its input.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::{Messages, find};
use crate::{Result, now_micros, percentiles};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// What a trace begins with, and how long it is: a number of nine digits, a hyphen, twenty digits
/// of microseconds.
const TRACE: &[u8] = b"\"LG";
/// What the place of an event in its channel begins with, in a `CloudEvent`.
const SEQUENCE: &[u8] = b"\"sequence\":\"";
const SUBJECT: &[u8] = b"\"subject\":\"";

#[derive(Clone, Copy)]
struct Arrival {
    number: u64,
    channel: u64,
    place: u64,
    due: u64,
    at: u64,
}

#[derive(Default)]
struct Endpoint {
    count: AtomicU64,
    /// One list a connection, so that they do not wait for each other.
    lists: Mutex<Vec<Arc<Mutex<Vec<Arrival>>>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn run(endpoints: &str) -> Result<()> {
    let count: usize = endpoints.parse().map_err(|_| "how many endpoints?".to_owned())?;
    let mut ports = Vec::new();
    let mut all = Vec::new();
    for _ in 0..count {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        ports.push(listener.local_addr().map_err(|error| error.to_string())?.port());
        let endpoint = Arc::new(Endpoint::default());
        all.push(Arc::clone(&endpoint));
        std::thread::spawn(move || listen(&listener, &endpoint));
    }
    println!("{{\"ports\":{ports:?}}}");
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["wait", count, millis] => {
                let number = |text: &str| text.parse::<u64>().map_err(|_| line.clone());
                println!("{}", wait(&all, number(count)?, number(millis)?));
            }
            ["report"] => {
                let reports: Vec<String> = all.iter().map(|one| report(one)).collect();
                println!("[{}]", reports.join(","));
            }
            _ => return Err(format!("unknown: {line}")),
        }
    }
    Ok(())
}

/// Whether every endpoint got so many requests in time.
fn wait(all: &[Arc<Endpoint>], count: u64, millis: u64) -> bool {
    let deadline = Instant::now() + Duration::from_millis(millis);
    loop {
        if all.iter().all(|one| one.count.load(Ordering::Relaxed) >= count) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn listen(listener: &TcpListener, endpoint: &Arc<Endpoint>) {
    for stream in listener.incoming().flatten() {
        let endpoint = Arc::clone(endpoint);
        std::thread::spawn(move || {
            if let Err(what) = serve(stream, &endpoint) {
                eprintln!("load: receiving: {what}");
            }
        });
    }
}

fn serve(stream: TcpStream, endpoint: &Endpoint) -> Result<()> {
    let io = |error: std::io::Error| error.to_string();
    stream.set_nodelay(true).map_err(io)?;
    let mut writer = stream.try_clone().map_err(io)?;
    let mut requests = Messages::new(stream);
    let list = Arc::new(Mutex::new(Vec::new()));
    locked(&endpoint.lists).push(Arc::clone(&list));
    while let Some(request) = requests.next()? {
        let at = now_micros();
        let arrival = arrival(request.body, at).ok_or("a delivery that nobody sent")?;
        writer.write_all(ANSWER).map_err(io)?;
        locked(&list).push(arrival);
        endpoint.count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn arrival(body: &[u8], at: u64) -> Option<Arrival> {
    let digits = |from: usize, len: usize| -> Option<u64> {
        std::str::from_utf8(body.get(from..from + len)?).ok()?.parse().ok()
    };
    let trace = find(body, TRACE)? + TRACE.len();
    let place = find(body, SEQUENCE)? + SEQUENCE.len();
    let channel = find(body, SUBJECT)? + SUBJECT.len() + "room-".len();
    Some(Arrival {
        number: digits(trace, 9)?,
        channel: digits(channel, 4)?,
        place: digits(place, 20)?,
        due: digits(trace + 10, 20)?,
        at,
    })
}

/// What an endpoint got, as JSON.
fn report(endpoint: &Endpoint) -> String {
    endpoint.count.store(0, Ordering::Relaxed);
    let mut arrivals: Vec<Arrival> = Vec::new();
    for list in locked(&endpoint.lists).iter() {
        arrivals.append(&mut locked(list));
    }
    arrivals.sort_by_key(|arrival| arrival.at);
    let first = arrivals.first().map_or(0, |arrival| arrival.at);
    let last = arrivals.last().map_or(0, |arrival| arrival.at);
    let mut seen = HashSet::new();
    let mut newest: HashMap<u64, u64> = HashMap::new();
    let (mut lags, mut in_time, mut early) = (Vec::new(), 0_u64, 0_u64);
    let received = arrivals.len();
    for arrival in arrivals {
        if !seen.insert(arrival.number) {
            continue;
        }
        let newest = newest.entry(arrival.channel).or_default();
        early += u64::from(arrival.place < *newest);
        *newest = arrival.place.max(*newest);
        let lag = arrival.at.saturating_sub(arrival.due);
        in_time += u64::from(lag <= 1_000_000);
        lags.push(lag);
    }
    format!(
        "{{\"received\":{received},\"distinct\":{},\"out_of_order\":{early},\"in_time\":{in_time},\
         \"seconds\":{:.3},{}}}",
        lags.len(),
        Duration::from_micros(last.saturating_sub(first)).as_secs_f64(),
        percentiles(&mut lags)
    )
}
