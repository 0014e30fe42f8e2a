//! Finds where JSON values end, by following brackets outside strings. It validates nothing: what is
//! inside a value is the business of who decodes it, so that one bad task cannot sink its batch.

use memchr::memchr2;

/// Index of the first byte at or after `at` that is not white space.
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Index just past the string whose opening quote is at `at`.
pub(super) fn skip_string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Index just past the value that starts at `at`; `None` if the bytes end before it does.
pub(super) fn skip_value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => skip_string(bytes, at),
        b'{' | b'[' => skip_container(bytes, at),
        _ => {
            let length = bytes
                .get(at..)?
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
            length.filter(|length| *length > 0).map(|length| at + length)
        }
    }
}

fn skip_container(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = at;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = skip_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Calls `member` with the raw key and the value's range, for each member of the object at `at`.
/// Returns the index just past the object; `None` if it is no object or ends early.
pub(super) fn members(
    bytes: &[u8],
    at: usize,
    mut member: impl FnMut(&[u8], std::ops::Range<usize>),
) -> Option<usize> {
    if *bytes.get(at)? != b'{' {
        return None;
    }
    let mut at = skip_space(bytes, at + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        if *bytes.get(at)? != b'"' {
            return None;
        }
        let key_end = skip_string(bytes, at)?;
        let key = bytes.get(at + 1..key_end - 1)?;
        at = skip_space(bytes, key_end);
        if *bytes.get(at)? != b':' {
            return None;
        }
        at = skip_space(bytes, at + 1);
        let end = skip_value(bytes, at)?;
        member(key, at..end);
        at = skip_space(bytes, end);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        for (text, end) in [
            (r#""a\"b" ,"#, Some(6)),
            (r#"{"a":"}]"}x"#, Some(10)),
            ("[[],[]],", Some(7)),
            ("12.5,", Some(4)),
            ("null}", Some(4)),
            (r#"{"a":"#, None),
            (r#""abc\"#, None),
            (r#""abc"#, None),
            ("", None),
            (",", None),
            ("12", None),
        ] {
            assert_eq!(skip_value(text.as_bytes(), 0), end, "{text}");
        }
    }
}
