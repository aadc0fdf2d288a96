//! Comma-separated numbers, one point per line.

use std::fs::File;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::DataError;
use super::load::{checked, io_error};
use crate::Points;

/// Every line of the file but a header, shape `(n, d)`.
pub(super) fn read(path: &Path) -> Result<Points, DataError> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    // Row lengths are compared here, so that the error can say which row and how long.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
    let (mut dim, mut values) = (None, Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(path, e))?;
        let is_first = dim.is_none();
        check_length(path, &record, *dim.get_or_insert(record.len()))?;
        if !(is_first && is_header(&record)) {
            push_numbers(path, &record, &mut values)?;
        }
    }
    checked(path, dim.unwrap_or(1), values)
}

fn csv_error(path: &Path, error: csv::Error) -> DataError {
    match error.into_kind() {
        ErrorKind::Io(source) => io_error(path, source),
        kind => io_error(path, std::io::Error::other(format!("{kind:?}"))),
    }
}

/// Names only: a first row with some number in it is data, its other cells are mistakes.
fn is_header(record: &StringRecord) -> bool {
    record.iter().all(|cell| cell.parse::<f32>().is_err())
}

fn line(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

fn check_length(path: &Path, record: &StringRecord, expected: usize) -> Result<(), DataError> {
    if record.len() == expected {
        return Ok(());
    }
    Err(DataError::Ragged { path: path.to_owned(), row: line(record), found: record.len(), expected })
}

fn push_numbers(path: &Path, record: &StringRecord, values: &mut Vec<f32>) -> Result<(), DataError> {
    for (i, cell) in record.iter().enumerate() {
        let place = || (path.to_owned(), line(record), i + 1, cell.to_owned());
        match cell.parse::<f32>() {
            Ok(x) if x.is_finite() => values.push(x),
            Ok(_) => {
                let (path, row, column, value) = place();
                return Err(DataError::NotFinite { path, row, column, value });
            }
            Err(_) => {
                let (path, row, column, value) = place();
                return Err(DataError::NotANumber { path, row, column, value });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(text: &[u8]) -> Result<Points, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    fn read_text(text: &str) -> Result<Points, DataError> {
        read_bytes(text.as_bytes())
    }

    #[test]
    fn a_header_is_optional() {
        let expected = Points::new(2, vec![1.0, -2.5, 3e2, 4.0]);
        assert_eq!(read_text("1,-2.5\n3e2, 4\n").unwrap(), expected);
        assert_eq!(read_text("x,y\n1,-2.5\n3e2, 4\n").unwrap(), expected);
        assert_eq!(read_text("\u{feff}1,-2.5\r\n3e2,4\r\n\r\n").unwrap(), expected);
    }

    #[test]
    fn a_bad_cell_is_named_by_line_and_column() {
        let error = read_text("x,y\n1,2\n3,abc\n").unwrap_err();
        assert!(matches!(&error, DataError::NotANumber { row: 3, column: 2, value, .. } if value == "abc"));
        assert!(error.to_string().contains("row 3, column 2: `abc` is not a number; correct"));
    }

    #[test]
    fn a_bad_cell_in_a_first_row_of_data_is_no_header() {
        let error = read_text("1,oops\n1,2\n3,4\n").unwrap_err();
        assert!(matches!(error, DataError::NotANumber { row: 1, column: 2, .. }));
    }

    #[test]
    fn an_empty_cell_is_not_a_number() {
        assert!(matches!(read_text("1,2\n3,\n"), Err(DataError::NotANumber { row: 2, column: 2, .. })));
    }

    #[test]
    fn nan_infinity_and_overflow_are_named() {
        for cell in ["nan", "-inf", "1e39"] {
            let error = read_text(&format!("1,2\n{cell},3\n")).unwrap_err();
            let DataError::NotFinite { row, column, value, .. } = error else { panic!("{error}") };
            assert_eq!((row, column, value.as_str()), (2, 1, cell));
        }
    }

    #[test]
    fn a_ragged_row_is_named() {
        let error = read_text("1,2\n3,4\n5\n").unwrap_err();
        assert!(matches!(error, DataError::Ragged { row: 3, found: 1, expected: 2, .. }));
    }

    #[test]
    fn no_values_are_empty() {
        assert!(matches!(read_text(""), Err(DataError::Empty { .. })));
        assert!(matches!(read_text("x,y\n"), Err(DataError::Empty { .. })));
    }

    #[test]
    fn bytes_that_are_no_text_are_unreadable() {
        assert!(matches!(read_bytes(b"1,2\n\xff\xfe,3\n"), Err(DataError::Unreadable { .. })));
    }
}
