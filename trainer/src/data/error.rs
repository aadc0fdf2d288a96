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
    #[error("{}: unknown extension `{extension}`; save the data as .csv, .npy or IDX (-ubyte, .idx, or .gz of it)", path.display())]
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
    /// All rows are the same, so that there is nothing to learn.
    #[error("{}: every row is the same; there is nothing to learn, add other data", path.display())]
    Constant { path: PathBuf },
    /// A class is negative, too large, or no whole number.
    #[error(
        "{}: row {row}: the label {value} is no whole number of 0…255; number the classes from 0",
        path.display()
    )]
    BadLabel { path: PathBuf, row: u64, value: String },
    /// There is no column of that name or number.
    #[error(
        "{}: no label column `{column}`; give a name from the first row, or a number of 0…{}",
        path.display(), columns - 1
    )]
    NoLabelColumn { path: PathBuf, column: String, columns: usize },
    /// Data and labels do not belong together.
    #[error(
        "{}: {rows} rows, but {labels} labels in {}; give the labels that belong to the data",
        path.display(), labels_path.display()
    )]
    LabelCount { path: PathBuf, rows: usize, labels_path: PathBuf, labels: usize },
    /// Training and test data do not belong together.
    #[error(
        "{}: {test} columns, but the training data have {train}; give the test data that belong to them",
        path.display()
    )]
    OtherTest { path: PathBuf, test: usize, train: usize },
    /// A recording is shorter than a window.
    #[error(
        "{}: {rows} rows in a part hold no window of {length} (of one class); \
         take shorter windows, a longer recording, or another share to hold out",
        path.display()
    )]
    ShortRecording { path: PathBuf, rows: usize, length: usize },
    /// A folder without data.
    #[error(
        "{}: a folder without train-images-idx3-ubyte (or one other images file), train.csv or train.npy; \
         give a folder that has one of them, or a file",
        path.display()
    )]
    EmptyFolder { path: PathBuf },
    /// A row of images is no square.
    #[error("{}: {dim} columns are no square image; save the images as IDX, which knows the width", path.display())]
    NoSquare { path: PathBuf, dim: usize },
    /// The bytes are no `.idx` file.
    #[error("{}: malformed IDX file: {reason}; fetch or write it again", path.display())]
    MalformedIdx { path: PathBuf, reason: String },
    /// The bytes are no `.npy` file that this loader understands.
    #[error(
        "{}: malformed .npy file: {reason}; write it again with \
         numpy.save(file, array.astype(numpy.float32))",
        path.display()
    )]
    MalformedNpy { path: PathBuf, reason: String },
}
