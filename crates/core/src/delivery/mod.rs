//! What to send next, when to try again, when to give up.
//!
//! A channel keeps its accepted events in a log, numbered from 1. A subscription is a cursor over
//! that log: it moves once a batch, and only an event that failed or is to be replayed gets a row
//! of its own. Everything here is decided without a clock, randomness or I/O, so the same code
//! runs under a virtual clock and on the edge.
//!
//! | module | decides |
//! |---|---|
//! | [`schedule`] | how long to wait before which attempt; what a `Retry-After` changes |
//! | [`outcome`] | what an answer, or its absence, means |
//! | [`lane`] | per channel and subscription: what is read, sent, retried, parked, replayed |
//! | [`slots`] | which endpoints share a channel's few concurrent requests, and how |
//! | [`breaker`] | per endpoint: whether it is called at all, how often, and when it is disabled |
//! | [`dedup`] | whether an accepted call is one that was accepted before |
//! | [`current`] | whether an accepted event is older than what is known of its entity |
//! | [`retention`] | which part of the log may go, and when the log is full |
//!
//! # How a shell drives it
//!
//! One object per channel holds the log, the lanes and the slots; one per endpoint the breaker.
//! For each lane, for as long as its endpoint has a slot and the lane's permit lasts:
//!
//! 1. [`Lane::ready`](lane::Lane::ready) says how many sends it could start. If that is not zero
//!    and there is no permit, ask the endpoint's [`Breaker`](breaker::Breaker) for one; if it
//!    refuses, [`hold`](lane::Lane::hold) the lane.
//! 2. [`Lane::poll`](lane::Lane::poll) says what to do; do it and poll again, until it sleeps.
//! 3. [`Lane::completed`](lane::Lane::completed) takes each outcome; report the same to the breaker
//!    and the slots, then poll again.
//!
//! # What holds
//!
//! - The rows and the cursor that [`Lane::changes`](lane::Lane::changes) returns are the whole
//!   truth: a lane restored from them loses nothing.
//! - A restart repeats at most what was in flight, what was delivered since the last changes were
//!   written, and, unordered, what overtook a slow request ([`lane::MAX_OVERTAKEN`]).
//! - In an ordered lane the first deliveries follow the log; the gaps are the parked events.
//! - An event's automatic attempts are bounded by its schedule.

pub mod breaker;
pub mod current;
pub mod dedup;
pub mod lane;
pub mod outcome;
pub mod retention;
pub mod schedule;
pub mod slots;
