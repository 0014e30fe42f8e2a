//! Reads a task result as it came, and compares its output byte by byte.

use memchr::memchr2;

/// The members of a task result that are judged: slices of the request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ResultBody<'a> {
    pub(crate) task_id: &'a [u8],
    pub(crate) status: &'a [u8],
    pub(crate) output: &'a [u8],
    /// `callbackAfterSeconds`; empty without.
    pub(crate) callback_after: &'a [u8],
}

impl<'a> ResultBody<'a> {
    /// `None`: it is no JSON object.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut found = Self::default();
        for (key, value) in members(body)? {
            let text = || value.get(1..value.len().saturating_sub(1));
            match key {
                b"taskId" => found.task_id = text()?,
                b"status" => found.status = text()?,
                b"outputData" => found.output = value,
                b"callbackAfterSeconds" => found.callback_after = value,
                _ => {}
            }
        }
        Some(found)
    }

    /// Is the output `expected`, but for white space between its tokens and the order of its members?
    pub(crate) fn output_is(&self, expected: &[u8]) -> bool {
        self.output == expected
            || same_but_for_space(self.output, expected)
            || same_members(self.output, expected)
    }
}

/// Some clients keep an output in a map without order.
fn same_members(actual: &[u8], expected: &[u8]) -> bool {
    let sorted = |object| {
        let mut found = members(object)?;
        found.sort_unstable();
        Some(found)
    };
    let (Some(actual), Some(expected)) = (sorted(actual), sorted(expected)) else { return false };
    actual.len() == expected.len()
        && actual.iter().zip(&expected).all(|((key, value), (expected_key, expected_value))| {
            key == expected_key && same_but_for_space(value, expected_value)
        })
}

/// The keys and values of a JSON object, as they stand; `None`: it is none.
fn members(body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut found = Vec::with_capacity(16);
    let mut at = skip_space(body, 0);
    if *body.get(at)? != b'{' {
        return None;
    }
    loop {
        at = skip_space(body, at + 1);
        if body.get(at) == Some(&b'}') {
            return Some(found);
        }
        let key_end = string_end(body, at)?;
        let key = body.get(at + 1..key_end - 1)?;
        at = skip_space(body, key_end);
        if *body.get(at)? != b':' {
            return None;
        }
        at = skip_space(body, at + 1);
        let end = value_end(body, at)?;
        found.push((key, body.get(at..end)?));
        at = skip_space(body, end);
        match body.get(at)? {
            b',' => {}
            b'}' => return Some(found),
            _ => return None,
        }
    }
}

fn same_but_for_space(actual: &[u8], expected: &[u8]) -> bool {
    let mut expected = expected.iter();
    let (mut in_string, mut escaped) = (false, false);
    for byte in actual {
        if !in_string && byte.is_ascii_whitespace() {
            continue;
        }
        if expected.next() != Some(byte) {
            return false;
        }
        in_string ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
    }
    expected.next().is_none()
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Index just past the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = at;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Some(at + depth),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_any_order_and_form() {
        let body = br#"{ "logs": [{"log":"}\"{"}], "outputData": {"a": [1, 2], "b":"x y"} ,
            "reason":null,"status":"COMPLETED","n":12,"taskId":"t"}"#;
        let found = ResultBody::read(body).unwrap();
        assert_eq!((found.task_id, found.status), (&b"t"[..], &b"COMPLETED"[..]));
        assert!(found.output_is(br#"{"a":[1,2],"b":"x y"}"#));
        assert!(found.output_is(br#"{"b":"x y","a":[1,2]}"#));
        for wrong in [
            &br#"{"a":[1,2],"b":"xy"}"#[..],
            br#"{"a":[1,3],"b":"x y"}"#,
            br#"{"b":"x y","a":[1,3]}"#,
            br#"{"b":"x y","c":[1,2]}"#,
            br#"{"b":"x y"}"#,
            b"{}",
        ] {
            assert!(!found.output_is(wrong));
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "{", r#"{"a""#, r#"{"a":"#, r#"{"a":1"#, r#"{"a":"b}"#] {
            assert_eq!(ResultBody::read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(ResultBody::read(b"{}"), Some(ResultBody::default()));
    }
}
