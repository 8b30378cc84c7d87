//! As much of the protocol buffers' wire format as a profile needs.
//!
//! A message is a row of fields: a tag (number and wire type), then a varint or a length and as
//! many bytes. A field that is 0 or empty is left out, which is how readers see it anyway.
#![forbid(unsafe_code)]

const WIRE_VARINT: u64 = 0;
const WIRE_FIXED: u64 = 1;
const WIRE_BYTES: u64 = 2;

/// A message that is being put together. Reused, so that writing a message allocates nothing
/// once the buffer has grown.
#[derive(Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(crate) fn integer(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.tag(field, WIRE_VARINT);
            self.varint(value);
        }
    }

    /// A field that is there also if it is 0.
    pub(crate) fn integer_or_zero(&mut self, field: u64, value: u64) {
        self.tag(field, WIRE_VARINT);
        self.varint(value);
    }

    /// Eight bytes: a `fixed64`, or the bits of a `double`.
    pub(crate) fn fixed(&mut self, field: u64, value: u64) {
        self.tag(field, WIRE_FIXED);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn flag(&mut self, field: u64, value: bool) {
        self.integer(field, value.into());
    }

    /// A string or a message. Written even if empty: the element of a list.
    pub(crate) fn element(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, WIRE_BYTES);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// A list of integers in its packed form.
    pub(crate) fn integers(&mut self, field: u64, values: impl Iterator<Item = u64> + Clone) {
        let len: u64 = values.clone().map(varint_len).sum();
        if len > 0 {
            self.tag(field, WIRE_BYTES);
            self.varint(len);
            values.for_each(|value| self.varint(value));
        }
    }

    fn tag(&mut self, field: u64, wire_type: u64) {
        self.varint((field << 3) | wire_type);
    }

    /// Seven bits a byte, lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// Bytes of a varint: one for each begun seven bits, and one for 0.
fn varint_len(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_long_as_announced() {
        let mut message = Message::default();
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]);
        for value in edges.chain([u64::MAX]) {
            message.clear();
            message.varint(value);
            assert_eq!(message.bytes().len() as u64, varint_len(value), "{value}");
        }
    }

    /// The example of the format's own documentation: field 1 with 150, field 2 "testing",
    /// field 6 packed with 3, 270, 86942.
    #[test]
    fn fields_are_those_of_the_documentation() {
        let mut message = Message::default();
        message.integer(1, 150);
        message.element(2, b"testing");
        message.integers(6, [3, 270, 86942].into_iter());
        message.integer(3, 0);
        let mut expected = vec![0x08, 0x96, 0x01, 0x12, 0x07];
        expected.extend(b"testing");
        expected.extend([0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
        assert_eq!(message.bytes(), expected);
    }
}
