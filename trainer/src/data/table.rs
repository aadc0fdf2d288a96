//! The rows of a file as they stand in it: with the names of their columns, their classes and their gaps.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::DataError;
use super::text::short;
use crate::Points;

/// Most values of a data set: 1 GiB of `f32`.
pub const MAX_VALUES: usize = 1 << 28;

/// What a file says a row's class is; numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A whole number.
    Number(i64),
    /// A word.
    Word(String),
}

impl Class {
    /// A cell as a class; `None` for gaps and numbers that are not whole.
    pub(super) fn of_cell(cell: &str) -> Option<Self> {
        match cell.parse::<f64>() {
            _ if is_gap(cell) => None,
            Ok(number) => Self::of_number(number),
            Err(_) => Some(Self::Word(cell.to_owned())),
        }
    }

    /// A number as a class, if it is whole.
    pub(super) fn of_number(number: f64) -> Option<Self> {
        (number.fract() == 0.0 && number.abs() < 1e15).then_some(Self::Number(number as i64))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => short(word).fmt(f),
        }
    }
}

/// Where a cell is, from 1, as a message says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of a `.csv` file its line.
    pub row: u64,
    /// As it stands in the file.
    pub column: usize,
    /// Its name, if there is one.
    pub name: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}, column {}", self.row, self.column)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " (`{}`)", short(&self.name)) }
    }
}

/// The first cell of a column that is neither a finite number nor a gap.
#[derive(Clone, Debug)]
pub(super) struct Bad {
    pub(super) row: u64,
    pub(super) text: String,
}

/// A column of a file.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// In the file, from 1.
    pub(super) number: usize,
    /// Empty without a header.
    pub(super) name: String,
    pub(super) bad: Option<Bad>,
}

/// The rows of a file. A gap is NaN.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) path: PathBuf,
    pub(super) columns: Vec<Column>,
    /// Row by row.
    pub(super) values: Vec<f32>,
    pub(super) classes: Vec<Class>,
    /// Where each row is in the file; without, row i is in place i + 1.
    pub(super) lines: Vec<u64>,
    /// Sizes of the axes behind the first, of a file that has such.
    pub(super) axes: Vec<usize>,
    /// What a user should know about how the file was read.
    pub notes: Vec<String>,
}

impl Table {
    /// Numbers without names, some of which may be NaN.
    pub(super) fn unnamed(path: &Path, dim: usize, values: Vec<f32>) -> Self {
        let column = |i| Column { number: i + 1, name: String::new(), bad: None };
        let columns: Vec<Column> = (0..dim).map(column).collect();
        let mut table = Self {
            path: path.to_owned(),
            columns,
            values,
            classes: Vec::new(),
            lines: Vec::new(),
            axes: Vec::new(),
            notes: Vec::new(),
        };
        for j in 0..dim {
            let infinite = table.column(j).position(f32::is_infinite);
            table.columns[j].bad =
                infinite.map(|i| Bad { row: i as u64 + 1, text: table.values[i * dim + j].to_string() });
        }
        table
    }

    /// Columns, d.
    pub fn dim(&self) -> usize {
        self.columns.len()
    }

