//! The model format, read and written here and nowhere else; every byte is described in
//! `core/FORMAT.md`.
//!
//! [`Model::from_bytes`] checks everything once and borrows the bytes, which may stay in flash. After it
//! nothing can fail: every range is in bounds, and no sum of any layer can overflow 32 bits for any
//! input.

use crate::arith::{ARITHMETIC, is_bounded};
use crate::crc::crc32;
use crate::mlp::activation;
use crate::plan::HISTORY;
use crate::{Error, Levels, Plan, Step};
use half::f16;
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

/// Version of the format.
pub const FORMAT: u16 = 1;
/// Most dense layers a model can have.
pub const MAX_LAYERS: usize = 10;
/// Widest layer, most noise levels and most stored steps the format allows.
pub const MAX_COUNT: usize = 4096;
/// Entries of an activation table: the ends of 256 segments.
pub const TABLE: usize = 257;
/// Longest name, in bytes.
pub const NAME: usize = 32;

const MAGIC: [u8; 8] = *b"tinyscor";
const PREFIX: usize = 24;
const ALIGN: usize = 16;
const STEP: usize = 32;
/// Bytes of an activation: table, shift, two slopes.
const CURVE: usize = 2 * TABLE + 6;
/// Bound of the factors that the output is computed with; keeps ε̂ finite for every state.
const MAX_GAIN: f32 = 1_048_576.0;

/// The header, in postcard.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    name: String<NAME>,
    /// dim, hidden widths, dim
    widths: Vec<u16, { MAX_LAYERS + 1 }>,
    input_limit: u16,
    input_parts: u8,
    levels: u16,
    plan: StoredHead,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct StoredHead {
    rows: u16,
    history: u8,
    prior: f32,
}

/// One noise level of a model. With x in model units,
///
/// ```text
/// input  = round(input_gain·x)
/// ε̂_j   = skip·x_j + output_gain·scale_j·accumulator_j
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// σ
    pub sigma: f32,
    /// From model units to integers of the first layer: c_in times the input scale.
    pub input_gain: f32,
    /// How much of x goes straight to ε̂: (1 − c_skip)/σ.
    pub skip: f32,
    /// From the last layer's integers to ε̂: −c_out/σ times the output scale's power of two.
    pub output_gain: f32,
}

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

/// One dense layer; its sections are cut out when it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
    pub inputs: usize,
    pub outputs: usize,
    hidden: bool,
    bytes: &'a [u8],
}

/// The sections of a layer.
pub(crate) struct Sections<'a> {
    /// outputs × inputs, `i8`
    pub weights: &'a [u8],
    /// outputs, `i32`
    pub biases: &'a [u8],
    /// hidden: outputs × `i32` multipliers; last: outputs × `f16` scales
    pub scales: &'a [u8],
    /// hidden: the activation
    pub curve: Curve<'a>,
}

/// An activation: a table about zero and straight lines beyond it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve<'a> {
    /// [`TABLE`] × `i16`, at the pre-activations (i − 128)·2^shift
    pub table: &'a [u8; 2 * TABLE],
    /// 0…8
    pub shift: u32,
    /// Slopes below and above the table, in units of 2⁻¹⁴.
    pub left_slope: i16,
    pub right_slope: i16,
}

impl Curve<'_> {
    /// Largest magnitude that it can give.
    fn largest(&self) -> u64 {
        let knots = self.table.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
        let ends = [i16::MIN, i16::MAX].map(|z| activation(self, z));
        knots.chain(ends).map(|y| u64::from(y.unsigned_abs())).max().unwrap_or(0)
    }
}

/// Bytes of all sections of a layer, each padded.
fn layer_bytes(inputs: usize, outputs: usize, hidden: bool) -> usize {
    let scales = if hidden { padded(4 * outputs) + padded(CURVE) } else { padded(2 * outputs) };
    padded(outputs * inputs) + padded(4 * outputs) + scales
}

fn padded(n: usize) -> usize {
    n.div_ceil(ALIGN) * ALIGN
}

/// Cuts padded sections off the front of bytes that begin on the alignment.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `len` bytes; empty if there are not that many, which only an unchecked blob can have.
    fn section(&mut self, len: usize) -> &'a [u8] {
        let (section, rest) = self.0.split_at_checked(len).unwrap_or_default();
        self.0 = rest.get(padded(len) - len..).unwrap_or_default();
        section
    }
}

