//! An NVIDIA GPU: ordinary ops only.

use dfdx::tensor::{Cache, Cuda, CudaError};

use super::{Backend, OrdinaryAdam};

impl Backend for Cuda {
    type Optimizer = OrdinaryAdam<Self>;
}

/// Opens GPU number `ordinal` and lets it keep freed memory for reuse, without which every op
/// waits for an allocation.
pub fn open_cuda(ordinal: usize) -> Result<Cuda, CudaError> {
    let device = Cuda::try_build(ordinal, 0)?;
    device.try_enable_cache()?;
    Ok(device)
}
