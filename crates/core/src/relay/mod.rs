//! Relay tasks: what the live clouds' own requests ask for, checked, as one [`Task`].

pub mod address;
pub mod task;
