//! Callbacks at a steady rate, whatever the answers do (an open loop): each has the moment at which
//! it is due, and its latency counts from there.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::http::{Messages, header};
use crate::{Result, now_micros, percentiles};

/// What stands for the channel and for the trace in the body's template.
const CHANNEL: &str = "@CHANNEL@";
const TRACE: &str = "@TRACE-------------------------@";

struct Plan {
    address: String,
    path: String,
    /// The signature of every second from the first on.
    signatures: Vec<String>,
    first_second: u64,
    template: String,
    channels: u64,
    interval_micros: f64,
    count: u64,
    first: u64,
    began: u64,
    next: AtomicU64,
}

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let [address, path, signatures, template, channels, rate, seconds, connections, first] =
        arguments
    else {
        return Err("send wants nine arguments".to_owned());
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
    let read =
        |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let signatures = read(signatures)?;
    let mut lines = signatures.lines();
    let first_second = number(lines.next().ok_or("no signatures")?)?;
    let (rate, seconds) = (number(rate)?, number(seconds)?);
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let interval_micros = 1e6 / rate as f64;
    let plan = Plan {
        address: (*address).to_owned(),
        path: (*path).to_owned(),
        signatures: lines.map(str::to_owned).collect(),
        first_second,
        template: read(template)?,
        channels: number(channels)?,
        interval_micros,
        count: rate * seconds,
        first: number(first)?,
        // Once every connection is open.
        began: now_micros() + 200_000,
        next: AtomicU64::new(0),
    };
    let connections = number(connections)?;
    let plan = &plan;
    let mut latencies = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections).map(|_| scope.spawn(move || send(plan))).collect();
        let mut all = Vec::new();
        for sender in senders {
            all.extend(sender.join().map_err(|_| "a sender panicked".to_owned())??);
        }
        Ok::<_, String>(all)
    })?;
    let took = now_micros().saturating_sub(plan.began);
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = latencies.len() as f64 * 1e6 / took as f64;
    let sent = latencies.len();
    println!("{{\"sent\":{sent},\"rate\":{rate:.1},{}}}", percentiles(&mut latencies));
    Ok(())
}

/// One connection: takes the next callback, waits until it is due, and hears that it is accepted.
fn send(plan: &Plan) -> Result<Vec<u64>> {
    let io = |error: std::io::Error| format!("{}: {error}", plan.address);
    let stream = TcpStream::connect(&plan.address).map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(io)?;
    let mut writer = stream.try_clone().map_err(io)?;
    let mut answers = Messages::new(stream);
    let mut latencies = Vec::new();
    loop {
        let number = plan.next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.count {
            return Ok(latencies);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "seconds of microseconds"
        )]
        let due = plan.began + (number as f64 * plan.interval_micros) as u64;
        let early = due.saturating_sub(now_micros());
        if early > 0 {
            std::thread::sleep(Duration::from_micros(early));
        }
        writer.write_all(plan.request(number, due)?.as_bytes()).map_err(io)?;
        let answer = answers.next()?.ok_or("the gateway closed a connection")?;
        if !answer.head.starts_with(b"HTTP/1.1 200 ") {
            let said = String::from_utf8_lossy(answer.head);
            return Err(format!("not accepted: {} {}", said, String::from_utf8_lossy(answer.body)));
        }
        if header(answer.head, "livegate-duplicate").is_some() {
            return Err("a callback was taken for a duplicate".to_owned());
        }
        latencies.push(now_micros().saturating_sub(due));
    }
}

impl Plan {
    fn request(&self, number: u64, due: u64) -> Result<String> {
        let second = now_micros() / 1_000_000;
        let place = second.checked_sub(self.first_second).and_then(|at| usize::try_from(at).ok());
        let signature = place.and_then(|at| self.signatures.get(at));
        let signature = signature.ok_or("the signatures are used up")?;
        let number = self.first + number;
        // As long as what they stand for, so that every body has the same size.
        let trace = format!("LG{number:09}-{due:020}");
        let channel = format!("room-{:04}", number % self.channels);
        let body = self.template.replacen(CHANNEL, &channel, 1).replacen(TRACE, &trace, 1);
        Ok(format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nx-hw-mss-time: \
             {second:x}\r\nx-hw-mss-secret: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
            self.path,
            self.address,
            body.len()
        ))
    }
}
