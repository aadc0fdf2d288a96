//! Loading a data file, with every defect named by its place.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::{DataError, read_csv, read_npy};
use crate::Points;

/// Loads a training set from a `.csv` or `.npy` file, shape `(n, d)`, n ≥ 2.
///
/// All that [`read`] does, and a single row or a column with one value only is an error too.
pub fn load(path: &Path) -> Result<Points, DataError> {
    let points = read(path)?;
    if points.len() < 2 {
        return Err(DataError::TooFewRows { path: path.to_owned(), rows: points.len() });
    }
    refuse_constant_columns(path, &points)?;
    Ok(points)
}

/// Reads finite numbers from a `.csv` or `.npy` file, shape `(n, d)`, n ≥ 1, constant columns allowed.
///
/// - `.csv`: comma separated; a first row without any number is taken for column names.
/// - `.npy`: floats of 4 or 8 bytes, integers and booleans of either byte order, C or Fortran order;
///   one axis gives `(n, 1)`, more than two are flattened to `(n, rest)`. All become `f32`.
pub fn read(path: &Path) -> Result<Points, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => read_csv::read(path),
        "npy" => read_npy::read(path),
        _ => Err(DataError::UnknownExtension { path: path.to_owned(), extension: extension.into_owned() }),
    }
}

/// The error for a file that the system refuses to open or read.
pub(super) fn io_error(path: &Path, source: io::Error) -> DataError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => DataError::Missing { path },
        _ => DataError::Unreadable { path, source },
    }
}

/// At least one row, as `Points`.
pub(super) fn checked(path: &Path, dim: usize, values: Vec<f32>) -> Result<Points, DataError> {
    let path = path.to_owned();
    if values.is_empty() {
        return Err(DataError::Empty { path });
    }
    Ok(Points::new(dim, values))
}

fn refuse_constant_columns(path: &Path, points: &Points) -> Result<(), DataError> {
    let first = points.row(0);
    let constant = |&c: &usize| points.rows().all(|row| row[c] == first[c]);
    match (0..points.dim()).find(constant) {
        None => Ok(()),
        Some(c) => Err(DataError::ConstantColumn { path: path.to_owned(), column: c + 1, value: first[c] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn load_csv(text: &str) -> Result<Points, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, text).unwrap();
        load(&path)
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("no/such.csv")).unwrap_err();
        assert!(matches!(error, DataError::Missing { .. }));
        assert!(error.to_string().starts_with("no/such.csv: no such file"));
        assert!(matches!(load(Path::new("no/such.npy")), Err(DataError::Missing { .. })));
    }

    #[test]
    fn an_unknown_extension_is_named() {
        let error = load(Path::new("a.xls")).unwrap_err();
        assert!(matches!(&error, DataError::UnknownExtension { extension, .. } if extension == "xls"));
    }

    #[test]
    fn a_folder_is_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.csv", "a.npy"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            assert!(matches!(load(&path), Err(DataError::Unreadable { .. })), "{name}");
        }
    }

    #[test]
    fn a_constant_column_is_named_with_its_value() {
        let error = load_csv("1,7.5\n2,7.5\n").unwrap_err();
        assert!(matches!(error, DataError::ConstantColumn { column: 2, value: 7.5, .. }));
        assert!(error.to_string().contains("column 2 is 7.5 in every row; remove the column"));
    }

    #[test]
    fn read_allows_a_constant_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.CSV");
        fs::write(&path, "1,7.5\n2,7.5\n").unwrap();
        assert_eq!(read(&path).unwrap().values(), [1.0, 7.5, 2.0, 7.5]);
    }

    #[test]
    fn one_row_is_too_few() {
        assert!(matches!(load_csv("1,2\n"), Err(DataError::TooFewRows { rows: 1, .. })));
    }
}
