//! Restricted Boltzmann machines of binary units, sampled in integers (Smolensky 1986; Hinton, "Training products of
//! experts by minimizing contrastive divergence", 2002; "A practical guide to training restricted Boltzmann machines", 2012).
//!
//! ```text
//! E(v, h) = −Σᵢ aᵢvᵢ − Σⱼ bⱼhⱼ − Σᵢⱼ vᵢ wᵢⱼ hⱼ        p(v, h) ∝ e⁻ᴱ
//! p(hⱼ = 1 | v) = σ(bⱼ + Σᵢ vᵢwᵢⱼ)        p(vᵢ = 1 | h) = σ(aᵢ + Σⱼ wᵢⱼhⱼ)
//! F(v) = −Σᵢ aᵢvᵢ − Σⱼ ln(1 + exp(bⱼ + Σᵢ vᵢwᵢⱼ))        p(v) ∝ e⁻ᶠ
//! ```
//!
//! Weights are bytes of one scale 2⁻ˢ and units are bits, so that an input is a sum of chosen bytes, and σ is a table
//! compared with random bits ([`sigmoid`](crate::sigmoid)): a sweep multiplies nothing and has no float.
//!
//! The order of draws is part of the contract. All hidden units are drawn in turn, then all visible ones; each two that
//! follow each other take one draw of 32 bits, first the lower half, then the upper. A layer takes an even number of draws.

use crate::Error;
use crate::blob::{Kind, Stack, word};
use crate::kernel::{add_row, load};
use crate::sigmoid::{FRACTION, softplus, unit};
use rand_core::Rng;

/// Inputs of 32 units, two a word: low + 2¹⁶·high.
type Sums = [u32; 16];

/// Weights and biases towards one of two layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections<'a> {
    /// From how many units, and to how many.
    pub shape: (usize, usize),
    /// For each unit below a row of bytes w + 2⁷, one for each unit above, whole words; of each four in the order 0, 2, 1, 3,
    /// so that every other byte is for units that follow each other.
    pub weights: &'a [u8],
    /// As [`Sums`], for each four units above whole; such as keep missing ones off.
    pub biases: &'a [u8],
    /// Weights and biases are in units of 2^−shift.
    pub shift: u32,
}

impl Connections<'_> {
    /// Adds the rows of the units that are on to the biases. Two sums of 16 bits share a word and borrow from each other:
    /// as low + 2¹⁶·high they are exact. 2⁷ for each row is still in them; it is returned for both.
    fn add_up<const N: usize>(&self, from: &[u32; N], sums: &mut [Sums; N]) -> u32 {
        let (words, row) = (self.weights.as_chunks().0, self.shape.1.div_ceil(4));
        let sums = sums.as_flattened_mut().as_chunks_mut().0.get_mut(..row).unwrap_or_default();
        for (sum, bias) in sums.as_flattened_mut().iter_mut().zip(self.biases.as_chunks().0) {
            *sum = load(bias) as u32;
        }
        let (mut first, mut offset) = (0, 0_u32);
        for &units in from {
            let (mut at, mut units) = (first, units);
            while units != 0 {
                if units & 1 == 1 {
                    offset = offset.wrapping_add(0x0080_0080);
                    add_row(sums, words.get(at..).unwrap_or_default());
                }
                at += row;
                units >>= 1;
            }
            first += row << 5;
        }
        offset
    }

    /// Draws the units above given those below.
    pub fn sample<const N: usize>(
        &self,
        from: &[u32; N],
        sums: &mut [Sums; N],
        to: &mut [u32; N],
        rng: &mut impl Rng,
    ) {
        let offset = self.add_up(from, sums);
        let scale = FRACTION.saturating_sub(self.shift);
        let mut pairs = 2 * self.shape.1.div_ceil(4);
        for (to, sums) in to.iter_mut().zip(sums) {
            let missing = sums.len().saturating_sub(pairs);
            let mut units = 0;
            for &sum in sums.get(..pairs).unwrap_or(sums) {
                let ([x, y], u) = (parted(sum, offset), draw(rng));
                units = units >> 2 | unit(x << scale, u & 0xffff) << 30 | unit(y << scale, u >> 16) << 31;
            }
            *to = if missing < sums.len() { units >> (2 * missing) } else { 0 };
            pairs = pairs.saturating_sub(sums.len());
        }
    }

    /// The weight from a unit below to one above.
    pub fn weight(&self, i: usize, j: usize) -> i32 {
        let four = i * self.shape.1.div_ceil(4) + j / 4;
        let weights = self.weights.get(4 * four + shuffled(j % 4));
        weights.map_or(0, |&w| i32::from(w) - 128)
    }

    /// The bias of a unit above; of missing ones those that keep them off.
    pub fn bias(&self, j: usize) -> i32 {
        let [low, high] = parted(word(self.biases, j / 2) as u32, 0);
        if j.is_multiple_of(2) { low } else { high }
    }
}

