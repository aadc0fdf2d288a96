//! Comma-separated numbers, one point per line.

use std::fs::File;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::DataError;
use super::load::{checked, io_error, label};
use crate::Points;

/// Every line of the file but a header, shape `(n, d)`; with the classes of the label column, which is the one
/// called `label` unless `label_column` names another, or its number from 0.
pub(super) fn read(path: &Path, label_column: Option<&str>) -> Result<Points, DataError> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    // Row lengths are compared here, so that the error can say which row and how long.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
    let (mut dim, mut values) = (None, Vec::new());
    let (mut column, mut labels) = (None, Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(path, e))?;
        let is_first = dim.is_none();
        check_length(path, &record, *dim.get_or_insert(record.len()))?;
        let is_names = is_first && is_header(&record);
        if is_first {
            column = find_labels(path, label_column, is_names.then_some(&record), record.len())?;
        }
        if !is_names {
            push_numbers(path, &record, column, &mut values, &mut labels)?;
        }
    }
    let dim = dim.unwrap_or(1) - usize::from(column.is_some());
    if dim == 0 {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    Ok(checked(path, dim, values)?.with_labels(labels))
}

/// The number of the label column, from 0.
fn find_labels(
    path: &Path,
    asked: Option<&str>,
    names: Option<&StringRecord>,
    columns: usize,
) -> Result<Option<usize>, DataError> {
    let named = |name: &str| names.and_then(|names| names.iter().position(|n| n.eq_ignore_ascii_case(name)));
    let Some(asked) = asked else { return Ok(named("label")) };
    let number = || asked.parse().ok().filter(|&column: &usize| column < columns);
    let missing = || DataError::NoLabelColumn { path: path.to_owned(), column: asked.to_owned(), columns };
    named(asked).or_else(number).map(Some).ok_or_else(missing)
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

fn push_numbers(
    path: &Path,
    record: &StringRecord,
    label_column: Option<usize>,
    values: &mut Vec<f32>,
    labels: &mut Vec<u16>,
) -> Result<(), DataError> {
    let (path, row) = (|| path.to_owned(), line(record));
    for (i, cell) in record.iter().enumerate() {
        let (column, value) = (i + 1, || cell.to_owned());
        match cell.parse::<f32>() {
            Ok(x) if !x.is_finite() => {
                return Err(DataError::NotFinite { path: path(), row, column, value: value() });
            }
            Ok(x) if label_column == Some(i) => labels.push(label(&path(), row, x)?),
            Ok(x) => values.push(x),
            Err(_) => return Err(DataError::NotANumber { path: path(), row, column, value: value() }),
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
        read(&path, None)
    }

    fn read_labelled(text: &str, column: &str) -> Result<Points, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, Some(column))
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

    #[test]
    fn a_label_column_is_found_by_name_or_number() {
        let expected = Points::new(2, vec![1.0, 2.0, 3.0, 4.0]).with_labels(vec![7, 0]);
        assert_eq!(read_text("x,Label,y\n1,7,2\n3,0,4\n").unwrap(), expected);
        assert_eq!(read_labelled("x,class,y\n1,7,2\n3,0,4\n", "class").unwrap(), expected);
        assert_eq!(read_labelled("1,7,2\n3,0,4\n", "1").unwrap(), expected);
        for column in ["label", "3", "-1"] {
            let error = read_labelled("1,7,2\n3,0,4\n", column).unwrap_err();
            assert!(matches!(error, DataError::NoLabelColumn { columns: 3, .. }), "{column}: {error}");
        }
        assert!(matches!(read_text("label\n1\n"), Err(DataError::Empty { .. })));
    }

    #[test]
    fn a_label_that_is_no_small_whole_number_is_named() {
        for cell in ["-1", "256", "1.5"] {
            let error = read_text(&format!("label,x\n0,1\n{cell},2\n")).unwrap_err();
            assert!(matches!(&error, DataError::BadLabel { row: 3, value, .. } if value == cell), "{error}");
        }
        assert!(matches!(read_text("label,x\nnan,1\n"), Err(DataError::NotFinite { column: 1, .. })));
    }
}
