//! Where training data comes from: toy sets, files, and their standardisation.

mod error;
mod load;
mod read_csv;
mod read_npy;
mod standardize;
mod toy;

pub use error::DataError;
pub use load::{load, read};
pub use standardize::Standardizer;
pub use toy::Toy;
