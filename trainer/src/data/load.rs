//! Loading data files, with every defect named by its place.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{DataError, Kind, Source, read_csv, read_idx, read_npy, recording};
use crate::Points;

/// Data for training, and for comparison where a file or the order of time says which.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// At least two different rows.
    pub train: Points,
    /// Of a test file, or the end of a recording.
    pub test: Option<Points>,
    /// What a row is.
    pub kind: Kind,
    /// Pixels in a line of an image.
    pub width: Option<usize>,
}

/// Loads a training set from a file as [`read`] does, or from a folder: the images and labels of MNIST and its
/// kin under their usual names, one pair of such files, or `train` and perhaps `test` as .csv or .npy.
///
/// # Errors
/// The first defect.
pub fn load(path: &Path, source: &Source) -> Result<Loaded, DataError> {
    let (train_path, test_path) = if path.is_dir() { in_folder(path)? } else { (path.to_owned(), None) };
    let Rows { points: mut train, width } = rows(&train_path, source)?;
    let mut test = test_path.map(|path| Ok((rows(&path, source)?.points, path))).transpose()?;
    if let Some(length) = source.window {
        let stride = source.stride.unwrap_or(length);
        let cut = |path: &Path, rows: &Points| recording::windows(path, rows, length, stride);
        let (early, late) = match test.take() {
            Some((test, path)) => (train, (test, path)),
            // By time: windows that overlap, or follow each other, are no fresh data.
            None => {
                let held = (train.len() as f64 * f64::from(source.hold_out)) as usize;
                let first = train.len() - held;
                let all: Vec<usize> = (0..train.len()).collect();
                (train.take(first), (train.pick(&all[first..]), train_path.clone()))
            }
        };
        train = cut(&train_path, &early)?;
        test = Some((cut(&late.1, &late.0)?, late.1));
    }
    if let Some((test, path)) = test.as_ref().filter(|(test, _)| test.dim() != train.dim()) {
        return Err(DataError::OtherTest { path: path.clone(), test: test.dim(), train: train.dim() });
    }
    if train.len() < 2 {
        return Err(DataError::TooFewRows { path: train_path, rows: train.len() });
    }
    if train.rows().all(|row| row == train.row(0)) {
        return Err(DataError::Constant { path: train_path });
    }
    let kind = source.kind.unwrap_or(match (width, source.window) {
        (Some(_), _) => Kind::Images,
        (None, Some(_)) => Kind::Windows,
        (None, None) => Kind::Points,
    });
    let width = match (kind, width) {
        (Kind::Images, None) => Some(side(&train_path, train.dim())?),
        (_, width) => width,
    };
    Ok(Loaded { train, test: test.map(|(points, _)| points), kind, width })
}

/// Reads finite numbers from a file, shape `(n, d)`, n ≥ 1.
///
/// - `.csv`: comma separated; a first row without any number is taken for column names, and a column called
///   `label` for classes.
/// - `.npy`: floats of 4 or 8 bytes, integers and booleans of either byte order, C or Fortran order;
///   one axis gives `(n, 1)`, more than two are flattened to `(n, rest)`. All become `f32`. A file
///   `NAME-labels.npy` beside `NAME.npy` has the classes.
/// - IDX (`-ubyte`, `.idx`, or `.gz` of it): unsigned bytes, the classes in the file with `labels` for
///   `images` in its name.
///
/// # Errors
/// The first defect.
pub fn read(path: &Path) -> Result<Points, DataError> {
    rows(path, &Source::default()).map(|rows| rows.points)
}

struct Rows {
    points: Points,
    width: Option<usize>,
}

/// The rows of a file with their labels.
fn rows(path: &Path, source: &Source) -> Result<Rows, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mut rows = match extension.as_str() {
        "csv" => Rows { points: read_csv::read(path, source.label_column.as_deref())?, width: None },
        "npy" => Rows { points: read_npy::read(path)?, width: None },
        _ if is_idx(path) => {
            let (points, width) = read_idx::images(path)?;
            Rows { points, width: Some(width) }
        }
        _ => return Err(DataError::UnknownExtension { path: path.to_owned(), extension }),
    };
    // Those that are named belong to the training data, not to a test file.
    let beside = || labels_beside(path).filter(|path| path.is_file());
    if let Some(labels_path) = source.labels.clone().filter(|_| !is_test(path)).or_else(beside) {
        let labels = labels(&labels_path)?;
        if labels.len() != rows.points.len() {
            let (path, rows) = (path.to_owned(), rows.points.len());
            return Err(DataError::LabelCount { path, rows, labels_path, labels: labels.len() });
        }
        rows.points = rows.points.with_labels(labels);
    }
    Ok(rows)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_test(path: &Path) -> bool {
    ["t10k", "test"].iter().any(|start| file_name(path).starts_with(start))
}

