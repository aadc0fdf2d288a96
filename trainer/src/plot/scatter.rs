//! Clouds side by side at one scale.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{
    Area, Drawn, GREY, INK, LABEL_SIZE, LINES, MARGIN, PlotError, TICK_SIZE, TITLE_STRIP, draw, text, title,
};
use super::density::{View, blue, draw_density};
use super::panel::{SIDE, TICK_COLUMN, TICK_STRIP, frame, grid, square};
use crate::Points;

const GAP: i32 = 44;
const LABEL_STRIP: i32 = 56;

/// A second row of panels that looks closer at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Zoom {
    /// Middle of the row's panels, in data units.
    pub centre: [f64; 2],
    /// Half their width, in data units.
    pub half_width: f64,
    /// Radii of thin circles about the centre, in data units: one to three sd of a mode, say.
    pub rings: Vec<f64>,
}

/// Draws labelled 2-D clouds, shape `(n, 2)` each, side by side, darker where they are denser.
///
/// One scale for all: what holds every cloud, or the first one where that would take half as much again.
/// How many points fall outside stands above their panel.
pub fn scatter_panels(
    path: &Path,
    title_text: &str,
    panels: &[(&str, &Points)],
    zoom: Option<&Zoom>,
) -> Result<(), PlotError> {
    if !panels.iter().all(|(_, points)| points.dim() == 2) || panels.is_empty() {
        let what = "every cloud needs two dimensions, and there must be one";
        return Err(PlotError::Nothing { path: path.to_owned(), what });
    }
    let view = common_view(panels);
    draw(path, sheet_size(panels.len(), zoom.is_some()), |sheet| {
        title(sheet, title_text)?;
        for (column, (label, points)) in panels.iter().enumerate() {
            let corner = (column_left(column), TITLE_STRIP + LABEL_STRIP);
            panel_label(sheet, corner, label)?;
            cloud(sheet, corner, points, view)?;
            outside(sheet, corner, points, view)?;
            if let Some(zoom) = zoom {
                zoomed(sheet, corner, points, view, zoom)?;
            }
        }
        Ok(())
    })
}

/// A few diverged chains must not shrink everything else to a dot.
fn common_view(panels: &[(&str, &Points)]) -> View {
    let first = View::of(panels[0].1.rows());
    let all = View::of(panels.iter().flat_map(|(_, points)| points.rows()));
    match all.half_width <= 1.5 * first.half_width {
        true => all,
        false => first,
    }
}

fn sheet_size(columns: usize, zoomed: bool) -> (u32, u32) {
    let rows = if zoomed { 2 } else { 1 };
    let height = TITLE_STRIP + LABEL_STRIP + rows * (SIDE + TICK_STRIP) + (rows - 1) * GAP / 2 + MARGIN;
    ((column_left(columns) - GAP + MARGIN) as u32, height as u32)
}

fn column_left(column: usize) -> i32 {
    TICK_COLUMN + column as i32 * (SIDE + GAP)
}

fn panel_label(sheet: &Area, (x, y): (i32, i32), label: &str) -> Drawn {
    let style = text(LABEL_SIZE, INK, HPos::Center, VPos::Center);
    Ok(sheet.draw_text(label, &style, (x + SIDE / 2, y - LABEL_STRIP / 2))?)
}

fn cloud(sheet: &Area, corner: (i32, i32), points: &Points, view: View) -> Drawn {
    grid(sheet, corner, view, corner.0 == column_left(0))?;
    draw_density(&square(sheet, corner), points, view, blue)
}

/// A note on points that the panel cannot show: diverged chains must not go unseen.
fn outside(sheet: &Area, (x, y): (i32, i32), points: &Points, view: View) -> Drawn {
    let count = points.rows().filter(|row| !view.contains(row)).count();
    if count > 0 {
        let style = text(TICK_SIZE, LINES[1], HPos::Right, VPos::Center);
        sheet.draw_text(&format!("{count} outside"), &style, (x + SIDE, y - LABEL_STRIP / 2))?;
    }
    Ok(())
}

