//! Why a push is not what it should be.

use core::fmt;

use crate::error::{Code, Coded, Fault};

/// What a connection goes through before a stream may be sent on it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// The host's name is looked up and the TCP connection made.
    Tcp,
    /// The TLS handshake (`rtmps` only).
    Tls,
    /// RTMP's handshake (RTMP 1.0 §5.2).
    Handshake,
    /// The command `connect` (§7.2.1.1).
    Connect,
    /// The command `publish` (§7.2.2.6).
    Publish,
}

impl Step {
    const fn what(self) -> &'static str {
        match self {
            Self::Tcp => "connection",
            Self::Tls => "TLS handshake",
            Self::Handshake => "RTMP handshake",
            Self::Connect => "connect",
            Self::Publish => "publish",
        }
    }
}

/// How bad a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It may pass: the push tries again.
    Transient,
    /// It may pass, but not if it comes several times in a row.
    Stubborn,
    /// It will not pass by itself: the push ends.
    Permanent,
}

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $weight:ident, $fault:ident,
        $text:literal;)+) => {
        /// Why a push was disconnected or ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[doc = $doc])+ $name,)+
            /// A step got no answer in its time.
            NoAnswer(Step),
        }

        impl Cause {
            /// Every cause but [`Cause::NoAnswer`], in the order of declaration.
            pub const NAMED: &[Self] = &[$(Self::$name,)+];

            /// How bad it is.
            pub const fn weight(self) -> Weight {
                match self {
                    $(Self::$name => Weight::$weight,)+
                    Self::NoAnswer(_) => Weight::Transient,
                }
            }

            /// The cause of that code; how a row that was kept is read again.
            pub fn from_code(code: &str) -> Option<Self> {
                use Step::{Connect, Handshake, Publish, Tcp, Tls};
                let steps = [Tcp, Tls, Handshake, Connect, Publish].map(Self::NoAnswer);
                let all = Self::NAMED.iter().copied().chain(steps);
                all.into_iter().find(|cause| cause.code().as_str() == code)
            }
        }

        impl Coded for Cause {
            fn code(&self) -> Code {
                Code::new(match self {
                    $(Self::$name => $code,)+
                    Self::NoAnswer(Step::Tcp) => "push.connect_timed_out",
                    Self::NoAnswer(Step::Tls) => "push.tls_timed_out",
                    Self::NoAnswer(Step::Handshake) => "push.handshake_timed_out",
                    Self::NoAnswer(Step::Connect) => "push.app_timed_out",
                    Self::NoAnswer(Step::Publish) => "push.publish_timed_out",
                })
            }

            fn fault(&self) -> Fault {
                match self {
                    $(Self::$name => Fault::$fault,)+
                    Self::NoAnswer(_) => Fault::Peer,
                }
            }
        }

        impl fmt::Display for Cause {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)+
                    Self::NoAnswer(step) => {
                        write!(f, "the destination did not answer in time: {}", step.what())
                    }
                }
            }
        }
    };
}

causes! {
    /// The address cannot be pushed to.
    AddressInvalid = "push.address_invalid", Permanent, Config,
        "the address cannot be pushed to";
    /// The address leads to a network that may not be called.
    AddressForbidden = "push.address_forbidden", Permanent, Config,
        "the address leads to a network that may not be called";
    /// No address is known for the host.
    UnknownHost = "push.unknown_host", Stubborn, Config,
        "no address is known for the host";
    /// There is no way to the host.
    Unreachable = "push.unreachable", Transient, Peer,
        "the host cannot be reached";
    /// Nobody listens at the port.
    Refused = "push.refused", Transient, Peer,
        "the connection was refused";
    /// TLS failed: a certificate that is not trusted, or no TLS at all.
    TlsFailed = "push.tls_failed", Transient, Peer,
        "the TLS handshake failed";
    /// What answered does not speak RTMP.
    HandshakeFailed = "push.handshake_failed", Transient, Peer,
        "the RTMP handshake failed";
    /// User, password, token or key were refused.
    AuthRefused = "push.auth_refused", Stubborn, Config,
        "the destination refused the credentials";
    /// `connect` was refused, not for its credentials.
    AppRefused = "push.app_refused", Stubborn, Config,
        "the destination refused the application";
    /// `publish` was refused, or taken back later.
    PublishRefused = "push.publish_refused", Transient, Peer,
        "the destination refused the stream";
    /// What the destination sent makes no sense.
    Protocol = "push.protocol", Transient, Peer,
        "the destination broke the protocol";
    /// The destination closed the connection.
    ClosedByPeer = "push.closed_by_peer", Transient, Peer,
        "the destination closed the connection";
    /// The connection broke.
    ConnectionLost = "push.connection_lost", Transient, Peer,
        "the connection was lost";
    /// The connection stands, but the destination reads no more.
    Wedged = "push.wedged", Transient, Peer,
        "the destination stopped reading";
    /// There is nothing to send.
    SourceGone = "push.source_gone", Transient, Peer,
        "the source sends nothing";
    /// The host was started again.
    HostRestarted = "push.host_restarted", Transient, Internal,
        "the relay host was restarted";
    /// It was tried for as long as it may be.
    GivenUp = "push.given_up", Permanent, Peer,
        "it was tried for as long as it may be";
    /// Its owner stopped it.
    Stopped = "push.stopped", Permanent, Caller,
        "it was stopped";
    /// Its task goes elsewhere, or to another form of this address.
    Replaced = "push.replaced", Permanent, Caller,
        "the task does not push there any more";
    /// Its channel was closed.
    ChannelClosed = "push.channel_closed", Permanent, Caller,
        "the channel was closed";
    /// Nobody published for as long as its task waits.
    Idle = "push.idle", Permanent, Caller,
        "nobody published for too long";
    /// The live lasted as long as it may.
    LongestLive = "push.longest_live", Permanent, Limit,
        "the live lasted as long as it may";
    /// An exception lasted as long as it may.
    LongestException = "push.longest_exception", Permanent, Limit,
        "an exception lasted as long as it may";
    /// The host's lease ran out: the task is another host's.
    LeaseLost = "push.lease_lost", Permanent, Internal,
        "the task is another host's";
}

impl core::error::Error for Cause {}

#[cfg(test)]
mod tests {
    use super::{Cause, Step};
    use crate::error::Coded;
    use std::collections::BTreeSet;
    use std::string::ToString;

    #[test]
    fn each_has_a_code_of_its_own_and_is_found_by_it() {
        let steps = [Step::Tcp, Step::Tls, Step::Handshake, Step::Connect, Step::Publish];
        let all = Cause::NAMED.iter().copied().chain(steps.map(Cause::NoAnswer));
        let mut codes = BTreeSet::new();
        for cause in all {
            let code = cause.code();
            assert!(code.is_well_formed() && codes.insert(code.as_str()), "{cause:?}");
            assert_eq!(Cause::from_code(code.as_str()), Some(cause));
            assert!(!cause.to_string().contains(code.as_str()));
        }
        assert_eq!(Cause::from_code("push.unheard_of"), None);
    }
}