fn is_idx(path: &Path) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with("ubyte") || name.ends_with(".idx")
}

/// Where the labels of a file without a label column are, by its name.
fn labels_beside(path: &Path) -> Option<PathBuf> {
    let name = file_name(path);
    if let Some(stem) = name.strip_suffix(".npy") {
        return Some(path.with_file_name(format!("{stem}-labels.npy")));
    }
    if !is_idx(path) || !name.contains("images") {
        return None;
    }
    let name = name.replace("images", "labels").replace("idx3", "idx1");
    let plain = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
    [format!("{plain}.gz"), plain]
        .map(|name| path.with_file_name(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// Classes: an IDX file, or a single column.
fn labels(path: &Path) -> Result<Vec<u16>, DataError> {
    if is_idx(path) {
        return read_idx::labels(path);
    }
    let column = rows(path, &Source::default())?.points;
    if !column.labels().is_empty() {
        return Ok(column.labels().to_vec());
    }
    column.values().iter().enumerate().map(|(i, &value)| label(path, i as u64 + 1, value)).collect()
}

/// A class, of a row.
pub(super) fn label(path: &Path, row: u64, value: f32) -> Result<u16, DataError> {
    if (0.0..=255.0).contains(&value) && value.fract() == 0.0 {
        return Ok(value as u16);
    }
    Err(DataError::BadLabel { path: path.to_owned(), row, value: value.to_string() })
}

/// The training file of a folder, and its test file.
fn in_folder(folder: &Path) -> Result<(PathBuf, Option<PathBuf>), DataError> {
    let entries = fs::read_dir(folder).map_err(|e| io_error(folder, e))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let images: Vec<&PathBuf> =
        files.iter().filter(|path| is_idx(path) && file_name(path).contains("images")).collect();
    let tables: Vec<&PathBuf> = files
        .iter()
        .filter(|path| ["train.csv", "test.csv", "train.npy", "test.npy"].contains(&&*file_name(path)))
        .collect();
    let candidates = if images.is_empty() { tables } else { images };
    let test = candidates.iter().find(|path| is_test(path));
    let train = candidates.iter().find(|path| file_name(path).starts_with("train"));
    match (train.or(candidates.iter().find(|path| !is_test(path))), test) {
        (Some(train), test) => Ok((train.to_path_buf(), test.map(|path| path.to_path_buf()))),
        (None, _) => Err(DataError::EmptyFolder { path: folder.to_owned() }),
    }
}

/// Lines of a square image.
fn side(path: &Path, dim: usize) -> Result<usize, DataError> {
    let side = dim.isqrt();
    if side * side == dim { Ok(side) } else { Err(DataError::NoSquare { path: path.to_owned(), dim }) }
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

#[cfg(test)]
mod tests {
    use super::super::read_idx::tests::idx;
    use super::*;

    fn load_default(path: &Path) -> Result<Loaded, DataError> {
        load(path, &Source::default())
    }

    /// Loads a folder with these files.
    fn folder(files: &[(&str, Vec<u8>)], source: &Source) -> Result<Loaded, DataError> {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        load(dir.path(), source)
    }

    fn load_csv(text: &str) -> Result<Points, DataError> {
        folder(&[("train.csv", text.into())], &Source::default()).map(|loaded| loaded.train)
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load_default(Path::new("no/such.csv")).unwrap_err();
        assert!(matches!(error, DataError::Missing { .. }));
        assert!(error.to_string().starts_with("no/such.csv: no such file"));
        for name in ["no/such.npy", "no/such-ubyte", "no/such.idx.gz"] {
            assert!(matches!(load_default(Path::new(name)), Err(DataError::Missing { .. })), "{name}");
        }
    }

    #[test]
    fn an_unknown_extension_is_named() {
        let error = load_default(Path::new("a.xls")).unwrap_err();
        assert!(matches!(&error, DataError::UnknownExtension { extension, .. } if extension == "xls"));
    }

    #[test]
    fn a_folder_where_a_file_should_be_is_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.csv", "a.npy"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            assert!(matches!(read(&path), Err(DataError::Unreadable { .. })), "{name}");
        }
        assert!(matches!(load_default(dir.path()), Err(DataError::EmptyFolder { .. })));
    }

    #[test]
    fn constant_columns_are_allowed_but_not_all_of_them() {
        assert_eq!(load_csv("1,7.5\n2,7.5\n").unwrap().values(), [1.0, 7.5, 2.0, 7.5]);
        let error = load_csv("1,7.5\n1,7.5\n").unwrap_err();
        assert!(error.to_string().contains("every row is the same"), "{error}");
    }

    #[test]
    fn one_row_is_too_few() {
        assert!(matches!(load_csv("1,2\n"), Err(DataError::TooFewRows { rows: 1, .. })));
    }

    #[test]
    fn the_usual_four_files_are_train_and_test() {
        let files = [
            ("train-images-idx3-ubyte", idx(&[2, 2, 1], &[1, 2, 3, 4])),
            ("train-labels-idx1-ubyte", idx(&[2], &[0, 9])),
            ("t10k-images-idx3-ubyte", idx(&[1, 2, 1], &[5, 6])),
            ("t10k-labels-idx1-ubyte", idx(&[1], &[3])),
        ];
        let loaded = folder(&files, &Source::default()).unwrap();
        assert_eq!(loaded.train, Points::new(2, vec![1.0, 2.0, 3.0, 4.0]).with_labels(vec![0, 9]));
        assert_eq!(loaded.test, Some(Points::new(2, vec![5.0, 6.0]).with_labels(vec![3])));
        assert_eq!((loaded.kind, loaded.width), (Kind::Images, Some(1)));
        let pair = folder(&files[..2], &Source::default()).unwrap();
        assert_eq!((pair.train, pair.test), (loaded.train, None));
        let alone = folder(&files[2..3], &Source::default());
        assert!(matches!(alone, Err(DataError::EmptyFolder { .. })), "{alone:?}");
    }

    #[test]
    fn as_many_labels_as_images() {
        let files = [
            ("a-images-idx3-ubyte", idx(&[2, 1, 1], &[1, 2])),
            ("a-labels-idx1-ubyte", idx(&[3], &[0, 1, 2])),
        ];
        let error = folder(&files, &Source::default()).unwrap_err();
        assert!(matches!(error, DataError::LabelCount { rows: 2, labels: 3, .. }), "{error}");
    }

    #[test]
    fn npy_and_csv_labels_are_read_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (data, beside, named) =
            (dir.path().join("a.npy"), dir.path().join("a-labels.npy"), dir.path().join("b.csv"));
        crate::npy::save(&data, &Points::new(2, vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        assert!(load_default(&data).unwrap().train.labels().is_empty());
        crate::npy::save(&beside, &Points::new(1, vec![1.0, 0.0])).unwrap();
        assert_eq!(load_default(&data).unwrap().train.labels(), [1, 0]);
        fs::write(&named, "5\n6\n").unwrap();
        let source = Source { labels: Some(named.clone()), ..Source::default() };
        assert_eq!(load(&data, &source).unwrap().train.labels(), [5, 6]);
        fs::write(&named, "5\n6.5\n").unwrap();
        let error = load(&data, &source).unwrap_err();
        assert!(matches!(&error, DataError::BadLabel { row: 2, value, .. } if value == "6.5"), "{error}");
    }

    #[test]
    fn tables_named_train_and_test_are_a_set() {
        let files =
            [("train.csv", b"label,x\n1,2\n0,3\n".to_vec()), ("test.csv", b"label,x\n1,4\n".to_vec())];
        let loaded = folder(&files, &Source::default()).unwrap();
        assert_eq!(loaded.test.unwrap(), Points::new(1, vec![4.0]).with_labels(vec![1]));
        let other = [files[0].clone(), ("test.csv", b"1,2\n".to_vec())];
        let error = folder(&other, &Source::default()).unwrap_err();
        assert!(matches!(error, DataError::OtherTest { test: 2, train: 1, .. }), "{error}");
        let images = Source { kind: Some(Kind::Images), ..Source::default() };
        let wide = [("train.csv", b"1,2\n3,4\n".to_vec())];
        assert!(matches!(folder(&wide, &images), Err(DataError::NoSquare { dim: 2, .. })));
    }

    /// The last fifth of the time is held back, and no window reaches from one part into the other.
    #[test]
    fn a_recording_is_split_by_time() {
        let text: String = (0..20).map(|i| format!("{i}\n")).collect();
        let source = Source { window: Some(4), stride: Some(2), ..Source::default() };
        let loaded = folder(&[("train.csv", text.clone().into())], &source).unwrap();
        assert_eq!((loaded.train.len(), loaded.kind), (7, Kind::Windows));
        assert_eq!(loaded.train.rows().last().unwrap(), [12.0, 13.0, 14.0, 15.0]);
        assert_eq!(loaded.test.unwrap().values(), [16.0, 17.0, 18.0, 19.0]);
        let long = Source { window: Some(5), ..source };
        let error = folder(&[("train.csv", text.into())], &long).unwrap_err();
        assert!(matches!(error, DataError::ShortRecording { rows: 4, length: 5, .. }), "{error}");
    }
}