fn zoomed(sheet: &Area, (x, y): (i32, i32), points: &Points, view: View, zoom: &Zoom) -> Drawn {
    let closer = View { centre: zoom.centre, half_width: zoom.half_width };
    let below = (x, y + SIDE + TICK_STRIP + GAP / 2);
    cloud(sheet, below, points, closer)?;
    for radius in &zoom.rings {
        ring(sheet, below, closer, *radius)?;
    }
    mark(sheet, (x, y), view, zoom)
}

fn ring(sheet: &Area, corner: (i32, i32), view: View, radius: f64) -> Drawn {
    let pixels = radius / view.half_width * f64::from(SIDE / 2);
    let point = |i: i32| {
        let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 180.0).sin_cos();
        (corner.0 + SIDE / 2 + (pixels * cos) as i32, corner.1 + SIDE / 2 + (pixels * sin) as i32)
    };
    let circle: Vec<_> = (0..=180).map(point).collect();
    Ok(sheet.draw(&PathElement::new(circle, LINES[1].mix(0.8).stroke_width(2)))?)
}

/// Where the lower row looks, as a small frame in the upper one.
fn mark(sheet: &Area, (x, y): (i32, i32), view: View, zoom: &Zoom) -> Drawn {
    let [cx, cy] = view.pixel(zoom.centre, f64::from(SIDE)).map(|v| v.round() as i32);
    let half = (zoom.half_width / view.half_width * f64::from(SIDE / 2)) as i32;
    frame(sheet, (x + cx - half, y + cy - half), (x + cx + half, y + cy + half), GREY)
}

#[cfg(test)]
mod tests {
    use super::super::canvas::tests::drawn;
    use super::*;

    fn orange(pixels: &[[u8; 3]]) -> usize {
        pixels.iter().filter(|p| p[0] > 150 && p[2] < 100).count()
    }

    #[test]
    fn a_diverged_point_is_counted_in_its_panel() {
        let real = Points::new(2, vec![0.0, 0.0, 1.0, 1.0]);
        let fake = Points::new(2, vec![0.5, 0.5, 90.0, f32::NAN]);
        let (_, clean) = drawn(|path| scatter_panels(path, "t", &[("a", &real), ("b", &real)], None));
        let (_, noted) = drawn(|path| scatter_panels(path, "t", &[("a", &real), ("b", &fake)], None));
        assert_eq!(orange(&clean), 0);
        assert!(orange(&noted) > 50);
    }

    #[test]
    fn the_scale_holds_similar_clouds_but_not_a_diverged_one() {
        let cloud = |size: f32| Points::new(2, vec![-size, -size, size, size]);
        let (real, wider, far) = (cloud(1.0), cloud(1.4), cloud(9.0));
        let half = |other| common_view(&[("a", &real), ("b", other)]).half_width;
        assert!((half(&wider) - 1.4 * 1.12).abs() < 1e-6);
        assert!((half(&far) - 1.12).abs() < 1e-6);
    }

    #[test]
    fn a_zoom_adds_a_row_with_rings() {
        let points = Points::new(2, vec![0.0, 0.0, 1.0, 1.0]);
        let zoom = Zoom { centre: [1.0, 1.0], half_width: 0.2, rings: vec![0.1] };
        let (plain, _) = drawn(|path| scatter_panels(path, "t", &[("a", &points)], None));
        let (both, pixels) = drawn(|path| scatter_panels(path, "t", &[("a", &points)], Some(&zoom)));
        assert_eq!(both.0, plain.0);
        assert_eq!(both.1 - plain.1, (SIDE + TICK_STRIP + GAP / 2) as u32);
        assert!(orange(&pixels) > 1000);
    }

    #[test]
    fn clouds_of_other_dimensions_are_refused() {
        let flat = Points::new(3, vec![0.0; 6]);
        let error = scatter_panels(Path::new("a.png"), "t", &[("a", &flat)], None).unwrap_err();
        assert!(matches!(error, PlotError::Nothing { .. }));
    }
}
