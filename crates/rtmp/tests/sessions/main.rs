//! Both roles joined in memory, and a client by hand that does what it should not.

mod by_hand;
mod joined;
