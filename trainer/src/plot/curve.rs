//! Lines against a number: training loss, error over noise levels.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::canvas::{
    Area, Drawn, FAINT, GREY, INK, LABEL_SIZE, LINES, MARGIN, PlotError, TICK_SIZE, TITLE_STRIP, draw, text,
    title,
};

const SIZE: (u32, u32) = (1600, 1000);
const LEGEND_STRIP: i32 = 56;
/// Width of the numbers and words left of the chart.
const Y_LABELS: i32 = 140;

/// Draws labelled lines of `(x, y)` points, on logarithmic axes where asked.
///
/// What an axis cannot show (NaN, infinite, or not positive on a logarithmic axis) breaks its line.
pub fn curve(
    path: &Path,
    title_text: &str,
    x_label: &str,
    y_label: &str,
    lines: &[(&str, Vec<(f64, f64)>)],
    log_x: bool,
    log_y: bool,
) -> Result<(), PlotError> {
    let all = || lines.iter().flat_map(|(_, line)| line);
    let x_axis = Axis::over(all().map(|p| p.0), log_x);
    let y_axis = Axis::over(all().map(|p| p.1), log_y);
    let (Some(x_axis), Some(y_axis)) = (x_axis, y_axis) else {
        let what = "no point that the axes can show";
        return Err(PlotError::Nothing { path: path.to_owned(), what });
    };
    draw(path, SIZE, |area| {
        title(area, title_text)?;
        let (_, body) = area.split_vertically(TITLE_STRIP);
        let strips = if lines.len() > 1 { legend(&body, lines)? } else { 1 };
        let (_, body) = body.split_vertically(strips * LEGEND_STRIP);
        chart(&body, (x_axis, x_label), (y_axis, y_label), lines)
    })
}

fn chart(
    area: &Area,
    (x_axis, x_label): (Axis, &str),
    (y_axis, y_label): (Axis, &str),
    lines: &[(&str, Vec<(f64, f64)>)],
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_top(4)
        .x_label_area_size(100)
        .y_label_area_size(Y_LABELS)
        .build_cartesian_2d(x_axis, y_axis)?;
    mesh(&mut chart, x_label, y_label)?;
    for ((_, line), color) in lines.iter().zip(LINES.into_iter().cycle()) {
        draw_line(&mut chart, line, color)?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, BitMapBackend<'b>, Cartesian2d<Axis, Axis>>;

fn mesh<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, x_label: &str, y_label: &str) -> Drawn {
    chart
        .configure_mesh()
        .x_desc(x_label)
        .y_desc(y_label)
        .y_label_offset(6)
        .set_all_tick_mark_size(10)
        .x_labels(8)
        .y_labels(7)
        .bold_line_style(FAINT.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(GREY.stroke_width(2))
        .label_style(("sans-serif", TICK_SIZE).into_font().color(&GREY))
        .axis_desc_style(("sans-serif", LABEL_SIZE).into_font().color(&INK))
        .draw()?;
    Ok(())
}

fn draw_line<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, line: &[(f64, f64)], color: RGBColor) -> Drawn {
    let axes = chart.as_coord_spec().clone();
    for run in runs(line, axes.x_spec(), axes.y_spec()) {
        chart.draw_series(LineSeries::new(run.iter().copied(), color.stroke_width(5)))?;
        if let [alone] = run {
            chart.draw_series([Circle::new(*alone, 7, color.filled())])?;
        }
    }
    Ok(())
}

/// What the colours mean, in rows above the chart, where no line runs; the number of rows.
fn legend(
    area: &Area,
    lines: &[(&str, Vec<(f64, f64)>)],
) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
    let style = text(LABEL_SIZE, INK, HPos::Left, VPos::Center);
    let left = MARGIN + Y_LABELS;
    let (mut x, mut y) = (left, LEGEND_STRIP / 2);
    for ((label, _), color) in lines.iter().zip(LINES.into_iter().cycle()) {
        let width = 60 + area.estimate_text_size(label, &style)?.0 as i32;
        if x > left && x + width > SIZE.0 as i32 - MARGIN {
            (x, y) = (left, y + LEGEND_STRIP);
        }
        area.draw(&PathElement::new([(x, y), (x + 44, y)], color.stroke_width(6)))?;
        area.draw_text(label, &style, (x + 60, y + 4))?;
        x += width + 56;
    }
    Ok(y / LEGEND_STRIP + 1)
}

/// The stretches of a line that both axes can show.
fn runs<'a>(line: &'a [(f64, f64)], x: &Axis, y: &Axis) -> Vec<&'a [(f64, f64)]> {
    let shown = |p: &(f64, f64)| x.shows(p.0) && y.shows(p.1);
    line.split(|p| !shown(p)).filter(|run| !run.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::canvas::tests::drawn;
    use super::*;

    fn color_count(pixels: &[[u8; 3]], RGBColor(r, g, b): RGBColor) -> usize {
        pixels.iter().filter(|p| **p == [r, g, b]).count()
    }

    #[test]
    fn every_line_leaves_its_color() {
        let line = |f: fn(f64) -> f64| (1..100).map(|x| (f64::from(x), f(f64::from(x)))).collect();
        let lines = [("a", line(|x| x)), ("b", line(|x| 1.0 / x))];
        let (size, pixels) = drawn(|path| curve(path, "t", "x", "y", &lines, true, true));
        assert_eq!(size, SIZE);
        assert!(LINES[..2].iter().all(|&color| color_count(&pixels, color) > 2000));
        assert_eq!(color_count(&pixels, LINES[2]), 0);
    }

    #[test]
    fn what_cannot_be_shown_breaks_the_line() {
        let axis = Axis::over([1.0, 4.0].into_iter(), true).unwrap();
        let line = [(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0), (5.0, 0.0)];
        assert_eq!(runs(&line, &axis, &axis), [&line[..1], &line[2..4]]);
    }

    /// The first pixel of a colour is that of its mark in the legend.
    #[test]
    fn a_long_legend_takes_more_rows() {
        let lines = vec![("predictor-corrector", vec![(1.0, 1.0), (2.0, 2.0)]); LINES.len()];
        let (_, pixels) = drawn(|path| curve(path, "t", "x", "y", &lines, false, false));
        let row = |RGBColor(r, g, b): RGBColor| {
            pixels.iter().position(|p| *p == [r, g, b]).unwrap() as i32 / SIZE.0 as i32
        };
        let rows = LINES.map(|color| (row(color) - row(LINES[0])) / LEGEND_STRIP);
        assert_eq!(rows, [0, 0, 0, 1, 1, 1, 2]);
    }

    #[test]
    fn nothing_to_show_is_an_error() {
        let lines = [("a", vec![(1.0, -1.0)])];
        let error = curve(Path::new("a.png"), "t", "x", "y", &lines, false, true).unwrap_err();
        assert!(matches!(error, PlotError::Nothing { .. }));
    }
}
