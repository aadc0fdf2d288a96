//! A square window on the plane with a faint grid.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::{format_tick, linear_ticks};
use super::canvas::{Area, Drawn, FAINT, GREY, TICK_SIZE, text};
use super::density::View;

/// Side of a panel in pixels.
pub(super) const SIDE: i32 = 640;
/// Room under a panel for the numbers of its grid.
pub(super) const TICK_STRIP: i32 = 44;
/// Room to the left of a panel for the numbers of its grid.
pub(super) const TICK_COLUMN: i32 = 84;

/// How far type sits above the middle of its line, in pixels.
const SINK: i32 = 5;

/// The square of a sheet whose upper left corner is `(x, y)`.
pub(super) fn square<'a>(sheet: &Area<'a>, (x, y): (i32, i32)) -> Area<'a> {
    sheet.clone().shrink((x, y), (SIDE, SIDE))
}

/// Frame, grid and numbers of a panel at `(x, y)`; the numbers stand outside, on the sheet.
pub(super) fn grid(sheet: &Area, (x, y): (i32, i32), view: View, numbers_left: bool) -> Drawn {
    let style = text(TICK_SIZE, GREY, HPos::Center, VPos::Top);
    for (tick, at) in ticks(view, 0) {
        line(sheet, (x + at, y), (x + at, y + SIDE))?;
        sheet.draw_text(&format_tick(tick), &style, (x + at, y + SIDE + 10))?;
    }
    let style = text(TICK_SIZE, GREY, HPos::Right, VPos::Center);
    for (tick, at) in ticks(view, 1) {
        line(sheet, (x, y + at), (x + SIDE, y + at))?;
        if numbers_left {
            sheet.draw_text(&format_tick(tick), &style, (x - 12, y + at + SINK))?;
        }
    }
    frame(sheet, (x, y), (x + SIDE, y + SIDE), FAINT)
}

/// The outline of a rectangle.
pub(super) fn frame(sheet: &Area, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Drawn {
    Ok(sheet.draw(&Rectangle::new([from, to], color.stroke_width(2)))?)
}

fn line(sheet: &Area, from: (i32, i32), to: (i32, i32)) -> Drawn {
    Ok(sheet.draw(&PathElement::new([from, to], FAINT.stroke_width(2)))?)
}

/// Round coordinates along `axis` and their pixels, none so near the edge that it doubles the frame.
fn ticks(view: View, axis: usize) -> impl Iterator<Item = (f64, i32)> {
    let (centre, half) = (view.centre[axis], view.half_width);
    linear_ticks(&(centre - 0.96 * half..centre + 0.96 * half), 5).into_iter().map(move |tick| {
        let mut point = view.centre;
        point[axis] = tick;
        (tick, view.pixel(point, f64::from(SIDE))[axis].round() as i32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_fall_on_their_pixels() {
        let view = View { centre: [0.0, 1.0], half_width: 2.0 };
        assert_eq!(ticks(view, 0).collect::<Vec<_>>(), [-1.0, 0.0, 1.0].map(|t| (t, 320 + 160 * t as i32)));
        assert_eq!(ticks(view, 1).next(), Some((0.0, 480)));
    }
}
