//! One type each, between core and Python.

mod error;
mod decode;
mod encode;

pub(crate) use decode::decode;
pub(crate) use encode::{EncodeError, Encoder};
pub(crate) use error::to_python;
