//! Relay tasks: what the live clouds' own requests ask for, checked, as one [`Task`].
//!
//! | module | decides |
//! |---|---|
//! | [`mpu`] | what Alibaba's `StartLiveMPUTask` and its siblings ask for |
//! | [`jocloud`] | what Jocloud's `startrtmp` and `stoprtmp` ask for |
//! | [`address`] | which task has a push address |
//! | [`quota`] | how many tasks an application may have |

pub mod address;
pub mod backoff;
pub mod exit;
pub mod ingest;
pub mod jocloud;
pub mod lease;
pub mod lifecycle;
pub mod mix;
pub mod mpu;
pub mod outbox;
pub mod push;
pub mod queue;
pub mod quota;
pub mod sei;
pub mod settings;
pub mod task;
pub mod token;

pub use address::{Addresses, Conflict, PushUrl};
pub use mix::{Encoding, Layout, Mix, Pane};
pub use quota::{Quota, QuotaReached, Running};
pub use sei::Sei;
pub use task::{Media, Origin, Source, Subscription, Task};
