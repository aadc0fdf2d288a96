//! A sheet of small grey images.

use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use super::canvas::{Area, Drawn, FAINT, MARGIN, PlotError, TITLE_STRIP, draw, title};
use super::panel::frame;
use crate::Points;

const GAP: i32 = 12;
/// Width of an image on the sheet, in pixels, as near as whole enlargement allows.
const WIDTH: usize = 120;

/// Draws images row by row, `columns` abreast, each pixel enlarged to a square.
///
/// `images` has shape `(n, height * width)`, each row an image's pixels line by line; the values of
/// `tones` run from white to black, others are clipped. Swap the ends for light on dark.
pub fn image_grid(
    path: &Path,
    title_text: &str,
    images: &Points,
    width: usize,
    columns: usize,
    tones: Range<f32>,
) -> Result<(), PlotError> {
    if images.is_empty() || width == 0 || columns == 0 || !images.dim().is_multiple_of(width) {
        let what = "images need whole lines of pixels, and there must be one";
        return Err(PlotError::Nothing { path: path.to_owned(), what });
    }
    let layout = Layout::new(images, width, columns);
    draw(path, layout.sheet_size(), |sheet| {
        title(sheet, title_text)?;
        for (i, image) in images.rows().enumerate() {
            draw_image(sheet, &layout, layout.corner(i), image, &tones)?;
        }
        Ok(())
    })
}

struct Layout {
    count: usize,
    columns: usize,
    width: usize,
    height: usize,
    /// Sheet pixels per image pixel.
    scale: usize,
}

impl Layout {
    fn new(images: &Points, width: usize, columns: usize) -> Self {
        let (count, height) = (images.len(), images.dim() / width);
        Self { count, columns: columns.min(count), width, height, scale: (WIDTH / width).max(1) }
    }

    /// Distance from one image to the next, (right, down).
    fn pitch(&self) -> (i32, i32) {
        ((self.width * self.scale) as i32 + GAP, (self.height * self.scale) as i32 + GAP)
    }

    fn corner(&self, i: usize) -> (i32, i32) {
        let (right, down) = self.pitch();
        (MARGIN + (i % self.columns) as i32 * right, TITLE_STRIP + (i / self.columns) as i32 * down)
    }

    fn sheet_size(&self) -> (u32, u32) {
        let (right, down) = self.pitch();
        let rows = self.count.div_ceil(self.columns) as i32;
        let width = 2 * MARGIN + self.columns as i32 * right - GAP;
        (width as u32, (TITLE_STRIP + rows * down - GAP + MARGIN) as u32)
    }
}

fn draw_image(sheet: &Area, layout: &Layout, (x, y): (i32, i32), image: &[f32], tones: &Range<f32>) -> Drawn {
    let scale = layout.scale as i32;
    for (i, &value) in image.iter().enumerate() {
        let (column, line) = ((i % layout.width) as i32 * scale, (i / layout.width) as i32 * scale);
        let from = (x + column, y + line);
        let square = [from, (from.0 + scale, from.1 + scale)];
        sheet.draw(&Rectangle::new(square, tone(value, tones).filled()))?;
    }
    let (right, down) = layout.pitch();
    frame(sheet, (x - 1, y - 1), (x + right - GAP, y + down - GAP), FAINT)
}

/// White at the start of the range, black at its end; NaN is white.
fn tone(value: f32, tones: &Range<f32>) -> RGBColor {
    let share = ((value - tones.start) / (tones.end - tones.start)).clamp(0.0, 1.0);
    let grey = 255 - (255.0 * share).round() as u8;
    RGBColor(grey, grey, grey)
}

#[cfg(test)]
mod tests {
    use super::super::canvas::tests::drawn;
    use super::*;

    #[test]
    fn pixels_stand_where_they_belong() {
        let image = Points::new(2 * 3, vec![0.0, 0.5, 1.0, 1.0, -3.0, 9.0]);
        let ((width, _), pixels) = drawn(|path| image_grid(path, "", &image, 3, 8, 0.0..1.0));
        let at = |column: i32, line: i32| {
            let (x, y) = (MARGIN + 40 * column + 20, TITLE_STRIP + 40 * line + 20);
            pixels[(y * width as i32 + x) as usize][0]
        };
        assert_eq!([at(0, 0), at(1, 0), at(2, 0)], [255, 127, 0]);
        assert_eq!([at(0, 1), at(1, 1), at(2, 1)], [0, 255, 0]);
    }

    #[test]
    fn images_fill_row_by_row() {
        let layout = Layout::new(&Points::new(4, vec![0.0; 5 * 4]), 2, 3);
        assert_eq!(layout.corner(3), (MARGIN, TITLE_STRIP + 132));
        assert_eq!(layout.sheet_size(), (2 * 36 + 3 * 132 - 12, 96 + 2 * 132 - 12 + 36));
    }

    #[test]
    fn a_reversed_range_is_light_on_dark() {
        assert_eq!(tone(0.0, &(1.0..0.0)), RGBColor(0, 0, 0));
        assert_eq!(tone(1.0, &(1.0..0.0)), RGBColor(255, 255, 255));
    }

    #[test]
    fn a_width_that_does_not_fit_is_an_error() {
        let images = Points::new(4, vec![0.0; 4]);
        let result = image_grid(Path::new("a.png"), "", &images, 3, 1, 0.0..1.0);
        assert!(matches!(result, Err(PlotError::Nothing { .. })));
    }
}
