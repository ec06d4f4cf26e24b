//! The one form field that forges put JSON in. Strict: what a forge would never send is refused, not repaired.

/// The bytes of the field `payload` of an `application/x-www-form-urlencoded` body; `None` when there is not
/// exactly one, or its encoding is broken. Other fields are skipped.
pub(crate) fn payload_field(body: &[u8]) -> Option<Vec<u8>> {
    let mut fields = body.split(|byte| *byte == b'&').filter_map(|field| field.strip_prefix(b"payload="));
    let value = fields.next()?;
    if fields.next().is_some() { None } else { decode(value) }
}

fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(*bytes.next()?)? << 4 | hex_digit(*bytes.next()?)?,
            other => *other,
        });
    }
    Some(decoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_is_decoded() {
        assert_eq!(payload_field(b"payload=%7B%22a%22%3A+1%7d").expect("field"), b"{\"a\": 1}");
        assert_eq!(payload_field(b"x=1&payload=a&y").expect("field"), b"a");
        assert_eq!(payload_field(b"payload=").expect("field"), b"");
        assert_eq!(payload_field(b"payload=%ff").expect("bytes, not text"), b"\xff");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "payload", "other=1", "payload=a&payload=b", "payload=%", "payload=%4", "payload=%zz", "xpayload=1"]
        {
            assert_eq!(payload_field(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
