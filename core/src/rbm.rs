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
//! The order of draws is part of the contract. All hidden units are drawn in turn, then all visible ones; each four that
//! follow each other, and what is left at the end, take two draws of 32 bits: of each first the lower half, then the upper.

use crate::Error;
use crate::blob::{Kind, Stack, word};
use crate::kernel::load;
use crate::sigmoid::{FRACTION, is_on};
use rand_core::Rng;

/// Inputs of 32 units: of each four the sums of the first and third, then of the second and fourth.
type Sums = [[u32; 2]; 8];

/// Weights and biases towards one of two layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections<'a> {
    /// From how many units, and to how many.
    pub shape: (usize, usize),
    /// For each unit below a row of bytes w + 2⁷, one for each unit above, whole words.
    pub weights: &'a [u8],
    /// One `i32` for each unit above, and such as keep the missing ones of the last four off.
    pub biases: &'a [u8],
    /// Weights and biases are in units of 2^−shift.
    pub shift: u32,
}

impl Connections<'_> {
    /// Adds up the rows of the units that are on. Two 16-bit sums share a word, and borrow from each other:
    /// as low + 2¹⁶·high they are exact.
    fn add_up<const N: usize>(&self, from: &[u32; N], sums: &mut [Sums; N]) {
        *sums = [[[0; 2]; 8]; N];
        let row = 4 * self.shape.1.div_ceil(4);
        let (mut rest, mut count) = (self.weights, 0_u32);
        for mut units in from.iter().copied() {
            for _ in 0..32 {
                let (weights, after) = rest.split_at_checked(row).unwrap_or_default();
                if units & 1 == 1 {
                    count = count.wrapping_add(0x0080_0080);
                    for ([even, odd], word) in sums.iter_mut().flatten().zip(weights.as_chunks().0) {
                        let word = load(word) as u32;
                        *even = even.wrapping_add(word & 0x00ff_00ff);
                        *odd = odd.wrapping_add(word >> 8 & 0x00ff_00ff);
                    }
                }
                units >>= 1;
                rest = after;
            }
        }
        for sum in sums.iter_mut().flatten().flatten() {
            *sum = sum.wrapping_sub(count);
        }
    }

    /// Draws the units above given those below.
    pub fn sample<const N: usize>(
        &self,
        from: &[u32; N],
        sums: &mut [Sums; N],
        to: &mut [u32; N],
        rng: &mut impl Rng,
    ) {
        self.add_up(from, sums);
        let mut biases = self.biases.as_chunks().0.as_chunks().0.iter();
        let scale = FRACTION.saturating_sub(self.shift);
        for (to, sums) in to.iter_mut().zip(sums) {
            *to = 0;
            for (four, &[even, odd]) in sums.iter().enumerate() {
                let Some([b0, b1, b2, b3]) = biases.next() else { break };
                let ([s0, s2], [s1, s3]) = (parted(even), parted(odd));
                let on = |bias, sum, u| u32::from(is_on((load(bias) + sum) << scale, u));
                let (first, second) = (rng.next_u32(), rng.next_u32());
                let units = on(b0, s0, first & 0xffff)
                    | on(b1, s1, first >> 16) << 1
                    | on(b2, s2, second & 0xffff) << 2
                    | on(b3, s3, second >> 16) << 3;
                *to |= units << (4 * four);
            }
        }
    }
}

/// The sums in low + 2¹⁶·high.
fn parted(sums: u32) -> [i32; 2] {
    let low = i32::from(sums as i16);
    [low, (sums as i32).wrapping_sub(low) >> 16]
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
        let at = visible * 4 * self.hidden().div_ceil(4) + hidden;
        self.up.weights.get(at).filter(|_| inside).map_or(0, |&w| i32::from(w) - 128)
    }

    /// aᵢ
    pub fn visible_bias(&self, i: usize) -> i32 {
        word(self.down.biases, i)
    }

    /// bⱼ
    pub fn hidden_bias(&self, j: usize) -> i32 {
        word(self.up.biases, j)
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
        let units = rbm.visible().max(rbm.hidden());
        if units.div_ceil(32) > N {
            return Err(Error::TooManyUnits { units, words: N });
        }
        let mut chain = Self { visible: [0; N], hidden: [0; N], sums: [[[0; 2]; 8]; N], rng };
        chain.draw_visible(rbm);
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
        rbm.up.add_up(&self.visible, &mut self.sums);
        let bits = |&units: &u32| (0..32).map(move |i| units >> i & 1 == 1);
        let on = self.visible.iter().flat_map(bits).zip(rbm.down.biases.as_chunks().0);
        let visible = on.fold(0_i32, |sum, (on, bias)| if on { sum.wrapping_add(load(bias)) } else { sum });
        let unit = 1.0 / (1_u32 << rbm.shift().min(FRACTION)) as f32;
        let mut energy = -(visible as f32) * unit;
        let four = |&[even, odd]: &[u32; 2]| {
            let ([s0, s2], [s1, s3]) = (parted(even), parted(odd));
            [s0, s1, s2, s3]
        };
        let inputs = self.sums.iter().flatten().flat_map(four);
        for (sum, bias) in inputs.zip(rbm.up.biases.as_chunks().0) {
            let x = (sum + load(bias)) as f32 * unit;
            let (larger, magnitude) = if x > 0.0 { (x, x) } else { (0.0, -x) };
            energy -= larger + libm::log1pf(libm::expf(-magnitude));
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
