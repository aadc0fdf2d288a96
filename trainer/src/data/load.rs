//! Loading data files, with every defect named by its place.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::read_csv::Labels;
use super::table::{Class, Table, listed};
use super::text::short;
use super::{DataError, Kind, Source, read_csv, read_idx, read_npy, recording};
use crate::Points;

/// Data for training, and for comparison where a file or the order of time says which.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// At least two different rows, with the classes 0…k−1 if there are any.
    pub train: Points,
    /// Of a test file, or the end of a recording.
    pub test: Option<Points>,
    /// What a row is.
    pub kind: Kind,
    /// Pixels in a line of an image.
    pub width: Option<usize>,
    /// The names of the columns, of the recordings of windows; none without a header.
    pub names: Vec<String>,
    /// What the file calls the classes.
    pub class_names: Vec<String>,
    /// What a user should know about how the files were read.
    pub notes: Vec<String>,
}

/// Loads a training set from a file as [`read`] does, or from a folder: the images and labels of MNIST and its
/// kin under their usual names, one pair of such files, or `train` and perhaps `test` as .csv or .npy.
///
/// The classes are those of the training part, numbered from 0 in the order of their values.
///
/// # Errors
/// The first defect.
pub fn load(path: &Path, source: &Source) -> Result<Loaded, DataError> {
    let (train_path, test_path) = if path.is_dir() { in_folder(path)? } else { (path.to_owned(), None) };
    let Rows { table: mut first, width } = rows(&train_path, source)?;
    let second = test_path.map(|path| rows(&path, source)).transpose()?.map(|rows| rows.table);
    let (mut notes, axes) = (std::mem::take(&mut first.notes), first.axes.clone());
    if source.window.is_some() {
        first = recording::without_time(first, &mut notes);
    }
    let second = second.map(|table| match source.window {
        Some(_) => recording::without_time(table, &mut notes),
        None => table,
    });
    let names = first.names();
    let second = second.map(|table| table.in_order_of(&names));
    notes.extend(second.iter().flat_map(|table| table.notes.iter().map(|text| format!("test: {text}"))));
    let classes: BTreeSet<Class> =
        first.classes.iter().chain(second.iter().flat_map(|table| &table.classes)).cloned().collect();
    if classes.len() > 256 {
        return Err(DataError::TooManyClasses { path: train_path, classes: classes.len() });
    }
    let classes = Vec::from_iter(classes);
    let mut train = labelled(first, &classes)?;
    let mut test = second.map(|table| Ok((table.path.clone(), labelled(table, &classes)?))).transpose()?;
    if let Some(length) = source.window {
        recording::refuse_other_units(&train_path, &train, &names)?;
        let stride = source.stride.unwrap_or(length);
        let cut = |path: &Path, rows: &Points| recording::windows(path, rows, length, stride);
        let (early, late) = match test.take() {
            Some((path, test)) => (train, (path, test)),
            // By time: windows that overlap, or follow each other, are no fresh data.
            None => {
                let held = (train.len() as f64 * f64::from(source.hold_out)) as usize;
                let first = train.len() - held;
                let all: Vec<usize> = (0..train.len()).collect();
                (train.take(first), (train_path.clone(), train.pick(&all[first..])))
            }
        };
        train = cut(&train_path, &early)?;
        test = Some((late.0.clone(), cut(&late.0, &late.1)?));
    }
    if let Some((path, test)) = test.as_ref().filter(|(_, test)| test.dim() != train.dim()) {
        return Err(DataError::OtherTest { path: path.clone(), test: test.dim(), train: train.dim() });
    }
    if train.len() < 2 {
        return Err(DataError::TooFewRows { path: train_path, rows: train.len() });
    }
    if train.rows().all(|row| row == train.row(0)) {
        return Err(DataError::Constant { path: train_path });
    }
    let present: Vec<u16> = BTreeSet::from_iter(train.labels().iter().copied()).into_iter().collect();
    let class_names: Vec<String> =
        present.iter().map(|&class| classes[usize::from(class)].to_string()).collect();
    train = only(&train, &present);
    if let Some((path, test)) = &mut test {
        let of_others = only(test, &present);
        if of_others.len() < test.len() {
            let (left, name) = (test.len() - of_others.len(), path.display());
            notes.push(format!("{name}: {left} test rows of classes that are not trained on are left out"));
        }
        if of_others.is_empty() {
            return Err(DataError::OtherClasses { path: path.clone(), classes: listed(&class_names) });
        }
        *test = of_others;
    }
    let kind = source.kind.unwrap_or(match (width, source.window) {
        (Some(_), _) => Kind::Images,
        (None, Some(_)) => Kind::Windows,
        (None, None) => Kind::Points,
    });
    let width = match (kind, width, source.window) {
        (Kind::Images, None, None) => Some(width_of_axes(&train_path, &axes, train.dim())?),
        (Kind::Images, None, Some(_)) => Some(side(&train_path, train.dim())?),
        (_, width, _) => width,
    };
    let test = test.map(|(_, points)| points);
    Ok(Loaded { train, test, kind, width, names, class_names, notes })
}

