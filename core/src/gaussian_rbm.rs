//! Restricted Boltzmann machines of real visible and binary hidden units, sampled in integers (Welling, Rosen-Zvi & Hinton,
//! "Exponential family harmoniums with an application to information retrieval", 2005; Hinton 2012, §13.2; Cho, Ilin &
//! Raiko, "Improved learning of Gaussian–Bernoulli restricted Boltzmann machines", 2011, eq. 5–7).
//!
//! ```text
//! E(v, h) = Σᵢ uᵢ²/2 − Σⱼ bⱼhⱼ − Σᵢⱼ uᵢ wᵢⱼ hⱼ,  uᵢ = (vᵢ − aᵢ)/σᵢ        p(v, h) ∝ e⁻ᴱ
//! p(hⱼ = 1 | v) = σ(bⱼ + Σᵢ uᵢwᵢⱼ)        p(vᵢ | h) = N(aᵢ + σᵢ Σⱼ wᵢⱼhⱼ, σᵢ²)
//! F(v) = Σᵢ uᵢ²/2 − Σⱼ ln(1 + exp(bⱼ + Σᵢ uᵢwᵢⱼ))        p(v) ∝ e⁻ᶠ
//! ```
//!
//! The papers' hidden units see vᵢ/σᵢ for uᵢ: the same machine with another b. So a and σ only lead from u to data, and a chain
//! is one of u, in units of 2⁻⁸ and 16 bits. Weights are bytes of one scale 2⁻ˢ; the hidden units' coins are those of an
//! [`Rbm`](crate::Rbm), noise is the integer normal of [`normal`](crate::normal): a sweep has no float.
//!
//! The order of draws is part of the contract: the hidden units in turn, each by the lower half of a draw of 32 bits, then
//! the visible ones, a draw each.

use crate::arith::quantize;
use crate::blob::{Gaussian, float, word};
use crate::normal::fixed_normal;
use crate::sigmoid::{FRACTION, softplus, unit};
use crate::{Error, is_set};
use rand_core::Rng;

/// u is in units of 2⁻⁸.
pub(crate) const VISIBLE: u32 = 8;
/// Its unit.
const UNIT: f32 = 1.0 / (1 << VISIBLE) as f32;
/// Bits of a normal number that its rounding drops.
const DROPPED: u32 = 28 - VISIBLE;
/// More than the magnitude of any noise.
pub(crate) const MAX_NOISE: i32 = 7 << VISIBLE;

/// A Gaussian–Bernoulli restricted Boltzmann machine, borrowing its blob's bytes.
#[derive(Clone, Debug)]
pub struct GaussianRbm<'a>(pub(crate) Gaussian<'a>);

