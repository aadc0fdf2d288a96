//! Where training runs, chosen at run time.

use dfdx::tensor::Cpu;
#[cfg(feature = "cuda")]
use dfdx::tensor::Cuda;
use serde::{Deserialize, Serialize};

/// How to build for a GPU.
const BUILD: &str = "cargo build --release -p trainer --features cuda";

/// A device by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The processor
    #[cfg_attr(not(feature = "cuda"), default)]
    Cpu,
    /// An NVIDIA GPU
    #[cfg_attr(feature = "cuda", default)]
    Cuda,
}

/// An open device.
#[derive(Debug)]
pub enum Device {
    /// The processor.
    Cpu(Cpu),
    /// The first GPU.
    #[cfg(feature = "cuda")]
    Cuda(Cuda),
}

impl DeviceName {
    /// Itself, if it can be opened: to be asked before anything is written.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn available(self) -> Result<Self, DeviceError> {
        self.open().map(|_| self)
    }

    /// Opens the device.
    ///
    /// # Errors
    /// When this build or this machine has none of the kind.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu(Cpu::default())),
            #[cfg(feature = "cuda")]
            Self::Cuda => super::open_cuda(0).map(Device::Cuda),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(DeviceError::NotBuilt),
        }
    }
}

/// Why there is no training on a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Without the feature.
    #[error("this build is without CUDA: build with `{BUILD}`, or train with --device cpu")]
    NotBuilt,
    /// The driver does not start.
    #[error(
        "the NVIDIA driver does not start ({0}): check that `nvidia-smi` works, install or update the driver, or train with --device cpu"
    )]
    NoDriver(String),
    /// No GPU.
    #[error(
        "the NVIDIA driver sees no GPU: check `nvidia-smi` and CUDA_VISIBLE_DEVICES, or train with --device cpu"
    )]
    NoGpu,
    /// A GPU that is too old.
    #[error(
        "the GPU {name} has compute capability {}.{}, but 8.0 is needed: take a newer GPU, or train with --device cpu", .capability.0, .capability.1
    )]
    TooOld {
        /// Its name.
        name: String,
        /// Its compute capability.
        capability: (i32, i32),
    },
    /// Too large a batch.
    #[error("a batch of {batch} does not fit into the memory of the GPU: {}", remedy(.fits))]
    OutOfMemory {
        /// Examples asked for.
        batch: usize,
        /// Examples that fit.
        fits: Option<usize>,
    },
    /// Anything else.
    #[error(
        "the GPU failed ({0}): is the driver at least as new as the CUDA toolkit of the build? Else train with --device cpu"
    )]
    Failed(String),
}

fn remedy(fits: &Option<usize>) -> String {
    fits.map_or("nor does a smaller one; free some, or train with --device cpu".to_owned(), |n| {
        format!("{n} fit; train again with --batch {n}, or write that into the run's config.toml and continue with --resume")
    })
}

/// How work on a device failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No memory left there.
    OutOfMemory,
    /// Anything else.
    Other(String),
}

/// A line for each device that is there, and for what keeps others from use.
pub fn devices() -> Vec<String> {
    let threads = rayon::current_num_threads();
    let cpu = format!("cpu     {threads} threads, vector unit {:?}", pulp::Arch::new());
    std::iter::once(cpu).chain(gpu_lines()).collect()
}

#[cfg(not(feature = "cuda"))]
fn gpu_lines() -> Vec<String> {
    vec![format!("cuda    {}", DeviceError::NotBuilt)]
}

#[cfg(feature = "cuda")]
fn gpu_lines() -> Vec<String> {
    match super::gpus() {
        Ok(gpus) => gpus.iter().enumerate().map(|(i, gpu)| format!("cuda {i}  {gpu}")).collect(),
        Err(error) => vec![format!("cuda    {error}")],
    }
}
