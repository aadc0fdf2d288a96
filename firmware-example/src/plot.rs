//! The density of points, and curves, as text.

use core::fmt;

const COLUMNS: usize = 64;
const ROWS: usize = 24;
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// Half the side of the square that is shown, in model units.
pub const REACH: f32 = 2.0;

/// Counts of points on a grid over the square of model units ±[`REACH`].
pub struct Density {
    counts: [[u16; COLUMNS]; ROWS],
    outside: u32,
}

impl Default for Density {
    fn default() -> Self {
        Self { counts: [[0; COLUMNS]; ROWS], outside: 0 }
    }
}

impl Density {
    /// Counts a point by its first two coordinates; one that is missing is 0.
    pub fn add(&mut self, point: &[f32]) {
        let at = |i: usize| point.get(i).copied().unwrap_or(0.0);
        let row = cell(-at(1), ROWS).and_then(|row| self.counts.get_mut(row));
        match cell(at(0), COLUMNS).zip(row) {
            Some((column, row)) => row[column] = row[column].saturating_add(1),
            None => self.outside += 1,
        }
    }
}

/// The cell of a coordinate among `cells`, if it is shown.
fn cell(v: f32, cells: usize) -> Option<usize> {
    let scaled = (v + REACH) / (2.0 * REACH) * cells as f32;
    (0.0..cells as f32).contains(&scaled).then_some(scaled as usize)
}

impl fmt::Display for Density {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.counts.iter().flatten().copied().max().unwrap_or(0);
        for row in &self.counts {
            let mut line = heapless::String::<COLUMNS>::new();
            for &count in row {
                // Never longer than the row: one byte a column.
                let _ = line.push(shade(count, most));
            }
            writeln!(f, "|{line}|")?;
        }
        match self.outside {
            0 => Ok(()),
            outside => writeln!(f, "{outside} outside"),
        }
    }
}

/// Rows of curves.
const HEIGHT: usize = 12;

/// Curves by their characters, one column a sample; later ones lie above, NaN is not drawn.
pub struct Lines<'a>(pub &'a [(char, &'a [f32])]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = || self.0.iter().flat_map(|(_, line)| line.iter().copied());
        let low = values().fold(f32::MAX, |low, v| if v < low { v } else { low });
        let high = values().fold(f32::MIN, |high, v| if v > high { v } else { high });
        let columns = self.0.iter().map(|(_, line)| line.len()).max().unwrap_or(0);
        for row in (0..HEIGHT).rev() {
            let is_here = |v: f32| {
                let at = (v - low) / (high - low) * HEIGHT as f32;
                !v.is_nan() && (at as usize).min(HEIGHT - 1) == row
            };
            let mut text = heapless::String::<COLUMNS>::new();
            for column in 0..columns {
                let line =
                    self.0.iter().rev().find(|(_, line)| line.get(column).is_some_and(|&v| is_here(v)));
                // What is longer than the row is not shown.
                let _ = text.push(line.map_or(' ', |(character, _)| *character));
            }
            match row {
                0 => writeln!(f, "|{text}| {low:.2}")?,
                _ if row == HEIGHT - 1 => writeln!(f, "|{text}| {high:.2}")?,
                _ => writeln!(f, "|{text}|")?,
            }
        }
        Ok(())
    }
}

/// An image of `columns` pixels a line, two lines of them in one of text, its values from 0 to `most`.
pub struct Image<'a> {
    /// Line by line.
    pub pixels: &'a [f32],
    /// In a line.
    pub columns: usize,
    /// The brightest.
    pub most: f32,
}

impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in self.pixels.chunks(2 * self.columns) {
            let (upper, lower) = pair.split_at_checked(self.columns).unwrap_or((pair, &[]));
            let mut line = heapless::String::<COLUMNS>::new();
            for (column, &upper) in upper.iter().enumerate() {
                let mean = 0.5 * (upper + lower.get(column).copied().unwrap_or(0.0));
                let step = (mean / self.most * SHADES.len() as f32) as usize;
                // What is longer than the row is not shown.
                let _ = line.push(SHADES[step.min(SHADES.len() - 1)]);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A count's shade: blank for none, in proportion above that.
fn shade(count: u16, most: u16) -> char {
    let steps = (SHADES.len() - 1) as u32;
    let shade = (u32::from(count) * steps).div_ceil(u32::from(most).max(1));
    SHADES[shade.min(steps) as usize]
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::format;
    use std::string::String;

    #[test]
    fn curves_lie_above_each_other() {
        let text = format!("{}", Lines(&[('.', &[0.0, 1.0, 0.5]), ('*', &[f32::NAN, 1.0, 0.0])]));
        let lines: std::vec::Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[5], lines[11]), ("| * | 1.00", "|  .|", "|. *| 0.00"));
        assert_eq!(lines.len(), 12);
    }

    #[test]
    fn an_image_has_two_lines_of_pixels_in_one_of_text() {
        let image = Image {
            pixels: &[0.0, 9.0, 255.0, 0.0, 300.0, 255.0, -3.0, 255.0, 0.0],
            columns: 3,
            most: 255.0,
        };
        assert_eq!(format!("{image}"), " *@\n +\n");
    }

    #[test]
    fn points_appear_where_they_are() {
        let mut density = Density::default();
        for point in [[-1.99, 1.99], [1.99, -1.99], [1.99, -1.99], [3.0, 0.0], [f32::NAN, 0.0]] {
            density.add(&point);
        }
        let text = format!("{density}");
        let lines: std::vec::Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("|+{}|", " ".repeat(63)));
        assert_eq!(lines[23], format!("|{}@|", " ".repeat(63)));
        assert_eq!(lines[24], String::from("2 outside"));
    }
}
