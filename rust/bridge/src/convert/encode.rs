//! Python objects to JSON, straight into the request body.
#![allow(unsafe_code, reason = "the C API's exact-type calls: the way a dict of 5 takes 0.1 µs and not 1")]

use std::ffi::c_int;
use std::fmt::Write as _;

use conductor_core::wire::write_json_string;
use pyo3::ffi;
use pyo3::prelude::*;

/// The server's parser refuses a body of more than 1,000 levels; the result around the output has one.
const MAX_DEPTH: usize = 998;
/// A path longer than this tells a reader nothing more.
const SHOWN_SEGMENTS: usize = 12;

/// Why a value cannot be sent, and where it stands.
#[derive(Debug)]
pub(crate) struct EncodeError {
    problem: String,
    /// From the value up to the output.
    path: Vec<String>,
    /// The container at which the depth ran out: met again on the way up, it is a cycle.
    deepest: *mut ffi::PyObject,
}

impl EncodeError {
    /// `outputData.items[3].price is NaN, which JSON has no word for`
    pub(crate) fn reason(&self) -> String {
        let mut text = String::from("outputData");
        for (index, segment) in self.path.iter().rev().enumerate() {
            if index == SHOWN_SEGMENTS {
                text.push_str(" …");
                break;
            }
            text.push_str(segment);
        }
        let _ = write!(text, " {}", self.problem);
        text
    }
}

/// Boxed: the good way is the one that is taken a million times.
type Encoded = Result<(), Box<EncodeError>>;

#[cold]
fn refuse(problem: impl Into<String>) -> Encoded {
    Err(Box::new(EncodeError { problem: problem.into(), path: Vec::new(), deepest: std::ptr::null_mut() }))
}

pub(crate) struct Encoder<'a, 'py> {
    pub(crate) out: &'a mut Vec<u8>,
    /// Turns any other object into one of JSON's types, or raises.
    pub(crate) to_plain: &'a Bound<'py, PyAny>,
}

