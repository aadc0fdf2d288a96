//! The white sheet, its typeface and colours, and the way to a PNG file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

use crate::atomic;

/// Why a picture was not made.
#[derive(Debug, Error)]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("{}: nothing to plot: {what}", path.display())]
    Nothing { path: PathBuf, what: &'static str },
    /// The picture could not be drawn, for example because it is too small for its labels.
    #[error("{}: cannot be drawn: {reason}", path.display())]
    Draw { path: PathBuf, reason: String },
    /// The file could not be written.
    #[error("{}: cannot be written: {source}; check that the folder exists and has room", path.display())]
    Write { path: PathBuf, source: io::Error },
}

pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(38, 43, 51);
/// Ticks and secondary text.
pub(super) const GREY: RGBColor = RGBColor(110, 117, 128);
/// Grid lines and frames.
pub(super) const FAINT: RGBColor = RGBColor(226, 229, 234);
/// Distinguishable lines, also for the colour-blind (Okabe and Ito, 2008).
pub(super) const LINES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

pub(super) const TITLE_SIZE: i32 = 46;
pub(super) const LABEL_SIZE: i32 = 34;
pub(super) const TICK_SIZE: i32 = 28;
/// White space about everything, in pixels.
pub(super) const MARGIN: i32 = 36;
/// Height of the strip that holds the title.
pub(super) const TITLE_STRIP: i32 = 96;

/// Draws on a white sheet of `(width, height)` pixels and puts it at `path` in one step.
pub(super) fn draw(
    path: &Path,
    (width, height): (u32, u32),
    paint: impl FnOnce(&Area) -> Drawn,
) -> Result<(), PlotError> {
    register_typeface();
    let mut pixels = vec![255; width as usize * height as usize * 3];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    let painted = paint(&area).and_then(|()| Ok(area.present()?));
    drop(area);
    painted.map_err(|e| PlotError::Draw { path: path.to_owned(), reason: e.to_string() })?;
    atomic::replace(path, |out| encode(out, &pixels, width, height))
        .map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

fn encode(out: impl Write, pixels: &[u8], width: u32, height: u32) -> io::Result<()> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}

fn register_typeface() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let bytes = epaint_default_fonts::UBUNTU_LIGHT;
        let registered = plotters::style::register_font("sans-serif", FontStyle::Normal, bytes);
        assert!(registered.is_ok(), "the embedded typeface is a valid font");
    });
}

/// Type of `size` pixels, anchored at its `(horizontal, vertical)` position.
pub(super) fn text(size: i32, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&color).pos(Pos::new(h, v))
}

/// The title at the upper left.
pub(super) fn title(area: &Area, words: &str) -> Drawn {
    let style = text(TITLE_SIZE, INK, HPos::Left, VPos::Center);
    Ok(area.draw_text(words, &style, (MARGIN, MARGIN / 2 + TITLE_STRIP / 2 - 6))?)
}

/// Colour of progress from 0 to 1: violet over teal to yellow, even in brightness.
pub(super) fn progress_color(share: f64) -> RGBColor {
    // The last tenth is too pale on white.
    ViridisRGB.get_color(0.9 * share.clamp(0.0, 1.0))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs::File;
    use std::io::BufReader;

    /// Size and pixels of a PNG file.
    pub(in super::super) fn pixels(path: &Path) -> ((u32, u32), Vec<[u8; 3]>) {
        let decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        ((info.width, info.height), pixels)
    }

    /// Draws into a temporary folder and reads the picture back.
    pub(in super::super) fn drawn(
        paint: impl FnOnce(&Path) -> Result<(), PlotError>,
    ) -> ((u32, u32), Vec<[u8; 3]>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        paint(&path).unwrap();
        pixels(&path)
    }

    #[test]
    fn what_is_drawn_is_what_the_file_holds() {
        let (size, pixels) = drawn(|path| draw(path, (3, 2), |area| Ok(area.draw_pixel((2, 1), &RED)?)));
        assert_eq!(size, (3, 2));
        assert_eq!(pixels[..5], [[255; 3]; 5]);
        assert_eq!(pixels[5], [255, 0, 0]);
    }

    #[test]
    fn text_leaves_ink() {
        let (_, pixels) = drawn(|path| draw(path, (400, 120), |area| title(area, "σ of ε̂ × 10")));
        let dark = pixels.iter().filter(|p| p[0] < 128).count();
        assert!(dark > 300, "{dark}");
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let error = draw(Path::new("no/such/a.png"), (2, 2), |_| Ok(())).unwrap_err();
        assert!(matches!(error, PlotError::Write { .. }));
        assert!(error.to_string().starts_with("no/such/a.png: cannot be written"));
    }
}
