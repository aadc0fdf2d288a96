//! Numbers as text, one row a line, in the forms in which people have them.
//!
//! Cells are separated by commas, semicolons or tabs; the latter two leave the comma to decimals. A first row
//! without any number names the columns, and so does one of whole numbers that cannot be data.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::DataError;
use super::load::{open, unreadable};
use super::table::{Bad, Class, Column, MAX_VALUES, Table, is_gap};
use super::text::{decode, delimiter, short};

/// Most bytes of text.
const LARGEST_TEXT: u64 = 1 << 32;
/// A first row of numbers this many standard deviations from all others is none of them.
const FAR: f64 = 5.0;

/// Which column holds the classes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Labels<'a> {
    /// The one called `label`, if there is one.
    Usual,
    /// That of this name or number from 0.
    Column(&'a str),
    /// The one called `label`, or the only one: the file holds classes and nothing else.
    Only,
}

/// Every row of the file but a header, with the classes of the label column.
pub(super) fn read(path: &Path, labels: Labels<'_>) -> Result<Table, DataError> {
    let mut bytes = Vec::new();
    let (file, length) = open(path)?;
    if length > LARGEST_TEXT {
        return Err(DataError::TooLong { path: path.to_owned(), bytes: length, most: LARGEST_TEXT });
    }
    file.take(LARGEST_TEXT).read_to_end(&mut bytes).map_err(|e| unreadable(path, e))?;
    refuse_other_formats(path, &bytes)?;
    let (text, encoding) = decode(bytes);
    let (text, said) = without_separator_line(&text);
    let delimiter = said.unwrap_or_else(|| delimiter(text));
    let comma = delimiter != b',' && has_decimal_commas(text, delimiter);
    let mut table = parse(path, text, delimiter, comma, labels)?;
    let separated = match (delimiter, comma) {
        (b';', false) => Some("cells are separated by semicolons"),
        (b';', true) => Some("cells are separated by semicolons, and commas are decimal"),
        (b'\t', false) => Some("cells are separated by tabs"),
        (b'\t', true) => Some("cells are separated by tabs, and commas are decimal"),
        _ => None,
    };
    table.notes.extend(encoding.map(|encoding| format!("the text is taken for {encoding}")));
    table.notes.extend(separated.map(str::to_owned));
    Ok(table)
}

/// The text behind a first line `sep=;`, with which spreadsheets say what separates the cells.
fn without_separator_line(text: &str) -> (&str, Option<u8>) {
    let Some(rest) = text.strip_prefix("sep=") else { return (text, None) };
    match rest.as_bytes() {
        [separator @ (b',' | b';' | b'\t'), b'\n' | b'\r', ..] => (&rest[1..], Some(*separator)),
        _ => (text, None),
    }
}

fn refuse_other_formats(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let (is, remedy) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => ("a .npy file", "rename it to .npy"),
        [b'P', b'K', 3, 4, ..] => ("an archive, such as a workbook", "save its table as .csv"),
        [0x1f, 0x8b, ..] => ("compressed by gzip", "unpack it"),
        _ => return Ok(()),
    };
    Err(DataError::OtherFormat { path: path.to_owned(), is, remedy })
}