impl<'a> GaussianRbm<'a> {
    /// Reads and checks a blob.
    ///
    /// # Errors
    /// As [`Model::from_bytes`](crate::Model::from_bytes).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        Gaussian::from_bytes(bytes).map(Self)
    }

    /// Name given by the trainer.
    pub fn name(&self) -> &str {
        self.0.name
    }

    /// Number of visible units.
    pub fn visible(&self) -> usize {
        self.0.visible
    }

    /// Number of hidden units.
    pub fn hidden(&self) -> usize {
        self.0.hidden
    }

    /// s: a weight of 1 stands for 2⁻ˢ, a bias of 1 for 2⁻ˢ⁻⁸.
    pub fn shift(&self) -> u32 {
        self.0.shift
    }

    /// The weight wᵢⱼ between a visible and a hidden unit; outside, none.
    pub fn weight(&self, i: usize, j: usize) -> i32 {
        let weight = self.row(j).get(i);
        weight.map_or(0, |&w| i32::from(w as i8))
    }

    /// bⱼ; outside, none.
    pub fn bias(&self, j: usize) -> i32 {
        word(self.0.biases, j)
    }

    /// aᵢ and σᵢ; outside, zeros.
    pub fn standard(&self, i: usize) -> (f32, f32) {
        (float(self.0.standard, 2 * i), float(self.0.standard, 2 * i + 1))
    }

    /// v of u.
    pub fn to_data(&self, u: &[i16], data: &mut [f32]) {
        for (i, (v, &u)) in data.iter_mut().zip(u).enumerate() {
            let (a, sigma) = self.standard(i);
            *v = a + sigma * (f32::from(u) * UNIT);
        }
    }

    /// u of v, to the nearest; within ±128.
    pub fn to_units(&self, data: &[f32], u: &mut [i16]) {
        for (i, (u, v)) in u.iter_mut().zip(data).enumerate() {
            let (a, sigma) = self.standard(i);
            *u = quantize((v - a) / sigma / UNIT, i16::MAX);
        }
    }

    /// The weights of a hidden unit.
    fn row(&self, j: usize) -> &'a [u8] {
        let start = j.saturating_mul(self.visible());
        let row = self.0.weights.get(start..).and_then(|rest| rest.get(..self.visible()));
        row.unwrap_or_default()
    }

    /// bⱼ + Σᵢ uᵢwᵢⱼ of each hidden unit, in units of 2⁻ˢ⁻⁸.
    fn inputs(&self, u: &[i16]) -> impl Iterator<Item = i32> {
        (0..self.hidden()).map(move |j| {
            let products = self.row(j).iter().zip(u).map(|(&w, &u)| i32::from(w as i8) * i32::from(u));
            products.fold(self.bias(j), i32::wrapping_add)
        })
    }
}

/// Block Gibbs sampling of a chain of states: at most `D` visible units, and as many hidden ones as `N` words hold.
///
/// ```
/// use tinyscore::blob::GaussianSource;
/// use tinyscore::{GaussianGibbs, GaussianRbm, rng::stream};
/// // Two clusters of equal weight, 16 standard deviations of the noise apart.
/// let source = GaussianSource {
///     name: "two",
///     shift: 2,
///     standard: &[(-8.0, 1.0)],
///     hidden_biases: &[-8 * 16 * 1024],
///     weights: &[16 * 4],
/// };
/// let mut blob = [0; 256];
/// let length = source.encode(&mut blob)?;
/// let rbm = GaussianRbm::from_bytes(&blob[..length])?;
/// let mut chain = GaussianGibbs::<_, 1, 1>::new(&rbm, stream(1, 0))?;
/// chain.run(&rbm, 10);
/// let mut v = [0.0];
/// rbm.to_data(chain.visible(), &mut v);
/// assert!((v[0].abs() - 8.0).abs() < 6.4);
/// # Ok::<(), tinyscore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianGibbs<R, const D: usize, const N: usize> {
    visible: [i16; D],
    hidden: [u32; N],
    rng: R,
}

impl<R: Rng, const D: usize, const N: usize> GaussianGibbs<R, D, N> {
    /// Starts with visible units drawn while no hidden one is on.
    ///
    /// # Errors
    /// [`Error::TooManyDimensions`] or [`Error::TooManyUnits`] when a layer does not fit.
    pub fn new(rbm: &GaussianRbm<'_>, rng: R) -> Result<Self, Error> {
        let mut chain = Self::at_rest(rbm, rng)?;
        chain.draw_visible(rbm);
        Ok(chain)
    }

    /// Starts from u of the visible units, as [`GaussianRbm::to_units`] makes it of data: a chain seldom leaves the mode that
    /// it starts in. Draws nothing for it.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Length`] when `u` is not one number for each visible unit.
    pub fn from_state(rbm: &GaussianRbm<'_>, u: &[i16], rng: R) -> Result<Self, Error> {
        if u.len() != rbm.visible() {
            return Err(Error::Length { dim: rbm.visible(), have: u.len() });
        }
        let mut chain = Self::at_rest(rbm, rng)?;
        chain.visible.iter_mut().zip(u).for_each(|(visible, u)| *visible = *u);
        Ok(chain)
    }