    /// Rows, n.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dim()).unwrap_or(self.classes.len())
    }

    /// Whether there is no row at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of all columns; none if not each has one.
    pub fn names(&self) -> Vec<String> {
        let named = self.columns.iter().all(|column| !column.name.is_empty());
        self.columns.iter().filter(|_| named).map(|column| column.name.clone()).collect()
    }

    /// The values of column `j` from above.
    pub(super) fn column(&self, j: usize) -> impl Iterator<Item = f32> {
        self.values.iter().skip(j).step_by(self.dim().max(1)).copied()
    }

    /// The number, from 0, of the column of this name or number.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<usize, DataError> {
        let is_it = |column: &Column| column.name == name || column.name.eq_ignore_ascii_case(name);
        let number = || name.parse().ok().filter(|&column: &usize| column < self.dim());
        let found = self.columns.iter().position(is_it).filter(|_| !name.is_empty());
        let missing = || DataError::NoColumn {
            path: self.path.clone(),
            column: short(name),
            names: listed(&self.names()),
            most: self.dim().saturating_sub(1),
        };
        found.or_else(number).ok_or_else(missing)
    }

    /// The table without column `j`.
    pub(super) fn without(mut self, j: usize) -> Self {
        let dim = self.dim();
        let mut i = 0;
        self.values.retain(|_| {
            i += 1;
            (i - 1) % dim != j
        });
        self.columns.remove(j);
        self
    }

    /// Leaves out a first column without a name that only counts the rows.
    pub(super) fn without_index(mut self) -> Self {
        let Some(Column { name, .. }) = self.columns.first().filter(|_| self.dim() > 1) else { return self };
        let unnamed = self.columns.iter().any(|column| !column.name.is_empty())
            && (name.is_empty() || name.starts_with("Unnamed: 0") || name.eq_ignore_ascii_case("index"));
        let counts = |from: usize| self.column(0).enumerate().all(|(i, x)| x == (i + from) as f32);
        if unnamed && (counts(0) || counts(1)) {
            self.notes.push(format!("the first column (`{name}`) only numbers the rows and is left out"));
            return self.without(0);
        }
        self
    }

    /// The columns of these names in their order, if the file has them all; else the table as it is.
    pub fn in_order_of(mut self, names: &[String]) -> Self {
        let find = |name: &String| self.columns.iter().position(|column| column.name == *name);
        let Some(order) = names.iter().map(find).collect::<Option<Vec<usize>>>() else { return self };
        let distinct = order.iter().collect::<BTreeSet<_>>().len() == order.len();
        if order.is_empty() || !distinct || order.iter().copied().eq(0..self.dim()) {
            return self;
        }
        let rows = self.values.chunks_exact(self.dim());
        self.values = rows.flat_map(|row| order.iter().map(|&j| row[j])).collect();
        self.columns = order.iter().map(|&j| self.columns[j].clone()).collect();
        self.notes.push(format!("the columns are taken by name: {}", listed(names)));
        self
    }

    fn place(&self, i: usize, j: usize) -> Place {
        let Column { number, name, .. } = &self.columns[j];
        let row = self.lines.get(i).copied().unwrap_or(i as u64 + 1);
        Place { row, column: *number, name: name.clone() }
    }

    /// The rows, of which those outside of the columns `unknown` must be numbers or gaps; in these columns, too,
    /// what is no number is a gap.
    ///
    /// # Errors
    /// The first other cell, or no row at all.
    pub fn with_gaps(mut self, unknown: &[usize]) -> Result<Points, DataError> {
        let wrong = |(j, column): (usize, &Column)| {
            let bad = column.bad.clone().filter(|_| !unknown.contains(&j))?;
            let place = Place { row: bad.row, column: column.number, name: column.name.clone() };
            Some((place, bad.text))
        };
        let first = self.columns.iter().enumerate().filter_map(wrong).min_by_key(|(place, _)| place.row);
        if let Some((place, text)) = first {
            let (path, value) = (self.path, short(&text));
            return Err(match text.parse::<f32>() {
                Ok(_) => DataError::NotFinite { path, place, value },
                Err(_) => DataError::NotANumber { path, place, value },
            });
        }
        if self.values.is_empty() {
            return Err(DataError::Empty { path: self.path });
        }
        self.values.iter_mut().filter(|x| x.is_infinite()).for_each(|x| *x = f32::NAN);
        Ok(Points::new(self.columns.len(), self.values))
    }

    /// The rows, every cell of which must be a number.
    ///
    /// # Errors
    /// The first that is none, or all gaps.
    pub fn complete(self) -> Result<Points, DataError> {
        let dim = self.dim();
        let gap = self.values.iter().position(|x| x.is_nan());
        let Some(first) = gap.filter(|_| self.columns.iter().all(|column| column.bad.is_none())) else {
            return self.with_gaps(&[]);
        };
        let has_gap = |row: &&[f32]| row.iter().any(|x| x.is_nan());
        let rows = self.values.chunks_exact(dim).filter(has_gap).count();
        let place = self.place(first / dim, first % dim);
        let (of, path) = (self.len(), self.path);
        Err(DataError::Gaps { path, rows, of, place })
    }
}