fn records(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    // Row lengths are compared here, so that the error can say which row and how long.
    let mut builder = ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// Whether commas stand in numbers, and points in none.
fn has_decimal_commas(text: &str, delimiter: u8) -> bool {
    if !text.contains(',') {
        return false;
    }
    let (mut commas, mut points) = (false, false);
    let mut reader = records(text, delimiter);
    let mut record = StringRecord::new();
    while let Ok(true) = reader.read_record(&mut record) {
        for cell in &record {
            points |= cell.contains('.') && cell.parse::<f32>().is_ok();
            commas |= cell.contains(',') && number(cell, true).is_some();
        }
    }
    commas && !points
}

/// A finite or infinite number; gaps are none.
fn number(cell: &str, comma: bool) -> Option<f32> {
    if is_gap(cell) {
        return None;
    }
    match comma && cell.contains(',') {
        true => cell.replacen(',', ".", 1).parse().ok().filter(|_| !cell.contains('.')),
        false => cell.parse().ok(),
    }
}

/// Names only: a first row with some number in it is data, its other cells are mistakes.
fn is_header(record: &StringRecord, comma: bool) -> bool {
    record.iter().all(|cell| number(cell, comma).is_none()) && !record.iter().all(is_gap)
}

fn parse(
    path: &Path,
    text: &str,
    delimiter: u8,
    comma: bool,
    labels: Labels<'_>,
) -> Result<Table, DataError> {
    let mut reader = records(text, delimiter);
    let mut record = StringRecord::new();
    let mut table = Table::unnamed(path, 0, Vec::new());
    let (mut cells, mut label) = (None, None);
    loop {
        if !reader.read_record(&mut record).map_err(|e| unreadable(path, e.into()))? {
            break;
        }
        let row = record.position().map_or(0, csv::Position::line);
        let is_first = cells.is_none();
        let expected = *cells.get_or_insert(record.len());
        if record.len() != expected {
            return Err(DataError::Ragged { path: path.to_owned(), row, found: record.len(), expected });
        }
        let is_names = is_first && is_header(&record, comma) && !is_class(&record, labels, text);
        if is_first {
            label = find_labels(path, labels, is_names.then_some(&record), record.len())?;
            let name = |i: usize| if is_names { record[i].to_owned() } else { String::new() };
            let others = (0..record.len()).filter(|&i| Some(i) != label);
            table.columns = others.map(|i| Column { number: i + 1, name: name(i), bad: None }).collect();
        }
        if is_names {
            continue;
        }
        table.lines.push(row);
        for (i, cell) in record.iter().enumerate() {
            if Some(i) == label {
                let cell = if comma { cell.replacen(',', ".", 1) } else { cell.to_owned() };
                let bad = || DataError::BadLabel { path: path.to_owned(), row, value: short(&cell) };
                table.classes.push(Class::of_cell(&cell).ok_or_else(bad)?);
                continue;
            }
            let value = number(cell, comma);
            if value.map_or(!is_gap(cell), |x| !x.is_finite()) {
                let column = &mut table.columns[i - usize::from(label.is_some_and(|label| label < i))];
                column.bad.get_or_insert_with(|| Bad { row, text: cell.to_owned() });
            }
            table.values.push(value.unwrap_or(f32::NAN));
        }
        if table.values.len() > MAX_VALUES {
            let values = (table.values.len() as u64).max(text.len() as u64 / 8);
            return Err(DataError::TooLarge { path: path.to_owned(), values });
        }
    }
    Ok(number_names(table).without_index())
}

/// Whether the only cell of a first row is a class that comes again, not the name of the column.
fn is_class(record: &StringRecord, labels: Labels<'_>, text: &str) -> bool {
    matches!(labels, Labels::Only)
        && record.len() == 1
        && text.lines().filter(|line| line.trim().trim_matches('"') == &record[0]).count() > 1
}

/// The number of the label column, from 0.
fn find_labels(
    path: &Path,
    labels: Labels<'_>,
    names: Option<&StringRecord>,
    columns: usize,
) -> Result<Option<usize>, DataError> {
    let named = |name: &str| names.and_then(|names| names.iter().position(|n| n.eq_ignore_ascii_case(name)));
    match labels {
        Labels::Usual => Ok(named("label")),
        Labels::Only => Ok(named("label").or((columns == 1).then_some(0))),
        Labels::Column(asked) => {
            let number = || asked.parse().ok().filter(|&column: &usize| column < columns);
            let column = short(asked);
            let missing = || DataError::NoLabelColumn { path: path.to_owned(), column, columns };
            named(asked).or_else(number).map(Some).ok_or_else(missing)
        }
    }
}

/// Takes a first row for names that is whole numbers, each one more than the one before, and no data: far from all
/// others, or 0, 1, 2 … above numbers that are not whole.
fn number_names(mut table: Table) -> Table {
    let dim = table.dim();
    let unnamed = table.columns.iter().all(|column| column.name.is_empty() && column.bad.is_none());
    if !unnamed || dim < 2 || table.len() < 3 {
        return table;
    }
    let first: Vec<f64> = table.values[..dim].iter().map(|&x| x.into()).collect();
    let counts = first.iter().all(|x| x.fract() == 0.0) && first.windows(2).all(|w| w[1] - w[0] == 1.0);
    let others = |j: usize| table.column(j).skip(1).filter(|x| !x.is_nan()).map(f64::from);
    let far = |j: usize| {
        let n = others(j).count() as f64;
        let mean = others(j).sum::<f64>() / n;
        let sd = (others(j).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        (first[j] - mean).abs() > FAR * sd
    };
    let fractions = |j: usize| others(j).any(|x| x.fract() != 0.0);
    if !(counts && ((0..dim).all(far) || first[0] == 0.0 && (0..dim).all(fractions))) {
        return table;
    }
    table.columns.iter_mut().zip(&first).for_each(|(column, x)| column.name = x.to_string());
    table.values.drain(..dim);
    table.lines.remove(0);
    if !table.classes.is_empty() {
        table.classes.remove(0);
    }
    let names = super::table::listed(&table.names());
    table.notes.push(format!("the first row ({names}) is taken for the names of the columns"));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    fn table_of(text: &[u8], labels: Labels<'_>) -> Result<Table, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, labels)
    }

    fn read_text(text: &str) -> Result<Points, DataError> {
        table_of(text.as_bytes(), Labels::Usual)?.complete()
    }

    fn classes(text: &str, labels: Labels<'_>) -> Vec<String> {
        table_of(text.as_bytes(), labels).unwrap().classes.iter().map(Class::to_string).collect()
    }

    #[test]
    fn a_header_is_optional() {
        let expected = Points::new(2, vec![1.0, -2.5, 3e2, 4.0]);
        assert_eq!(read_text("1,-2.5\n3e2, 4\n").unwrap(), expected);
        assert_eq!(read_text("x,y\n1,-2.5\n3e2, 4\n").unwrap(), expected);
        assert_eq!(read_text("\u{feff}1,-2.5\r\n3e2,4\r\n\r\n").unwrap(), expected);
        assert_eq!(table_of(b"x,y\n1,2\n", Labels::Usual).unwrap().names(), ["x", "y"]);
    }

    /// Semicolons and tabs, decimal commas, and the encodings of text.
    #[test]
    fn other_separators_decimals_and_encodings_are_read() {
        let expected = Points::new(2, vec![1.5, -2.5, 300.0, 4.0]);
        let utf16: Vec<u8> =
            "\u{feff}a;b\n1,5;-2,5\n3e2;4\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (text, notes) in [
            (&b"a;b\n1.5;-2.5\n3e2;4\n"[..], &["cells are separated by semicolons"][..]),
            (b"a;b\n1,5;-2,5\n3e2;4\n", &["cells are separated by semicolons, and commas are decimal"]),
            (b"1,5\t-2,5\n3e2\t4\n", &["cells are separated by tabs, and commas are decimal"]),
            (b"\"a;b\",\xb5\n1.5,-2.5\n3e2,4\n", &["the text is taken for Windows-1252"]),
            (
                &utf16,
                &[
                    "the text is taken for UTF-16",
                    "cells are separated by semicolons, and commas are decimal",
                ],
            ),
        ] {
            let table = table_of(text, Labels::Usual).unwrap();
            assert_eq!(table.notes, notes);
            assert_eq!(table.complete().unwrap(), expected, "{text:?}");
        }
        let mixed = read_text("1,5;2.5\n1;2\n").unwrap_err().to_string();
        assert!(
            mixed.contains("`1,5` is not a number") && mixed.contains("if no cell has a point"),
            "{mixed}"
        );
    }

    #[test]
    fn other_formats_under_this_name_are_named() {
        for (bytes, part) in [
            (&b"\x93NUMPY\x01\x00"[..], "starts as a .npy file"),
            (b"PK\x03\x04abc", "an archive"),
            (b"\x1f\x8b\x08", "gzip"),
        ] {
            let message = table_of(bytes, Labels::Usual).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_first_row_of_numbers_that_are_no_data_is_a_header() {
        let far = "2019,2020,2021\n1.5,2,-1\n0.5,1,2\n1,2,0\n";
        let counted = "0,1\n1.5,2.5\n0.5,1.5\n";
        for (text, names) in [(far, &["2019", "2020", "2021"][..]), (counted, &["0", "1"])] {
            let table = table_of(text.as_bytes(), Labels::Usual).unwrap();
            assert_eq!(table.names(), names);
            assert!(table.notes[0].contains("taken for the names"), "{:?}", table.notes);
        }
        for data in
            ["0,1\n1,2\n2,3\n", "2019,2020\n1.5,2\n0.5,3000\n", "2019,2025\n1.5,2\n2.5,1\n", "5\n0.1\n0.2\n"]
        {
            assert_eq!(table_of(data.as_bytes(), Labels::Usual).unwrap().len(), 3, "{data}");
        }
    }

    #[test]
    fn a_bad_cell_is_named_by_line_and_column() {
        let error = read_text("x,y\n1,2\n3,abc\n").unwrap_err().to_string();
        assert!(error.contains("row 3, column 2 (`y`): `abc` is not a number; correct"), "{error}");
        let error = read_text("label,y\n0,2\n1,abc\n").unwrap_err().to_string();
        assert!(error.contains("row 3, column 2 (`y`)"), "{error}");
        let long = read_text(&format!("1,2\n1,{}\n", "x".repeat(5000))).unwrap_err().to_string();
        assert!(long.len() < 250 && long.contains("…` is not a number"), "{long}");
    }

    #[test]
    fn a_bad_cell_in_a_first_row_of_data_is_no_header() {
        let error = read_text("1,oops\n1,2\n3,4\n").unwrap_err();
        assert!(matches!(error, DataError::NotANumber { place, .. } if (place.row, place.column) == (1, 2)));
    }

    #[test]
    fn gaps_of_all_kinds_are_counted() {
        for gap in ["", "NaN", "NA", "null", "?", "n/a"] {
            let error = read_text(&format!("a,press\n1,2\n3,{gap}\n\n{gap},5\n")).unwrap_err().to_string();
            assert!(
                error.contains("2 of 3 rows have gaps, the first in row 3, column 2 (`press`)"),
                "{error}"
            );
        }
    }

    #[test]
    fn infinity_and_overflow_are_named() {
        for cell in ["-inf", "1e39"] {
            let error = read_text(&format!("1,2\n{cell},3\n")).unwrap_err();
            let DataError::NotFinite { place, value, .. } = error else { panic!("{error}") };
            assert_eq!((place.row, place.column, value.as_str()), (2, 1, cell));
        }
    }

    #[test]
    fn a_ragged_row_is_named() {
        let error = read_text("1,2\n3,4\n5\n").unwrap_err();
        assert!(matches!(error, DataError::Ragged { row: 3, found: 1, expected: 2, .. }));
    }

    #[test]
    fn no_values_are_empty() {
        for text in ["", "x,y\n", "label\n1\n"] {
            assert!(matches!(read_text(text), Err(DataError::Empty { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_label_column_is_found_by_name_or_number() {
        let text = "x,Label,y\n1,7,2\n3,0,4\n";
        assert_eq!(read_text(text).unwrap(), Points::new(2, vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(classes(text, Labels::Usual), ["7", "0"]);
        assert_eq!(classes("x,class,y\n1,dog,2\n3,cat,4\n", Labels::Column("class")), ["dog", "cat"]);
        assert_eq!(classes("1,7,2\n3,0,4\n", Labels::Column("1")), ["7", "0"]);
        for column in ["label", "3", "-1"] {
            let error = table_of(b"1,7,2\n3,0,4\n", Labels::Column(column)).unwrap_err();
            assert!(matches!(error, DataError::NoLabelColumn { columns: 3, .. }), "{column}: {error}");
        }
    }

    #[test]
    fn a_file_of_classes_has_a_name_above_them_or_none() {
        for text in ["label\n0\n1\n", "0\n1\n", "class\n0\n1\n", "id,label\n5,0\n6,1\n"] {
            assert_eq!(classes(text, Labels::Only), ["0", "1"], "{text:?}");
        }
        assert_eq!(classes("cat\ndog\ncat\n", Labels::Only), ["cat", "dog", "cat"]);
    }

    #[test]
    fn a_label_that_is_neither_whole_nor_a_word_is_named() {
        for cell in ["1.5", "nan", ""] {
            let error = table_of(format!("label,x\n0,1\n{cell},2\n").as_bytes(), Labels::Usual).unwrap_err();
            assert!(matches!(&error, DataError::BadLabel { row: 3, value, .. } if value == cell), "{error}");
        }
    }

    /// As spreadsheets write it; rows are counted with it.
    #[test]
    fn a_line_that_names_the_separator_is_none_of_the_table() {
        for text in [
            "sep=;\na;b\n1;2\n3;4\n",
            "sep=;\r\na;b\r\n1;2\r\n3;4\r\n",
            "sep=\t\n1\t2\n3\t4\n",
            "sep=,\n1,2\n3,4\n",
        ] {
            assert_eq!(read_text(text).unwrap(), Points::new(2, vec![1.0, 2.0, 3.0, 4.0]), "{text:?}");
        }
        let error = read_text("sep=;\na;b\n1;x\n").unwrap_err().to_string();
        assert!(error.contains("row 3"), "{error}");
        assert!(read_text("sep=x\n1\n2\n").is_ok_and(|points| points.len() == 2), "a name");
    }
}
