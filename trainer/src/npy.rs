//! Samples as NumPy files: float32, C order, shape `(n, d)`.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use npyz::WriterBuilder;
use tempfile::NamedTempFile;

use crate::{Points, atomic};

/// Writes all `points` to `path`; an old file is replaced in one step or not at all.
pub fn save(path: &Path, points: &Points) -> io::Result<()> {
    save_all(&[(path, points)])
}

/// Writes several files: all are whole before the first is in its place.
pub fn save_all(files: &[(&Path, &Points)]) -> io::Result<()> {
    let written = |(path, points): &(&Path, &Points)| {
        let mut writer = NpyWriter::create(path, points.len(), points.dim())?;
        points.rows().try_for_each(|row| writer.push_row(row)).map(|()| writer)
    };
    let writers = files.iter().map(written).collect::<io::Result<Vec<_>>>()?;
    writers.into_iter().try_for_each(NpyWriter::finish)
}

/// Writes a `.npy` file row by row, holding none of them.
///
/// Nothing appears at the path before [`finish`](Self::finish); dropped earlier, no file remains.
pub struct NpyWriter {
    path: PathBuf,
    file: NamedTempFile,
    rows: npyz::NpyWriter<f32, BufWriter<File>>,
    dim: usize,
}

impl NpyWriter {
    /// Starts a file of exactly `rows` rows of `dim` values.
    pub fn create(path: &Path, rows: usize, dim: usize) -> io::Result<Self> {
        let file = atomic::beside(path)?;
        let out = BufWriter::new(file.as_file().try_clone()?);
        let options = npyz::WriteOptions::new().default_dtype();
        let rows = options.shape(&[rows as u64, dim as u64]).writer(out).begin_nd()?;
        Ok(Self { path: path.to_owned(), file, rows, dim })
    }

    /// Appends one row of shape `(dim,)`; a row of another length is an error.
    pub fn push_row(&mut self, row: &[f32]) -> io::Result<()> {
        if row.len() != self.dim {
            let message = format!("a row of {} values in a file of {}", row.len(), self.dim);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.rows.extend(row.iter().copied())
    }

    /// Puts the file in its place; too few or too many rows are an error.
    pub fn finish(self) -> io::Result<()> {
        self.rows.finish()?;
        atomic::put(self.file, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.save` of `array([[1, 2], [3, -0.5]], float32)` writes, but for one comma in the shape.
    fn numpy_like_bytes() -> Vec<u8> {
        let dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, ), }";
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{dict:<117}\n").bytes());
        for x in [1.0_f32, 2.0, 3.0, -0.5] {
            bytes.extend(x.to_le_bytes());
        }
        bytes
    }

    fn points() -> Points {
        Points::new(2, vec![1.0, 2.0, 3.0, -0.5])
    }

    #[test]
    fn the_bytes_are_version_1_float32_in_c_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        save(&path, &points()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), numpy_like_bytes());
        assert_eq!(crate::data::read(&path).unwrap(), points());
    }

    #[test]
    fn a_missing_row_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let mut writer = NpyWriter::create(&path, 2, 2).unwrap();
        writer.push_row(&[1.0, 2.0]).unwrap();
        assert!(writer.finish().is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn rows_of_another_length_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = NpyWriter::create(&dir.path().join("a.npy"), 1, 2).unwrap();
        assert!(writer.push_row(&[1.0]).is_err());
    }
}
