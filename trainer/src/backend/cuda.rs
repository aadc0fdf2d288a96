//! An NVIDIA GPU: ordinary ops only, and none of those that dfdx compiles at run time (reshape, concat, stack, to_dtype).

use std::any::Any;
use std::ffi::CStr;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};
use std::time::Instant;

use cudarc::driver::sys::CUdevice_attribute::{
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
};
use cudarc::driver::sys::{CUresult, cuDeviceGetName};
use cudarc::driver::{CudaDevice, DriverError, result};
use dfdx::prelude::TryMatMul;
use dfdx::tensor::{Cache, Cuda, OnesTensor, Synchronize};

use super::{Backend, DeviceError, Failure, Matrix, OrdinaryAdam, Untraced};

/// Older ones lack what the kernels use.
const LEAST: (i32, i32) = (8, 0);

impl Backend for Cuda {
    type Optimizer = OrdinaryAdam<Self>;

    /// All but the one that feeds the GPU.
    fn drawing_threads() -> usize {
        std::thread::available_parallelism().map_or(1, |threads| threads.get().max(2) - 1)
    }

    /// dfdx's ops panic where the GPU fails.
    fn attempt<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        panic::catch_unwind(AssertUnwindSafe(work)).map_err(|cause| {
            let what = message(&*cause);
            if !of_the_gpu(&what) {
                panic::resume_unwind(cause);
            }
            // Memory of tensors that unwinding dropped; of no use to other sizes.
            _ = self.try_empty_cache();
            if what.contains("OUT_OF_MEMORY") || what.contains("ALLOC_FAILED") {
                Failure::OutOfMemory
            } else {
                Failure::Other(what)
            }
        })
    }
}

/// What dfdx says of the failed call.
fn message(cause: &(dyn Any + Send)) -> String {
    cause.downcast_ref::<String>().cloned().unwrap_or_default()
}

fn of_the_gpu(message: &str) -> bool {
    message.contains("DriverError(") || message.contains("CublasError(")
}

/// What a GPU is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// As the driver calls it.
    pub name: String,
    /// Bytes in all and bytes free.
    pub memory: (usize, usize),
    /// Compute capability.
    pub capability: (i32, i32),
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, memory, capability: (major, minor) } = self;
        let gib = |bytes| bytes as f64 / f64::from(1 << 30);
        let (all, free) = (gib(memory.0), gib(memory.1));
        write!(f, "{name}, {all:.1} GiB, {free:.1} of them free, compute capability {major}.{minor}")?;
        if self.capability < LEAST {
            write!(f, " (too old: 8.0 is needed)")?;
        }
        Ok(())
    }
}

/// The GPUs that the driver shows.
///
/// # Errors
/// When there is no driver that works, or no GPU.
pub fn gpus() -> Result<Vec<Gpu>, DeviceError> {
    // Asked before any other call, which cudarc makes by unwrapping.
    result::init().map_err(refused)?;
    let count = result::device::get_count().map_err(refused)?;
    if count == 0 {
        return Err(DeviceError::NoGpu);
    }
    (0..count as usize).map(|ordinal| describe(ordinal).map_err(refused)).collect()
}

fn refused(DriverError(code): DriverError) -> DeviceError {
    match code {
        CUresult::CUDA_ERROR_NO_DEVICE => DeviceError::NoGpu,
        code => DeviceError::NoDriver(format!("{code:?}")),
    }
}

fn describe(ordinal: usize) -> Result<Gpu, DriverError> {
    let device = CudaDevice::new(ordinal)?;
    let (free, all) = result::mem_get_info()?;
    let major = device.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = device.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(Gpu { name: name(&device)?, memory: (all, free), capability: (major, minor) })
}

fn name(device: &Arc<CudaDevice>) -> Result<String, DriverError> {
    let mut name = [0_u8; 128];
    // SAFETY: the device is open, and the driver writes at most the given number of bytes.
    unsafe { cuDeviceGetName(name.as_mut_ptr().cast(), name.len() as i32, *device.cu_device()) }.result()?;
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    Ok(name.to_string_lossy().into_owned())
}

/// Opens GPU number `ordinal` and lets it keep freed memory for reuse, without which every op waits for an allocation.
///
/// # Errors
/// When there is no such GPU that can be used.
pub fn open_cuda(ordinal: usize) -> Result<Cuda, DeviceError> {
    let gpus = gpus()?;
    let Gpu { name, capability, .. } = gpus.get(ordinal).ok_or(DeviceError::NoGpu)?.clone();
    if capability < LEAST {
        return Err(DeviceError::TooOld { name, capability });
    }
    silence();
    let failed = |error| DeviceError::Failed(format!("{error:?}"));
    let device = Cuda::try_build(ordinal, 0).map_err(failed)?;
    device.try_enable_cache().map_err(failed)?;
    Ok(device)
}

/// Panics of the GPU become errors and say no more than these.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let other = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !of_the_gpu(&message(info.payload())) {
                other(info);
            }
        }));
    });
}

/// Floating-point operations a second of the product of two large matrices: the most that training could use.
///
/// # Panics
/// When the GPU fails.
pub fn sgemm_rate(device: &Cuda) -> f64 {
    const WIDTH: usize = 4096;
    const PRODUCTS: u32 = 20;
    let a: Matrix<Cuda, Untraced> = device.ones_like(&(WIDTH, WIDTH));
    let products = |n| {
        (0..n).for_each(|_| _ = a.clone().matmul(a.clone()));
        device.synchronize();
    };
    products(3);
    let start = Instant::now();
    products(PRODUCTS);
    2.0 * (WIDTH as f64).powi(3) * f64::from(PRODUCTS) / start.elapsed().as_secs_f64()
}