/// Whether a cell says that its value is missing.
pub(super) fn is_gap(cell: &str) -> bool {
    const GAPS: [&str; 10] = ["", "?", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>"];
    GAPS.iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// A few names for a message.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).map(|name| short(name)).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text += ", …";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str], values: &[f32]) -> Table {
        let mut table = Table::unnamed(Path::new("a.csv"), names.len(), values.to_vec());
        table.columns.iter_mut().zip(names).for_each(|(column, name)| column.name = (*name).into());
        table
    }

    #[test]
    fn a_column_that_only_numbers_the_rows_is_left_out() {
        for (name, from) in [("", 0.0), ("Unnamed: 0", 1.0), ("index", 0.0)] {
            let table = table(&[name, "a"], &[from, 5.0, from + 1.0, 6.0]).without_index();
            assert_eq!(table.names(), ["a"], "{name}");
            assert_eq!((table.values, table.notes.len()), (vec![5.0, 6.0], 1));
        }
        for (names, values) in [
            (["", "a"], [0.0, 5.0, 2.0, 6.0]),
            (["n", "a"], [0.0, 5.0, 1.0, 6.0]),
            (["", ""], [0.0, 5.0, 1.0, 6.0]),
        ] {
            assert_eq!(table(&names, &values).without_index().dim(), 2, "{names:?}");
        }
    }

    #[test]
    fn gaps_are_counted_and_the_first_is_named() {
        let table = table(&["a", "press"], &[1.0, 2.0, f32::NAN, f32::NAN, 3.0, f32::NAN]);
        let message = table.clone().complete().unwrap_err().to_string();
        assert!(
            message.starts_with("a.csv: 2 of 3 rows have gaps, the first in row 2, column 1 (`a`)"),
            "{message}"
        );
        let open = table.with_gaps(&[]).unwrap();
        assert!(open.row(1)[0].is_nan() && open.row(0) == [1.0, 2.0]);
    }

    #[test]
    fn a_column_is_found_by_name_or_number() {
        let table = table(&["temp", "Press"], &[1.0, 2.0]);
        for (name, found) in [("temp", 0), ("press", 1), ("1", 1)] {
            assert_eq!(table.find(name).unwrap(), found, "{name}");
        }
        let message = table.find("flow").unwrap_err().to_string();
        assert!(
            message.contains("no column `flow`")
                && message.contains("temp, Press")
                && message.contains("0…1")
        );
    }

    #[test]
    fn columns_are_taken_by_name_where_all_are_there() {
        let of = |names: &[&str], wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).into()).collect();
            let table = table(names, &(0..2 * names.len()).map(|i| i as f32).collect::<Vec<_>>())
                .in_order_of(&wanted);
            (table.notes.len(), table.values)
        };
        assert_eq!(of(&["id", "b", "a"], &["a", "b"]), (1, vec![2.0, 1.0, 5.0, 4.0]));
        for (names, wanted) in [(["a", "b"], &["a", "b"][..]), (["a", "c"], &["a", "b"]), (["a", "b"], &[])] {
            assert_eq!(of(&names, wanted), (0, vec![0.0, 1.0, 2.0, 3.0]), "{names:?} {wanted:?}");
        }
    }

    #[test]
    fn classes_are_whole_numbers_or_words_in_this_order() {
        let classes = ["dog", "10", "-1", "2.0"].map(|cell| Class::of_cell(cell).unwrap());
        let mut sorted = classes.to_vec();
        sorted.sort();
        assert_eq!(sorted.iter().map(Class::to_string).collect::<Vec<_>>(), ["-1", "2", "10", "dog"]);
        assert!(["1.5", "inf", "", "NA"].iter().all(|cell| Class::of_cell(cell).is_none()));
    }
}
