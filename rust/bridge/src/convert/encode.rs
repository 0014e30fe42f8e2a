//! Python objects to JSON, straight into the request body.
#![allow(unsafe_code, reason = "the C API's exact-type calls: the way a dict of 5 takes 0.1 µs and not 1")]

use conductor_core::wire::write_json_string;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use super::encode_error::{EncodeError, key_segment};
use super::encode_scalar::{Encoded, Nan, float, int, narrow_string, small_int, string};

/// The server's parser refuses a body of more than 1,000 levels; the result around the output has one.
const MAX_DEPTH: usize = 998;

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
                return narrow_string(self.out, object).then_some(Ok(()));
            } else if class == &raw mut ffi::PyLong_Type {
                return small_int(self.out, object).then_some(Ok(()));
            } else if object == ffi::Py_None() {
                self.out.extend_from_slice(b"null");
            } else if object == ffi::Py_True() {
                self.out.extend_from_slice(b"true");
            } else if object == ffi::Py_False() {
                self.out.extend_from_slice(b"false");
            } else if class == &raw mut ffi::PyFloat_Type {
                return Some(float(self.out, object, self.nan));
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
                string(self.out, pointer);
                return Ok(());
            }
            if ffi::PyLong_Check(pointer) != 0 {
                return int(self.out, object);
            }
            if ffi::PyFloat_Check(pointer) != 0 {
                return float(self.out, pointer, self.nan);
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
        unsafe { ffi::Py_TYPE(key) == &raw mut ffi::PyUnicode_Type && narrow_string(self.out, key) }
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
