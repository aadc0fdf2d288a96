//! What can be wrong with a data file, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::table::{MAX_VALUES, Place};

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
    #[error("{}: cannot be read: {cause}; check that it is there and that you may read it", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    /// A folder, pipe or device.
    #[error("{}: is {what}, not a regular file; give a file", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    /// A text that would not fit into memory.
    #[error("{}: has {bytes} bytes of text, but at most {most} are read; take part of it, or save it as .npy", path.display())]
    TooLong { path: PathBuf, bytes: u64, most: u64 },
    /// More values than a data set may have.
    #[error("{}: holds {values} values or more, but a data set has at most {MAX_VALUES}; take fewer rows", path.display())]
    TooLarge { path: PathBuf, values: u64 },
    /// The bytes are of another format than the name says.
    #[error("{}: starts as {is}; {remedy}", path.display())]
    OtherFormat { path: PathBuf, is: &'static str, remedy: &'static str },
    /// A good file of something that is not read.
    #[error("{}: {what} are not supported; {remedy}", path.display())]
    Unsupported { path: PathBuf, what: String, remedy: String },
    /// There are no values at all.
    #[error("{}: holds no values; a data file needs at least two rows of numbers", path.display())]
    Empty { path: PathBuf },
    /// One row has no spread to learn.
    #[error("{}: holds {rows} row; at least two are needed, add more data", path.display())]
    TooFewRows { path: PathBuf, rows: usize },
    /// A row is longer or shorter than the first.
    #[error(
        "{}: row {row} has {found} cells where the first row has {expected}; \
         add the missing cells, or remove the row (cells are separated by commas, or by semicolons or tabs in every row)",
        path.display()
    )]
    Ragged { path: PathBuf, row: u64, found: usize, expected: usize },
    /// A cell holds something else than a number.
    #[error(
        "{}: {place}: `{value}` is not a number; correct the cell, or remove its row or column{}",
        path.display(), hint(value)
    )]
    NotANumber { path: PathBuf, place: Place, value: String },
    /// A cell is infinite, or too large for single precision.
    #[error(
        "{}: {place}: {value} is not a finite single-precision number; \
         correct the cell, or remove its row or column",
        path.display()
    )]
    NotFinite { path: PathBuf, place: Place, value: String },
    /// Cells without a value.
    #[error(
        "{}: {rows} of {of} rows have gaps, the first in {place}; remove those rows, or their columns \
         (`impute` fills gaps by a model that was trained without them)",
        path.display()
    )]
    Gaps { path: PathBuf, rows: usize, of: usize, place: Place },
    /// All rows are the same, so that there is nothing to learn.
    #[error("{}: every row is the same; there is nothing to learn, add other data", path.display())]
    Constant { path: PathBuf },
    /// A class is no whole number and no word.
    #[error("{}: row {row}: the label `{value}` is no class; give a whole number or a word", path.display())]
    BadLabel { path: PathBuf, row: u64, value: String },
    /// More classes than a model knows.
    #[error(
        "{}: {classes} different labels, but a model has at most 256 classes; name the column of the classes",
        path.display()
    )]
    TooManyClasses { path: PathBuf, classes: usize },
    /// A file of labels with several columns.
    #[error("{}: {columns} columns, but one is needed, the classes; remove the others, or call it `label`", path.display())]
    LabelColumns { path: PathBuf, columns: usize },
    /// A file of labels with a column for each class.
    #[error("{}: labels of {classes} classes, one-hot; save numpy.argmax(labels, 1), one number a row", path.display())]
    OneHot { path: PathBuf, classes: usize },
    /// There is no column of that name or number.
    #[error(
        "{}: no label column `{column}`; give a name from the first row, or a number of 0…{}",
        path.display(), columns - 1
    )]
    NoLabelColumn { path: PathBuf, column: String, columns: usize },
    /// There is no column of that name or number.
    #[error("{}: no column `{column}`; give one of {names}{}0…{most}", path.display(), if names.is_empty() { "" } else { ", or of " })]
    NoColumn { path: PathBuf, column: String, names: String, most: usize },
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
    /// No test row is of a class that is trained on.
    #[error(
        "{}: no row to compare with is of a class of the training data ({classes}); \
         give such rows, of a recording by mixing its classes over time",
        path.display()
    )]
    OtherClasses { path: PathBuf, classes: String },
    /// A recording is shorter than a window.
    #[error(
        "{}: {rows} rows in a part hold no window of {length} (of one class); \
         take shorter windows, a longer recording, or another share to hold out",
        path.display()
    )]
    ShortRecording { path: PathBuf, rows: usize, length: usize },
    /// Recordings that have no common scale.
    #[error(
        "{}: the recordings {one} and {other} (mean ± sd) differ too much to be scaled alike; \
         give one column per file, or scale the columns alike",
        path.display()
    )]
    OtherUnits { path: PathBuf, one: String, other: String },
    /// A folder without data.
    #[error(
        "{}: a folder without train-images-idx3-ubyte (or one other images file), train.csv or train.npy; \
         give a folder that has one of them, or a file",
        path.display()
    )]
    EmptyFolder { path: PathBuf },
    /// A row of images is no square.
    #[error(
        "{}: {dim} columns are no square image; save the images as IDX, or as .npy of shape (n, height, width)",
        path.display()
    )]
    NoSquare { path: PathBuf, dim: usize },
    /// The bytes are no `.idx` file.
    #[error("{}: malformed IDX file: {reason}; fetch or write it again", path.display())]
    MalformedIdx { path: PathBuf, reason: String },
    /// The bytes are no `.npy` file.
    #[error(
        "{}: malformed .npy file: {reason}; write it again with \
         numpy.save(file, array.astype(numpy.float32))",
        path.display()
    )]
    MalformedNpy { path: PathBuf, reason: String },
}

/// What the cell may have been meant for.
fn hint(cell: &str) -> &'static str {
    match cell {
        _ if cell.contains(',') => {
            " (a comma is decimal in files that separate cells by semicolons or tabs, if no cell has a point)"
        }
        _ if cell.chars().all(char::is_alphabetic) => " (a column of classes is read with --label-column)",
        _ => "",
    }
}
