//! The model format, read and written here and nowhere else; every byte is described in
//! `core/FORMAT.md`.
//!
//! [`Model::from_bytes`] checks everything once and borrows the bytes, which may stay in flash. After it
//! nothing can fail: every range is in bounds, and no sum of any layer can overflow 32 bits for any
//! input.

mod binary;
mod check;
mod energy;
mod gaussian;
mod layer;
mod layout;
mod levels;
mod stored_plan;
mod weights;
mod write;

pub use crate::activation::TABLE;
pub use binary::{BoltzmannSource, RbmSource, StackSource};
pub(crate) use binary::{Lateral, Stack};
pub use check::{LARGEST_MEAN, LARGEST_SCALE};
pub use energy::{EnergyModel, EnergySource};
pub(crate) use gaussian::Gaussian;
pub use gaussian::GaussianSource;
pub(crate) use layer::{After, Layer, Matrix};
pub(crate) use layout::{float, half, word};
pub use levels::{Level, LevelTable};
pub use stored_plan::StoredPlan;
pub(crate) use weights::{lane, packed};
pub use write::{CodecSource, LayerSource, Source, Stage};

use crate::codec::Codec;
use crate::{Detector, Error, Levels};
use layer::Layers;
use layout::{Cursor, Header, PREFIX, StoredHead, check_prefix, read_header};
use levels::LEVEL;
use stored_plan::STEP;

/// Version of the format.
pub const FORMAT: u16 = 1;
/// Most dense layers a model can have.
pub const MAX_LAYERS: usize = 10;
/// Widest layer, most noise levels and most stored steps the format allows.
pub const MAX_COUNT: usize = 4096;
const SHAPES: &str = "length and shapes disagree";

/// Longest name, in bytes.
pub const NAME: usize = 32;

/// What a blob holds, by the first byte of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Kind {
    /// A score network: [`Model`].
    Score = 0,
    /// A restricted Boltzmann machine: [`Rbm`](crate::Rbm).
    Rbm = 1,
    /// A deep belief network: [`Dbn`](crate::Dbn).
    Dbn = 2,
    /// A Boltzmann machine: [`BoltzmannMachine`](crate::BoltzmannMachine).
    BoltzmannMachine = 3,
    /// An energy network: [`EnergyModel`].
    Energy = 4,
    /// A Gaussian–Bernoulli restricted Boltzmann machine: [`GaussianRbm`](crate::GaussianRbm).
    GaussianRbm = 5,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Score, Self::Rbm, Self::Dbn, Self::BoltzmannMachine, Self::Energy, Self::GaussianRbm];

    /// What the blob holds; magic, versions, length and checksum are checked.
    ///
    /// # Errors
    /// When it is damaged, of another version, or of no known kind.
    pub fn of(blob: &[u8]) -> Result<Self, Error> {
        Self::read(check_prefix(blob)?)
    }

    fn read(blob: &[u8]) -> Result<Self, Error> {
        let byte = blob.get(PREFIX).copied();
        let kind = Self::ALL.into_iter().find(|&kind| Some(kind as u8) == byte);
        kind.ok_or(Error::Malformed("kind of model"))
    }
}

/// A checked score network, borrowing its bytes; of an energy network, what it has besides the way back.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
    levels: LevelTable<'a>,
    conditions: &'a [u8],
    classes: &'a [u8],
    layers: &'a [u8],
    codec: &'a [u8],
    standard: &'a [u8],
    rows: &'a [u8],
}

