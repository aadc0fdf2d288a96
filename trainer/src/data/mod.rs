//! Where training data comes from: named sets, files, and their standardisation.

mod digits;
mod error;
mod load;
mod read_csv;
mod read_idx;
mod read_npy;
mod recording;
mod set;
mod source;
mod standardize;
mod toy;
mod windows;

pub use error::DataError;
pub use load::{Loaded, load, read};
pub use set::Set;
pub use source::{Kind, Source};
pub use standardize::Standardizer;
pub use toy::Toy;
