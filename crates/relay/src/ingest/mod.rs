//! Who publishes and watches over RTMP.
//!
//! | module | does |
//! |---|---|
//! | [`address`] | what an RTMP client asks for: `rtmp(s)://HOST/APP/CHANNEL?user=…&token=…` |
//! | [`crowd`] | everybody who publishes or watches, whatever over, and what is told of them |
//! | [`hall`] | what connections have in common, and what those who ask may do |
//! | [`listener`] | connections that come in |
//! | [`session`] | one of them |

mod address;
mod crowd;
mod hall;
mod listener;
mod session;

pub(crate) use crowd::{Crowd, Seat};
pub(crate) use hall::Hall;
pub(crate) use listener::{Listener, listen};
