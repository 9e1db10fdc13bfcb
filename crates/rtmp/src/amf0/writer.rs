//! Writing values.

use core::fmt;

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Property, Value, marker};

/// Writes the values of a message, one after the other.
#[derive(Clone, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl fmt::Debug for Writer {
    /// What is written can be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("len", &self.out.len()).finish()
    }
}

impl Writer {
    /// A writer of an empty message.
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// What was written.
    pub fn finish(self) -> Bytes {
        Bytes::from(self.out)
    }

    /// A number.
    pub fn number(&mut self, number: f64) -> &mut Self {
        self.out.push(marker::NUMBER);
        self.out.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// A truth value.
    pub fn boolean(&mut self, truth: bool) -> &mut Self {
        self.out.extend_from_slice(&[marker::BOOLEAN, u8::from(truth)]);
        self
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        self.out.push(marker::NULL);
        self
    }

    /// A text, in the form that its length needs.
    pub fn string(&mut self, text: &str) -> &mut Self {
        if u16::try_from(text.len()).is_ok() {
            self.out.push(marker::STRING);
            self.short(text.as_bytes());
        } else {
            self.out.push(marker::LONG_STRING);
            self.long(text.as_bytes());
        }
        self
    }

    /// An object with what `fill` puts into it.
    pub fn object(&mut self, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        self.out.push(marker::OBJECT);
        fill(&mut Object { writer: self });
        self.end()
    }

    /// An array of texts.
    pub fn strings<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) -> &mut Self {
        self.out.push(marker::STRICT_ARRAY);
        self.count(texts.len());
        for text in texts {
            self.string(text);
        }
        self
    }

    /// A value that was read, as it stood there.
    pub fn value(&mut self, value: &Value<'_>) -> &mut Self {
        match value {
            Value::Number(number) => return self.number(*number),
            Value::Boolean(truth) => return self.boolean(*truth),
            Value::String(text) => {
                self.out.push(marker::STRING);
                self.short(text);
            }
            Value::Object(properties) => {
                self.out.push(marker::OBJECT);
                self.properties(properties);
            }
            Value::Null => return self.null(),
            Value::Undefined => self.out.push(marker::UNDEFINED),
            Value::Reference(number) => {
                self.out.push(marker::REFERENCE);
                self.out.extend_from_slice(&number.to_be_bytes());
            }
            Value::EcmaArray { count, properties } => {
                self.out.push(marker::ECMA_ARRAY);
                self.out.extend_from_slice(&count.to_be_bytes());
                self.properties(properties);
            }
            Value::StrictArray(values) => {
                self.out.push(marker::STRICT_ARRAY);
                self.count(values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Date { milliseconds, zone } => {
                self.out.push(marker::DATE);
                self.out.extend_from_slice(&milliseconds.to_be_bytes());
                self.out.extend_from_slice(&zone.to_be_bytes());
            }
            Value::LongString(text) => {
                self.out.push(marker::LONG_STRING);
                self.long(text);
            }
            Value::Unsupported => self.out.push(marker::UNSUPPORTED),
            Value::Xml(text) => {
                self.out.push(marker::XML);
                self.long(text);
            }
            Value::TypedObject { class, properties } => {
                self.out.push(marker::TYPED_OBJECT);
                self.short(class);
                self.properties(properties);
            }
        }
        self
    }

    fn properties(&mut self, properties: &[Property<'_>]) {
        for (name, value) in properties {
            self.short(name);
            self.value(value);
        }
        self.end();
    }

    fn end(&mut self) -> &mut Self {
        self.out.extend_from_slice(&[0, 0, marker::OBJECT_END]);
        self
    }

    /// A text behind 16 bits of length. What is longer, which is never read as one, is cut.
    fn short(&mut self, text: &[u8]) {
        let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out.extend_from_slice(&text[..usize::from(len)]);
    }

    fn long(&mut self, text: &[u8]) {
        self.count(text.len());
        self.out.extend_from_slice(text);
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.out.extend_from_slice(&count.to_be_bytes());
    }
}

/// An object that is being written.
#[derive(Debug)]
pub struct Object<'w> {
    writer: &'w mut Writer,
}

impl Object<'_> {
    /// The name of a property; its value is to be written next.
    pub fn property(&mut self, name: &str) -> &mut Writer {
        self.writer.short(name.as_bytes());
        self.writer
    }
}

#[cfg(test)]
mod tests {
    use super::Writer;
    use alloc::string::String;

    #[test]
    fn a_command_is_written_as_the_specification_has_it() {
        let mut writer = Writer::new();
        writer.string("connect").number(1.0).object(|object| {
            object.property("app").string("live");
            object.property("fpad").boolean(false);
            object.property("fourCcList").strings(["hvc1", "av01"].into_iter());
        });
        writer.null();
        // 1.0 is 0x3FF0000000000000 (IEEE 754).
        let expected = b"\x02\0\x07connect\x00\x3F\xF0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\
            \0\x04fpad\x01\0\0\x0AfourCcList\x0A\0\0\0\x02\x02\0\x04hvc1\x02\0\x04av01\0\0\x09\x05";
        assert_eq!(&writer.finish()[..], expected);
    }

    #[test]
    fn a_long_text_has_a_long_length() {
        let mut writer = Writer::new();
        let text: String = core::iter::repeat_n('x', 65_536).collect();
        writer.string(&text);
        assert_eq!(writer.finish()[..6], *b"\x0C\0\x01\0\0x");
    }
}
