//! Whose a message of type 5 is: the UUID at its beginning.

use core::fmt;

/// A UUID (RFC 9562), as `uuid_iso_iec_11578` of `user_data_unregistered` has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// How many bytes one has.
    pub const LEN: usize = 16;

    /// livegate's own, of version 8 (RFC 9562 §5.8): in ASCII, `livega.t.e-sei-1`. No byte is below
    /// 0x10: none needs emulation prevention, and none is printed wrongly by players that leave
    /// leading zeros out.
    pub const LIVEGATE: Self = Self(*b"livega\x80t\xa5e-sei-1");

    /// Reads one: 32 hexadecimal digits, in groups of 8, 4, 4, 4 and 12 with hyphens between them, or
    /// without any hyphen.
    pub fn parse(text: &str) -> Option<Self> {
        let mut out = [0; Self::LEN];
        let text = text.as_bytes();
        if text.len() == 32 {
            hex::decode_to_slice(text, &mut out).ok()?;
            return Some(Self(out));
        }
        let mut digits = [0; 32];
        let mut at = 0;
        let mut groups = text.split(|byte| *byte == b'-');
        for len in [8, 4, 4, 4, 12] {
            let group = groups.next().filter(|group| group.len() == len)?;
            digits.get_mut(at..at + len)?.copy_from_slice(group);
            at += len;
        }
        if groups.next().is_some() {
            return None;
        }
        hex::decode_to_slice(digits, &mut out).ok()?;
        Some(Self(out))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Uuid;
    use alloc::string::ToString;

    #[test]
    fn ours_is_a_version_8_uuid_without_low_bytes() {
        assert_eq!(Uuid::LIVEGATE.to_string(), "6c697665-6761-8074-a565-2d7365692d31");
        assert!(Uuid::LIVEGATE.0.iter().all(|byte| *byte >= 0x10));
        // RFC 9562 §4.1 and §4.2: the variant's bits are 10, the version's 1000.
        assert_eq!(Uuid::LIVEGATE.0[8] >> 6, 0b10);
        assert_eq!(Uuid::LIVEGATE.0[6] >> 4, 8);
    }

    #[test]
    fn reads_what_it_prints() {
        // The one of x264's banner.
        let x264 = "dc45e9bd-e6d9-48b7-962c-d820d923eeef";
        assert_eq!(Uuid::parse(x264).unwrap().to_string(), x264);
        assert_eq!(Uuid::parse(&x264.replace('-', "")), Uuid::parse(x264));
        assert_eq!(Uuid::parse(&x264.to_uppercase()), Uuid::parse(x264));
    }

    #[test]
    fn refuses_what_is_no_uuid() {
        for text in [
            "",
            "dc45e9bd-e6d9-48b7-962c-d820d923eee",
            "dc45e9bd-e6d9-48b7-962c-d820d923eeef-",
            "dc45e9bde-6d9-48b7-962c-d820d923eeef",
            "dc45e9bd-e6d9-48b7-962cd820d923eeef",
            "gc45e9bd-e6d9-48b7-962c-d820d923eeef",
            "gc45e9bde6d948b7962cd820d923eeef",
            "{dc45e9bd-e6d9-48b7-962c-d820d923eeef}",
        ] {
            assert_eq!(Uuid::parse(text), None, "{text}");
        }
    }
}
