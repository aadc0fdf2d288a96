//! NumPy's `.npy` files (NEP 1), in any memory layout.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use npyz::half::f16;
use npyz::{DType, Deserialize, NpyFile};
use py_literal::Value;

use super::DataError;
use super::load::{self, unreadable};
use super::table::{MAX_VALUES, Table};

type Npy = NpyFile<BufReader<File>>;

/// NumPy reads no longer header either (`max_header_size`).
const HEADER_LIMIT: usize = 10_000;
/// A table's header nests two deep; a bound spares the parser's stack.
const BRACKET_LIMIT: usize = 64;
/// What every .npy file starts with.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The array, its first axis as rows, shape `(n, product of the other axes)`.
pub(super) fn read(path: &Path) -> Result<Table, DataError> {
    let (file, length) = load::open(path)?;
    let mut reader = BufReader::new(file);
    refuse_other_formats(path, &mut reader)?;
    let npy = header(reader).map_err(|e| npy_error(path, e))?;
    let kind = kind(path, &npy.dtype())?;
    if npy.len() > MAX_VALUES as u64 {
        return Err(DataError::TooLarge { path: path.to_owned(), values: npy.len() });
    }
    let npy = sized(npy, length).map_err(|e| npy_error(path, e))?;
    let shape = npy.shape().to_vec();
    let strides = npy.strides().to_vec();
    let stored = numbers(npy, &kind).map_err(|e| npy_error(path, e))?;
    let axes: Vec<usize> = shape[1..].iter().map(|&size| size as usize).collect();
    let dim = axes.iter().product::<usize>().max(1);
    let values: Vec<f32> = (0..stored.len()).map(|i| stored[offset(i, &shape, &strides)]).collect();
    Ok(Table { axes, ..Table::unnamed(path, dim, values) })
}

