//! Rows for people and programs: `.csv` with the names of the columns, or `.npy`, by the name of the file.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::config::UsageError;
use crate::npy::NpyWriter;
use crate::{Points, atomic};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Numbers as text, below the names of their columns.
    Csv,
    /// float32 of shape `(n, d)`.
    Npy,
}

/// The format that the name of a file asks for.
///
/// # Errors
/// When it is neither `.csv` nor `.npy`.
pub fn format(path: &Path) -> Result<Format, UsageError> {
    match path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "npy" => Ok(Format::Npy),
        _ => Err(UsageError(format!(
            "out is {}, but must be a .csv or .npy file: give its name one",
            path.display()
        ))),
    }
}

/// Writes rows one by one, holding none of them.
///
/// Nothing appears at the path before [`finish`](Self::finish); dropped earlier, no file remains.
pub enum RowWriter {
    /// As text.
    Csv(Box<CsvWriter>),
    /// As NumPy has it.
    Npy(NpyWriter),
}

impl RowWriter {
    /// Starts a file of exactly `rows` rows of `dim` values; `names` are those of the columns, if there are any.
    ///
    /// # Errors
    /// When the folder cannot be written, or the name of the file tells no format.
    pub fn create(path: &Path, rows: usize, dim: usize, names: &[String]) -> io::Result<Self> {
        match format(path).map_err(io::Error::other)? {
            Format::Csv => Ok(Self::Csv(Box::new(CsvWriter::create(path, rows, dim, names)?))),
            Format::Npy => NpyWriter::create(path, rows, dim).map(Self::Npy),
        }
    }

    /// Appends one row of shape `(dim,)`.
    ///
    /// # Errors
    /// A row of another length, or a full disk.
    pub fn push_row(&mut self, row: &[f32]) -> io::Result<()> {
        match self {
            Self::Csv(file) => file.push_row(row),
            Self::Npy(file) => file.push_row(row),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Too few or too many rows, or a full disk.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(file) => file.finish(),
            Self::Npy(file) => file.finish(),
        }
    }
}

/// Writes a `.csv` file row by row; numbers so that the same `f32` is read again.
pub struct CsvWriter {
    path: PathBuf,
    file: NamedTempFile,
    out: csv::Writer<BufWriter<File>>,
    dim: usize,
    missing: usize,
}

impl CsvWriter {
    /// Starts a file of exactly `rows` rows below the `dim` names, or x0, x1, … where there are other or none.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &Path, rows: usize, dim: usize, names: &[String]) -> io::Result<Self> {
        let file = atomic::beside(path)?;
        let mut out = csv::Writer::from_writer(BufWriter::new(file.as_file().try_clone()?));
        let numbered: Vec<String> = (0..dim).map(|i| format!("x{i}")).collect();
        out.write_record(if names.len() == dim { names } else { &numbered })?;
        Ok(Self { path: path.to_owned(), file, out, dim, missing: rows })
    }

    /// Appends one row of shape `(dim,)`; a row of another length, or one too many, is an error.
    ///
    /// # Errors
    /// Those, or a full disk.
    pub fn push_row(&mut self, row: &[f32]) -> io::Result<()> {
        if row.len() != self.dim || self.missing == 0 {
            let message = format!("a row of {} values in a file of {}", row.len(), self.dim);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.missing -= 1;
        Ok(self.out.write_record(row.iter().map(|&x| number(x)))?)
    }

    /// Puts the file in its place; too few rows are an error.
    ///
    /// # Errors
    /// Those, or a full disk.
    pub fn finish(mut self) -> io::Result<()> {
        if self.missing > 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} rows are missing", self.missing),
            ));
        }
        self.out.flush()?;
        atomic::put(self.file, &self.path)
    }
}

/// The shortest text that is read as the same number.
fn number(x: f32) -> String {
    if x == 0.0 || (1e-4..1e15).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// Writes all `points` to `path`, which must not be there before.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, points: &Points, names: &[String]) -> io::Result<()> {
    save_all(&[(path, points)], names)
}

/// Writes several files of the same columns: all are whole before the first is in its place.
///
/// # Errors
/// When one cannot be written.
pub fn save_all(files: &[(&Path, &Points)], names: &[String]) -> io::Result<()> {
    let written = |(path, points): &(&Path, &Points)| {
        let mut writer = RowWriter::create(path, points.len(), points.dim(), names)?;
        points.rows().try_for_each(|row| writer.push_row(row)).map(|()| writer)
    };
    let writers = files.iter().map(written).collect::<io::Result<Vec<_>>>()?;
    writers.into_iter().try_for_each(RowWriter::finish)
}

/// The file in a run folder that holds the names of the data's columns, as a header line.
const COLUMNS: &str = "columns.csv";

/// Keeps the names of the columns in a run folder; none need no file.
///
/// # Errors
/// When it cannot be written.
pub fn keep_names(folder: &Path, names: &[String]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(names)?;
    let bytes = out.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    atomic::write_atomic(&folder.join(COLUMNS), &bytes)
}

/// The names of the columns that a model's samples have, if its run folder knows them.
pub fn names_beside(model: &Path) -> Vec<String> {
    let reader = csv::ReaderBuilder::new().has_headers(false).from_path(model.with_file_name(COLUMNS));
    let first = reader.ok().and_then(|reader| reader.into_records().next()?.ok());
    first.map(|record| record.iter().map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_with_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let points = Points::new(2, vec![1.0, -2.5e-13, 0.1, 6e20, 0.0, f32::MIN_POSITIVE]);
        for file in ["a.csv", "a.npy"] {
            let path = dir.path().join(file);
            save(&path, &points, &["temp, °C".into(), "p\"1\"".into()]).unwrap();
            let table = crate::data::read_table(&path).unwrap();
            let expected: &[&str] = if file == "a.csv" { &["temp, °C", "p\"1\""] } else { &[] };
            assert_eq!(table.names(), expected);
            assert_eq!(table.complete().unwrap(), points, "{file}");
        }
        save(&dir.path().join("b.csv"), &points, &[]).unwrap();
        let text = std::fs::read_to_string(dir.path().join("b.csv")).unwrap();
        assert_eq!(text.lines().take(2).collect::<Vec<_>>(), ["x0,x1", "1,-2.5e-13"]);
    }

    #[test]
    fn another_extension_and_another_number_of_rows_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a", "a.txt", "a.csv.bak"] {
            let error = format(Path::new(name)).unwrap_err().to_string();
            assert!(error.contains("must be a .csv or .npy file"), "{error}");
        }
        assert_eq!(format(Path::new("A.CSV")), Ok(Format::Csv));
        let mut writer = RowWriter::create(&dir.path().join("a.csv"), 1, 2, &[]).unwrap();
        assert!(writer.push_row(&[1.0]).is_err());
        assert!(RowWriter::create(&dir.path().join("a.csv"), 1, 2, &[]).unwrap().finish().is_err());
        writer.push_row(&[1.0, 2.0]).unwrap();
        assert!(writer.push_row(&[1.0, 2.0]).is_err());
        drop(writer);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_run_folder_keeps_the_names() {
        let dir = tempfile::tempdir().unwrap();
        let (names, model) = (["a,b".to_owned(), "c".into()], dir.path().join("model.postcard"));
        assert!(names_beside(&model).is_empty());
        keep_names(dir.path(), &names).unwrap();
        assert_eq!(names_beside(&model), names);
    }
}
