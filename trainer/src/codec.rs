//! From data to what the network sees, and back: standardization, for images behind k principal components.
//!
//! ```text
//! x = μ + V·(s·z + m)        V: d × k, orthonormal columns; s, m: scale and mean of the components
//! ```
//!
//! Without components V is the identity, and z the standardized data. The blob holds V·s in integers of 8 bits with one
//! scale per row (`core/src/codec.rs`).

use crate::data::{Kind, Standardizer, still};
use crate::evaluate::Pca;
use crate::points::Points;
use crate::quantize::largest;
use crate::sample::in_data_units;
use serde::{Deserialize, Serialize};
use tinyscore::Model;
use tinyscore::blob::{CodecSource, LARGEST_MEAN, LARGEST_SCALE};

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
        let units = self.standardizer.scale().iter().copied().fold(0.0, f32::max);
        let (mut weights, mut scale) = (Vec::new(), Vec::new());
        for (row, mean) in pca.rows().zip(&mean) {
            let row: Vec<f32> = row.iter().zip(self.standardizer.scale()).map(|(v, s)| v * s).collect();
            // A pixel that never varies stays at its mean.
            let unit = (largest(&row) / LARGEST_WEIGHT).max(still(*mean, units.max(mean.abs())));
            weights.extend(row.iter().map(|w| (w / unit).round() as i8));
            scale.push((unit / gain).max(f32::MIN_POSITIVE));
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
    /// The first column whose values no blob can hold.
    pub fn too_large(&self) -> Option<usize> {
        let fits = |(mean, scale): (&f32, &f32)| mean.abs() <= LARGEST_MEAN && *scale <= LARGEST_SCALE;
        self.mean.iter().zip(&self.scale).position(|columns| !fits(columns))
    }

    /// The matrix, if there is one.
    pub fn source(&self) -> Option<CodecSource<'_>> {
        let Self { gain, weights, .. } = self;
        (!weights.is_empty()).then_some(CodecSource { bits: 8, gain: *gain, weights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Preset};
    use crate::dataset::Dataset;
    use crate::run::Run;

    /// Digits with a codec, and the blob of a network that has not been trained.
    fn digits(latent: usize) -> (Dataset, Vec<u8>) {
        let mut config = Config { points: 600, ..Config::new("digits", Preset::Digits) };
        config.net.latent = latent;
        config.net.hidden = vec![8];
        config.sampling.samples = 100;
        let dir = tempfile::tempdir().unwrap();
        let run = Run::create(&dir.path().join("run"), config).unwrap();
        let blob = run.export(&run.fresh(), None).unwrap();
        (run.data, blob)
    }

    /// What k components lose is what is left of the variance, and int8 adds less than a hundredth of it.
    #[test]
    fn few_components_lose_some_and_all_of_them_nothing() {
        let mut losses = Vec::new();
        for latent in [8, 32, 64] {
            let (data, blob) = digits(latent);
            let model = Model::from_bytes(&blob).unwrap();
            assert_eq!((model.dim(), model.data_dim()), (latent, 64));
            losses.push(Loss::measure(&data.codec, &model, &data.reference).unwrap());
        }
        let [few, more, all] = losses[..] else { panic!() };
        assert!((0.1..0.6).contains(&few.float) && more.float < 0.3 * few.float, "{losses:?}");
        assert!(all.float < 1e-8 && all.int8 < 1e-3, "{losses:?}");
        assert!(losses.iter().all(|loss| loss.int8 - loss.float < 1e-3), "{losses:?}");
        let (data, blob) = digits(0);
        assert!(Loss::measure(&data.codec, &Model::from_bytes(&blob).unwrap(), &data.reference).is_none());
    }

    /// The core's latents and data are those of the trainer, but for its integers.
    #[test]
    fn the_blob_s_codec_is_the_trainer_s() {
        let (data, blob) = digits(16);
        let model = Model::from_bytes(&blob).unwrap();
        let (x, float) =
            (data.codec.encode(&data.reference), data.codec.decode(&data.codec.encode(&data.reference)));
        for (i, row) in data.reference.rows().enumerate() {
            let (mut latents, mut pixels) = ([0.0; 16], [0.0; 64]);
            model.to_model(row, &mut latents);
            model.to_data(x.row(i), &mut pixels);
            let far = |(a, b): (&f32, &f32)| (a - b).abs();
            assert!(latents.iter().zip(x.row(i)).map(far).fold(0.0, f32::max) < 0.05);
            assert!(pixels.iter().zip(float.row(i)).map(far).fold(0.0, f32::max) < 0.25, "of 16");
        }
    }

    /// Whatever the latents are.
    #[test]
    fn a_constant_column_stays_at_its_constant() {
        let rows: Vec<f32> = (0..40).flat_map(|i| [(i % 7) as f32, 16.0, (i % 5) as f32, 0.0]).collect();
        let points = Points::new(4, rows);
        let codec = Codec::fit(&points, Kind::Images, 2);
        let stored = codec.stored(&codec.encode(&points));
        assert_eq!([1, 3].map(|j| stored.mean[j]), [16.0, 0.0]);
        for j in [1, 3] {
            assert_eq!(stored.weights[2 * j..2 * j + 2], [0, 0]);
            assert!(stored.scale[j] > 0.0);
        }
    }

    #[test]
    fn more_latents_than_data_are_refused() {
        let mut config = Config { points: 600, ..Config::new("digits", Preset::Digits) };
        for (latent, message) in [(65, "take at most 64"), (257, "0…256")] {
            config.net.latent = latent;
            let error =
                config.check().map_err(anyhow::Error::from).and_then(|()| Dataset::load(&config).map(drop));
            assert!(error.unwrap_err().to_string().contains(message), "{latent}");
        }
    }
}
