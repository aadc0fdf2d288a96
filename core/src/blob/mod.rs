//! The model format, read and written here and nowhere else; every byte is described in
//! `core/FORMAT.md`.
//!
//! [`Model::from_bytes`] checks everything once and borrows the bytes, which may stay in flash. After it
//! nothing can fail: every range is in bounds, and no sum of any layer can overflow 32 bits for any
//! input.

mod check;
mod layer;
mod layout;
mod levels;
mod stored_plan;
mod write;

pub use crate::activation::TABLE;
pub(crate) use layer::Layer;
pub(crate) use layout::{half_float, word};
pub use levels::{Level, LevelTable};
pub use stored_plan::StoredPlan;
pub use write::{LayerSource, Source, Stage};

use crate::plan::HISTORY;
use crate::{Error, Levels};
use heapless::{String, Vec};
use layer::layer_bytes;
use layout::{Cursor, Header, PREFIX, check_prefix, float, padded};
use stored_plan::STEP;

/// Version of the format.
pub const FORMAT: u16 = 1;
/// Most dense layers a model can have.
pub const MAX_LAYERS: usize = 10;
/// Widest layer, most noise levels and most stored steps the format allows.
pub const MAX_COUNT: usize = 4096;
/// Longest name, in bytes.
pub const NAME: usize = 32;

/// A checked model, borrowing its bytes.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    name: String<NAME>,
    dim: usize,
    input_limit: i16,
    split: bool,
    levels: LevelTable<'a>,
    conditions: &'a [u8],
    layers: Vec<Layer<'a>, MAX_LAYERS>,
    standard: &'a [u8],
    plan: StoredPlan<'a>,
}

