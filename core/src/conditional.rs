//! Models that know classes.

use crate::{Error, Score};

/// A score that can be conditioned on a class.
///
/// Implemented by the integer network, by the trainer's float network and by closed-form densities.
pub trait Conditional: Score {
    /// Number of classes; 0 for a model that knows none.
    fn classes(&self) -> usize;

    /// Which class [`noise`](Score::noise) is conditioned on from now on; `None` for all together.
    ///
    /// # Errors
    /// [`Error::NoSuchClass`] for one that the model does not have.
    fn choose(&mut self, class: Option<usize>) -> Result<(), Error>;
}

impl<S: Conditional + ?Sized> Conditional for &mut S {
    fn classes(&self) -> usize {
        (**self).classes()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        (**self).choose(class)
    }
}
