//! The path of one sampling chain over the data.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{
    Area, Drawn, INK, LABEL_SIZE, LINES, MARGIN, PlotError, TICK_SIZE, TITLE_STRIP, draw, progress_color,
    text, title,
};
use super::density::{View, draw_density, grey};
use super::panel::{SIDE, TICK_COLUMN, TICK_STRIP, grid, square};
use crate::Points;

const GAP: i32 = 90;
const LABEL_STRIP: i32 = 56;
const BAR_STRIP: i32 = 90;

/// Draws a chain's `points` in order over a `background` cloud, shape `(n, 2)`, coloured by progress.
///
/// The left panel shows the whole path, the right one the part over the data. A state that is not finite
/// breaks the line.
pub fn chain_path(
    path: &Path,
    title_text: &str,
    points: &[[f32; 2]],
    background: &Points,
) -> Result<(), PlotError> {
    if points.is_empty() || background.dim() != 2 {
        let what = "a chain needs a state and a two-dimensional background";
        return Err(PlotError::Nothing { path: path.to_owned(), what });
    }
    let all = View::of(background.rows().chain(points.iter().map(<[f32; 2]>::as_slice)));
    let close = View::of(background.rows());
    let width = TICK_COLUMN + 2 * SIDE + GAP + MARGIN;
    let height = TITLE_STRIP + LABEL_STRIP + SIDE + TICK_STRIP + BAR_STRIP + MARGIN / 2;
    draw(path, (width as u32, height as u32), |sheet| {
        title(sheet, title_text)?;
        panel(sheet, TICK_COLUMN, "whole path", all, points, background)?;
        panel(sheet, TICK_COLUMN + SIDE + GAP, "over the data", close, points, background)?;
        bar(sheet, height - BAR_STRIP + 6, points.len() - 1)
    })
}

fn panel(sheet: &Area, x: i32, label: &str, view: View, points: &[[f32; 2]], background: &Points) -> Drawn {
    let corner = (x, TITLE_STRIP + LABEL_STRIP);
    let style = text(LABEL_SIZE, INK, HPos::Center, VPos::Center);
    sheet.draw_text(label, &style, (x + SIDE / 2, corner.1 - LABEL_STRIP / 2))?;
    grid(sheet, corner, view, true)?;
    let area = square(sheet, corner);
    draw_density(&area, background, view, grey)?;
    path_lines(&area, view, points)?;
    ends(&area, view, points)
}

fn path_lines(area: &Area, view: View, points: &[[f32; 2]]) -> Drawn {
    let last = (points.len() - 1).max(1) as f64;
    for (i, pair) in points.windows(2).enumerate() {
        if let Some(segment) = clipped(view, pair) {
            let color = progress_color((i as f64 + 0.5) / last);
            area.draw(&PathElement::new(segment, color.stroke_width(4)))?;
            area.draw(&Circle::new(segment[1], 4, color.filled()))?;
        }
    }
    Ok(())
}

/// The part of a step that the view shows, in pixels: the backend would draw over the neighbour panel.
///
/// Liang and Barsky, "A new concept and method for line clipping", 1984.
fn clipped(view: View, pair: &[[f32; 2]]) -> Option<[(i32, i32); 2]> {
    let [from, to] = [pixel(view, pair[0])?, pixel(view, pair[1])?];
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for axis in 0..2 {
        let step = to[axis] - from[axis];
        let [a, b] = [0.0, f64::from(SIDE - 1)].map(|edge| (edge - from[axis]) / step);
        match step == 0.0 {
            true if !(0.0..f64::from(SIDE)).contains(&from[axis]) => return None,
            true => {}
            false => (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b))),
        }
    }
    let at = |t: f64| [0, 1].map(|axis| (from[axis] + t * (to[axis] - from[axis])).round() as i32);
    (enter <= leave).then(|| [enter, leave].map(|t| at(t).into()))
}

fn pixel(view: View, point: [f32; 2]) -> Option<[f64; 2]> {
    let finite = point.iter().all(|x| x.is_finite());
    finite.then(|| view.pixel(point.map(f64::from), f64::from(SIDE)))
}