impl<'a> Model<'a> {
    /// Reads and checks a model. Bytes after its end are ignored.
    ///
    /// # Errors
    /// Any of the blob errors of [`Error`]; every single-byte change is caught by the checksum.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let bytes = check_prefix(bytes)?;
        let header_len = usize::from(u16::from_le_bytes([bytes[20], bytes[21]]));
        let header = bytes.get(PREFIX..PREFIX + header_len).ok_or(Error::Malformed("header length"))?;
        let (header, rest) =
            postcard::take_from_bytes::<Header>(header).map_err(|_| Error::Malformed("header"))?;
        if !rest.is_empty() || bytes[22] != 0 || bytes[23] != 0 {
            return Err(Error::Malformed("header length"));
        }
        let model = Self::cut(bytes, header, PREFIX + header_len)?;
        model.check()?;
        Ok(model)
    }

    /// Cuts the sections that the header describes.
    fn cut(bytes: &'a [u8], header: Header, header_end: usize) -> Result<Self, Error> {
        let widths = header.widths.as_slice();
        let [dim, .., last] = *widths else {
            return Err(Error::Malformed("fewer than two widths"));
        };
        let counts = widths.iter().chain([&header.levels]);
        if dim != last || counts.clone().any(|&n| n == 0 || usize::from(n) > MAX_COUNT) {
            return Err(Error::Malformed("widths or number of levels"));
        }
        if usize::from(header.plan.rows) > MAX_COUNT || usize::from(header.plan.history) > HISTORY {
            return Err(Error::Malformed("stored plan"));
        }
        if !matches!(header.input_parts, 1 | 2) {
            return Err(Error::Malformed("input parts"));
        }
        let (dim, levels, first) = (usize::from(dim), usize::from(header.levels), usize::from(widths[1]));
        let mut cursor = Cursor(bytes.get(padded(header_end)..).unwrap_or_default());
        let table = cursor.section(16 * levels);
        let conditions = cursor.section(4 * levels * first);
        let mut layers = Vec::new();
        for (i, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs, hidden) =
                (usize::from(pair[0]), usize::from(pair[1]), i + 2 < widths.len());
            let inputs = if i == 0 { inputs * usize::from(header.input_parts) } else { inputs };
            let bytes = cursor.section(layer_bytes(inputs, outputs, hidden));
            let layer = Layer { inputs, outputs, hidden, bytes };
            layers.push(layer).map_err(|_| Error::Malformed("too many layers"))?;
        }
        let standard = cursor.section(8 * dim);
        let rows = cursor.section(STEP * usize::from(header.plan.rows));
        let shapes = padded(header_end)
            + padded(16 * levels)
            + padded(4 * levels * first)
            + padded(8 * dim)
            + padded(STEP * usize::from(header.plan.rows))
            + layers.iter().map(|l| layer_bytes(l.inputs, l.outputs, l.hidden)).sum::<usize>();
        if shapes != bytes.len() {
            return Err(Error::Malformed("length and shapes disagree"));
        }
        Ok(Self {
            bytes,
            name: header.name,
            dim,
            input_limit: i16::try_from(header.input_limit).unwrap_or(0),
            split: header.input_parts == 2,
            levels: LevelTable(table),
            conditions,
            layers,
            standard,
            plan: StoredPlan { rows, history: header.plan.history.into(), prior: header.plan.prior },
        })
    }

    /// Name given by the trainer, such as that of the data set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of data dimensions.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The noise levels.
    pub fn levels(&self) -> LevelTable<'a> {
        self.levels
    }

    /// The plan that the trainer recommends; without rows if there is none.
    pub fn plan(&self) -> StoredPlan<'a> {
        self.plan
    }

    /// Widths of all layers, from the input to the output.
    pub fn widths(&self) -> impl Iterator<Item = usize> {
        core::iter::once(self.dim).chain(self.layers.iter().map(|layer| layer.outputs))
    }

    /// The widest layer, both parts of a split input counted: the capacity `H` that a network for this
    /// model needs.
    pub fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.inputs.max(layer.outputs)).max().unwrap_or(0)
    }

    /// Multiply–accumulate operations of one evaluation.
    pub fn macs(&self) -> usize {
        self.layers.iter().map(|layer| layer.inputs * layer.outputs).sum()
    }

    /// The blob's bytes, without what may follow them.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The blob's checksum.
    pub fn checksum(&self) -> u32 {
        word(self.bytes, 4) as u32
    }

    /// From model units to data units: mean + scale·x.
    pub fn to_data(&self, x: &[f32], data: &mut [f32]) {
        for (j, (data, x)) in data.iter_mut().zip(x).enumerate() {
            let (mean, scale) = self.standard(j);
            *data = mean + scale * x;
        }
    }

    /// From data units to model units: (data − mean)/scale.
    pub fn to_model(&self, data: &[f32], x: &mut [f32]) {
        for (j, (x, data)) in x.iter_mut().zip(data).enumerate() {
            let (mean, scale) = self.standard(j);
            *x = (data - mean) / scale;
        }
    }

    fn standard(&self, j: usize) -> (f32, f32) {
        (float(self.standard, 2 * j), float(self.standard, 2 * j + 1))
    }

    pub(crate) fn input_limit(&self) -> i16 {
        self.input_limit
    }

    /// Whether the first layer sees each input twice, the second time divided by 128.
    pub(crate) fn split(&self) -> bool {
        self.split
    }

    pub(crate) fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// The first layer's bias row for a noise level; past the last one, the last.
    pub(crate) fn condition(&self, level: usize) -> &'a [u8] {
        let row = 4 * self.layers.first().map_or(0, |layer| layer.outputs);
        let at = row * level.min(self.levels.count().saturating_sub(1));
        self.conditions.get(at..at + row).unwrap_or_default()
    }
}

/// Bytes on an alignment of 16, for [`include_model!`](crate::include_model).
#[repr(C, align(16))]
pub struct Aligned<T: ?Sized>(pub T);

/// A blob file as an aligned `&'static [u8]`.
///
/// The path is relative to the file that names it.
///
/// ```
/// # use tinyscore::Model;
/// let bytes = tinyscore::include_model!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/mixture.postcard"));
/// assert_eq!(bytes.as_ptr().align_offset(16), 0);
/// assert_eq!(Model::from_bytes(bytes)?.dim(), 2);
/// # Ok::<(), tinyscore::Error>(())
/// ```
#[macro_export]
macro_rules! include_model {
    ($path:expr) => {{
        static BLOB: &$crate::blob::Aligned<[u8]> = &$crate::blob::Aligned(*include_bytes!($path));
        &BLOB.0
    }};
}
