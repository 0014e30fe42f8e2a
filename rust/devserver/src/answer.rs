//! Answers with the headers and the bodies of the real server (`ApplicationExceptionMapper.java`,
//! `ValidationExceptionMapper.java`).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

/// Tomcat's page for a request that Spring never sees.
const BAD_REQUEST_PAGE: &str = "<!doctype html><html lang=\"en\"><head><title>HTTP Status 400 \u{2013} Bad Request\
    </title></head><body><h1>HTTP Status 400 \u{2013} Bad Request</h1></body></html>";

/// What the server's validator says against one value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) message: String,
    /// As text; the server leaves it out where the value is missing or an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invalid_value: Option<String>,
}

/// What is sent back, before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `None`: no body and no `Content-Type`.
    content_type: Option<&'static str>,
    body: Bytes,
    headers: Vec<(String, String)>,
    /// Which tasks the request was about; for the transcript.
    pub(crate) task_type: Option<Arc<str>>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, Some("application/json"), body.into())
    }

    pub(crate) fn text(body: impl Into<Bytes>) -> Self {
        Self::new(200, Some("text/plain;charset=UTF-8"), body.into())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, None, Bytes::new())
    }

    pub(crate) fn bad_request_page() -> Self {
        Self::new(400, Some("text/html;charset=utf-8"), Bytes::from_static(BAD_REQUEST_PAGE.as_bytes()))
    }

    /// `ErrorResponse` of the server; `retryable` is true only for its `TransientException`, which never comes here.
    #[cold]
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let message = serde_json::Value::from(message);
        Self::json(
            status,
            format!(
                "{{\"status\":{status},\"message\":{message},\"instance\":\"devserver\",\"retryable\":false}}"
            ),
        )
    }

    /// The `400` of a `ConstraintViolationException`.
    #[cold]
    pub(crate) fn validation_error(violations: &[Violation]) -> Self {
        let body = json!({
            "status": 400, "message": "Validation failed, check below errors for detail.", "retryable": false,
            "validationErrors": violations,
        });
        Self::json(400, body.to_string())
    }

    #[cold]
    pub(crate) fn no_such_route(path: &str) -> Self {
        let path = path.trim_matches('/');
        Self::error(404, &format!("No static resource {path}."))
    }

    #[cold]
    pub(crate) fn method_not_supported(method: &str) -> Self {
        Self::error(405, &format!("Request method '{method}' is not supported"))
    }

    pub(crate) fn scripted(status: u16, body: Vec<u8>, headers: Vec<(String, String)>) -> Self {
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = if typed { None } else { Some("application/json") };
        Self { headers, ..Self::new(status, content_type, body.into()) }
    }

    pub(crate) fn about(self, task_type: Option<Arc<str>>) -> Self {
        Self { task_type, ..self }
    }

    /// The same with another body.
    pub(crate) fn with_body(self, body: Vec<u8>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// JSON goes out chunked, without a length, as the real server does; text has its length.
    pub(crate) fn into_response(self, close: bool) -> Response<AnswerBody> {
        let chunked = self.content_type == Some("application/json") && self.headers.is_empty();
        let mut response = Response::new(AnswerBody { data: Some(self.body), chunked });
        *response.status_mut() =
            hyper::StatusCode::from_u16(self.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value))
            {
                headers.append(name, value);
            }
        }
        // Tomcat closes the connection after these two (`statusDropsConnection`).
        if close || (matches!(self.status, 400 | 500) && self.headers.is_empty()) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn new(status: u16, content_type: Option<&'static str>, body: Bytes) -> Self {
        Self { status, content_type, body, headers: Vec::new(), task_type: None }
    }
}

/// A body that is there already; without a known length it goes out chunked.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    pub(crate) data: Option<Bytes>,
    pub(crate) chunked: bool,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}
