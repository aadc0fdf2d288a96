//! Run-time choice of the vector width.

/// Runs `f` compiled for AVX2 where the processor has it, else as compiled by default.
///
/// Only code inlined into `f` is affected. No operation is contracted or reordered, so the result
/// is the same bit for bit either way.
#[inline(always)]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { with_avx2(f) };
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}
