//! What can be wrong with a data file, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a data file was refused. Rows and columns count from 1; a row of a `.csv` file is its line.
#[derive(Debug, Error)]
pub enum DataError {
    /// There is no such file.
    #[error("{}: no such file; check the path", path.display())]
    Missing { path: PathBuf },
    /// The name does not tell the format.
    #[error("{}: unknown extension `{extension}`; save the data as .csv or .npy", path.display())]
    UnknownExtension { path: PathBuf, extension: String },
    /// The file or folder could not be read.
    #[error("{}: cannot be read: {source}; check that it is a file and that you may read it", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// There are no values at all.
    #[error("{}: holds no values; a data file needs at least two rows of numbers", path.display())]
    Empty { path: PathBuf },
    /// One row has no spread to learn.
    #[error("{}: holds {rows} row; at least two are needed, add more data", path.display())]
    TooFewRows { path: PathBuf, rows: usize },
    /// A row is longer or shorter than the first.
    #[error(
        "{}: row {row} has {found} cells where the first row has {expected}; \
         add the missing cells, or remove the row",
        path.display()
    )]
    Ragged { path: PathBuf, row: u64, found: usize, expected: usize },
    /// A cell holds something else than a number.
    #[error(
        "{}: row {row}, column {column}: `{value}` is not a number; correct the cell, \
         or remove its row or column (cells are separated by commas, decimals by a point)",
        path.display()
    )]
    NotANumber { path: PathBuf, row: u64, column: usize, value: String },
    /// A cell is NaN, infinite, or too large for single precision.
    #[error(
        "{}: row {row}, column {column}: {value} is not a finite single-precision number; \
         correct the cell, or remove its row or column",
        path.display()
    )]
    NotFinite { path: PathBuf, row: u64, column: usize, value: String },
    /// A column has the same value in every row, so it cannot be scaled to unit variance.
    #[error(
        "{}: column {column} is {value} in every row; remove the column, \
         or append it to the samples afterwards: there is nothing to learn",
        path.display()
    )]
    ConstantColumn { path: PathBuf, column: usize, value: f32 },
    /// The bytes are no `.npy` file that this loader understands.
    #[error(
        "{}: malformed .npy file: {reason}; write it again with \
         numpy.save(file, array.astype(numpy.float32))",
        path.display()
    )]
    MalformedNpy { path: PathBuf, reason: String },
}