fn malformed(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

fn npy_error(path: &Path, error: io::Error) -> DataError {
    // Parsers point at the place, in a drawing of several lines.
    let first_line = |error: &io::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let reason = match error.kind() {
        io::ErrorKind::InvalidData => first_line(&error),
        io::ErrorKind::UnexpectedEof => "it ends too early".into(),
        _ => return unreadable(path, error),
    };
    DataError::MalformedNpy { path: path.to_owned(), reason }
}

fn refuse_other_formats(path: &Path, reader: &mut (impl Read + Seek)) -> Result<(), DataError> {
    let mut start = Vec::new();
    reader.take(64).read_to_end(&mut start).map_err(|e| unreadable(path, e))?;
    reader.rewind().map_err(|e| unreadable(path, e))?;
    let is_text =
        start.contains(&b'\n') && start.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    let (is, remedy) = match start {
        _ if start.starts_with(MAGIC) => return Ok(()),
        _ if start.starts_with(b"PK") => ("an archive, such as .npz", "save one array of it with numpy.save"),
        _ if is_text => ("text", "rename it to .csv"),
        _ => return Ok(()),
    };
    Err(DataError::OtherFormat { path: path.to_owned(), is, remedy })
}

/// The file behind its header.
fn header(mut reader: BufReader<File>) -> io::Result<Npy> {
    check_header(&mut reader)?;
    reader.rewind()?;
    NpyFile::new(reader)
}

/// The same if it has as many values as its header promises.
fn sized(npy: Npy, length: u64) -> io::Result<Npy> {
    let (header, mut reader) = (npy.header().clone(), npy.into_inner());
    let available = length.saturating_sub(reader.stream_position()?);
    let npy = NpyFile::with_header(header, reader);
    check_size(&npy, available)?;
    Ok(npy)
}

/// The kind of number with its bytes, such as `f4`.
fn kind(path: &Path, dtype: &DType) -> Result<String, DataError> {
    const NUMBERS: [&str; 12] = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"];
    let DType::Plain(plain) = dtype else {
        let what = "records with named fields".into();
        let remedy = "save their columns: numpy.save(file, numpy.stack([array[name] for name in array.dtype.names], 1).astype(numpy.float32))";
        return Err(DataError::Unsupported { path: path.to_owned(), what, remedy: remedy.into() });
    };
    let name = plain.to_string();
    let kind = name.get(1..).unwrap_or_default();
    if NUMBERS.contains(&kind) {
        return Ok(kind.to_owned());
    }
    let (what, remedy) = match kind.get(..1) {
        Some("O") => (
            "Python objects",
            "make numbers of them and save numpy.array(array.tolist(), dtype=numpy.float32)",
        ),
        Some("U" | "S" | "a") => {
            ("words", "replace them by numbers; save classes as numpy.unique(array, return_inverse=True)[1]")
        }
        Some("c") => ("complex numbers", "save numpy.concatenate([array.real, array.imag], 1)"),
        Some("M" | "m") => ("times", "save array.astype('int64'), less its first value"),
        _ => ("values of this type", "save array.astype(numpy.float32)"),
    };
    let what = format!("{what} (type {name})");
    Err(DataError::Unsupported { path: path.to_owned(), what, remedy: remedy.into() })
}

/// Refuses what the parser would answer with a panic or a huge allocation.
fn check_header(file: &mut impl Read) -> io::Result<()> {
    let text = header_text(file)?;
    if text.chars().filter(|c| "([{".contains(*c)).count() > BRACKET_LIMIT {
        return Err(malformed("its header is nested too deeply"));
    }
    let header: Value = text.trim_end().parse().map_err(|_| malformed("its header is no Python literal"))?;
    for shape in shapes(&header) {
        check_shape(shape)?;
    }
    Ok(())
}

fn header_text(file: &mut impl Read) -> io::Result<String> {
    let mut start = [0; 10];
    file.read_exact(&mut start)?;
    let mut length = usize::from(u16::from_le_bytes([start[8], start[9]]));
    // Later versions have two more bytes for the length, which no header of bounded size needs.
    if start[6] > 1 {
        let mut high = [0; 2];
        file.read_exact(&mut high)?;
        length += usize::from(u16::from_le_bytes(high)) << 16;
    }
    if !start.starts_with(MAGIC) || length > HEADER_LIMIT {
        return Err(malformed("it starts with no NumPy header"));
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text)?;
    String::from_utf8(text).map_err(|_| malformed("its header is no text"))
}

/// The values of every key `shape`: a doubled key must not hide one.
fn shapes(header: &Value) -> impl Iterator<Item = &Value> {
    let entries = header.as_dict().into_iter().flatten();
    entries.filter(|(key, _)| key.as_string().is_some_and(|k| k == "shape")).map(|(_, shape)| shape)
}

/// Axes whose product fits; an empty axis counts as one, since strides multiply only the others.
fn check_shape(shape: &Value) -> io::Result<()> {
    let axes = shape.as_tuple().or(shape.as_list()).ok_or_else(|| malformed("its shape is no tuple"))?;
    let sizes = axes.iter().map(|axis| u64::try_from(axis.as_integer()?).ok().map(|n| n.max(1)));
    let product = sizes.reduce(|product, size| product?.checked_mul(size?));
    match product {
        None => Err(malformed(
            "it holds a single value without an axis, where numpy.atleast_2d(array) would have two",
        )),
        Some(None) => Err(malformed("an axis of its shape is negative, no integer or too long")),
        Some(Some(_)) => Ok(()),
    }
}

fn check_size(npy: &Npy, available: u64) -> io::Result<()> {
    let item = npy.dtype().num_bytes().unwrap_or(1) as u64;
    match npy.len().checked_mul(item) {
        Some(needed) if needed <= available => Ok(()),
        _ => Err(malformed(format!(
            "its shape {:?} needs {} values of {item} bytes, the file has {available} bytes of data",
            npy.shape(),
            npy.len(),
        ))),
    }
}

/// All values in stored order; only single precision survives.
fn numbers(npy: Npy, kind: &str) -> io::Result<Vec<f32>> {
    match kind {
        "f2" => cast(npy, f16::to_f32),
        "f4" => cast(npy, |x: f32| x),
        "f8" => cast(npy, |x: f64| x as f32),
        "i1" => cast(npy, |x: i8| x.into()),
        "i2" => cast(npy, |x: i16| x.into()),
        "i4" => cast(npy, |x: i32| x as f32),
        "i8" => cast(npy, |x: i64| x as f32),
        "u1" => cast(npy, |x: u8| x.into()),
        "u2" => cast(npy, |x: u16| x.into()),
        "u4" => cast(npy, |x: u32| x as f32),
        "u8" => cast(npy, |x: u64| x as f32),
        _ => cast(npy, |x: bool| u8::from(x).into()),
    }
}

fn cast<T: Deserialize>(npy: Npy, to_f32: impl Fn(T) -> f32) -> io::Result<Vec<f32>> {
    npy.data::<T>().map_err(|e| malformed(e.to_string()))?.map(|x| x.map(&to_f32)).collect()
}

/// Where the `i`-th value in C order is stored.
fn offset(mut i: usize, shape: &[u64], strides: &[u64]) -> usize {
    let mut at = 0;
    for (&size, &stride) in shape.iter().zip(strides).rev() {
        at += i % size as usize * stride as usize;
        i /= size as usize;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;

    fn table(bytes: &[u8]) -> Result<Table, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn read_bytes(bytes: &[u8]) -> Result<Points, DataError> {
        table(bytes)?.complete()
    }

    fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    }

    fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        with_header(&header, data)
    }

    fn reason(bytes: &[u8]) -> String {
        match read_bytes(bytes) {
            Err(DataError::MalformedNpy { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_number_type_is_read() {
        let expected = Points::new(1, vec![1.0, 0.0]);
        let one_and_zero = |one: &[u8]| [one, &vec![0; one.len()]].concat();
        let types: [(&str, &[u8]); 16] = [
            ("<f2", &[0, 0x3c]),
            (">f2", &[0x3c, 0]),
            ("<f4", &1.0_f32.to_le_bytes()),
            (">f4", &1.0_f32.to_be_bytes()),
            ("<f8", &1.0_f64.to_le_bytes()),
            (">f8", &1.0_f64.to_be_bytes()),
            ("|i1", &[1]),
            ("|u1", &[1]),
            ("|b1", &[1]),
            ("<i2", &[1, 0]),
            (">i2", &[0, 1]),
            ("<u2", &[1, 0]),
            ("<i4", &[1, 0, 0, 0]),
            ("<u4", &[1, 0, 0, 0]),
            ("<i8", &1_i64.to_le_bytes()),
            ("<u8", &1_u64.to_le_bytes()),
        ];
        for (descr, one) in types {
            let bytes = npy(descr, "False", "(2,)", &one_and_zero(one));
            assert_eq!(read_bytes(&bytes).unwrap(), expected, "{descr}");
        }
    }

    #[test]
    fn fortran_order_is_turned() {
        let bytes = npy("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        assert_eq!(read_bytes(&bytes).unwrap(), Points::new(3, vec![1., 2., 3., 4., 5., 6.]));
    }

    #[test]
    fn more_axes_are_flattened_in_either_order() {
        let expected = Points::new(4, (0_u8..8).map(f32::from).collect());
        let c = npy("|u1", "False", "(2, 2, 2)", &[0, 1, 2, 3, 4, 5, 6, 7]);
        let fortran = npy("|u1", "True", "(2, 2, 2)", &[0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(read_bytes(&c).unwrap(), expected);
        assert_eq!(read_bytes(&fortran).unwrap(), expected);
        assert_eq!(table(&c).unwrap().axes, [2, 2]);
    }

    #[test]
    fn the_long_header_of_later_versions_is_read() {
        let mut bytes = npy("|u1", "False", "(2,)", &[1, 2]);
        bytes[6] = 2;
        bytes.splice(10..10, [0, 0]);
        assert_eq!(read_bytes(&bytes).unwrap().values(), [1.0, 2.0]);
    }

    #[test]
    fn a_shape_larger_than_the_file_is_no_allocation() {
        let huge = reason(&npy("<f4", "False", "(100000000, 2)", &[0; 8]));
        assert!(huge.contains("needs 200000000 values of 4 bytes, the file has 8 bytes"), "{huge}");
        reason(&npy("<f4", "False", "(3,)", &[0; 11]));
        let error = read_bytes(&npy("<f8", "False", "(4611686018427387904,)", &[0; 8])).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn a_shape_that_overflows_is_an_error() {
        for shape in ["(4294967296, 4294967296)", "(0, 4294967296, 4294967296)", "(99999999999999999999,)"] {
            assert!(reason(&npy("<f4", "False", shape, &[0; 8])).contains("an axis"), "{shape}");
        }
        let twice =
            "{'shape': (4294967296, 4294967296), 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
        reason(&with_header(twice, &[0; 8]));
        let twice =
            "{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}";
        reason(&with_header(twice, &[0; 8]));
    }

    #[test]
    fn what_is_no_npy_file_is_malformed() {
        assert_eq!(reason(b""), "it ends too early");
        assert_eq!(reason(b"\0\0\0\0 no text either"), "it starts with no NumPy header");
        assert_eq!(reason(&npy("<f4", "False", "(2,)", &[0; 8])[..40]), "it ends too early");
        assert_eq!(reason(&with_header("{{{", &[])), "its header is no Python literal");
        assert_eq!(reason(&with_header(&"(".repeat(9_000), &[])), "its header is nested too deeply");
        reason(&with_header("{'shape': (2,)}", &[]));
        assert!(!reason(&with_header("{'shape': (2,), 'descr': '<f4'} x", &[])).contains('\n'));
        assert!(reason(&npy("<f4", "False", "()", &[0; 4])).contains("without an axis"));
    }

    /// Each with a way that leads to numbers.
    #[test]
    fn what_are_no_numbers_or_is_no_npy_file_is_named() {
        for (descr, parts) in [
            ("|O", ["Python objects", "tolist()"]),
            ("<U5", ["words (type <U5)", "numpy.unique"]),
            ("<c8", ["complex numbers (type <c8)", "array.real"]),
            ("<M8[ns]", ["times", "int64"]),
        ] {
            let message = read_bytes(&npy(descr, "False", "(2,)", &[0; 16])).unwrap_err().to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
            assert!(message.contains("not supported") && !message.contains("malformed"), "{message}");
        }
        let records = "{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (1,), }";
        let message = read_bytes(&with_header(records, &[0; 8])).unwrap_err().to_string();
        assert!(message.contains("named fields") && message.contains("array.dtype.names"), "{message}");
        for (bytes, part) in [(&b"a,b\n1,2\n"[..], "rename it to .csv"), (b"PK\x03\x04", "numpy.save")] {
            let message = read_bytes(bytes).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn more_values_than_a_data_set_may_have_are_refused_before_they_are_read() {
        let error = read_bytes(&npy("|u1", "False", "(300000, 1000)", &[0; 8])).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { values: 300_000_000, .. }), "{error}");
    }

    #[test]
    fn a_header_that_claims_gigabytes_is_refused() {
        let mut bytes = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
        bytes.extend([b' '; 64]);
        assert_eq!(reason(&bytes), "it starts with no NumPy header");
    }

    #[test]
    fn an_array_of_no_rows_or_no_columns_is_empty() {
        for shape in ["(0,)", "(0, 2)", "(3, 0)"] {
            let bytes = npy("<f4", "False", shape, &[]);
            assert!(matches!(read_bytes(&bytes), Err(DataError::Empty { .. })), "{shape}");
        }
    }

    #[test]
    fn nan_is_a_gap_and_infinity_a_mistake() {
        let bytes = |x: f32| {
            let data: Vec<u8> = [1.0, 2.0, 3.0, x].iter().flat_map(|x: &f32| x.to_le_bytes()).collect();
            npy("<f4", "False", "(2, 2)", &data)
        };
        let error = read_bytes(&bytes(f32::NAN)).unwrap_err();
        assert!(error.to_string().contains("1 of 2 rows have gaps, the first in row 2, column 2"), "{error}");
        let error = read_bytes(&bytes(f32::INFINITY)).unwrap_err();
        assert!(error.to_string().contains("row 2, column 2: inf is not a finite"), "{error}");
    }
}
