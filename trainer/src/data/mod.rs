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
mod table;
mod text;
mod toy;
mod windows;

pub use error::DataError;
pub use load::{Loaded, load, read, read_table};
pub(crate) use recording::three_digits;
pub use set::Set;
pub use source::{Kind, Source};
pub use standardize::Standardizer;
pub(crate) use standardize::still;
pub(crate) use table::listed;
pub use table::{Class, MAX_VALUES, Place, Table};
pub(crate) use text::short;
pub use toy::Toy;