/// Not inline: the generator's state would crowd out the loop's registers.
#[inline(never)]
fn draw(rng: &mut impl Rng) -> u32 {
    rng.next_u32()
}

/// Where the weight of the unit with this number of four lies.
pub(crate) fn shuffled(j: usize) -> usize {
    j >> 1 | (j & 1) << 1
}

/// low and high of low + 2¹⁶·high + offset
fn parted(sums: u32, offset: u32) -> [i32; 2] {
    let sums = sums.wrapping_sub(offset) as i32;
    let low = i32::from(sums as i16);
    [low, sums.wrapping_sub(low) >> 16]
}

/// The other way.
pub(crate) fn packed(low: i32, high: i32) -> i32 {
    low.wrapping_add(high << 16)
}

/// Whether unit `i` of a state is on.
pub fn is_set(units: &[u32], i: usize) -> bool {
    units.get(i / 32).is_some_and(|word| word >> (i % 32) & 1 == 1)
}

/// A restricted Boltzmann machine, borrowing its blob's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Rbm<'a> {
    /// From visible to hidden units.
    pub(crate) up: Connections<'a>,
    /// The same weights turned round: twice the flash, so that both directions read whole rows.
    pub(crate) down: Connections<'a>,
}

impl<'a> Rbm<'a> {
    /// Reads and checks a blob of one.
    ///
    /// # Errors
    /// As [`Model::from_bytes`](crate::Model::from_bytes).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let stack = Stack::from_bytes(bytes, Kind::Rbm)?;
        match stack.kind() {
            Kind::Rbm => Ok(stack.top()),
            found => Err(Error::Kind { found, asked: Kind::Rbm }),
        }
    }

    /// Number of visible units.
    pub fn visible(&self) -> usize {
        self.up.shape.0
    }

    /// Number of hidden units.
    pub fn hidden(&self) -> usize {
        self.up.shape.1
    }

    /// s: a weight or bias of 1 stands for 2⁻ˢ.
    pub fn shift(&self) -> u32 {
        self.up.shift
    }

    /// The weight wᵢⱼ between a visible and a hidden unit; outside, none.
    pub fn weight(&self, visible: usize, hidden: usize) -> i32 {
        let inside = visible < self.visible() && hidden < self.hidden();
        if inside { self.up.weight(visible, hidden) } else { 0 }
    }

    /// aᵢ
    pub fn visible_bias(&self, i: usize) -> i32 {
        self.down.bias(i)
    }

    /// bⱼ
    pub fn hidden_bias(&self, j: usize) -> i32 {
        self.up.bias(j)
    }
}

/// Block Gibbs sampling of a chain of states, of as many units as N words hold.
///
/// ```
/// use tinyscore::{Gibbs, Rbm, rng::stream};
/// let rbm = Rbm::from_bytes(tinyscore::include_model!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/rbm.postcard")))?;
/// let mut chain = Gibbs::<_, 2>::new(&rbm, stream(1, 0))?;
/// chain.run(&rbm, 100);
/// let first = tinyscore::is_set(chain.visible(), 0);
/// # let _ = first;
/// # Ok::<(), tinyscore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gibbs<R, const N: usize> {
    visible: [u32; N],
    hidden: [u32; N],
    sums: [Sums; N],
    rng: R,
}

