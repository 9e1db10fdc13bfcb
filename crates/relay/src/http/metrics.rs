//! `/metrics`: what the host does, in numbers. docs/relay-host.md §6 has every name.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::Host;
use super::answer::{Answer, Body, answer};
use super::exposition::Kind::{Counter, Gauge};
use super::exposition::{CONTENT_TYPE, Exposition};
use crate::callback::{Callbacks, Figures};
use crate::meter::Meters;
use crate::task::Tally;

/// Answers.
pub(super) fn serve(host: &Host) -> Answer {
    let mut out = Exposition::default();
    tasks(host, &mut out);
    let streams = host.streams.list().len();
    out.one("livegate_streams", Gauge, "Streams published or pulled now.", streams);
    let help = "Bytes of streams received from publishers, or pulled.";
    out.one("livegate_received_bytes_total", Counter, help, host.streams.received());
    events(host, &mut out);
    let help = "Writes that wait for the disk.";
    out.one("livegate_writes_waiting", Gauge, help, host.store.waiting());
    work(&host.meters, &mut out);
    process(&mut out);
    answer(200, CONTENT_TYPE, Body::of(out.finish()))
}

/// Tasks and pushes by state.
fn tasks(host: &Host, out: &mut Exposition) {
    let Tally { tasks, pushes, moving } = host.tasks.tally();
    let help = "Relay tasks that run or ended of late, by state.";
    out.each("livegate_tasks", Gauge, help, "state", tasks);
    out.each("livegate_pushes", Gauge, "Pushes of these tasks, by state.", "state", pushes);
    let help = "Pushes whose bytes arrive now.";
    out.one("livegate_pushes_moving", Gauge, help, moving);
}

/// State events, of all receivers together.
fn events(host: &Host, out: &mut Exposition) {
    let figures = host.callbacks.as_ref().map(Callbacks::figures).unwrap_or_default();
    let sum = |of: fn(&Figures) -> u64| figures.iter().map(of).fold(0, u64::saturating_add);
    let waiting = sum(|one| one.waiting);
    let help = "State events that wait to be told.";
    out.one("livegate_events_waiting", Gauge, help, waiting);
    let told = [
        ("delivered", sum(|one| one.delivered)),
        ("expired", sum(|one| one.expired)),
        ("put_aside", sum(|one| one.put_aside)),
        ("skipped", sum(|one| one.skipped)),
    ];
    let help = "State events by what became of them.";
    out.each("livegate_events_total", Counter, help, "outcome", told);
}

fn work(meters: &Meters, out: &mut Exposition) {
    let by = || {
        let Meters { http_flv, websocket_flv, rtmp, .. } = meters;
        [("http-flv", http_flv), ("websocket-flv", websocket_flv), ("rtmp", rtmp)]
    };
    let viewers = by().map(|(name, viewing)| (name, viewing.viewers.value()));
    out.each("livegate_viewers", Gauge, "Viewers now, by how they watch.", "by", viewers);
    let help = "Bytes of streams that the connections to push destinations took.";
    out.one("livegate_pushed_bytes_total", Counter, help, meters.pushed.value());
    let bytes = by().map(|(name, viewing)| (name, viewing.bytes.value()));
    let help = "Bytes of streams sent to viewers, by how they watch.";
    out.each("livegate_played_bytes_total", Counter, help, "by", bytes);
    let help = "Messages that pushes dropped because their destinations read too slowly.";
    out.one("livegate_pushes_dropped_messages_total", Counter, help, meters.dropped.value());
    let dropped = by().map(|(name, viewing)| (name, viewing.dropped.value()));
    let help = "Messages skipped for viewers who read too slowly, by how they watch.";
    out.each("livegate_viewers_dropped_messages_total", Counter, help, "by", dropped);
    let help = "Times that a push was connected again, or tried to be.";
    out.one("livegate_reconnects_total", Counter, help, meters.reconnects.value());
    let connections =
        [("http", meters.http_connections.value()), ("rtmp", meters.rtmp_connections.value())];
    let help = "Connections that are open, by protocol.";
    out.each("livegate_connections", Gauge, help, "protocol", connections);
    let help = "Connections that were closed at once because there were too many.";
    out.one(
        "livegate_refused_connections_total",
        Counter,
        help,
        meters.refused_connections.value(),
    );
}

/// What every process tells, by the names that are usual.
fn process(out: &mut Exposition) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = format!("{}.{:09}", cpu.tv_sec, cpu.tv_nsec);
    let help = "Processor time used, in seconds.";
    out.one("process_cpu_seconds_total", Counter, help, seconds);
    if let Some(bytes) = resident() {
        let help = "Resident memory, in bytes.";
        out.one("process_resident_memory_bytes", Gauge, help, bytes);
    }
}

/// Resident memory in bytes (proc(5): `VmRSS` is in kB of 1,024 bytes).
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
