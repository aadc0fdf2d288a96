//! Float vectors by name in a safetensors file, written whole or not at all.

use anyhow::{Context, Result, anyhow};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Writes vectors, and words about them.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: &Path, tensors: &[(String, &[f32])], about: HashMap<String, String>) -> Result<()> {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let tensors: Vec<(&str, Vec<u8>)> =
        tensors.iter().map(|(name, values)| (&**name, bytes(values))).collect();
    let views = tensors.iter().map(|(name, bytes)| {
        TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).map(|view| (*name, view))
    });
    let file = safetensors::serialize(views.collect::<Result<Vec<_>, _>>()?, Some(about))?;
    crate::write_atomic(path, &file).with_context(|| format!("cannot write {}", path.display()))
}

/// A file's bytes.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TensorFile {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| damaged(path))?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// What was said about it under this name.
    ///
    /// # Errors
    /// When the file is damaged, or does not say it.
    pub fn about(&self, name: &str) -> Result<String> {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).with_context(|| damaged(&self.path))?;
        let word = metadata.metadata().as_ref().and_then(|about| about.get(name).cloned());
        word.with_context(|| damaged(&self.path))
    }

    /// A number that was said about it.
    ///
    /// # Errors
    /// As [`about`](Self::about), and when it is none.
    pub fn number(&self, name: &str) -> Result<u64> {
        self.about(name)?.parse().with_context(|| damaged(&self.path))
    }

    /// A vector of any length.
    ///
    /// # Errors
    /// When the file is damaged, or does not hold it.
    pub fn vector(&self, name: &str) -> Result<Vec<f32>> {
        let file = SafeTensors::deserialize(&self.bytes).with_context(|| damaged(&self.path))?;
        let view = file.tensor(name).with_context(|| damaged(&self.path))?;
        if view.dtype() != Dtype::F32 {
            return Err(anyhow!("{name} holds no 32-bit floats").context(damaged(&self.path)));
        }
        let (floats, _) = view.data().as_chunks();
        Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Puts a vector of the same length in place of `to`.
    ///
    /// # Errors
    /// As [`vector`](Self::vector), and another length.
    pub fn fill(&self, name: &str, to: &mut Vec<f32>) -> Result<()> {
        let found = self.vector(name)?;
        if found.len() != to.len() {
            let what = anyhow!("{name} has {} numbers, not {}", found.len(), to.len());
            return Err(what.context(damaged(&self.path)));
        }
        *to = found;
        Ok(())
    }
}

fn damaged(path: &Path) -> String {
    format!("{} is not usable: train again", path.display())
}
