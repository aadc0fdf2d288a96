//! Run-time choice of the vector width.

/// Runs `f` compiled for the widest vectors that the processor has.
///
/// Only code inlined into `f` is affected. No operation is contracted or reordered, so the result
/// is the same bit for bit on every processor.
#[inline(always)]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}