    fn at_rest(rbm: &GaussianRbm<'_>, rng: R) -> Result<Self, Error> {
        if rbm.visible() > D {
            return Err(Error::TooManyDimensions { dim: rbm.visible(), capacity: D });
        }
        if rbm.hidden().div_ceil(32) > N {
            return Err(Error::TooManyUnits { units: rbm.hidden(), words: N });
        }
        Ok(Self { visible: [0; D], hidden: [0; N], rng })
    }

    /// One sweep: h ~ p(h | v), then v ~ p(v | h).
    pub fn sweep(&mut self, rbm: &GaussianRbm<'_>) {
        self.draw_hidden(rbm);
        self.draw_visible(rbm);
    }

    /// So many sweeps.
    pub fn run(&mut self, rbm: &GaussianRbm<'_>, sweeps: usize) {
        (0..sweeps).for_each(|_| self.sweep(rbm));
    }

    /// A sweep after which the visible units of `known` are again as in `u`: in the long run the others are drawn given
    /// them. The draws are those of [`sweep`](Self::sweep).
    pub fn sweep_known(&mut self, rbm: &GaussianRbm<'_>, known: &[bool], u: &[i16]) {
        self.clamp(known, u);
        self.sweep(rbm);
        self.clamp(known, u);
    }

    fn clamp(&mut self, known: &[bool], u: &[i16]) {
        for ((visible, _), u) in self.visible.iter_mut().zip(known).zip(u).filter(|((_, known), _)| **known) {
            *visible = *u;
        }
    }

    fn draw_hidden(&mut self, rbm: &GaussianRbm<'_>) {
        // From units of 2⁻ˢ⁻⁸ to the table's.
        let finer = rbm.shift() + VISIBLE - FRACTION;
        self.hidden = [0; N];
        for (j, x) in rbm.inputs(&self.visible).enumerate() {
            let x = x.wrapping_add(1 << finer >> 1) >> finer;
            let on = unit(x, self.rng.next_u32() & 0xffff);
            if let Some(word) = self.hidden.get_mut(j / 32) {
                *word |= on << (j % 32);
            }
        }
    }

    fn draw_visible(&mut self, rbm: &GaussianRbm<'_>) {
        let units = self.visible.get_mut(..rbm.visible()).unwrap_or_default();
        units.fill(0);
        for j in (0..rbm.hidden()).filter(|&j| is_set(&self.hidden, j)) {
            for (u, &w) in units.iter_mut().zip(rbm.row(j)) {
                *u = u.wrapping_add(i16::from(w as i8));
            }
        }
        let scale = VISIBLE.saturating_sub(rbm.shift());
        for u in units {
            let noise = (fixed_normal(self.rng.next_u32()) + (1 << DROPPED >> 1)) >> DROPPED;
            *u = (*u << scale).wrapping_add(noise as i16);
        }
    }

    /// u of the visible units, in units of 2⁻⁸: [`GaussianRbm::to_data`] makes data of it.
    pub fn visible(&self) -> &[i16; D] {
        &self.visible
    }

    /// The hidden units, 32 a word, from the lowest bit up.
    pub fn hidden(&self) -> &[u32; N] {
        &self.hidden
    }

    /// F(v) of the visible units, in nats: −ln p(v) but for a constant.
    pub fn free_energy(&self, rbm: &GaussianRbm<'_>) -> f32 {
        let unit = UNIT / (1_u32 << rbm.shift()) as f32;
        let squares = self.visible.iter().take(rbm.visible()).fold(0.0, |sum, &u| {
            let u = f32::from(u) * UNIT;
            sum + 0.5 * u * u
        });
        rbm.inputs(&self.visible).fold(squares, |energy, x| energy - softplus(x as f32 * unit))
    }
}