/// Reads finite numbers from a file, shape `(n, d)`, n ≥ 1.
///
/// - `.csv`: separated by commas, semicolons or tabs, with decimal points, or commas where those separate nothing; a
///   first row without any number is taken for column names, and a column called `label` for classes. A first
///   column without a name that only numbers the rows is left out.
/// - `.npy`: floats of 2, 4 or 8 bytes, integers and booleans of either byte order, C or Fortran order;
///   one axis gives `(n, 1)`, more than two are flattened to `(n, rest)`. All become `f32`. A file
///   `NAME-labels.npy` beside `NAME.npy` has the classes.
/// - IDX (`-ubyte`, `.idx`, or `.gz` of it): unsigned bytes, the classes in the file with `labels` for
///   `images` in its name.
///
/// Classes that are whole numbers of 0…255 keep their numbers, others are numbered in their order.
///
/// # Errors
/// The first defect.
pub fn read(path: &Path) -> Result<Points, DataError> {
    let table = read_table(path)?;
    let small = |class: &Class| matches!(class, Class::Number(0..=255));
    let classes: Vec<Class> = if table.classes.iter().all(small) {
        (0..256).map(Class::Number).collect()
    } else {
        BTreeSet::from_iter(table.classes.iter().cloned()).into_iter().collect()
    };
    labelled(table, &classes)
}

/// The same as it stands in the file, with names and gaps.
///
/// # Errors
/// When it cannot be read.
pub fn read_table(path: &Path) -> Result<Table, DataError> {
    rows(path, &Source::default()).map(|rows| rows.table)
}

struct Rows {
    table: Table,
    width: Option<usize>,
}

/// The rows of a file with their classes.
fn rows(path: &Path, source: &Source) -> Result<Rows, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let column = source.label_column.as_deref().map_or(Labels::Usual, Labels::Column);
    let mut rows = match extension.as_str() {
        "csv" => Rows { table: read_csv::read(path, column)?, width: None },
        "npy" => Rows { table: read_npy::read(path)?, width: None },
        _ if is_idx(path) => {
            let (table, width) = read_idx::images(path)?;
            Rows { table, width: Some(width) }
        }
        // A link that leads nowhere may have any name.
        _ if path.extension().is_none() => {
            return Err(open(path).err().unwrap_or_else(|| unknown(path, extension)));
        }
        _ => return Err(unknown(path, extension)),
    };
    // Those that are named belong to the training data, not to a test file.
    let beside = || labels_beside(path).filter(|path| path.is_file());
    if let Some(labels_path) = source.labels.clone().filter(|_| !is_test(path)).or_else(beside) {
        let labels = labels(&labels_path)?;
        if labels.len() != rows.table.len() {
            let (path, rows) = (path.to_owned(), rows.table.len());
            return Err(DataError::LabelCount { path, rows, labels_path, labels: labels.len() });
        }
        rows.table.classes = labels;
    }
    Ok(rows)
}

fn unknown(path: &Path, extension: String) -> DataError {
    DataError::UnknownExtension { path: path.to_owned(), extension: short(&extension) }
}

/// The rows of a table without gaps, each with the number of its class among these.
fn labelled(mut table: Table, classes: &[Class]) -> Result<Points, DataError> {
    let number = |class: &Class| classes.binary_search(class).unwrap_or(0) as u16;
    let labels: Vec<u16> = std::mem::take(&mut table.classes).iter().map(number).collect();
    Ok(table.complete()?.with_labels(labels))
}

