//! From data to what the network sees, and back: standardization, for images behind k principal components.
//!
//! ```text
//! x = μ + V·(s·z + m)        V: d × k, orthonormal columns; s, m: scale and mean of the components
//! ```
//!
//! Without components V is the identity, and z the standardized data. The blob holds V·s in integers of 8 bits with one
//! scale per row (`core/src/codec.rs`).

use crate::data::{Kind, Standardizer};
use crate::evaluate::Pca;
use crate::points::Points;
use crate::quantize::largest;
use crate::sample::in_data_units;
use serde::{Deserialize, Serialize};
use tinyscore::Model;
use tinyscore::blob::CodecSource;

/// Room above the largest latent seen, which saturates at the end of 16 bits.
const MARGIN: f32 = 1.5;
/// Largest weight.
const LARGEST_WEIGHT: f32 = 127.0;

/// Between data and model units.
#[derive(Clone, Debug)]
pub struct Codec {
    /// Of the components, if there are any, or else of the data.
    pub standardizer: Standardizer,
    pca: Option<Pca>,
}

impl Codec {
    /// Fits `latents` components of `train`, or none if 0.
    ///
    /// # Panics
    /// If there are fewer than two points.
    pub fn fit(train: &Points, kind: Kind, latents: usize) -> Self {
        let pca = (latents > 0).then(|| Pca::fit(train, latents));
        let of = |points: &Points| match kind {
            _ if pca.is_some() => Standardizer::fit_whole(points),
            Kind::Points => Standardizer::fit(points),
            Kind::Images | Kind::Windows => Standardizer::fit_whole(points),
        };
        let standardizer = pca.as_ref().map_or_else(|| of(train), |pca| of(&pca.project(train)));
        Self { standardizer, pca }
    }

    /// Whether the network sees components instead of data.
    pub fn has_latents(&self) -> bool {
        self.pca.is_some()
    }

    /// From data to model units.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn encode(&self, data: &Points) -> Points {
        match &self.pca {
            Some(pca) => self.standardizer.apply(&pca.project(data)).with_labels(data.labels().to_vec()),
            None => self.standardizer.apply(data),
        }
    }

    /// From model to data units.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn decode(&self, x: &Points) -> Points {
        let components = self.standardizer.invert(x);
        match &self.pca {
            Some(pca) => pca.reconstruct(&components).with_labels(x.labels().to_vec()),
            None => components,
        }
    }

    /// What the blob holds; `standard` are the training data in model units.
    pub fn stored(&self, standard: &Points) -> Stored {
        let Some(pca) = &self.pca else {
            let (mean, scale) = (self.standardizer.mean().to_vec(), self.standardizer.scale().to_vec());
            return Stored { gain: 0.0, weights: Vec::new(), mean, scale };
        };
        let gain = f32::from(i16::MAX) / (MARGIN * largest(standard.values()));
        let origin = Points::new(standard.dim(), vec![0.0; standard.dim()]);
        let mean = self.decode(&origin).row(0).to_vec();
        let (mut weights, mut scale) = (Vec::new(), Vec::new());
        for (row, mean) in pca.rows().zip(&mean) {
            let row: Vec<f32> = row.iter().zip(self.standardizer.scale()).map(|(v, s)| v * s).collect();
            // A pixel that never varies stays at its mean.
            let unit = (largest(&row) / LARGEST_WEIGHT).max(1e-9 * mean.abs().max(1.0));
            weights.extend(row.iter().map(|w| (w / unit).round() as i8));
            scale.push(unit / gain);
        }
        Stored { gain, weights, mean, scale }
    }
}

/// What is lost between data and components: Σ(x − x̂)²/Σ(x − μ)² over points that the codec was not fitted to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Loss {
    /// k
    pub latents: usize,
    /// Of the components themselves.
    pub float: f64,
    /// Of those in the blob.
    pub int8: f64,
}

impl Loss {
    /// Over `points` (data units); `None` without a codec.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn measure(codec: &Codec, model: &Model<'_>, points: &Points) -> Option<Self> {
        let lost = |other: &Points| {
            let squares = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
            points.values().iter().zip(other.values()).map(squares).sum::<f64>()
        };
        let mut mean = vec![0.0; model.data_dim()];
        model.to_data(&vec![0.0; model.dim()], &mut mean);
        let all = lost(&Points::new(points.dim(), mean.repeat(points.len())));
        let float = lost(&codec.decode(&codec.encode(points))) / all;
        let int8 = lost(&reconstructed(model, points)) / all;
        codec.has_latents().then_some(Self { latents: model.dim(), float, int8 })
    }
}

/// What the core's codec makes of points that it has to make by its latents.
pub fn reconstructed(model: &Model<'_>, points: &Points) -> Points {
    let latents = points.rows().map(|row| {
        let mut x = vec![0.0; model.dim()];
        model.to_model(row, &mut x);
        x
    });
    in_data_units(model, latents)
}

/// A codec in the form of the blob.
#[derive(Clone, Debug)]
pub struct Stored {
    gain: f32,
    weights: Vec<i8>,
    /// Per data dimension.
    pub mean: Vec<f32>,
    /// Per data dimension.
    pub scale: Vec<f32>,
}

impl Stored {
    /// The matrix, if there is one.
    pub fn source(&self) -> Option<CodecSource<'_>> {
        let Self { gain, weights, .. } = self;
        (!weights.is_empty()).then_some(CodecSource { bits: 8, gain: *gain, weights })
    }
}
