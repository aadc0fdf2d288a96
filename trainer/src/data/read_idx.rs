//! IDX files, the format of MNIST and its kin, plain or compressed by gzip.
//!
//! ```text
//! 0 0 type axes | size of each axis, u32 big-endian | values, the last axis fastest
//! ```

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::DataError;
use super::load::{open, unreadable};
use super::table::{Class, MAX_VALUES, Table};

/// The type of unsigned bytes, the only one in use.
const BYTES: u8 = 8;
/// No pixel of an image is beyond this.
const LARGEST_SIDE: u64 = 65_536;

/// Images as rows of pixels 0…255, and their width.
pub(super) fn images(path: &Path) -> Result<(Table, usize), DataError> {
    let ([_, height, width], bytes) = read(path, "images")?;
    let values = bytes.into_iter().map(f32::from).collect();
    Ok((Table::unnamed(path, (height * width).max(1), values), width))
}

/// One class for each image.
pub(super) fn labels(path: &Path) -> Result<Vec<Class>, DataError> {
    let ([_], bytes) = read(path, "labels")?;
    Ok(bytes.into_iter().map(|class| Class::Number(class.into())).collect())
}

/// The sizes of the `A` axes and all values.
fn read<const A: usize>(path: &Path, what: &str) -> Result<([usize; A], Vec<u8>), DataError> {
    let io = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => malformed(path, "it ends too early"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => malformed(path, e.to_string()),
        _ => unreadable(path, e),
    };
    let file = BufReader::new(open(path)?.0);
    let is_compressed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    let mut file: Box<dyn Read> =
        if is_compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut magic = [0; 4];
    file.read_exact(&mut magic).map_err(io)?;
    if let Some(error) = unsupported(path, magic) {
        return Err(error);
    }
    if magic != [0, 0, BYTES, A as u8] {
        let expected = [0, 0, BYTES, A as u8];
        return Err(malformed(path, format!("it starts with {magic:?}, but {what} with {expected:?}")));
    }
    let mut sizes = [0; A];
    for size in &mut sizes {
        let mut word = [0; 4];
        file.read_exact(&mut word).map_err(io)?;
        *size = u32::from_be_bytes(word) as usize;
    }
    if sizes[1..].iter().any(|&side| side as u64 > LARGEST_SIDE) {
        return Err(malformed(path, format!("its images have {:?} pixels", &sizes[1..])));
    }
    // At most 2⁶⁴: a count and two sides.
    let needed = sizes.iter().map(|&size| size as u64).fold(1, u64::saturating_mul);
    if needed > MAX_VALUES as u64 {
        return Err(DataError::TooLarge { path: path.to_owned(), values: needed });
    }
    let mut values = Vec::new();
    file.take(needed.saturating_add(1)).read_to_end(&mut values).map_err(io)?;
    if values.len() as u64 != needed {
        let have = if values.len() as u64 > needed { "more".into() } else { values.len().to_string() };
        return Err(malformed(path, format!("{sizes:?} values are {needed} bytes, but it has {have}")));
    }
    Ok((sizes, values))
}

/// Good files of other values, of color, or compressed.
fn unsupported(path: &Path, [zero, still_zero, values, axes]: [u8; 4]) -> Option<DataError> {
    if (zero, still_zero) == (0x1f, 0x8b) {
        let (is, remedy) = ("compressed by gzip", "add .gz to its name");
        return Some(DataError::OtherFormat { path: path.to_owned(), is, remedy });
    }
    let other = match values {
        9 => "signed bytes",
        11 => "16-bit integers",
        12 => "32-bit integers",
        13 => "32-bit floats",
        14 => "64-bit floats",
        _ => "",
    };
    let (what, remedy) = match (zero, still_zero, values, axes) {
        (0, 0, BYTES, 4) => ("images with channels of color", "save one channel, of axes (n, height, width)"),
        (0, 0, _, 1..=4) if !other.is_empty() => (other, "save unsigned bytes, or the array as .npy"),
        _ => return None,
    };
    Some(DataError::Unsupported { path: path.to_owned(), what: what.into(), remedy: remedy.into() })
}

fn malformed(path: &Path, reason: impl Into<String>) -> DataError {
    DataError::MalformedIdx { path: path.to_owned(), reason: reason.into() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Points;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    /// A file of these axes and values.
    pub(in super::super) fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let sizes_bytes = sizes.iter().flat_map(|size| size.to_be_bytes());
        [0, 0, 8, sizes.len() as u8].into_iter().chain(sizes_bytes).chain(values.iter().copied()).collect()
    }

    fn images_of(name: &str, bytes: &[u8]) -> Result<(Points, usize), DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (table, width) = images(&path)?;
        Ok((table.complete()?, width))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn reason(result: Result<(Points, usize), DataError>) -> String {
        match result {
            Err(DataError::MalformedIdx { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn images_are_rows_of_pixels_plain_or_compressed() {
        let bytes = idx(&[2, 1, 3], &[0, 128, 255, 7, 8, 9]);
        let expected = Points::new(3, vec![0.0, 128.0, 255.0, 7.0, 8.0, 9.0]);
        assert_eq!(images_of("a-idx3-ubyte", &bytes).unwrap(), (expected.clone(), 3));
        assert_eq!(images_of("a-idx3-ubyte.gz", &gzip(&bytes)).unwrap(), (expected, 3));
    }

    #[test]
    fn a_truncated_file_is_malformed_wherever_it_ends() {
        let whole = idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        for length in 0..whole.len() {
            let said = reason(images_of("a", &whole[..length]));
            let part = if length < 16 { "too early" } else { "6 bytes, but it has" };
            assert!(said.contains(part), "{length}: {said}");
        }
        let compressed = gzip(&whole);
        for length in 0..compressed.len() {
            reason(images_of("a.gz", &compressed[..length]));
        }
    }

    #[test]
    fn other_values_colors_and_too_many_pixels_are_named() {
        let of = |values: u8, axes: u32| {
            let mut bytes = idx(&vec![1; axes as usize], &[0; 8]);
            bytes[2] = values;
            images_of("a", &bytes).unwrap_err().to_string()
        };
        assert!(of(13, 3).contains("32-bit floats are not supported; save unsigned bytes"), "{}", of(13, 3));
        assert!(of(8, 4).contains("channels of color are not supported"), "{}", of(8, 4));
        let compressed = images_of("a", &gzip(&idx(&[1, 1, 1], &[1]))).unwrap_err().to_string();
        assert!(compressed.contains("compressed by gzip; add .gz"), "{compressed}");
        let error = images_of("a.gz", &gzip(&idx(&[u32::MAX, 65_536, 65_536], &[0; 16]))).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { values, .. } if values > 1 << 60), "{error}");
    }

    #[test]
    fn another_magic_or_too_many_bytes_are_malformed() {
        assert!(reason(images_of("a", &idx(&[6], &[1; 6]))).contains("[0, 0, 8, 1]"));
        assert!(reason(images_of("a", &idx(&[1, 1, 1], &[1; 2]))).contains("has more"));
        assert!(reason(images_of("a.gz", &idx(&[1, 1, 1], &[1]))).contains("gzip"));
        assert!(reason(images_of("a", &idx(&[1, u32::MAX, u32::MAX], &[]))).contains("pixels"));
        assert!(matches!(images_of("a", &idx(&[0, 2, 2], &[])), Err(DataError::Empty { .. })));
    }
}
