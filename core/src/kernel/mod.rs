//! The dense kernel: weights of 8 or 4 bits, 16-bit activations, 32-bit sums.
//!
//! The blob's check guarantees that no sum can overflow, so the order of additions does not matter and
//! every kernel gives the same bits. `build.rs` chooses by the target; the portable kernel is the reference.

#[cfg(kernel = "armv6m")]
#[allow(unsafe_code)]
mod armv6m;
#[cfg(kernel = "armv7m")]
#[allow(unsafe_code)]
mod armv7m;
#[cfg(all(feature = "batch", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "batch", target_arch = "x86_64"))]
mod avx512;
#[cfg(feature = "batch")]
mod blocked;
#[cfg(kernel = "dsp")]
#[allow(unsafe_code)]
mod dsp;
#[cfg(feature = "batch")]
mod instructions;
#[cfg(kernel = "mve")]
#[allow(unsafe_code)]
mod mve;
#[cfg(all(feature = "batch", target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod portable;
#[cfg(kernel = "rv32m")]
#[allow(unsafe_code)]
mod rv32m;
mod twin;
#[cfg(kernel = "vector128")]
#[allow(unsafe_code)]
mod vector128;

#[cfg(kernel = "armv6m")]
use armv6m as chosen;
#[cfg(kernel = "armv7m")]
use armv7m as chosen;
#[cfg(feature = "batch")]
pub(crate) use blocked::{Block, Blocked, Format, ROWS};
#[cfg(kernel = "dsp")]
use dsp as chosen;
#[cfg(feature = "batch")]
pub use instructions::Instructions;
#[cfg(kernel = "mve")]
use mve as chosen;
#[cfg(kernel = "portable")]
use portable as chosen;
#[cfg(kernel = "rv32m")]
use rv32m as chosen;

pub(crate) use chosen::{TILE, activations, add, add_row, dense, interpolate, load, rounded_high};
pub(crate) use twin::differences;
#[cfg(kernel = "vector128")]
use vector128 as chosen;

/// A layer's activations.
pub struct Input<'a> {
    /// Of even length, a zero at the end if need be.
    x: &'a [i16],
    /// Σx, which takes out the offset of weights.
    total: i32,
    /// Whether `x` begins with all activations as bytes, and holds none of 16 bits.
    #[cfg(kernel = "mve")]
    bytes: bool,
}

impl<'a> Input<'a> {
    /// The first `count` of `activations`, whose sum is `total`.
    pub fn new(activations: &'a mut [i16], count: usize, total: i32) -> Self {
        if let Some(padding) = activations.get_mut(count) {
            *padding = 0;
        }
        let x = activations.get_mut(..count.next_multiple_of(2)).unwrap_or_default();
        Self {
            #[cfg(kernel = "mve")]
            bytes: mve::narrow(x),
            x,
            total,
        }
    }

    /// The activations, one by one.
    fn values(&self) -> impl Iterator<Item = i32> {
        let wide = self.x.iter().map(|&x| i32::from(x));
        #[cfg(kernel = "mve")]
        let wide = wide.enumerate().map(|(i, x)| match self.x.get(i / 2) {
            Some(pair) if self.bytes => i32::from(pair.to_le_bytes()[i % 2] as i8),
            _ => x,
        });
        wide
    }

    /// The two pairs of zipped rows in `weights`; one that is left twice.
    #[inline(always)]
    fn pairs<'w>(&self, weights: &'w [u8]) -> (&'w [u8], &'w [u8]) {
        let (first, second) = weights.split_at_checked(2 * self.x.len()).unwrap_or_default();
        (first, if second.is_empty() { first } else { second })
    }

    /// Whether words can be loaded from all, and there are any.
    #[cfg(any(kernel = "armv6m", kernel = "armv7m", kernel = "mve"))]
    fn is_aligned(&self, weights: &[u8], biases: &[[u8; 4]]) -> bool {
        let pointers = [weights.as_ptr(), biases.as_ptr().cast(), self.x.as_ptr().cast()];
        !self.x.is_empty()
            && self.x.len().is_multiple_of(2)
            && pointers.iter().all(|p| p.cast::<u32>().is_aligned())
    }
}

/// Σ w·x of two pairs of zipped rows: of the weights of each, of activations and their end, to the sums.
#[cfg(any(kernel = "armv6m", kernel = "armv7m", kernel = "rv32m"))]
type FourRows = unsafe extern "C" fn(*const u8, *const u8, *const i16, *const i16, &mut [i32; 4]);

/// The pairs of zipped rows in `weights` by `kernel`.
///
/// # Safety
/// `kernel` reads two bytes of each pair for each activation, which are of even number, and all is aligned as it needs.
#[cfg(any(kernel = "armv6m", kernel = "armv7m", kernel = "rv32m"))]
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn four_rows(kernel: FourRows, weights: &[u8], input: &Input<'_>) -> [i32; 4] {
    let (mut sums, x, (first, second)) = ([0; 4], input.x.as_ptr_range(), input.pairs(weights));
    if !second.is_empty() {
        // SAFETY: as this function's; both pairs have two bytes for each activation.
        unsafe { kernel(first.as_ptr(), second.as_ptr(), x.start, x.end, &mut sums) };
    }
    sums
}

/// `sums = biases + four(weights)` for four rows at a time, or the two that are left, with the offsets of the zipped rows
/// taken out.
#[inline(never)]
fn by_four(
    bits: u8,
    weights: &[u8],
    biases: &[[u8; 4]],
    input: &Input<'_>,
    sums: &mut [i32],
    four: &dyn Fn(&[u8]) -> [i32; 4],
) {
    let (bytes, [b, c, d]) =
        if bits == 4 { (2 * input.x.len(), [8; 3]) } else { (4 * input.x.len(), [128, 0, 128]) };
    let [b, c, d] = [b, c, d].map(|offset: i32| offset.wrapping_mul(input.total));
    let mut rest = weights;
    let (biases, _) = biases.as_chunks();
    for ([b0, b1, b2, b3], sums) in biases.iter().zip(sums.as_chunks_mut().0) {
        let (weights, after) = rest.split_at_checked(bytes).unwrap_or((rest, &[]));
        rest = after;
        let [p0, p1, p2, p3] = four(weights);
        *sums = [
            p0.wrapping_add(load(b0)),
            p1.wrapping_add(load(b1)).wrapping_sub(b),
            p2.wrapping_add(load(b2)).wrapping_sub(c),
            p3.wrapping_add(load(b3)).wrapping_sub(d),
        ];
    }
}
