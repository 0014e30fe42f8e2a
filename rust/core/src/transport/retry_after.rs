use std::time::{Duration, SystemTime};

/// A server that asks for more time than this is asked again all the same.
const CAP: Duration = Duration::from_mins(10);

/// How long the server asks not to be called again: its header `Retry-After` gives seconds or a date of HTTP.
/// What cannot be read, and a date that is past, ask for nothing.
pub fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let text = header.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?,
    };
    Some(wait.min(CAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_nonsense_is_not() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_600_000); // Wed, 25 Nov 2026 09:46:40 GMT
        for (text, expected) in [
            ("7", Some(7)),
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Wed, 25 Nov 2026 09:46:47 GMT", Some(7)),
            ("Wed, 25 Nov 2026 09:46:39 GMT", None),
            ("86400", Some(600)),
            ("Thu, 26 Nov 2099 00:00:00 GMT", Some(600)),
            ("99999999999999999999999", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
