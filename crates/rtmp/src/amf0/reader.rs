//! Reading values.

use alloc::vec::Vec;

use super::{Amf0Error, MAX_DEPTH, MAX_VALUES, Property, Value, marker};

/// Reads the values of a message, one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of a message.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, values: 0 }
    }

    /// Where the next value begins.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// The next value, or none at the end.
    pub fn next_value(&mut self) -> Result<Option<Value<'a>>, Amf0Error> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        self.value(0).map(Some)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Amf0Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(Amf0Error::Truncated { at: self.at })?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Amf0Error> {
        let at = self.at;
        self.take(N)?.first_chunk().copied().ok_or(Amf0Error::Truncated { at })
    }

    fn short(&mut self) -> Result<&'a [u8], Amf0Error> {
        let len = u16::from_be_bytes(self.array()?);
        self.take(usize::from(len))
    }

    fn long(&mut self) -> Result<&'a [u8], Amf0Error> {
        let len = u32::from_be_bytes(self.array()?);
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn number(&mut self) -> Result<f64, Amf0Error> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Amf0Error> {
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(Amf0Error::Depth { at });
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Amf0Error::Values { at });
        }
        let [found] = self.array()?;
        Ok(match found {
            marker::NUMBER => Value::Number(self.number()?),
            marker::BOOLEAN => Value::Boolean(self.array()? != [0]),
            marker::STRING => Value::String(self.short()?),
            marker::OBJECT => Value::Object(self.properties(depth, None)?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::REFERENCE => Value::Reference(u16::from_be_bytes(self.array()?)),
            marker::ECMA_ARRAY => {
                let count = u32::from_be_bytes(self.array()?);
                Value::EcmaArray { count, properties: self.properties(depth, Some(count))? }
            }
            marker::STRICT_ARRAY => {
                let count = u32::from_be_bytes(self.array()?);
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::StrictArray(values)
            }
            marker::DATE => Value::Date {
                milliseconds: self.number()?,
                zone: i16::from_be_bytes(self.array()?),
            },
            marker::LONG_STRING => Value::LongString(self.long()?),
            marker::UNSUPPORTED => Value::Unsupported,
            marker::XML => Value::Xml(self.long()?),
            marker::TYPED_OBJECT => {
                let class = self.short()?;
                Value::TypedObject { class, properties: self.properties(depth, None)? }
            }
            _ => return Err(Amf0Error::Marker { at, found }),
        })
    }

    /// Properties up to an empty name with the end's marker. Some encoders leave that out behind an
    /// ECMA array that ends the message: it may end where the message does if it has `count`.
    fn properties(
        &mut self,
        depth: usize,
        count: Option<u32>,
    ) -> Result<Vec<Property<'a>>, Amf0Error> {
        let mut properties = Vec::new();
        loop {
            let at_end = self.at >= self.bytes.len();
            if at_end && count.is_some_and(|count| u32::try_from(properties.len()) == Ok(count)) {
                return Ok(properties);
            }
            let name = self.short()?;
            if name.is_empty() && self.bytes.get(self.at) == Some(&marker::OBJECT_END) {
                self.at += 1;
                return Ok(properties);
            }
            properties.push((name, self.value(depth + 1)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;
    use crate::amf0::{Amf0Error, MAX_DEPTH, Value};
    use alloc::vec;
    use alloc::vec::Vec;

    fn one(bytes: &[u8]) -> Result<Value<'_>, Amf0Error> {
        let mut reader = Reader::new(bytes);
        let value = reader.next_value()?.unwrap();
        assert_eq!(reader.next_value(), Ok(None), "all of it is read");
        Ok(value)
    }

    #[test]
    fn reads_every_type() {
        // AMF 0 §2.2 to §2.18; 3.5 is 0x400C000000000000 (IEEE 754).
        for (bytes, value) in [
            (&b"\x00\x40\x0C\0\0\0\0\0\0"[..], Value::Number(3.5)),
            (b"\x01\x01", Value::Boolean(true)),
            (b"\x01\x00", Value::Boolean(false)),
            (b"\x02\0\x02hi", Value::String(b"hi")),
            (b"\x03\0\x01a\x05\0\0\x09", Value::Object(vec![(b"a", Value::Null)])),
            (b"\x03\0\0\x09", Value::Object(Vec::new())),
            (b"\x05", Value::Null),
            (b"\x06", Value::Undefined),
            (b"\x07\x01\x02", Value::Reference(0x0102)),
            (
                b"\x08\0\0\0\x07\0\x01a\x05\0\0\x09",
                Value::EcmaArray { count: 7, properties: vec![(b"a", Value::Null)] },
            ),
            (b"\x0A\0\0\0\x02\x05\x06", Value::StrictArray(vec![Value::Null, Value::Undefined])),
            (b"\x0B\x40\x0C\0\0\0\0\0\0\xFF\xC4", Value::Date { milliseconds: 3.5, zone: -60 }),
            (b"\x0C\0\0\0\x02hi", Value::LongString(b"hi")),
            (b"\x0D", Value::Unsupported),
            (b"\x0F\0\0\0\x02<>", Value::Xml(b"<>")),
            (
                b"\x10\0\x01C\0\x01a\x05\0\0\x09",
                Value::TypedObject { class: b"C", properties: vec![(b"a", Value::Null)] },
            ),
        ] {
            assert_eq!(one(bytes), Ok(value), "{bytes:02x?}");
            for cut in 1..bytes.len() {
                let error = Reader::new(&bytes[..cut]).next_value().unwrap_err();
                assert!(matches!(error, Amf0Error::Truncated { .. }), "{cut} of {bytes:02x?}");
            }
        }
    }

    #[test]
    fn an_empty_name_is_a_name_where_no_end_follows() {
        let value = one(b"\x03\0\0\x05\0\0\x09").unwrap();
        assert_eq!(value, Value::Object(vec![(b"", Value::Null)]));
    }

    #[test]
    fn an_array_may_end_where_its_message_does() {
        let value = one(b"\x08\0\0\0\x01\0\x01a\x05").unwrap();
        assert_eq!(value.property("a"), Some(&Value::Null));
        assert_eq!(one(b"\x08\0\0\0\x02\0\x01a\x05"), Err(Amf0Error::Truncated { at: 9 }));
    }

    #[test]
    fn types_that_cannot_be_sent_are_refused() {
        // Movie clip, object end, record set, AVM+ (AMF3), and beyond.
        for found in [0x04, 0x09, 0x0E, 0x11, 0x12, 0xFF] {
            assert_eq!(one(&[found]), Err(Amf0Error::Marker { at: 0, found }));
        }
    }

    #[test]
    fn depth_has_a_bound() {
        let nested = |levels: usize| {
            let mut bytes = b"\x0A\0\0\0\x01".repeat(levels);
            bytes.push(5);
            bytes
        };
        assert!(one(&nested(MAX_DEPTH)).is_ok());
        let error = Amf0Error::Depth { at: (MAX_DEPTH + 1) * 5 };
        assert_eq!(one(&nested(MAX_DEPTH + 1)), Err(error));
    }

    #[test]
    fn an_array_that_only_announces_takes_nothing() {
        assert_eq!(one(b"\x0A\xFF\xFF\xFF\xFF"), Err(Amf0Error::Truncated { at: 5 }));
        let many = [&b"\x0A\xFF\xFF\xFF\xFF"[..], &[5].repeat(70_000)].concat();
        // 65,536 values with the array itself.
        assert_eq!(one(&many), Err(Amf0Error::Values { at: 5 + 65_535 }));
    }

    #[test]
    fn the_last_property_of_a_name_counts() {
        let value = one(b"\x03\0\x01a\x05\0\x01a\x06\0\0\x09").unwrap();
        assert_eq!(value.property("a"), Some(&Value::Undefined));
        assert_eq!(value.property("b"), None);
    }
}
