//! How many bytes are under way, by what the peer has acknowledged (RTMP 1.0 §5.4.3, §5.4.4).

/// What one connection has sent and what the peer says that it has.
///
/// Bytes are counted from behind the handshake. Some peers count that too: what is acknowledged
/// beyond what was sent counts as all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    sent: u64,
    acknowledged: u64,
    acknowledgements: u64,
}

impl Flow {
    /// Bytes that were sent.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes that the last acknowledgement covers.
    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Bytes that were sent and not acknowledged. A peer may acknowledge seldom or not at all:
    /// [`Flow::acknowledgements`] says whether it ever has.
    pub const fn unacknowledged(&self) -> u64 {
        self.sent - self.acknowledged
    }

    /// How many acknowledgements came.
    pub const fn acknowledgements(&self) -> u64 {
        self.acknowledgements
    }

    pub(crate) fn count(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Takes an acknowledgement: the lower 32 bits of a count that only grows.
    pub(crate) fn acknowledge(&mut self, number: u32) {
        self.acknowledgements += 1;
        let [.., a, b, c, d] = self.acknowledged.to_be_bytes();
        let forward = number.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
        // One that goes back is late or wrong: what was acknowledged stays so.
        if forward <= u32::MAX / 2 {
            self.acknowledged = (self.acknowledged + u64::from(forward)).min(self.sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Flow;

    #[test]
    fn what_is_not_acknowledged_is_under_way() {
        let mut flow = Flow::default();
        flow.count(1_000);
        assert_eq!((flow.unacknowledged(), flow.acknowledgements()), (1_000, 0));
        flow.acknowledge(600);
        assert_eq!((flow.unacknowledged(), flow.acknowledgements()), (400, 1));
        flow.acknowledge(500);
        assert_eq!(flow.acknowledged(), 600);
        // A peer that counts 3073 bytes of handshake.
        flow.acknowledge(1_000 + 3_073);
        assert_eq!(flow.unacknowledged(), 0);
    }

    #[test]
    fn the_count_goes_on_beyond_32_bits() {
        let mut flow = Flow::default();
        let step = 1_usize << 30;
        for number in 1..=9_u32 {
            flow.count(step);
            // 2^30 times a number; the fourth is 0.
            flow.acknowledge((1_u32 << 30).wrapping_mul(number));
            assert_eq!(flow.acknowledged(), u64::from(number) << 30);
        }
    }
}
