//! A cloud of points as smooth ink: every point a small soft disc, overlaps darken.

use plotters::prelude::*;

use super::canvas::{Area, Drawn};
use crate::Points;

/// A square window on the plane, in data units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub centre: [f64; 2],
    pub half_width: f64,
}

impl View {
    /// The smallest window, with a margin of 12 %, on all finite 2-D rows; unit size about nothing.
    pub fn of<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Self {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for row in rows.filter(|row| row.iter().all(|x| x.is_finite())) {
            for axis in 0..2 {
                low[axis] = low[axis].min(row[axis].into());
                high[axis] = high[axis].max(row[axis].into());
            }
        }
        let width = (high[0] - low[0]).max(high[1] - low[1]);
        let centre = [0, 1].map(|axis| 0.5 * (low[axis] + high[axis]));
        match width > 0.0 {
            true => Self { centre, half_width: 0.56 * width },
            false => Self { centre: centre.map(|c| if c.is_finite() { c } else { 0.0 }), half_width: 1.0 },
        }
    }

    /// Where a point falls in a square of `size` pixels, downwards.
    pub fn pixel(&self, point: [f64; 2], size: f64) -> [f64; 2] {
        let scale = 0.5 * size / self.half_width;
        let [x, y] = [point[0] - self.centre[0], point[1] - self.centre[1]];
        [0.5 * size + scale * x, 0.5 * size - scale * y]
    }

    /// Whether a row falls inside.
    pub fn contains(&self, row: &[f32]) -> bool {
        row.iter().zip(self.centre).all(|(&x, c)| (f64::from(x) - c).abs() <= self.half_width)
    }
}

/// Standard deviation of a disc, in pixels.
const SOFTNESS: f64 = 1.8;
/// Where a disc ends.
const REACH: i32 = 6;
/// How dark one point's centre is, from 0 to 1.
const ONE_POINT: f64 = 0.30;

/// Draws the 2-D `points` that `view` shows into a square area, from a pale to the full `ramp` colour.
pub(super) fn draw_density(area: &Area, points: &Points, view: View, ramp: fn(f64) -> RGBColor) -> Drawn {
    let size = area.dim_in_pixel().0 as i32;
    let ink = splat(points, view, size);
    // Darkness grows with the logarithm: a tail stays visible beside a peak a hundred times denser.
    let peak = ink.iter().copied().fold(0.0, f64::max);
    let full = (1.0 + peak).ln().max(std::f64::consts::LN_2);
    for (i, &amount) in ink.iter().enumerate().filter(|(_, amount)| **amount > 0.004) {
        let tone = (1.0 + amount).ln() / full;
        let opacity = (amount / ONE_POINT).min(1.0);
        area.draw_pixel((i as i32 % size, i as i32 / size), &ramp(tone).mix(opacity))?;
    }
    Ok(())
}

/// The ink on every pixel, shape `(size, size)`, in discs times their darkness.
fn splat(points: &Points, view: View, size: i32) -> Vec<f64> {
    let mut ink = vec![0.0; (size * size) as usize];
    for row in points.rows().filter(|row| view.contains(row)) {
        let [x, y] = view.pixel([row[0].into(), row[1].into()], f64::from(size));
        add_disc(&mut ink, size, x, y);
    }
    ink
}

fn add_disc(ink: &mut [f64], size: i32, x: f64, y: f64) {
    let inside = |centre: f64| (centre as i32 - REACH).max(0)..(centre as i32 + REACH + 1).min(size);
    let bell = |at: i32, centre: f64| (-0.5 * ((f64::from(at) + 0.5 - centre) / SOFTNESS).powi(2)).exp();
    for row in inside(y) {
        let height = ONE_POINT * bell(row, y);
        for column in inside(x) {
            ink[(row * size + column) as usize] += height * bell(column, x);
        }
    }
}

/// From pale to deep blue.
pub(super) fn blue(tone: f64) -> RGBColor {
    ramp(tone, [[176, 208, 236], [66, 133, 190], [8, 48, 107]])
}

/// From pale to middle grey, for a background.
pub(super) fn grey(tone: f64) -> RGBColor {
    ramp(tone, [[224, 227, 232], [196, 201, 208], [160, 166, 176]])
}

fn ramp(tone: f64, colors: [[u8; 3]; 3]) -> RGBColor {
    let colors = colors.map(|[r, g, b]| RGBColor(r, g, b));
    let map = DerivedColorMap::new(&colors);
    map.get_color(tone.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_square_with_a_margin() {
        let rows: [&[f32]; 3] = [&[0.0, 0.0], &[4.0, 1.0], &[f32::NAN, 9.0]];
        let view = View::of(rows.into_iter());
        assert_eq!(view, View { centre: [2.0, 0.5], half_width: 2.24 });
    }

    #[test]
    fn one_point_or_none_still_gives_a_view() {
        let rows: [&[f32]; 1] = [&[3.0, 4.0]];
        assert_eq!(View::of(rows.into_iter()), View { centre: [3.0, 4.0], half_width: 1.0 });
        assert_eq!(View::of([].into_iter()), View { centre: [0.0, 0.0], half_width: 1.0 });
    }

    #[test]
    fn up_in_the_data_is_up_in_the_picture() {
        let view = View { centre: [0.0, 0.0], half_width: 1.0 };
        assert_eq!(view.pixel([-1.0, 1.0], 100.0), [0.0, 0.0]);
        assert_eq!(view.pixel([1.0, 0.0], 100.0), [100.0, 50.0]);
    }

    #[test]
    fn every_point_inside_adds_the_same_ink() {
        let view = View { centre: [0.0, 0.0], half_width: 1.0 };
        let total = |values: Vec<f32>| splat(&Points::new(2, values), view, 100).iter().sum::<f64>();
        let one = total(vec![0.3, 0.1]);
        assert!((one - ONE_POINT * std::f64::consts::TAU * SOFTNESS * SOFTNESS).abs() < 0.05 * one);
        assert!((total(vec![0.3, 0.1, -0.2, 0.5, 7.0, 0.0]) - 2.0 * one).abs() < 0.01 * one);
    }
}
