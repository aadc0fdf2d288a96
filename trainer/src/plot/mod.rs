//! Pictures of data, samples, chains and training, as PNG files for a screen of twice the usual
//! density; no system font is needed.

mod axis;
mod canvas;
mod chain;
mod curve;
mod density;
mod images;
mod landscape;
mod panel;
mod scatter;
mod table;

pub use canvas::PlotError;
pub use chain::chain_path;
pub use curve::curve;
pub use images::image_grid;
pub use landscape::landscape;
pub use scatter::{Zoom, scatter_panels};
pub use table::{Frame, table};
