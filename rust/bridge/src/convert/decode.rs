use jiter::{FloatMode, PartialMode, PythonParse, StringCacheMode};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// As `json.loads` reads: NaN is allowed, the last of duplicate keys wins. Keys are cached: the same few
/// come with every task.
const PARSE: PythonParse = PythonParse {
    allow_inf_nan: true,
    cache_mode: StringCacheMode::Keys,
    partial_mode: PartialMode::Off,
    catch_duplicate_keys: false,
    float_mode: FloatMode::Float,
};

/// A JSON object as a dict; an empty text and `null` are an empty one. The error says what is wrong and
/// where, never what stands there.
pub(crate) fn decode<'py>(py: Python<'py>, text: &[u8], what: &str) -> Result<Bound<'py, PyDict>, String> {
    if text.is_empty() || text == b"null" {
        return Ok(PyDict::new(py));
    }
    // jiter refuses more than 200 levels and lone surrogates, which json reads.
    let value = PARSE.python_parse(py, text).or_else(|_| loads(py, text));
    match value {
        Ok(value) => value.cast_into::<PyDict>().map_err(|_| format!("{what} is not a JSON object")),
        Err(error) => Err(format!("{what} is not valid JSON: {}", describe(py, &error))),
    }
}

#[cold]
fn loads<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "json"))?.getattr(intern!(py, "loads"))?.call1((PyBytes::new(py, text),))
}

/// `UnicodeDecodeError` shows the bytes in its text, so of it only the kind is told.
#[cold]
fn describe(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "error".to_owned(), |name| name.to_string());
    match name.as_str() {
        "JSONDecodeError" => error.value(py).to_string(),
        "UnicodeDecodeError" => "it is not UTF-8".to_owned(),
        "RecursionError" => "it is nested too deeply".to_owned(),
        _ => name,
    }
}
