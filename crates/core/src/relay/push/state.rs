//! The states of a push, and which may follow which.

use crate::config::named;
use crate::event::RelayState;

named! {
    /// The state of one push, by `MetaStudio`'s names.
    pub enum PushState {
        /// It is connected for the first time.
        Connecting = "CONNECTING",
        /// The stream arrives.
        Connected = "CONNECTED",
        /// The stream does not arrive, and nothing is tried at this moment.
        Disconnected = "DISCONNECTED",
        /// It is connected again.
        Reconnecting = "RECONNECTING",
        /// Over. Nothing follows.
        End = "END",
    }
}

impl PushState {
    /// Whether this state may follow that one; `None` is a push that was not in any yet.
    ///
    /// ```
    /// use livegate_core::relay::push::PushState;
    ///
    /// assert!(PushState::Reconnecting.may_follow(Some(PushState::Disconnected)));
    /// assert!(!PushState::Connecting.may_follow(Some(PushState::End)));
    /// ```
    pub const fn may_follow(self, before: Option<Self>) -> bool {
        match before {
            None => matches!(self, Self::Connecting | Self::End),
            Some(Self::Connecting | Self::Reconnecting) => {
                matches!(self, Self::Connected | Self::Disconnected | Self::End)
            }
            Some(Self::Connected) => matches!(self, Self::Disconnected | Self::End),
            Some(Self::Disconnected) => matches!(self, Self::Reconnecting | Self::End),
            Some(Self::End) => false,
        }
    }

    /// The same in the words of every vendor.
    pub const fn normal(self) -> RelayState {
        match self {
            Self::Connecting => RelayState::Connecting,
            Self::Connected => RelayState::Live,
            Self::Disconnected | Self::Reconnecting => RelayState::Recovering,
            Self::End => RelayState::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PushState;
    use crate::dialect::metastudio;
    use crate::event::RelayState;
    use std::borrow::Cow;

    #[test]
    fn the_names_are_those_that_the_vendors_callbacks_have() {
        for &state in PushState::ALL {
            let read = metastudio::RelayState::from_name(Cow::Borrowed(state.as_str()));
            assert_eq!(read.normal(), Some(state.normal()));
        }
        assert_eq!(PushState::End.normal(), RelayState::Ended);
    }

    #[test]
    fn nothing_follows_the_end_and_no_state_follows_itself() {
        for &state in PushState::ALL {
            assert!(!state.may_follow(Some(PushState::End)));
            assert!(!state.may_follow(Some(state)));
        }
    }
}
