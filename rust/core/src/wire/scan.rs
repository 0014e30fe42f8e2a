//! Finds where JSON values end, by following brackets outside strings. It validates nothing: what is
//! inside a value is the business of who decodes it, so that one bad task cannot sink its batch.

use std::ops::Range;

use wide::u8x16;

/// So many bytes are looked at together.
const BLOCK: usize = 64;

/// A walk over JSON text, forward only. A task is 1 KB of short names and numbers: where their quotes are is
/// worked out once for each block of bytes and read off bit masks from there (7,600 instructions a task;
/// 11,200 with `memchr` for each string and brackets byte by byte).
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    /// Where the block begins that the masks describe; bit n is byte n of it.
    block: usize,
    /// `"` and `\`: what ends a string, or an escape in it.
    string_ends: u64,
    /// `"` and the four brackets: what matters inside a container.
    structure: u64,
    /// `,` and the brackets: what ends a number or a literal, but for white space.
    scalar_ends: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self::from(bytes, 0)
    }

    /// From `at` on.
    pub(super) fn from(bytes: &'a [u8], at: usize) -> Self {
        let mut scan = Self { bytes, block: at, string_ends: 0, structure: 0, scalar_ends: 0 };
        scan.load(at);
        scan
    }

    #[inline(never)]
    fn load(&mut self, at: usize) {
        self.block = at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        if let Some(block) = rest.first_chunk() {
            self.look_at(block);
        } else {
            let mut block = [0; BLOCK];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.look_at(&block);
        }
    }

    fn look_at(&mut self, block: &[u8; BLOCK]) {
        (self.string_ends, self.structure, self.scalar_ends) = (0, 0, 0);
        for (number, lane) in block.as_chunks().0.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let quote = lane.simd_eq(u8x16::splat(b'"'));
            let escape = lane.simd_eq(u8x16::splat(b'\\'));
            let comma = lane.simd_eq(u8x16::splat(b','));
            // With these bits set the four brackets are one byte, as are `Y`, `_`, `y`: passed over.
            let bracket = (lane | u8x16::splat(0x26)).simd_eq(u8x16::splat(0x7f));
            let mask = |found: u8x16| u64::from(found.to_bitmask()) << (16 * number);
            self.string_ends |= mask(quote | escape);
            self.structure |= mask(quote | bracket);
            self.scalar_ends |= mask(comma | bracket);
        }
    }

    /// Index of the first byte at or after `at` that is in the mask.
    #[expect(clippy::inline_always, reason = "a call for each short value is a sixth of the whole")]
    #[inline(always)]
    fn find(&mut self, mut at: usize, mask: impl Fn(&Self) -> u64) -> Option<usize> {
        loop {
            let offset = at.wrapping_sub(self.block);
            if offset < BLOCK {
                let rest = mask(self) >> offset;
                if rest != 0 {
                    return Some(at + rest.trailing_zeros() as usize);
                }
                at = self.block + BLOCK;
            }
            if at >= self.bytes.len() {
                return None;
            }
            self.load(at);
        }
    }

    /// Index of the first byte at or after `at` that is not white space.
    #[inline]
    pub(super) fn skip_space(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(at) {
            at += 1;
        }
        at
    }

    /// Index just past the string whose opening quote is at `at`.
    #[inline]
    fn skip_string(&mut self, at: usize) -> Option<usize> {
        let mut at = at + 1;
        loop {
            at = self.find(at, |scan| scan.string_ends)?;
            match self.bytes.get(at)? {
                b'"' => return Some(at + 1),
                _ => at += 2,
            }
        }
    }

    /// Index just past the value that starts at `at`; `None` if the bytes end before it does.
    #[expect(clippy::inline_always, reason = "a call for each short value is a sixth of the whole")]
    #[inline(always)]
    pub(super) fn skip_value(&mut self, at: usize) -> Option<usize> {
        match self.bytes.get(at)? {
            b'"' => self.skip_string(at),
            b'{' | b'[' => self.skip_container(at),
            _ => self.skip_scalar(at),
        }
    }

    #[inline]
    fn skip_scalar(&mut self, at: usize) -> Option<usize> {
        let mut end = at;
        loop {
            end = self.find(end, |scan| scan.scalar_ends)?;
            match self.bytes.get(end)? {
                b',' | b'}' | b']' => break,
                _ => end += 1,
            }
        }
        let length = self.bytes.get(at..end)?.trim_ascii_end().len();
        (length > 0).then_some(at + length)
    }

    #[inline(never)]
    fn skip_container(&mut self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = at;
        loop {
            at = self.find(at, |scan| scan.structure)?;
            match self.bytes.get(at)? {
                b'"' => {
                    at = self.skip_string(at)?;
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
    #[inline]
    pub(super) fn members(
        &mut self,
        at: usize,
        mut member: impl FnMut(&[u8], Range<usize>),
    ) -> Option<usize> {
        if *self.bytes.get(at)? != b'{' {
            return None;
        }
        let mut at = self.skip_space(at + 1);
        if self.bytes.get(at) == Some(&b'}') {
            return Some(at + 1);
        }
        loop {
            if *self.bytes.get(at)? != b'"' {
                return None;
            }
            let key_end = self.skip_string(at)?;
            let key = self.bytes.get(at + 1..key_end - 1)?;
            at = self.skip_space(key_end);
            if *self.bytes.get(at)? != b':' {
                return None;
            }
            at = self.skip_space(at + 1);
            let end = self.skip_value(at)?;
            member(key, at..end);
            at = self.skip_space(end);
            match self.bytes.get(at)? {
                b',' => at = self.skip_space(at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
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
            assert_eq!(Scan::new(text.as_bytes()).skip_value(0), end, "{text}");
        }
    }

    /// As `skip_value`, a byte at a time.
    fn end_of(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut at) = (0, false, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'\\' if in_string => at += 1,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 && !in_string {
                return (at <= bytes.len()).then_some(at);
            }
        }
        None
    }

    proptest::proptest! {
        #[test]
        fn blocks_and_their_borders_change_nothing(inner in "[\\\\\"{}\\[\\]a_Yyé ]{0,200}", pad in 0_usize..130) {
            for open in ["{", "[", "\""] {
                let text = format!("{open}{}{inner}", "x".repeat(pad));
                proptest::prop_assert_eq!(Scan::new(text.as_bytes()).skip_value(0), end_of(text.as_bytes()));
            }
        }
    }
}
