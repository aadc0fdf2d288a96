//! The training state as a safetensors file, written by temp + rename.
//!
//! Its metadata say by which settings and on which data it came to be: weights mean nothing with others.

use crate::atomic::write_atomic;
use crate::backend::Snapshot;
use crate::mlp::Mlp;
use anyhow::{Context, Result, bail};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Name of the checkpoint in a run folder.
pub const FILE: &str = "checkpoint.safetensors";
/// Time between two checkpoints of a training.
pub const EVERY: Duration = Duration::from_secs(60);
/// Version of the file's layout.
const FORMAT: u32 = 1;
/// Key of the metadata.
const ABOUT: &str = "training";
const GROUPS: [&str; 5] = ["net", "ema", "first", "second", "float"];

/// A training in progress or finished.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Weights, their average, Adam's moments, the steps taken.
    pub snapshot: Snapshot,
    /// Loss by step, as far as it was read.
    pub losses: Vec<(u64, f32)>,
    /// In quantization-aware training: the float network that it began with.
    pub float: Option<Mlp>,
    /// Of persistent contrastive divergence: the states of its chains.
    pub chains: Vec<f32>,
}

/// The metadata.
#[derive(Serialize, Deserialize)]
struct About {
    format: u32,
    steps: u64,
    origin: Origin,
}

/// By what a checkpoint came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The settings that training reads, as TOML.
    pub settings: String,
    /// Digest of the training data.
    pub data: String,
}

impl Origin {
    /// Refuses to go on with weights of other settings or other data.
    ///
    /// # Errors
    /// Names the first setting that differs, or the data.
    pub fn check(&self, now: &Self) -> Result<()> {
        let line = |text: &str, i: usize| text.lines().nth(i).unwrap_or("nothing").to_owned();
        let count = self.settings.lines().count().max(now.settings.lines().count());
        if let Some(i) = (0..count).find(|&i| line(&self.settings, i) != line(&now.settings, i)) {
            bail!(
                "the weights were trained with `{}`, but config.toml says `{}`: restore that setting, or train again",
                line(&self.settings, i),
                line(&now.settings, i)
            );
        }
        if self.data != now.data {
            bail!(
                "the training data are no longer those that the weights were trained on: restore them, or train again"
            );
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Before the first step from `net`.
    pub fn initial(net: &Mlp) -> Self {
        Self { snapshot: Snapshot::initial(net), losses: Vec::new(), float: None, chains: Vec::new() }
    }

    /// The trained float network: the averaged weights.
    pub fn float(&self) -> &Mlp {
        self.float.as_ref().unwrap_or(&self.snapshot.ema)
    }

    /// Writes the file; tensors are named `GROUP.LAYER.weight` and `.bias`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path, origin: &Origin) -> Result<()> {
        let Snapshot { net, ema, first, second, steps } = &self.snapshot;
        let mut tensors = Vec::new();
        let nets = [net, ema, first, second].into_iter().chain(&self.float);
        for (group, net) in GROUPS.iter().zip(nets) {
            for (i, layer) in net.layers.iter().enumerate() {
                tensors.push((
                    format!("{group}.{i}.weight"),
                    vec![layer.outputs, layer.inputs],
                    bytes(&layer.weight),
                ));
                tensors.push((format!("{group}.{i}.bias"), vec![layer.outputs], bytes(&layer.bias)));
            }
        }
        let losses: Vec<f32> = self.losses.iter().flat_map(|&(step, loss)| [step as f32, loss]).collect();
        tensors.push(("losses".to_owned(), vec![self.losses.len(), 2], bytes(&losses)));
        if !self.chains.is_empty() {
            tensors.push(("chains".to_owned(), vec![self.chains.len()], bytes(&self.chains)));
        }
        let views = tensors.iter().map(|(name, shape, data)| {
            TensorView::new(Dtype::F32, shape.clone(), data).map(|view| (name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>, _>>()?;
        // One entry, as several would come in any order: the same training leaves the same bytes.
        let about = toml::to_string(&About { format: FORMAT, steps: *steps, origin: origin.clone() })?;
        let metadata = HashMap::from([(ABOUT.to_owned(), about)]);
        let file = safetensors::serialize(views, Some(metadata))?;
        write_atomic(path, &file).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the file for networks of the shape of `like`, trained by `origin`.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or holds a network of another shape or origin.
    pub fn load(path: &Path, like: &Mlp, origin: &Origin) -> Result<Self> {
        let file = std::fs::read(path).with_context(|| {
            format!("cannot read the checkpoint {}: give the folder of an interrupted run", path.display())
        })?;
        let damaged = || format!("{} is not a usable checkpoint; train again", path.display());
        let (_, metadata) = SafeTensors::read_metadata(&file).with_context(damaged)?;
        let tensors = SafeTensors::deserialize(&file).with_context(damaged)?;
        let about = metadata.metadata().as_ref().and_then(|entries| entries.get(ABOUT));
        let about: About = toml::from_str(about.map_or("", |about| about)).with_context(damaged)?;
        if about.format != FORMAT {
            bail!(
                "{} has format {}, but this trainer reads {FORMAT}; train again",
                path.display(),
                about.format
            );
        }
        about.origin.check(origin).with_context(|| path.display().to_string())?;
        let group = |group: &str| -> Result<Mlp> {
            let mut net = like.clone();
            for (i, layer) in net.layers.iter_mut().enumerate() {
                fill(&tensors, &format!("{group}.{i}.weight"), &mut layer.weight).with_context(damaged)?;
                fill(&tensors, &format!("{group}.{i}.bias"), &mut layer.bias).with_context(damaged)?;
            }
            Ok(net)
        };
        let [net, ema, first, second] = [group("net")?, group("ema")?, group("first")?, group("second")?];
        let aware = tensors.names().iter().any(|name| name.starts_with("float."));
        let float = if aware { Some(group("float")?) } else { None };
        let losses = floats(tensors.tensor("losses").with_context(damaged)?.data());
        let losses = losses.chunks_exact(2).map(|pair| (pair[0] as u64, pair[1])).collect();
        let steps = about.steps;
        let chains = tensors.tensor("chains").map(|view| floats(view.data())).unwrap_or_default();
        Ok(Self { snapshot: Snapshot { net, ema, first, second, steps }, losses, float, chains })
    }
}

fn fill(tensors: &SafeTensors<'_>, name: &str, to: &mut [f32]) -> Result<()> {
    let view = tensors.tensor(name)?;
    let values = floats(view.data());
    if view.dtype() != Dtype::F32 || values.len() != to.len() {
        bail!("{name} has shape {:?}, which the config's network does not", view.shape());
    }
    to.copy_from_slice(&values);
    Ok(())
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
