//! `rml_amf0` reads what we write, and we read what it writes.

use std::collections::HashMap;

use livegate_rtmp::amf0::{Reader, Value, Writer};
use rml_amf0::Amf0Value;

/// Numbers that look random, the same every time (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn text(&mut self) -> String {
        let len = self.below(40);
        (0..len)
            .map(|_| char::from_u32(0x20 + u32::try_from(self.below(800)).unwrap()).unwrap())
            .collect()
    }

    fn value(&mut self, depth: u64) -> Amf0Value {
        match self.below(if depth < 4 { 7 } else { 5 }) {
            0 => Amf0Value::Number(f64::from_bits(self.below(1 << 31) << 32)),
            1 => Amf0Value::Boolean(self.below(2) == 1),
            2 => Amf0Value::Utf8String(self.text()),
            3 => Amf0Value::Null,
            4 => Amf0Value::Undefined,
            5 => {
                let count = self.below(5);
                Amf0Value::StrictArray((0..count).map(|_| self.value(depth + 1)).collect())
            }
            _ => {
                let count = self.below(5);
                let name = |numbers: &mut Self, number| format!("{number}{}", numbers.text());
                let properties: HashMap<_, _> =
                    (0..count).map(|number| (name(self, number), self.value(depth + 1))).collect();
                Amf0Value::Object(properties)
            }
        }
    }
}

/// The same value by both names.
fn is_same(ours: &Value<'_>, theirs: &Amf0Value) -> bool {
    match (ours, theirs) {
        (Value::Number(one), Amf0Value::Number(other)) => one.to_bits() == other.to_bits(),
        (Value::Boolean(one), Amf0Value::Boolean(other)) => one == other,
        (Value::String(one), Amf0Value::Utf8String(other)) => *one == other.as_bytes(),
        (Value::Null, Amf0Value::Null) | (Value::Undefined, Amf0Value::Undefined) => true,
        (Value::StrictArray(ones), Amf0Value::StrictArray(others)) => {
            ones.len() == others.len()
                && ones.iter().zip(others).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(ones), Amf0Value::Object(others)) => {
            let found = |name: &[u8]| others.get(std::str::from_utf8(name).ok()?);
            ones.len() == others.len()
                && ones
                    .iter()
                    .all(|(name, one)| found(name).is_some_and(|other| is_same(one, other)))
        }
        _ => false,
    }
}

#[test]
fn both_mean_the_same_by_the_same_bytes() {
    let mut numbers = Numbers(1);
    for _ in 0..2_000 {
        let values: Vec<Amf0Value> = (0..numbers.below(4) + 1).map(|_| numbers.value(0)).collect();
        let bytes = rml_amf0::serialize(&values).unwrap();
        let mut reader = Reader::new(&bytes);
        let mut writer = Writer::new();
        for value in &values {
            let ours = reader.next_value().unwrap().expect("a value");
            assert!(is_same(&ours, value), "{ours:?} {value:?}");
            writer.value(&ours);
        }
        assert_eq!(reader.next_value(), Ok(None));
        let written = writer.finish();
        assert_eq!(written, bytes);
        let again = rml_amf0::deserialize(&mut &written[..]).unwrap();
        assert_eq!(again.len(), values.len());
    }
}
