//! One type each, between core and Python.

mod error;
mod decode;
mod encode;
mod json;
mod settings;

pub(crate) use decode::decode;
pub(crate) use encode::{EncodeError, Encoder};
pub(crate) use error::to_python;
pub(crate) use json::{decode_json, encode_json};
pub(crate) use settings::{PyServerSettings, PyTokenSource};
