//! What the network learns, one file per paper: each makes regression batches for F.

mod dsm;

pub use dsm::DenoisingScoreMatching;

/// Inputs, targets and weights of one training step, row-major.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// n × inputs of F
    pub inputs: Vec<f32>,
    /// n × dim
    pub targets: Vec<f32>,
    /// n
    pub weights: Vec<f32>,
}

impl Examples {
    /// Empties all three, keeping their memory.
    pub fn clear(&mut self) {
        self.inputs.clear();
        self.targets.clear();
        self.weights.clear();
    }
}