/// The points of the classes that are present, numbered anew in their order.
fn only(points: &Points, present: &[u16]) -> Points {
    if points.labels().is_empty() || present.is_empty() {
        return points.clone();
    }
    let number = |i: &usize| present.binary_search(&points.labels()[*i]).ok();
    let rows: Vec<usize> = (0..points.len()).filter(|i| number(i).is_some()).collect();
    let labels = rows.iter().filter_map(number).map(|class| class as u16).collect();
    points.pick(&rows).with_labels(labels)
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
fn labels(path: &Path) -> Result<Vec<Class>, DataError> {
    if is_idx(path) {
        return read_idx::labels(path);
    }
    let is_text = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let table = if is_text { read_csv::read(path, Labels::Only)? } else { read_table(path)? };
    if !table.classes.is_empty() {
        return Ok(table.classes);
    }
    let (path, columns) = (path.to_owned(), table.dim());
    if columns != 1 {
        let one_hot =
            |row: &[f32]| row.iter().all(|&x| x == 0.0 || x == 1.0) && row.iter().sum::<f32>() == 1.0;
        return Err(match table.values.chunks_exact(columns.max(1)).all(one_hot) {
            true => DataError::OneHot { path, classes: columns },
            false => DataError::LabelColumns { path, columns },
        });
    }
    let class = |(i, &value): (usize, &f32)| {
        let bad = || DataError::BadLabel { path: path.clone(), row: i as u64 + 1, value: value.to_string() };
        Class::of_number(value.into()).ok_or_else(bad)
    };
    table.values.iter().enumerate().map(class).collect()
}

/// The training file of a folder, and its test file.
fn in_folder(folder: &Path) -> Result<(PathBuf, Option<PathBuf>), DataError> {
    let entries = fs::read_dir(folder).map_err(|e| unreadable(folder, e))?;
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

/// Pixels in a line of images of these axes.
fn width_of_axes(path: &Path, axes: &[usize], dim: usize) -> Result<usize, DataError> {
    match *axes {
        [_, width] | [_, width, 1] | [1, _, width] => Ok(width),
        [_, _, _, ..] => {
            let (what, remedy) =
                (format!("images of axes {axes:?}"), "save one channel, of axes (n, height, width)");
            Err(DataError::Unsupported { path: path.to_owned(), what, remedy: remedy.into() })
        }
        _ => side(path, dim),
    }
}

/// Lines of a square image.
fn side(path: &Path, dim: usize) -> Result<usize, DataError> {
    let side = dim.isqrt();
    if side * side == dim { Ok(side) } else { Err(DataError::NoSquare { path: path.to_owned(), dim }) }
}

/// Opens a regular file; with its length. Others may never end, or never begin.
pub(super) fn open(path: &Path) -> Result<(File, u64), DataError> {
    let about = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if !about.is_file() {
        let what = if about.is_dir() { "a folder" } else { "a pipe or device" };
        return Err(DataError::NotAFile { path: path.to_owned(), what });
    }
    Ok((File::open(path).map_err(|e| unreadable(path, e))?, about.len()))
}

/// The error for a file that the system refuses to open or read.
pub(super) fn unreadable(path: &Path, cause: io::Error) -> DataError {
    let path = path.to_owned();
    match cause.kind() {
        ErrorKind::NotFound => DataError::Missing { path },
        _ => DataError::Unreadable { path, cause },
    }
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
    fn a_folder_where_a_file_should_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.csv", "a.npy"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            assert!(matches!(read(&path), Err(DataError::NotAFile { what: "a folder", .. })), "{name}");
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
            ("t10k-labels-idx1-ubyte", idx(&[1], &[9])),
        ];
        let loaded = folder(&files, &Source::default()).unwrap();
        assert_eq!(loaded.train, Points::new(2, vec![1.0, 2.0, 3.0, 4.0]).with_labels(vec![0, 1]));
        assert_eq!(loaded.class_names, ["0", "9"]);
        assert_eq!(loaded.test, Some(Points::new(2, vec![5.0, 6.0]).with_labels(vec![1])));
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
        let source = Source { labels: Some(named.clone()), ..Source::default() };
        for (text, names) in
            [("5\n6\n", ["5", "6"]), ("label\n-1\n1\n", ["-1", "1"]), ("class\ndog\ncat\n", ["cat", "dog"])]
        {
            fs::write(&named, text).unwrap();
            let loaded = load(&data, &source).unwrap();
            assert_eq!(loaded.class_names, names, "{text}");
            assert_eq!(loaded.train.labels(), if names[0] == "cat" { [1, 0] } else { [0, 1] });
        }
        for (text, part) in [("1,0\n0,1\n", "numpy.argmax"), ("1,5\n0,1\n", "2 columns, but one")] {
            fs::write(&named, text).unwrap();
            let message = load(&data, &source).unwrap_err().to_string();
            assert!(message.starts_with(&named.display().to_string()) && message.contains(part), "{message}");
        }
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
        let swapped = [("train.csv", b"a,b\n1,2\n0,3\n".to_vec()), ("test.csv", b"b,a\n5,4\n".to_vec())];
        let loaded = folder(&swapped, &Source::default()).unwrap();
        assert_eq!(loaded.test.unwrap().values(), [4.0, 5.0]);
        assert_eq!(loaded.notes, ["test: the columns are taken by name: a, b"]);
        let other = [files[0].clone(), ("test.csv", b"1,2\n".to_vec())];
        let error = folder(&other, &Source::default()).unwrap_err();
        assert!(matches!(error, DataError::OtherTest { test: 2, train: 1, .. }), "{error}");
        let more = |text: &str| folder(&[files[0].clone(), ("test.csv", text.into())], &Source::default());
        let loaded = more("label,x\n1,4\n5,4\n").unwrap();
        assert_eq!(loaded.test.unwrap(), Points::new(1, vec![4.0]).with_labels(vec![1]));
        assert!(loaded.notes[0].contains("1 test rows of classes"), "{:?}", loaded.notes);
        assert!(matches!(more("label,x\n5,4\n"), Err(DataError::OtherClasses { .. })));
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

    /// Gaps in the numbers, negative numbers and words: 0…k−1, with their names.
    #[test]
    fn classes_are_those_that_are_present() {
        for (cells, names, labels) in [
            (["1", "2", "26"], ["1", "2", "26"], [0, 1, 2]),
            (["-1", "10", "9"], ["-1", "9", "10"], [0, 2, 1]),
            (["dog", "cat", "cow"], ["cat", "cow", "dog"], [2, 0, 1]),
        ] {
            let rows: String = cells.iter().zip(0..).map(|(cell, i)| format!("{i},{cell}\n")).collect();
            let loaded =
                folder(&[("train.csv", format!("x,label\n{rows}").into())], &Source::default()).unwrap();
            assert_eq!(loaded.class_names, names);
            assert_eq!(loaded.train.labels(), labels);
            assert_eq!(loaded.names, ["x"]);
        }
        let many: String = (0..300).map(|i| format!("{i},{i}\n")).collect();
        let error =
            folder(&[("train.csv", format!("x,label\n{many}").into())], &Source::default()).unwrap_err();
        assert!(matches!(error, DataError::TooManyClasses { classes: 300, .. }), "{error}");
    }

    #[test]
    fn an_npy_file_of_images_knows_their_width() {
        let images = Source { kind: Some(Kind::Images), ..Source::default() };
        let file = |shape: &str| {
            let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((header.len() as u16).to_le_bytes());
            bytes.extend(header.bytes().chain(0..24));
            folder(&[("train.npy", bytes)], &images)
        };
        for (shape, width) in [("(4, 2, 3)", 3), ("(4, 3, 2, 1)", 2), ("(4, 1, 3, 2)", 2), ("(6, 4)", 2)] {
            assert_eq!(file(shape).unwrap().width, Some(width), "{shape}");
        }
        let message = file("(2, 2, 2, 3)").unwrap_err().to_string();
        assert!(
            message.contains("images of axes [2, 2, 3] are not supported; save one channel"),
            "{message}"
        );
    }

    /// What would never begin, never end, or fill the memory.
    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["zero.csv", "zero.npy", "zero-ubyte"] {
            symlink("/dev/zero", path(name)).unwrap();
            let error = load_default(&path(name)).unwrap_err().to_string();
            assert!(error.contains("is a pipe or device, not a regular file"), "{error}");
        }
        symlink(path("loop.csv"), path("loop.csv")).unwrap();
        let error = load_default(&path("loop.csv")).unwrap_err();
        assert!(matches!(error, DataError::Unreadable { .. }), "{error}");
        let message = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(message.matches("os error").count(), 1, "{message}");
        fs::File::create(path("long.csv")).unwrap().set_len(5 << 30).unwrap();
        let error = load_default(&path("long.csv")).unwrap_err().to_string();
        assert!(error.contains("has 5368709120 bytes of text, but at most 4294967296"), "{error}");
    }

    #[test]
    fn recordings_of_different_units_are_refused_and_times_left_out() {
        let source = Source { window: Some(4), ..Source::default() };
        let rows = |row: fn(usize) -> String| (0..40).map(row).collect::<String>();
        let wave = |i: usize| ((i * 7) % 10) as f32;
        let load = |text: String| folder(&[("train.csv", text.into())], &source);
        let weather =
            rows(|i| format!("{},{}\n", 20.0 + ((i * 7) % 10) as f32, 101_325.0 + ((i * 3) % 10) as f32));
        let error = load(format!("temp_C,pressure_Pa\n{weather}")).unwrap_err();
        assert!(matches!(error, DataError::OtherUnits { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("temp_C 24.5 ± 2.87") && message.contains("pressure_Pa 101330"),
            "{message}"
        );
        let timed = rows(|i| format!("{},{}\n", 100.5 + 0.1 * i as f32, ((i * 7) % 10) as f32));
        let loaded = load(format!("time,signal\n{timed}")).unwrap();
        assert_eq!(loaded.names, ["signal"]);
        assert!(loaded.notes[0].contains("column `time`"), "{:?}", loaded.notes);
        assert_eq!(loaded.train.row(0), [wave(0), wave(1), wave(2), wave(3)]);
    }
}