impl<'py> Encoder<'_, 'py> {
    pub(crate) fn encode(&mut self, value: &Bound<'py, PyAny>) -> Encoded {
        self.value(value.py(), value.as_ptr(), 1)
    }

    // The pointers below are owned or borrowed references that live for the call: of `value`'s caller,
    // or taken with `Bound::from_borrowed_ptr` where Python code may run and drop them.
    fn value(&mut self, py: Python<'py>, object: *mut ffi::PyObject, depth: usize) -> Encoded {
        // SAFETY: `object` is a live object and we are attached.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if class == &raw mut ffi::PyUnicode_Type {
                self.string(object)
            } else if class == &raw mut ffi::PyLong_Type {
                self.int(py, object)
            } else if object == ffi::Py_None() {
                self.raw(b"null")
            } else if object == ffi::Py_True() {
                self.raw(b"true")
            } else if object == ffi::Py_False() {
                self.raw(b"false")
            } else if class == &raw mut ffi::PyFloat_Type {
                self.float(object)
            } else if class == &raw mut ffi::PyDict_Type {
                self.dict(py, object, depth)
            } else if class == &raw mut ffi::PyList_Type {
                self.list(py, object, depth)
            } else if class == &raw mut ffi::PyTuple_Type {
                self.tuple(py, object, depth)
            } else {
                self.other(py, object, depth)
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `value`")]
    fn raw(&mut self, text: &[u8]) -> Encoded {
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// Subclasses of the built-in types, as `json` takes them, then everything else.
    #[cold]
    fn other(&mut self, py: Python<'py>, object: *mut ffi::PyObject, depth: usize) -> Encoded {
        // SAFETY: `object` is a live object and we are attached.
        unsafe {
            if ffi::PyUnicode_Check(object) != 0 {
                return self.string(object);
            }
            if ffi::PyLong_Check(object) != 0 {
                return self.int(py, object);
            }
            if ffi::PyFloat_Check(object) != 0 {
                return self.float(object);
            }
            if ffi::PyDict_Check(object) != 0 {
                return self.dict(py, object, depth);
            }
            if ffi::PyList_Check(object) != 0 {
                return self.list(py, object, depth);
            }
            if ffi::PyTuple_Check(object) != 0 {
                return self.tuple(py, object, depth);
            }
        }
        Self::within_depth(object, depth)?;
        // SAFETY: `object` is a live object; the new reference keeps it while Python code runs.
        let object = unsafe { Bound::from_borrowed_ptr(py, object) };
        match self.to_plain.call1((&object,)) {
            Ok(plain) => self
                .value(py, plain.as_ptr(), depth + 1)
                .map_err(|error| Self::climb(error, object.as_ptr(), None)),
            Err(error) => refuse(describe(py, &object, &error)),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `value`")]
    fn string(&mut self, object: *mut ffi::PyObject) -> Encoded {
        let mut size: ffi::Py_ssize_t = 0;
        // SAFETY: `object` is a str; the bytes belong to it and it outlives their use here.
        unsafe {
            let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut size);
            if data.is_null() {
                ffi::PyErr_Clear();
                self.string_with_surrogates(object);
                return Ok(());
            }
            let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size.unsigned_abs());
            write_json_string(self.out, std::str::from_utf8_unchecked(bytes));
        }
        Ok(())
    }

    /// A lone surrogate has no UTF-8: it travels as the escape that `json` writes.
    #[cold]
    fn string_with_surrogates(&mut self, object: *mut ffi::PyObject) {
        let mut pending = String::new();
        // SAFETY: `object` is a str.
        let length = unsafe { ffi::PyUnicode_GetLength(object) };
        self.out.push(b'"');
        for index in 0..length {
            // SAFETY: `object` is a str of `length` characters.
            let code = unsafe { ffi::PyUnicode_ReadChar(object, index) };
            if let Some(character) = char::from_u32(code) {
                pending.push(character);
            } else {
                self.unquoted(&std::mem::take(&mut pending));
                self.out.extend_from_slice(format!("\\u{code:04x}").as_bytes());
            }
        }
        self.unquoted(&pending);
        self.out.push(b'"');
    }

    fn unquoted(&mut self, text: &str) {
        let mut quoted = Vec::new();
        write_json_string(&mut quoted, text);
        self.out.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }

    fn int(&mut self, py: Python<'py>, object: *mut ffi::PyObject) -> Encoded {
        let mut overflow: c_int = 0;
        // SAFETY: `object` is an int.
        let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
        if overflow == 0 {
            self.out.extend_from_slice(itoa::Buffer::new().format(small).as_bytes());
            return Ok(());
        }
        // SAFETY: as above; the result is a new str, or null with an error set.
        let digits = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_ToBase(object, 10)) };
        match digits.and_then(|digits| digits.extract::<String>()) {
            Ok(digits) => self.raw(digits.as_bytes()),
            Err(_) => {
                refuse("is an integer of more digits than Python converts (sys.set_int_max_str_digits)")
            }
        }
    }

    fn float(&mut self, object: *mut ffi::PyObject) -> Encoded {
        // SAFETY: `object` is a float.
        let value = unsafe { ffi::PyFloat_AsDouble(object) };
        if !value.is_finite() {
            let name = if value.is_nan() { "NaN" } else { "infinite" };
            return refuse(format!("is {name}, which JSON has no word for"));
        }
        self.raw(zmij::Buffer::new().format_finite(value).as_bytes())
    }

    fn dict(&mut self, py: Python<'py>, object: *mut ffi::PyObject, depth: usize) -> Encoded {
        Self::within_depth(object, depth)?;
        self.out.push(b'{');
        let (mut position, mut first) = (0, true);
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: `object` is a dict. Encoding a value may run Python code (`to_plain`) that changes it:
        // the references taken keep key and value, and PyDict_Next stays within the dict whatever its size.
        while unsafe { ffi::PyDict_Next(object, &raw mut position, &raw mut key, &raw mut value) } != 0 {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            let (key, value) =
                unsafe { (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value)) };
            self.key(py, key.as_ptr())?;
            self.out.push(b':');
            self.value(py, value.as_ptr(), depth + 1)
                .map_err(|error| Self::climb(error, object, Some(key_segment(&key))))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Keys that are no strings become strings as `json` makes them.
    fn key(&mut self, py: Python<'py>, key: *mut ffi::PyObject) -> Encoded {
        // SAFETY: `key` is a live object.
        unsafe {
            if ffi::PyUnicode_Check(key) != 0 {
                return self.string(key);
            }
            if key != ffi::Py_None() && ffi::PyLong_Check(key) == 0 && ffi::PyFloat_Check(key) == 0 {
                let class = Bound::from_borrowed_ptr(py, key).get_type();
                return refuse(format!("has a key of type {class}, which JSON cannot hold"));
            }
        }
        self.out.push(b'"');
        self.value(py, key, MAX_DEPTH)?;
        self.out.push(b'"');
        Ok(())
    }

    fn list(&mut self, py: Python<'py>, object: *mut ffi::PyObject, depth: usize) -> Encoded {
        Self::within_depth(object, depth)?;
        self.out.push(b'[');
        let mut index = 0;
        // SAFETY: `object` is a list, and its length is asked at every turn: Python code that an item
        // runs may shorten it. The reference taken keeps the item.
        while index < unsafe { ffi::PyList_Size(object) } {
            let item = unsafe { Bound::from_borrowed_ptr(py, ffi::PyList_GetItem(object, index)) };
            self.item(py, &item, object, index, depth)?;
            index += 1;
        }
        self.out.push(b']');
        Ok(())
    }

    fn tuple(&mut self, py: Python<'py>, object: *mut ffi::PyObject, depth: usize) -> Encoded {
        Self::within_depth(object, depth)?;
        self.out.push(b'[');
        // SAFETY: `object` is a tuple, which never changes.
        for index in 0..unsafe { ffi::PyTuple_Size(object) } {
            let item = unsafe { Bound::from_borrowed_ptr(py, ffi::PyTuple_GetItem(object, index)) };
            self.item(py, &item, object, index, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn item(
        &mut self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        container: *mut ffi::PyObject,
        index: isize,
        depth: usize,
    ) -> Encoded {
        if index > 0 {
            self.out.push(b',');
        }
        self.value(py, item.as_ptr(), depth + 1)
            .map_err(|error| Self::climb(error, container, Some(format!("[{index}]"))))
    }

    fn within_depth(object: *mut ffi::PyObject, depth: usize) -> Encoded {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let problem = format!("is nested in more than the {MAX_DEPTH} levels that the server reads");
        Err(Box::new(EncodeError { problem, path: Vec::new(), deepest: object }))
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "the error is boxed already")]
    fn climb(
        mut error: Box<EncodeError>,
        container: *mut ffi::PyObject,
        segment: Option<String>,
    ) -> Box<EncodeError> {
        if container == error.deepest {
            "contains itself".clone_into(&mut error.problem);
            error.path.clear();
        } else if let Some(segment) = segment {
            error.path.push(segment);
        }
        error
    }
}

#[cold]
fn key_segment(key: &Bound<'_, PyAny>) -> String {
    match key.extract::<String>() {
        Ok(name) if name.chars().all(|character| character.is_alphanumeric() || character == '_') => {
            format!(".{name}")
        }
        Ok(name) => format!("[{name:?}]"),
        Err(_) => "[?]".to_owned(),
    }
}

/// A `TypeError` of `to_plain` tells what to do; what other code raised may quote the value, so of that
/// only the kind is told.
#[cold]
fn describe(py: Python<'_>, object: &Bound<'_, PyAny>, error: &PyErr) -> String {
    if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) {
        return error.value(py).to_string();
    }
    let class = object.get_type();
    let raised = error.get_type(py);
    format!("is of type {class}, whose conversion raised {raised}")
}
