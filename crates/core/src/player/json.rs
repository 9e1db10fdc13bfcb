//! JSON for pages, written without the machinery of formatting: a module for browsers is small
//! without it.

use alloc::string::String;

use crate::dialect::json::push_string;
use crate::layout::Share;
use crate::sei::uuid::Uuid;

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_first: true }
    }

    /// Where a member's value goes. It is called for many members, and once is enough of its code.
    #[inline(never)]
    pub(super) fn member(&mut self, name: &str) -> &mut String {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        push_string(self.member(name), text);
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }
}

/// A whole number.
pub(super) fn push_number(out: &mut String, number: u64) {
    push_digits(out, number, 1);
}

/// A number's digits, with zeros before it if it has fewer.
fn push_digits(out: &mut String, number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut count) = (number, 0_usize);
    for digit in digits.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        // Below 10.
        *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        count = count.saturating_add(1);
    }
    let shown = digits.get(digits.len().saturating_sub(count.max(least))..).unwrap_or_default();
    out.extend(shown.iter().copied().map(char::from));
}

/// A fraction behind its point, without the zeros at its end.
fn push_fraction(out: &mut String, fraction: u64, digits: usize) {
    if fraction == 0 {
        return;
    }
    out.push('.');
    push_digits(out, fraction, digits);
    while out.ends_with('0') {
        out.pop();
    }
}

/// Microseconds as seconds.
pub(super) fn push_seconds(out: &mut String, micros: i64) {
    const SECOND: u64 = 1_000_000;
    if micros < 0 {
        out.push('-');
    }
    let micros = micros.unsigned_abs();
    push_number(out, micros / SECOND);
    push_fraction(out, micros % SECOND, 6);
}

/// A part of the whole, from 0 to 1.
pub(super) fn push_share(out: &mut String, share: Share) {
    let whole = Share::WHOLE.billionths();
    push_number(out, (share.billionths() / whole).into());
    push_fraction(out, (share.billionths() % whole).into(), 9);
}

/// A UUID as text.
pub(super) fn push_uuid(out: &mut String, uuid: Uuid) {
    out.push('"');
    for (at, byte) in uuid.0.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        for digit in [byte >> 4, byte & 0xF] {
            out.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Object, push_number, push_seconds, push_share, push_uuid};
    use crate::layout::Share;
    use crate::sei::uuid::Uuid;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn seconds_have_their_microseconds() {
        for (micros, text) in [
            (0, "0"),
            (1_000_000, "1"),
            (40_000, "0.04"),
            (-1, "-0.000001"),
            (-12_500_000, "-12.5"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(written(|out| push_seconds(out, micros)), text);
        }
    }

    #[test]
    fn objects_have_commas_between_their_members() {
        let object = written(|out| {
            let mut object = Object::open(out);
            object.text("a\"", "<b>");
            push_number(object.member("n"), 10);
            object.close();
        });
        assert_eq!(object, r#"{"a\"":"<b>","n":10}"#);
    }

    proptest! {
        #[test]
        fn numbers_are_as_the_standard_library_writes_them(
            number in any::<u64>(), billionths in 0_u32..=1_000_000_000, uuid in any::<[u8; 16]>(),
        ) {
            prop_assert_eq!(written(|out| push_number(out, number)), number.to_string());
            let share = Share::from_billionths(billionths).unwrap();
            prop_assert_eq!(written(|out| push_share(out, share)), share.to_string());
            let text = ["\"", &Uuid(uuid).to_string(), "\""].concat();
            prop_assert_eq!(written(|out| push_uuid(out, Uuid(uuid))), text);
        }
    }
}
