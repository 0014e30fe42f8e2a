//! Strings and numbers to JSON.
#![allow(unsafe_code, reason = "the C API's exact-type calls, as in encode.rs")]

use std::ffi::c_int;

use conductor_core::wire::write_json_string;
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::encode_error::EncodeError;

/// What becomes of the floats that JSON has no word for: NaN and the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nan {
    Fail,
    Null,
    /// "NaN", "Infinity", "-Infinity".
    Text,
}

impl Nan {
    pub(crate) fn from_name(name: &str) -> PyResult<Self> {
        match name {
            "fail" => Ok(Self::Fail),
            "null" => Ok(Self::Null),
            "string" => Ok(Self::Text),
            _ => Err(PyValueError::new_err("nan: give \"fail\", \"null\" or \"string\"")),
        }
    }
}

pub(super) type Encoded = Result<(), EncodeError>;

/// A str of characters below U+0100: those cannot fail to have UTF-8, and making it runs no code. False, and
/// nothing is written, for any other.
///
/// # Safety
/// `object` is a live str, and we are attached.
#[inline]
pub(super) unsafe fn narrow_string(out: &mut Vec<u8>, object: *mut ffi::PyObject) -> bool {
    // SAFETY: as the caller's.
    unsafe {
        let narrow = ffi::PyUnicode_KIND(object) == ffi::PyUnicode_1BYTE_KIND;
        if narrow {
            string(out, object);
        }
        narrow
    }
}

/// # Safety
/// `object` is a live str, and we are attached.
pub(super) unsafe fn string(out: &mut Vec<u8>, object: *mut ffi::PyObject) {
    let mut size: ffi::Py_ssize_t = 0;
    // SAFETY: as the caller's; the bytes belong to it and it outlives their use here.
    unsafe {
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut size);
        if data.is_null() {
            ffi::PyErr_Clear();
            return string_with_surrogates(out, object);
        }
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size.unsigned_abs());
        write_json_string(out, std::str::from_utf8_unchecked(bytes));
    }
}

/// A lone surrogate has no UTF-8: it travels as the escape that `json` writes.
///
/// # Safety
/// `object` is a live str, and we are attached.
#[cold]
unsafe fn string_with_surrogates(out: &mut Vec<u8>, object: *mut ffi::PyObject) {
    let mut pending = String::new();
    // SAFETY: as the caller's.
    let length = unsafe { ffi::PyUnicode_GetLength(object) };
    out.push(b'"');
    for index in 0..length {
        // SAFETY: as the caller's; it has `length` characters.
        let code = unsafe { ffi::PyUnicode_ReadChar(object, index) };
        if let Some(character) = char::from_u32(code) {
            pending.push(character);
        } else {
            unquoted(out, &std::mem::take(&mut pending));
            out.extend_from_slice(format!("\\u{code:04x}").as_bytes());
        }
    }
    unquoted(out, &pending);
    out.push(b'"');
}

fn unquoted(out: &mut Vec<u8>, text: &str) {
    let mut quoted = Vec::new();
    write_json_string(&mut quoted, text);
    out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default());
}

/// False, and nothing is written, for an int of more than 64 bits.
///
/// # Safety
/// `object` is a live int, and we are attached.
#[inline]
pub(super) unsafe fn small_int(out: &mut Vec<u8>, object: *mut ffi::PyObject) -> bool {
    let mut overflow: c_int = 0;
    // SAFETY: as the caller's; the overflow is told without an exception.
    let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
    if overflow == 0 {
        out.extend_from_slice(itoa::Buffer::new().format(small).as_bytes());
    }
    overflow == 0
}

/// # Safety
/// `object` is an int.
pub(super) unsafe fn int(out: &mut Vec<u8>, object: &Bound<'_, PyAny>) -> Encoded {
    // SAFETY: as the caller's; the result is a new str, or null with an error set.
    let digits = unsafe {
        if small_int(out, object.as_ptr()) {
            return Ok(());
        }
        Bound::from_owned_ptr_or_err(object.py(), ffi::PyNumber_ToBase(object.as_ptr(), 10))
    };
    let Ok(digits) = digits.and_then(|digits| digits.extract::<String>()) else {
        let problem = "is an integer of more digits than Python converts (sys.set_int_max_str_digits)";
        return Err(EncodeError::new(problem));
    };
    out.extend_from_slice(digits.as_bytes());
    Ok(())
}

/// # Safety
/// `object` is a live float, and we are attached.
#[inline]
pub(super) unsafe fn float(out: &mut Vec<u8>, object: *mut ffi::PyObject, nan: Nan) -> Encoded {
    // SAFETY: as the caller's.
    let value = unsafe { ffi::PyFloat_AsDouble(object) };
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        return Ok(());
    }
    without_a_word(out, value, nan)
}

#[cold]
fn without_a_word(out: &mut Vec<u8>, value: f64, nan: Nan) -> Encoded {
    let text = match nan {
        Nan::Fail => {
            let name = if value.is_nan() { "NaN" } else { "infinite" };
            let problem =
                format!("is {name}, which JSON has no word for (worker setting nan: null or string)");
            return Err(EncodeError::new(problem));
        }
        Nan::Null => "null",
        Nan::Text if value.is_nan() => r#""NaN""#,
        Nan::Text if value > 0.0 => r#""Infinity""#,
        Nan::Text => r#""-Infinity""#,
    };
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
