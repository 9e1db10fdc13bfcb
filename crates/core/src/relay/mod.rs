//! Relay tasks: what the live clouds' own requests ask for, checked, as one [`Task`]; and what a relay
//! host does with it.
//!
//! | module | decides |
//! |---|---|
//! | [`mpu`] | what Alibaba's `StartLiveMPUTask` and its siblings ask for |
//! | [`jocloud`] | what Jocloud's `startrtmp` and `stoprtmp` ask for |
//! | [`native`] | livegate's own documents for tasks |
//! | [`derived`] | tasks that follow from an application, or from a live job's room |
//! | [`address`] | which task has a push address |
//! | [`quota`] | how many tasks an application may have |
//! | [`lifecycle`] | one task on a host: its pushes, its source, when it ends |
//! | [`standing`] | when a task begins, what is written of it, and what its callers are answered |
//! | [`push`] | one destination: when to connect, what to say of it, whether bytes move |
//! | [`class`] | what a message is to a decoder |
//! | [`gop`] | what whoever comes in between begins with |
//! | [`queue`] | what waits for a destination, and what is dropped |
//! | [`exit`] | when a live job stops by itself |
//! | [`host`] | every setting of a host |
//! | [`lease`] | which host a task runs on, and when another one may have it |
//! | [`link`] | what a host and a gateway's Fleet say to each other |
//! | [`member`] | the host's side of that |
//! | [`placement`] | which host of several gets a task |
//! | [`outbox`] | which state event is sent next |
//! | [`callback`] | the bodies of what a host tells |
//! | [`ingest`] | who publishes and watches, and what is told of it |
//! | [`writer`] | which SEI message is due on which frame |
//! | [`hearing`] | how much sound is decoded |
//! | [`loudness`] | how loud a stream is |
//! | [`timebase`] | a stream's timestamps when its publisher comes again |
//! | [`token`] | who may publish, and watch |
//! | [`door`] | how many connections a host has |
//! | [`credentials`] | who may do what on a host that runs alone |
//!
//! Those of a host are state machines that are driven alike: what happened goes in with the time (and
//! random bits where chance has a part), what to do is polled, and `wake_at` says when to come back.

pub mod address;
pub mod backoff;
pub mod callback;
pub mod class;
pub mod credentials;
pub mod derived;
pub mod door;
pub mod exit;
pub mod gop;
pub mod hearing;
pub mod host;
pub mod ingest;
pub mod jocloud;
pub mod lease;
pub mod lifecycle;
pub mod link;
pub mod loudness;
pub mod member;
pub mod mix;
pub mod mpu;
pub mod native;
pub mod outbox;
pub mod placement;
pub mod push;
pub mod queue;
pub mod quota;
pub mod sei;
pub mod settings;
pub mod standing;
pub mod task;
pub mod timebase;
pub mod token;
pub mod writer;

pub use address::{Addresses, Conflict, PushUrl};
pub use mix::{Encoding, Layout, Mix, Pane};
pub use quota::{Quota, QuotaReached, Running};
pub use sei::Sei;
pub use task::{Media, Origin, Source, Subscription, Task};
