//! The models in flash and the capacities they need, all prepared by `build.rs`.

use tinyscore::{Error, Model};

/// Constants, blob and model of this name.
macro_rules! stored {
    ($name:literal, $model:ident) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));

        /// The blob.
        pub fn blob() -> &'static [u8] {
            // Opaque, or the compiler computes with the blob's bytes.
            core::hint::black_box(tinyscore::include_model!(concat!(
                env!("OUT_DIR"),
                "/",
                $name,
                ".postcard"
            )))
        }

        /// The model, read from flash and checked.
        ///
        /// # Errors
        /// When the blob is damaged.
        pub fn model() -> Result<$model<'static>, Error> {
            $model::from_bytes(blob())
        }
    };
}

stored!("model", Model);

/// The model of the program `digits`.
pub mod digits {
    use tinyscore::{Error, Model};

    stored!("digits", Model);
}

/// The model of the program `sensor`.
pub mod ecg {
    use tinyscore::{Error, Model};

    stored!("ecg", Model);
}

/// The model of the program `energy`.
pub mod moons {
    use tinyscore::{EnergyModel, Error};

    stored!("moons", EnergyModel);
}
