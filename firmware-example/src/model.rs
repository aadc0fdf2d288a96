//! The model in flash and the capacities it needs, both prepared by `build.rs`.

use tinyscore::{Error, Model};

include!(concat!(env!("OUT_DIR"), "/model.rs"));

/// The blob.
pub fn blob() -> &'static [u8] {
    // Opaque, or the compiler computes with the blob's bytes.
    core::hint::black_box(tinyscore::include_model!(concat!(env!("OUT_DIR"), "/model.postcard")))
}

/// The model, read from flash and checked.
///
/// # Errors
/// When the blob is damaged.
pub fn model() -> Result<Model<'static>, Error> {
    Model::from_bytes(blob())
}