impl<'a> Layer<'a> {
    pub fn sections(&self) -> Sections<'a> {
        static NO_TABLE: [u8; 2 * TABLE] = [0; 2 * TABLE];
        let mut cursor = Cursor(self.bytes);
        let weights = cursor.section(self.outputs * self.inputs);
        let biases = cursor.section(4 * self.outputs);
        let scales = cursor.section(if self.hidden { 4 } else { 2 } * self.outputs);
        let curve = cursor.section(CURVE);
        let (table, rest) = curve.split_first_chunk().unwrap_or((&NO_TABLE, &[]));
        let [shift, left_slope, right_slope] = [0, 1, 2].map(|i| short(rest, i));
        let curve = Curve { table, shift: (shift & 15) as u32, left_slope, right_slope };
        Sections { weights, biases, scales, curve }
    }
}

/// Number `i` of little-endian `i16`; 0 past the end.
fn short(bytes: &[u8], i: usize) -> i16 {
    let short = bytes.get(2 * i..).and_then(<[u8]>::first_chunk);
    short.map_or(0, |b| i16::from_le_bytes(*b))
}

/// Word number `i` of little-endian `i32`; 0 past the end.
pub(crate) fn word(bytes: &[u8], i: usize) -> i32 {
    let word = bytes.get(4 * i..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |b| i32::from_le_bytes(*b))
}

/// Float number `i` of little-endian `f32`; 0 past the end.
fn float(bytes: &[u8], i: usize) -> f32 {
    f32::from_bits(word(bytes, i) as u32)
}

/// Half-precision number `i`; 0 past the end.
pub(crate) fn half_float(bytes: &[u8], i: usize) -> f32 {
    let half = bytes.get(2 * i..).and_then(<[u8]>::first_chunk);
    half.map_or(0.0, |b| f16::from_le_bytes(*b).to_f32())
}

/// The noise levels of a model, read in place.
#[derive(Clone, Copy, Debug)]
pub struct LevelTable<'a>(&'a [u8]);

impl LevelTable<'_> {
    /// Level number `i`; past the last one, the last.
    pub fn get(&self, i: usize) -> Level {
        let at = 4 * i.min(self.count().saturating_sub(1));
        let [sigma, input_gain, skip, output_gain] = [at, at + 1, at + 2, at + 3].map(|i| float(self.0, i));
        Level { sigma, input_gain, skip, output_gain }
    }
}

impl Levels for LevelTable<'_> {
    fn count(&self) -> usize {
        self.0.len() / 16
    }

    fn sigma(&self, i: usize) -> f32 {
        float(self.0, 4 * i)
    }
}

/// A plan stored in a model: no mathematics needed on the device.
#[derive(Clone, Copy, Debug)]
pub struct StoredPlan<'a> {
    rows: &'a [u8],
    history: usize,
    prior: f32,
}

