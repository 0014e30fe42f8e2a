//! One type each, between core and Python.

mod error;
mod duration;
mod decode;
mod members;
mod encode_error;
mod encode_scalar;
mod encode;
mod json;
mod settings;

pub(crate) use decode::decode;
pub(crate) use duration::from_millis;
pub(crate) use encode::Encoder;
pub(crate) use encode_scalar::Nan;
pub(crate) use error::to_python;
pub(crate) use json::{decode_json, decode_members, encode_json};
pub(crate) use members::{Members, NamedMembers};
pub(crate) use settings::{PyServerSettings, PyTokenSource};
