//! Python objects to JSON, straight into the request body.
#![allow(unsafe_code, reason = "the C API's exact-type calls: the way a dict of 5 takes 0.1 µs and not 1")]

use std::ffi::c_int;

use conductor_core::wire::write_json_string;
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use super::encode_error::{EncodeError, key_segment};

/// The server's parser refuses a body of more than 1,000 levels; the result around the output has one.
const MAX_DEPTH: usize = 998;

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

type Encoded = Result<(), EncodeError>;

pub(crate) struct Encoder<'a, 'py> {
    pub(crate) out: &'a mut Vec<u8>,
    /// Turns any other object into one of JSON's types, or raises.
    pub(crate) to_plain: &'a Bound<'py, PyAny>,
    pub(crate) nan: Nan,
}

impl<'py> Encoder<'_, 'py> {
    pub(crate) fn encode(&mut self, value: &Bound<'py, PyAny>) -> Encoded {
        match self.leaf(value.as_ptr()) {
            Some(encoded) => encoded,
            None => self.branch(value, 1),
        }
    }

    /// A value under which no Python code can run, neither the user's nor a finaliser's, so that neither
    /// it nor its key needs to be held. None for any other.
    fn leaf(&mut self, object: *mut ffi::PyObject) -> Option<Encoded> {
        // SAFETY: `object` is a live object and we are attached.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if class == &raw mut ffi::PyUnicode_Type {
                return self.narrow_string(object).then_some(Ok(()));
            } else if class == &raw mut ffi::PyLong_Type {
                return self.small_int(object).then_some(Ok(()));
            } else if object == ffi::Py_None() {
                self.out.extend_from_slice(b"null");
            } else if object == ffi::Py_True() {
                self.out.extend_from_slice(b"true");
            } else if object == ffi::Py_False() {
                self.out.extend_from_slice(b"false");
            } else if class == &raw mut ffi::PyFloat_Type {
                return Some(self.float(object));
            } else {
                return None;
            }
        }
        Some(Ok(()))
    }

    /// Everything else; `object` is held by the caller, for Python code may run below it.
    fn branch(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        let pointer = object.as_ptr();
        // SAFETY: `object` is a live object and we are attached.
        let class = unsafe { ffi::Py_TYPE(pointer) };
        if class == &raw mut ffi::PyDict_Type {
            self.dict(object, depth)
        } else if class == &raw mut ffi::PyList_Type {
            self.list(object, depth)
        } else {
            self.other(object, depth)
        }
    }

    /// Tuples, wide strings, large integers, subclasses of the built-in types as `json` takes them, and
    /// then everything else.
    fn other(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        let pointer = object.as_ptr();
        // SAFETY: `object` is a live object and we are attached.
        unsafe {
            if ffi::PyTuple_Check(pointer) != 0 {
                return self.tuple(object, depth);
            }
            if ffi::PyUnicode_Check(pointer) != 0 {
                self.string(pointer);
                return Ok(());
            }
            if ffi::PyLong_Check(pointer) != 0 {
                return self.int(object);
            }
            if ffi::PyFloat_Check(pointer) != 0 {
                return self.float(pointer);
            }
            if ffi::PyDict_Check(pointer) != 0 {
                return self.dict(object, depth);
            }
            if ffi::PyList_Check(pointer) != 0 {
                return self.list(object, depth);
            }
        }
        within_depth(object, depth)?;
        match self.to_plain.call1((object,)) {
            Ok(plain) => {
                self.held(&plain, depth + 1).map_err(|error| error.climb(object.as_ptr() as usize, None))
            }
            Err(error) => Err(EncodeError::of_conversion(object, &error)),
        }
    }

    fn held(&mut self, value: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        match self.leaf(value.as_ptr()) {
            Some(encoded) => encoded,
            None => self.branch(value, depth),
        }
    }

    /// A str of characters below U+0100: those cannot fail to have UTF-8, and making it runs no code.
    fn narrow_string(&mut self, object: *mut ffi::PyObject) -> bool {
        // SAFETY: `object` is a str.
        let narrow = unsafe { ffi::PyUnicode_KIND(object) } == ffi::PyUnicode_1BYTE_KIND;
        if narrow {
            self.string(object);
        }
        narrow
    }

    fn string(&mut self, object: *mut ffi::PyObject) {
        let mut size: ffi::Py_ssize_t = 0;
        // SAFETY: `object` is a str; the bytes belong to it and it outlives their use here.
        unsafe {
            let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut size);
            if data.is_null() {
                ffi::PyErr_Clear();
                return self.string_with_surrogates(object);
            }
            let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size.unsigned_abs());
            write_json_string(self.out, std::str::from_utf8_unchecked(bytes));
        }
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

    fn small_int(&mut self, object: *mut ffi::PyObject) -> bool {
        let mut overflow: c_int = 0;
        // SAFETY: `object` is an int; the overflow is told without an exception.
        let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
        if overflow == 0 {
            self.out.extend_from_slice(itoa::Buffer::new().format(small).as_bytes());
        }
        overflow == 0
    }

    fn int(&mut self, object: &Bound<'py, PyAny>) -> Encoded {
        if self.small_int(object.as_ptr()) {
            return Ok(());
        }
        // SAFETY: `object` is an int; the result is a new str, or null with an error set.
        let digits =
            unsafe { Bound::from_owned_ptr_or_err(object.py(), ffi::PyNumber_ToBase(object.as_ptr(), 10)) };
        let Ok(digits) = digits.and_then(|digits| digits.extract::<String>()) else {
            let problem = "is an integer of more digits than Python converts (sys.set_int_max_str_digits)";
            return Err(EncodeError::new(problem));
        };
        self.out.extend_from_slice(digits.as_bytes());
        Ok(())
    }

    fn float(&mut self, object: *mut ffi::PyObject) -> Encoded {
        // SAFETY: `object` is a float.
        let value = unsafe { ffi::PyFloat_AsDouble(object) };
        if value.is_finite() {
            self.out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            return Ok(());
        }
        self.without_a_word(value)
    }

    #[cold]
    fn without_a_word(&mut self, value: f64) -> Encoded {
        let text = match self.nan {
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
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn dict(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        within_depth(object, depth)?;
        let py = object.py();
        self.out.push(b'{');
        let (mut position, mut first) = (0, true);
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: `object` is a dict. Encoding a value may run Python code (`to_plain`) that changes it:
        // PyDict_Next stays within the dict whatever its size, and what is needed later is held.
        while unsafe { ffi::PyDict_Next(object.as_ptr(), &raw mut position, &raw mut key, &raw mut value) }
            != 0
        {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            // SAFETY: both are live: they are in the dict, and no Python code ran since.
            let hold = || unsafe { (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value)) };
            if self.plain_key(key) {
                self.out.push(b':');
                match self.leaf(value) {
                    Some(Ok(())) => continue,
                    Some(Err(error)) => {
                        return Err(error.climb(object.as_ptr() as usize, Some(key_segment(&hold().0))));
                    }
                    None => {}
                }
                let (key, value) = hold();
                self.branch(&value, depth + 1)
                    .map_err(|error| error.climb(object.as_ptr() as usize, Some(key_segment(&key))))?;
            } else {
                let (key, value) = hold();
                self.odd_key(&key, depth)?;
                self.out.push(b':');
                self.held(&value, depth + 1)
                    .map_err(|error| error.climb(object.as_ptr() as usize, Some(key_segment(&key))))?;
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn plain_key(&mut self, key: *mut ffi::PyObject) -> bool {
        // SAFETY: `key` is a live object.
        unsafe { ffi::Py_TYPE(key) == &raw mut ffi::PyUnicode_Type && self.narrow_string(key) }
    }

    /// Numbers, booleans and None become strings as `json` makes them; a key of parts becomes the text of
    /// its JSON, which can be told apart and read back.
    #[cold]
    fn odd_key(&mut self, key: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        let start = self.out.len();
        if let Ok(number) = key.cast::<PyFloat>()
            && number.value().is_finite()
            && let Ok(text) = PyFloat::new(key.py(), number.value()).repr()
        {
            // As text it is compared letter by letter: 1e+16 as Python has it, not 1e16.
            return self.held(text.as_any(), depth);
        }
        self.held(key, depth + 1).map_err(EncodeError::in_key)?;
        if self.out.get(start) != Some(&b'"') {
            let text = self.out.split_off(start);
            write_json_string(self.out, &String::from_utf8_lossy(&text));
        }
        Ok(())
    }

    fn list(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        within_depth(object, depth)?;
        self.out.push(b'[');
        let mut index = 0;
        // SAFETY: `object` is a list, and its length is asked at every turn: Python code that an item
        // runs may shorten it.
        while index < unsafe { ffi::PyList_GET_SIZE(object.as_ptr()) } {
            // SAFETY: `index` is below the length.
            self.item(object, unsafe { ffi::PyList_GET_ITEM(object.as_ptr(), index) }, index, depth)?;
            index += 1;
        }
        self.out.push(b']');
        Ok(())
    }

    fn tuple(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Encoded {
        within_depth(object, depth)?;
        self.out.push(b'[');
        // SAFETY: `object` is a tuple, which never changes.
        for index in 0..unsafe { ffi::PyTuple_GET_SIZE(object.as_ptr()) } {
            // SAFETY: `index` is below the length.
            self.item(object, unsafe { ffi::PyTuple_GET_ITEM(object.as_ptr(), index) }, index, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn item(
        &mut self,
        container: &Bound<'py, PyAny>,
        item: *mut ffi::PyObject,
        index: isize,
        depth: usize,
    ) -> Encoded {
        if index > 0 {
            self.out.push(b',');
        }
        let encoded = self.leaf(item).unwrap_or_else(|| {
            // SAFETY: `item` is live: it is in the container, and no Python code ran since.
            let item = unsafe { Bound::from_borrowed_ptr(container.py(), item) };
            self.branch(&item, depth + 1)
        });
        encoded.map_err(|error| error.climb(container.as_ptr() as usize, Some(format!("[{index}]"))))
    }
}

fn within_depth(object: &Bound<'_, PyAny>, depth: usize) -> Encoded {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(EncodeError::too_deep(MAX_DEPTH, object.as_ptr() as usize))
}