impl Plan for StoredPlan<'_> {
    fn rows(&self) -> usize {
        self.rows.len() / STEP
    }

    fn step(&self, row: usize) -> Step {
        let row = self.rows.get(STEP * row..).unwrap_or_default();
        let [level, flags] = [word(row, 0) as u16, ((word(row, 0) as u32) >> 16) as u16];
        let [a, s, b, c1, c2, c3, d] = [1, 2, 3, 4, 5, 6, 7].map(|i| float(row, i));
        Step { level, evaluate: flags & 1 != 0, save: flags & 2 != 0, a, s, b, c: [c1, c2, c3], d }
    }

    fn prior(&self) -> f32 {
        self.prior
    }

    fn levels(&self) -> usize {
        (0..self.rows()).map(|row| usize::from(self.step(row).level) + 1).max().unwrap_or(0)
    }

    fn history(&self) -> usize {
        self.history
    }
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

    fn check(&self) -> Result<(), Error> {
        self.check_levels()?;
        self.check_layers()?;
        let standard = (0..self.dim).all(|j| {
            let (mean, scale) = self.standard(j);
            is_bounded(mean) && is_bounded(scale) && scale > 0.0
        });
        if !standard {
            return Err(Error::Malformed("mean or scale"));
        }
        self.check_plan()
    }

    fn check_levels(&self) -> Result<(), Error> {
        let mut above = 1.000_001e6;
        for i in 0..self.levels.count() {
            let Level { sigma, input_gain, skip, output_gain } = self.levels.get(i);
            if !(sigma > 0.0 && sigma < above) {
                return Err(Error::Malformed("noise levels must descend and be positive"));
            }
            let gains = [input_gain, skip, output_gain];
            if gains.iter().any(|&g| !(-MAX_GAIN..=MAX_GAIN).contains(&g)) {
                return Err(Error::Malformed("gains of a noise level"));
            }
            above = sigma;
        }
        Ok(())
    }

    /// No −128 among the weights, and no sum that could overflow.
    fn check_layers(&self) -> Result<(), Error> {
        let mut limit = u64::from(self.input_limit.unsigned_abs());
        if limit == 0 {
            return Err(Error::Malformed("input limit"));
        }
        let mut conditions = self.conditions;
        for layer in &self.layers {
            let sections = layer.sections();
            for (j, row) in sections.weights.chunks_exact(layer.inputs.max(1)).enumerate() {
                if row.contains(&0x80) {
                    return Err(Error::Malformed("a weight of -128"));
                }
                let weights: u64 = row.iter().map(|&w| u64::from((w as i8).unsigned_abs())).sum();
                let bias = u64::from(word(sections.biases, j).unsigned_abs());
                let condition = conditions.chunks_exact(4 * layer.outputs);
                let condition = condition.map(|row| word(row, j).unsigned_abs()).max().unwrap_or(0);
                if weights * limit + bias + u64::from(condition) > i32::MAX as u64 {
                    return Err(Error::Malformed("a layer's sum could overflow"));
                }
            }
            if !layer.hidden && (0..layer.outputs).any(|j| !half_float(sections.scales, j).is_finite()) {
                return Err(Error::Malformed("output scale"));
            }
            limit = sections.curve.largest();
            if layer.hidden && sections.curve.shift > 8 {
                return Err(Error::Malformed("shift of an activation"));
            }
            conditions = &[];
        }
        Ok(())
    }

    fn check_plan(&self) -> Result<(), Error> {
        let plan = self.plan;
        let bad_row = |row| {
            let step = plan.step(row);
            let [c1, c2, c3] = step.c;
            let read = step.c.iter().rposition(|&c| c != 0.0).map_or(0, |i| i + 1);
            let flags = plan.rows.get(STEP * row + 2..STEP * row + 4).unwrap_or_default();
            ![step.a, step.s, step.b, c1, c2, c3, step.d].into_iter().all(is_bounded)
                || usize::from(step.level) >= self.levels.count()
                || read > plan.history
                || !matches!(flags, [0..=3, 0])
        };
        if !is_bounded(plan.prior) || (0..plan.rows()).any(bad_row) {
            return Err(Error::Malformed("stored plan"));
        }
        Ok(())
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

/// Checks magic, versions, length and checksum; the blob without what follows it.
fn check_prefix(bytes: &[u8]) -> Result<&[u8], Error> {
    let truncated = |needed| Error::Truncated { needed, have: bytes.len() };
    let prefix: &[u8; PREFIX] = bytes.first_chunk().ok_or(truncated(PREFIX))?;
    if !prefix.starts_with(&MAGIC) {
        return Err(Error::NotABlob);
    }
    let [found, arithmetic] = [8, 10].map(|i| u16::from_le_bytes([prefix[i], prefix[i + 1]]));
    if found != FORMAT {
        return Err(Error::Format { found, supported: FORMAT });
    }
    if arithmetic != ARITHMETIC {
        return Err(Error::Arithmetic { found: arithmetic, supported: ARITHMETIC });
    }
    let length = word(prefix, 3) as u32 as usize;
    let bytes = bytes.get(..length.max(PREFIX)).ok_or(truncated(length))?;
    let stored = word(prefix, 4) as u32;
    let computed = checksum(bytes);
    if stored != computed {
        return Err(Error::Checksum { stored, computed });
    }
    Ok(bytes)
}

/// CRC-32 of all bytes but those of the checksum itself.
fn checksum(bytes: &[u8]) -> u32 {
    crc32(&[bytes.get(..16).unwrap_or_default(), bytes.get(20..).unwrap_or_default()])
}

/// What a layer does with its sums.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// Requantize by one multiplier per output, in units of 2⁻³², then the activation table.
    Hidden {
        /// One per output.
        multipliers: &'a [i32],
        /// Activation at the pre-activations −128·2^shift, −127·2^shift, …, 128·2^shift.
        table: &'a [i16; TABLE],
        /// 0…8
        shift: u16,
        /// Slopes below and above the table, in units of 2⁻¹⁴.
        slopes: [i16; 2],
    },
    /// Scale to floats.
    Output {
        /// One per output.
        scales: &'a [f16],
    },
}

/// A dense layer to be written.
#[derive(Clone, Copy, Debug)]
pub struct LayerSource<'a> {
    /// outputs × inputs, row-major, in −127…127
    pub weights: &'a [i8],
    /// One per output, in units of the sums.
    pub biases: &'a [i32],
    /// What follows the sums.
    pub stage: Stage<'a>,
}

/// A model to be written.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// At most [`NAME`] bytes.
    pub name: &'a str,
    /// dim, hidden widths, dim
    pub widths: &'a [usize],
    /// Saturation of the first layer's integers.
    pub input_limit: i16,
    /// 1, or 2 for weights of 15 bits in the first layer: its rows are then dim weights for the inputs
    /// and dim for the inputs divided by 128.
    pub input_parts: usize,
    /// From the largest σ down.
    pub levels: &'a [Level],
    /// levels × first width: what each level adds to the first layer's sums.
    pub conditions: &'a [i32],
    /// One per pair of widths.
    pub layers: &'a [LayerSource<'a>],
    /// Per dimension.
    pub mean: &'a [f32],
    /// Per dimension.
    pub scale: &'a [f32],
}