impl<R: Rng, const N: usize> Gibbs<R, N> {
    /// Starts with visible units drawn while no hidden one is on.
    ///
    /// # Errors
    /// [`Error::TooManyUnits`] when the larger layer does not fit.
    pub fn new(rbm: &Rbm<'_>, rng: R) -> Result<Self, Error> {
        let mut chain = Self::from_state(rbm, &[0; N], rng)?;
        chain.draw_visible(rbm);
        Ok(chain)
    }

    /// Starts from these visible units, such as a row of data or of samples: a chain seldom leaves the mode that it starts in.
    /// Draws nothing for it; bits past the last unit do not count.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_state(rbm: &Rbm<'_>, visible: &[u32; N], rng: R) -> Result<Self, Error> {
        let units = rbm.visible().max(rbm.hidden());
        if units.div_ceil(32) > N {
            return Err(Error::TooManyUnits { units, words: N });
        }
        let mut chain = Self { visible: *visible, hidden: [0; N], sums: [[0; 16]; N], rng };
        for (i, word) in chain.visible.iter_mut().enumerate() {
            let left = rbm.visible().saturating_sub(32 * i);
            *word &= u32::MAX.checked_shl(left as u32).map_or(u32::MAX, |beyond| !beyond);
        }
        Ok(chain)
    }

    /// One sweep: h ~ p(h | v), then v ~ p(v | h).
    pub fn sweep(&mut self, rbm: &Rbm<'_>) {
        rbm.up.sample(&self.visible, &mut self.sums, &mut self.hidden, &mut self.rng);
        self.draw_visible(rbm);
    }

    /// So many sweeps.
    pub fn run(&mut self, rbm: &Rbm<'_>, sweeps: usize) {
        (0..sweeps).for_each(|_| self.sweep(rbm));
    }

    /// A sweep after which the visible units of `known` are again as in `values`: in the long run the others are drawn
    /// given them. The draws are those of [`sweep`](Self::sweep).
    pub fn sweep_known(&mut self, rbm: &Rbm<'_>, known: &[u32; N], values: &[u32; N]) {
        self.clamp(known, values);
        self.sweep(rbm);
        self.clamp(known, values);
    }

    fn clamp(&mut self, known: &[u32; N], values: &[u32; N]) {
        for ((units, known), values) in self.visible.iter_mut().zip(known).zip(values) {
            *units = (*units & !known) | (values & known);
        }
    }

    fn draw_visible(&mut self, rbm: &Rbm<'_>) {
        rbm.down.sample(&self.hidden, &mut self.sums, &mut self.visible, &mut self.rng);
    }

    /// The visible units, 32 a word, from the lowest bit up.
    pub fn visible(&self) -> &[u32; N] {
        &self.visible
    }

    /// The hidden units.
    pub fn hidden(&self) -> &[u32; N] {
        &self.hidden
    }

    /// F(v) of the visible units, in nats: −ln p(v) but for a constant.
    pub fn free_energy(&mut self, rbm: &Rbm<'_>) -> f32 {
        let on = (0..rbm.visible()).filter(|&i| is_set(&self.visible, i));
        let visible = on.fold(0_i32, |sum, i| sum.wrapping_add(rbm.visible_bias(i)));
        let unit = 1.0 / (1_u32 << rbm.shift().min(FRACTION)) as f32;
        let mut energy = -(visible as f32) * unit;
        let offset = rbm.up.add_up(&self.visible, &mut self.sums);
        let inputs = self.sums.iter().flatten().flat_map(|&sum| parted(sum, offset));
        for x in inputs.take(rbm.hidden()) {
            energy -= softplus(x as f32 * unit);
        }
        energy
    }

    /// Draws the lower layers below the top one's visible units: see [`Dbn`](crate::Dbn).
    pub(crate) fn descend<'a>(&mut self, lower: impl Iterator<Item = Rbm<'a>>) -> [u32; N] {
        let mut units = self.visible;
        for rbm in lower {
            let above = units;
            rbm.down.sample(&above, &mut self.sums, &mut units, &mut self.rng);
        }
        units
    }
}
