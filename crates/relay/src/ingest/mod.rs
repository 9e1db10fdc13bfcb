//! Who publishes and watches over RTMP.
//!
//! | module | does |
//! |---|---|
//! | [`address`] | what an RTMP client asks for: `rtmp(s)://HOST/APP/CHANNEL?user=…&token=…` |
//! | [`crowd`] | everybody who publishes or watches, whatever over, and what is told of them |
//! | [`listener`] | connections that come in |
//! | [`session`] | one of them |

mod address;
mod crowd;
mod listener;
mod session;

pub(crate) use crowd::{Crowd, Seat};
pub(crate) use listener::{Listener, listen};
pub(crate) use session::Hall;
