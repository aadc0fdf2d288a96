//! An energy over the plane, in steps of a nat, and the density that belongs to it.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Area, Drawn, INK, LABEL_SIZE, MARGIN, PlotError, TITLE_STRIP, draw, text, title};
use super::density::{View, blue};
use super::panel::{SIDE, TICK_COLUMN, TICK_STRIP, grid, square};
use crate::Points;

const LABEL_STRIP: i32 = 56;
const GAP: i32 = 60;
/// Pixels of a side that have one value.
const CELL: i32 = 2;
/// Nats above the lowest energy that are told apart.
const HIGHEST: f32 = 16.0;

/// Draws `energy` at points where `data`, shape `(n, 2)`, lie.
pub fn landscape(
    path: &Path,
    title_text: &str,
    data: &Points,
    mut energy: impl FnMut([f32; 2]) -> f32,
) -> Result<(), PlotError> {
    if data.is_empty() || data.dim() != 2 {
        let what = "a landscape needs two-dimensional data";
        return Err(PlotError::Nothing { path: path.to_owned(), what });
    }
    let view = View::of(data.rows());
    let cells = SIDE / CELL;
    let at = |i: i32| (f64::from(i) + 0.5) / f64::from(cells) * 2.0 - 1.0;
    let point = |x: i32, y: i32| {
        let [u, v] = view.centre;
        [(u + view.half_width * at(x)) as f32, (v - view.half_width * at(y)) as f32]
    };
    let energies: Vec<f32> =
        (0..cells).flat_map(|y| (0..cells).map(move |x| (x, y))).map(|(x, y)| energy(point(x, y))).collect();
    let lowest = energies.iter().copied().fold(f32::INFINITY, f32::min);
    // Whole nats, so that their borders are lines of equal energy.
    let depth = |e: f32| f64::from(1.0 - (e - lowest).floor().min(HIGHEST) / HIGHEST);
    let density = |e: f32| f64::from((lowest - e).exp());
    let size =
        (TICK_COLUMN + 2 * SIDE + GAP + MARGIN, TITLE_STRIP + LABEL_STRIP + SIDE + TICK_STRIP + MARGIN);
    draw(path, (size.0 as u32, size.1 as u32), |sheet| {
        title(sheet, title_text)?;
        let tones = energies.iter().map(|&e| depth(e)).collect();
        panel(sheet, TICK_COLUMN, "energy, a shade a nat", view, tones)?;
        let tones = energies.iter().map(|&e| density(e)).collect();
        panel(sheet, TICK_COLUMN + SIDE + GAP, "density", view, tones)
    })
}

/// Tones from 0, white, to 1.
fn panel(sheet: &Area, x: i32, label: &str, view: View, tones: Vec<f64>) -> Drawn {
    let corner = (x, TITLE_STRIP + LABEL_STRIP);
    let style = text(LABEL_SIZE, INK, HPos::Center, VPos::Center);
    sheet.draw_text(label, &style, (x + SIDE / 2, corner.1 - LABEL_STRIP / 2))?;
    grid(sheet, corner, view, x == TICK_COLUMN)?;
    let area = square(sheet, corner);
    for (i, tone) in (0..).zip(tones).filter(|(_, tone)| *tone > 0.002) {
        let (left, top) = (i % (SIDE / CELL) * CELL, i / (SIDE / CELL) * CELL);
        let colour = blue(tone).mix((8.0 * tone).min(1.0)).filled();
        area.draw(&Rectangle::new([(left, top), (left + CELL, top + CELL)], colour))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_energies_are_dark() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("energy.png");
        let data = Points::new(2, vec![-1.0, -1.0, 1.0, 1.0]);
        landscape(&path, "bowl", &data, |[x, y]| 8.0 * (x * x + y * y)).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let bright = |x: i32, y: i32| -> u32 {
            let at = 3 * (y as usize * info.width as usize + x as usize);
            pixels[at..at + 3].iter().map(|&c| u32::from(c)).sum()
        };
        let (left, top) = (TICK_COLUMN, TITLE_STRIP + LABEL_STRIP);
        for x in [left, left + SIDE + GAP] {
            let (centre, edge) = (bright(x + SIDE / 2 + 1, top + SIDE / 2 + 1), bright(x + 9, top + 9));
            assert!(centre + 200 < edge, "{centre} in the middle, {edge} at the edge");
        }
        assert!(landscape(&path, "none", &Points::new(3, vec![0.0; 3]), |_| 0.0).is_err());
    }
}