impl Source<'_> {
    /// Writes the model with `plan` stored in it to the start of `out`; the number of bytes.
    ///
    /// # Errors
    /// [`Error::Buffer`] with the size needed, or what [`Model::from_bytes`] finds wrong with it.
    pub fn encode(&self, plan: &impl Plan, out: &mut [u8]) -> Result<usize, Error> {
        let have = out.len();
        let mut writer = Writer { out, at: 0 };
        self.write(plan, &mut writer)?;
        let needed = writer.at;
        let Some(blob) = out.get_mut(..needed) else {
            return Err(Error::Buffer { needed, have });
        };
        blob[12..16].copy_from_slice(&(needed as u32).to_le_bytes());
        let crc = checksum(blob);
        blob[16..20].copy_from_slice(&crc.to_le_bytes());
        Model::from_bytes(blob)?;
        Ok(needed)
    }

    fn header(&self, plan: &impl Plan) -> Result<Header, Error> {
        let small = |n: usize| u16::try_from(n).map_err(|_| Error::Malformed("a count above 4096"));
        let mut widths = Vec::new();
        for &width in self.widths {
            widths.push(small(width)?).map_err(|_| Error::Malformed("too many layers"))?;
        }
        Ok(Header {
            name: String::try_from(self.name).map_err(|_| Error::Malformed("name longer than 32 bytes"))?,
            widths,
            input_limit: self.input_limit.unsigned_abs(),
            input_parts: self.input_parts as u8,
            levels: small(self.levels.len())?,
            plan: StoredHead {
                rows: small(plan.rows())?,
                history: plan.history() as u8,
                prior: plan.prior(),
            },
        })
    }

    fn write(&self, plan: &impl Plan, writer: &mut Writer<'_>) -> Result<(), Error> {
        let mut buffer = [0; 128];
        let header =
            postcard::to_slice(&self.header(plan)?, &mut buffer).map_err(|_| Error::Malformed("header"))?;
        writer.put(&MAGIC);
        for version in [FORMAT, ARITHMETIC] {
            writer.put(&version.to_le_bytes());
        }
        writer.put(&[0; 8]); // length and checksum, filled in at the end
        writer.put(&(header.len() as u32).to_le_bytes());
        writer.put(header);
        writer.pad();
        writer.section(self.levels.iter().flat_map(|level| {
            [level.sigma, level.input_gain, level.skip, level.output_gain].map(f32::to_le_bytes)
        }));
        writer.section(self.conditions.iter().map(|c| c.to_le_bytes()));
        for layer in self.layers {
            writer.section(layer.weights.iter().map(|w| w.to_le_bytes()));
            writer.section(layer.biases.iter().map(|b| b.to_le_bytes()));
            match layer.stage {
                Stage::Hidden { multipliers, table, shift, slopes } => {
                    writer.section(multipliers.iter().map(|m| m.to_le_bytes()));
                    let ends = [shift as i16, slopes[0], slopes[1]];
                    writer.section(table.iter().chain(&ends).map(|y| y.to_le_bytes()));
                }
                Stage::Output { scales } => writer.section(scales.iter().map(|s| s.to_le_bytes())),
            }
        }
        let standard = self.mean.iter().zip(self.scale);
        writer.section(standard.flat_map(|(m, s)| [m.to_le_bytes(), s.to_le_bytes()]));
        writer.section((0..plan.rows()).map(|row| step_bytes(&plan.step(row))));
        Ok(())
    }
}

fn step_bytes(step: &Step) -> [u8; STEP] {
    let flags = u32::from(step.evaluate) | u32::from(step.save) << 1;
    let [c1, c2, c3] = step.c;
    let floats = [step.a, step.s, step.b, c1, c2, c3, step.d].map(f32::to_bits);
    let words = core::iter::once(u32::from(step.level) | flags << 16).chain(floats);
    let mut bytes = [0; STEP];
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Writes as far as the buffer goes and counts on, so that the size needed is known.
struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(to) = self.out.get_mut(self.at..end) {
            to.copy_from_slice(bytes);
        }
        self.at = end;
    }

    fn pad(&mut self) {
        while !self.at.is_multiple_of(ALIGN) {
            self.put(&[0]);
        }
    }

    fn section<const N: usize>(&mut self, items: impl Iterator<Item = [u8; N]>) {
        items.for_each(|item| self.put(&item));
        self.pad();
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
