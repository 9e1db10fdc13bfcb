//! One destination: what waits for it, and the connection that it goes out on.

mod address;
mod batch;
mod connection;
mod outlet;
mod pipe;
mod volley;

pub(crate) use address::Address;
pub(crate) use batch::Batch;
pub(crate) use connection::{Connector, Told, run};
pub(crate) use outlet::{Chunked, Outlet};
pub(crate) use volley::{Shot, Volley};