/// The first state as a ring, the last as a full disc.
fn ends(area: &Area, view: View, points: &[[f32; 2]]) -> Drawn {
    let (first, last) = (points[0], points[points.len() - 1]);
    visible(view, first).map_or(Ok(()), |at| start_mark(area, at))?;
    visible(view, last).map_or(Ok(()), |at| end_mark(area, at))
}

fn start_mark(area: &Area, at: (i32, i32)) -> Drawn {
    area.draw(&Circle::new(at, 12, WHITE.filled()))?;
    Ok(area.draw(&Circle::new(at, 12, progress_color(0.0).stroke_width(4)))?)
}

fn end_mark(area: &Area, at: (i32, i32)) -> Drawn {
    area.draw(&Circle::new(at, 13, WHITE.filled()))?;
    Ok(area.draw(&Circle::new(at, 10, LINES[1].filled()))?)
}

fn visible(view: View, point: [f32; 2]) -> Option<(i32, i32)> {
    let [x, y] = pixel(view, point).filter(|_| view.contains(&point))?;
    Some((x.round() as i32, y.round() as i32))
}

/// The colour scale, from the first state to the last.
fn bar(sheet: &Area, y: i32, steps: usize) -> Drawn {
    let (left, width, height) = (TICK_COLUMN + SIDE / 2 + GAP / 2, SIDE, 18);
    for i in 0..width {
        let color = progress_color(f64::from(i) / f64::from(width));
        sheet.draw(&Rectangle::new([(left + i, y), (left + i + 1, y + height)], color.filled()))?;
    }
    let middle = y + height / 2;
    start_mark(sheet, (left - 20, middle))?;
    end_mark(sheet, (left + width + 20, middle))?;
    let style = |h| text(TICK_SIZE, INK, h, VPos::Center);
    sheet.draw_text("start", &style(HPos::Right), (left - 44, middle + 3))?;
    let (words, at) = (format!("step {steps}"), (left + width + 44, middle + 3));
    Ok(sheet.draw_text(&words, &style(HPos::Left), at)?)
}

#[cfg(test)]
mod tests {
    use super::super::canvas::tests::drawn;
    use super::*;

    const UNIT: View = View { centre: [0.0, 0.0], half_width: 1.0 };

    #[test]
    fn a_step_is_cut_at_the_frame() {
        assert_eq!(clipped(UNIT, &[[0.0, 0.0], [0.5, 0.0]]), Some([(320, 320), (480, 320)]));
        assert_eq!(clipped(UNIT, &[[0.0, 0.0], [9.0, 0.0]]), Some([(320, 320), (639, 320)]));
        assert_eq!(clipped(UNIT, &[[-9.0, 0.0], [9.0, 0.0]]), Some([(0, 320), (639, 320)]));
    }

    #[test]
    fn a_step_outside_or_not_finite_is_left_out() {
        assert_eq!(clipped(UNIT, &[[3.0, 0.0], [4.0, 0.0]]), None);
        assert_eq!(clipped(UNIT, &[[3.0, 0.0], [0.0, 3.0]]), None);
        assert_eq!(clipped(UNIT, &[[3.0, 0.0], [3.0, 0.5]]), None);
        assert_eq!(clipped(UNIT, &[[0.0, 0.0], [f32::NAN, 0.0]]), None);
    }

    #[test]
    fn both_ends_are_marked() {
        let background = Points::new(2, vec![-1.0, -1.0, 1.0, 1.0]);
        let chain = [[0.9, -0.9], [0.0, 0.0], [-0.9, 0.9]];
        let (_, pixels) = drawn(|path| chain_path(path, "t", &chain, &background));
        let end = pixels.iter().filter(|p| **p == [213, 94, 0]).count();
        assert!((700..1100).contains(&end), "{end}");
    }

    #[test]
    fn no_state_is_an_error() {
        let background = Points::new(2, vec![0.0, 0.0]);
        assert!(matches!(
            chain_path(Path::new("a.png"), "t", &[], &background),
            Err(PlotError::Nothing { .. })
        ));
    }
}
