//! Deep belief networks (Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", 2006).
//!
//! A stack of restricted Boltzmann machines, each of whose visible units are the hidden ones of that below. The top one is a
//! model of its own visible units by Gibbs sampling; each lower layer is drawn from that above, once, on the way down:
//!
//! ```text
//! p(v, h¹, …, hᴸ) = p(v | h¹) … p(hᴸ⁻² | hᴸ⁻¹) · p(hᴸ⁻¹, hᴸ)
//! ```

use crate::blob::{Kind, Stack};
use crate::{Error, Gibbs, Rbm};
use rand_core::Rng;

/// A deep belief network, borrowing its blob's bytes; of one layer it is that [`Rbm`].
#[derive(Clone, Debug)]
pub struct Dbn<'a>(Stack<'a>);

impl<'a> Dbn<'a> {
    /// Reads and checks a blob.
    ///
    /// # Errors
    /// As [`Model::from_bytes`](crate::Model::from_bytes).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        Stack::from_bytes(bytes, Kind::Dbn).map(Self)
    }

    /// Name given by the trainer.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Number of visible units.
    pub fn visible(&self) -> usize {
        self.0.widths().next().unwrap_or(0)
    }

    /// Numbers of units, from the visible ones up.
    pub fn widths(&self) -> impl Iterator<Item = usize> {
        self.0.widths()
    }

    /// Words of the widest layer: the capacity of a chain.
    pub fn words(&self) -> usize {
        self.widths().max().unwrap_or(0).div_ceil(32)
    }

    /// The machine of the two highest layers.
    pub fn top(&self) -> Rbm<'a> {
        self.0.top()
    }

    /// The machines below it, from the highest down.
    pub fn lower(&self) -> impl Iterator<Item = Rbm<'a>> {
        (0..self.0.layers().saturating_sub(1)).rev().filter_map(|i| self.0.layer(i))
    }

    /// A chain on the top machine.
    ///
    /// # Errors
    /// [`Error::TooManyUnits`] when the widest layer does not fit.
    pub fn chain<R: Rng, const N: usize>(&self, rng: R) -> Result<Gibbs<R, N>, Error> {
        self.fits(N)?;
        Gibbs::new(&self.top(), rng)
    }

    /// A chain on the top machine that starts from these units of its lower layer: see [`Gibbs::from_state`].
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn chain_from<R: Rng, const N: usize>(&self, units: &[u32; N], rng: R) -> Result<Gibbs<R, N>, Error> {
        self.fits(N)?;
        Gibbs::from_state(&self.top(), units, rng)
    }

    /// That the widest layer fits.
    fn fits(&self, words: usize) -> Result<(), Error> {
        if self.words() > words {
            let units = self.widths().max().unwrap_or(0);
            return Err(Error::TooManyUnits { units, words });
        }
        Ok(())
    }

    /// Visible units below the top state of `chain`: a downward pass, in the chain's noise stream.
    pub fn descend<R: Rng, const N: usize>(&self, chain: &mut Gibbs<R, N>) -> [u32; N] {
        chain.descend(self.lower())
    }
}