impl<'a> Model<'a> {
    /// Reads and checks a model. Bytes after its end are ignored.
    ///
    /// # Errors
    /// Any of the blob errors of [`Error`]; every single-byte change is caught by the checksum.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        match Self::cut(check_prefix(bytes)?, Kind::Score)? {
            (model, Cursor([])) => model.check().map(|()| model),
            _ => Err(Error::Malformed(SHAPES)),
        }
    }

    /// Cuts the sections, whose lengths follow from the header; what is left.
    fn cut(bytes: &'a [u8], kind: Kind) -> Result<(Self, Cursor<'a>), Error> {
        let (header, rest) = read_header(bytes, kind)?;
        let mut cursor = Cursor(rest);
        let mut section = |len| cursor.section(len).ok_or(Error::Malformed(SHAPES));
        let [dim, first] = [0, 1].map(|i| header.widths.get(i).copied().map_or(0, usize::from));
        let count = usize::from(header.levels);
        let levels = LevelTable(section(LEVEL * count)?);
        let conditions = section(4 * count * first)?;
        let classes = section(4 * usize::from(header.classes) * first)?;
        let layers = section(Layers::bytes(&header.widths, &header.bits))?;
        let data_dim = header.codec.map_or(dim, |codec| codec.outputs.into());
        let codec = section(header.codec.map_or(0, |codec| packed(codec.bits, dim, data_dim)))?;
        let standard = section(8 * data_dim)?;
        let rows = section(STEP * usize::from(header.plan.rows))?;
        Ok((Self { bytes, header, levels, conditions, classes, layers, codec, standard, rows }, cursor))
    }

    /// Name given by the trainer, such as that of the data set.
    pub fn name(&self) -> &str {
        self.header.name
    }

    /// Number of dimensions of the sampler's state: those of the data, or of the latents of a codec.
    pub fn dim(&self) -> usize {
        self.header.widths.first().copied().map_or(0, usize::from)
    }

    /// Number of data dimensions.
    pub fn data_dim(&self) -> usize {
        self.header.codec.map_or(self.dim(), |codec| codec.outputs.into())
    }

    /// Multiply–accumulate operations of [`to_data`](Self::to_data); 0 without a codec.
    pub fn decoder_macs(&self) -> usize {
        self.codec().map_or(0, |(_, matrix)| matrix.inputs * matrix.outputs)
    }

    /// The noise levels.
    pub fn levels(&self) -> LevelTable<'a> {
        self.levels
    }

    /// Number of classes that it can be conditioned on; 0 for none.
    pub fn classes(&self) -> usize {
        self.header.classes.into()
    }

    /// What the trainer calls an anomaly, if it calibrated that.
    pub fn detector(&self) -> Option<Detector> {
        (self.header.detector.count > 0).then_some(self.header.detector)
    }

    /// The plan that the trainer recommends; without rows if there is none.
    pub fn plan(&self) -> StoredPlan<'a> {
        let StoredHead { history, prior, .. } = self.header.plan;
        StoredPlan { rows: self.rows, history: history.into(), prior }
    }

    /// Widths of all layers, from the input to the output.
    pub fn widths(&self) -> impl Iterator<Item = usize> {
        self.header.widths.iter().copied().map(usize::from)
    }

    /// The widest layer.
    pub fn width(&self) -> usize {
        self.widths().max().unwrap_or(0)
    }

    /// Entries of scratch memory that a network for this model needs: two layers in whole words, and one
    /// entry for their alignment.
    pub fn scratch(&self) -> usize {
        4 * self.width().div_ceil(2) + 1
    }

    /// Multiply–accumulate operations of one evaluation.
    pub fn macs(&self) -> usize {
        self.layers().map(|layer| layer.matrix.inputs * layer.matrix.outputs).sum()
    }

    /// The blob's bytes, without what may follow them.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The blob's checksum.
    pub fn checksum(&self) -> u32 {
        word(self.bytes, 4) as u32
    }

    /// From model units to data units: mean + scale·x, where x goes through the codec's matrix first if there is one. `x`
    /// has [`dim`](Self::dim) entries, `data` [`data_dim`](Self::data_dim).
    pub fn to_data(&self, x: &[f32], data: &mut [f32]) {
        if let Some((codec, matrix)) = self.codec() {
            return codec.decode(&matrix, x, data, |j| self.standard(j));
        }
        for (j, (data, x)) in data.iter_mut().zip(x).enumerate() {
            let (mean, scale) = self.standard(j);
            *data = mean + scale * x;
        }
    }

    /// From data units to model units: (data − mean)/scale, or the latents of the nearest data that the codec can make.
    pub fn to_model(&self, data: &[f32], x: &mut [f32]) {
        if let Some((codec, matrix)) = self.codec() {
            return codec.encode(&matrix, data, x, |j| self.standard(j));
        }
        for (j, (x, data)) in x.iter_mut().zip(data).enumerate() {
            let (mean, scale) = self.standard(j);
            *x = (data - mean) / scale;
        }
    }

    fn standard(&self, j: usize) -> (f32, f32) {
        (float(self.standard, 2 * j), float(self.standard, 2 * j + 1))
    }

    /// The codec, if there is one, and its matrix from latents to data.
    fn codec(&self) -> Option<(Codec, Matrix<'a>)> {
        let codec = self.header.codec?;
        let (inputs, outputs) = (self.dim(), codec.outputs.into());
        Some((codec, Matrix { inputs, outputs, bits: codec.bits, weights: self.codec }))
    }

    pub(crate) fn input_limit(&self) -> i16 {
        self.header.input_limit.min(i16::MAX as u16) as i16
    }

    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers::new(&self.header.widths, &self.header.bits, self.layers)
    }

    /// What a noise level adds to the first layer's sums; past the last one, the last.
    pub(crate) fn condition(&self, level: usize) -> &'a [u8] {
        self.row(self.conditions, level.min(self.levels.count().saturating_sub(1)))
    }

    /// What a class adds to the first layer's sums.
    pub(crate) fn class(&self, class: usize) -> &'a [u8] {
        self.row(self.classes, class)
    }

    /// As [`class`](Self::class), for a class or none.
    pub(crate) fn chosen(&self, class: Option<usize>) -> Result<&'a [u8], Error> {
        let have = self.classes();
        match class {
            None => Ok(&[]),
            Some(class) if class < have => Ok(self.class(class)),
            Some(asked) => Err(Error::NoSuchClass { asked, have }),
        }
    }

    /// A row of one word for each of the first layer's sums.
    fn row(&self, rows: &'a [u8], i: usize) -> &'a [u8] {
        let row = 4 * self.header.widths.get(1).copied().map_or(0, usize::from);
        rows.get(row * i..).and_then(|rows| rows.get(..row)).unwrap_or_default()
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
