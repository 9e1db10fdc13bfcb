//! Both roles joined in memory, and each against one by hand that does what a good one does not.

mod by_hand;
mod joined;
mod server_by_hand;
