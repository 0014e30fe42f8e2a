use jiter::{FloatMode, LinePosition, PartialMode, PythonParse, StringCacheMode};
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
    let value = match PARSE.python_parse(py, text) {
        Ok(value) => value,
        // jiter refuses more than 200 levels, lone surrogates and integers of more than 4,300 digits. Of
        // those, json reads the first two; the third as far as sys.set_int_max_str_digits allows.
        Err(refused) => loads(py, text).map_err(|error| {
            format!("{what} is not valid JSON: {}", describe(py, &error, &refused.get_position(text)))
        })?,
    };
    value.cast_into::<PyDict>().map_err(|_| format!("{what} is not a JSON object"))
}

#[cold]
fn loads<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "json"))?.getattr(intern!(py, "loads"))?.call1((PyBytes::new(py, text),))
}

/// `json` shows bytes and digits in the texts of its errors, so of most only the kind is told.
#[cold]
fn describe(py: Python<'_>, error: &PyErr, place: &LinePosition) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "error".to_owned(), |name| name.to_string());
    let problem = match name.as_str() {
        "JSONDecodeError" => return error.value(py).to_string(),
        "UnicodeDecodeError" => "it is not UTF-8",
        "RecursionError" => "it is nested too deeply",
        "ValueError" => "an integer has more digits than Python converts (sys.set_int_max_str_digits)",
        _ => name.as_str(),
    };
    format!("{problem}: line {} column {}", place.line, place.column)
}
