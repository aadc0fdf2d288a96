//! Cortex-M55 and M85 with the integer part of the M-profile vector extension: four rows at once.
//!
//! With 16-bit activations, eight columns take a load of x and for each pair of zipped rows a load, `VMLALDAVA` of the lanes,
//! `VMOVLB` and `VMLALDAVA` of their lower bytes: 9 instructions for 32 products. Where all of a layer's activations fit into
//! bytes, `VLD20`/`VLD21` part 16 columns of two rows, `VEOR` takes the offset out of one, and each row is one
//! `VMLADAVA` of 16 bytes: 11 instructions for 64 products.

pub use super::portable::{add_row, interpolate, load, rounded_high};
use super::{Input, by_four, portable};
use crate::activation::Curve;
use core::arch::global_asm;
/// Outputs computed together.
pub const TILE: usize = 128;

#[repr(C)]
struct Bytes {
    weights: *const u8,
    x: *const u8,
    biases: *const [u8; 4],
    sums: *mut i32,
    sums_end: *const i32,
    /// Bytes of a pair of rows.
    pair: usize,
    /// Of 128 columns.
    blocks: usize,
    /// Columns after them.
    rest: usize,
    /// Bytes of weights from the last column to where the last load of eight ended.
    overshoot: usize,
}

#[repr(C)]
struct Activations {
    sums: *const i32,
    multipliers: *const [u8; 4],
    outputs: *mut i16,
    count: usize,
    table: *const u8,
    reach: i32,
    shift: i32,
    /// The largest segment that there was.
    largest: u32,
}

unsafe extern "C" {
    /// Makes bytes of `count` activations in place, if all are within ±127; whether it did.
    fn tinyscore_narrow_mve(x: *mut i16, count: usize) -> u32;
    /// `sums = biases + w·x` for whole groups of four rows, with activations of one byte.
    fn tinyscore_bytes_mve(bytes: &Bytes);
    /// Σ w·x of two pairs of zipped rows, of those in low bytes with their offset.
    fn tinyscore_four_rows_mve(
        first: *const u8,
        second: *const u8,
        x: *const i16,
        count: usize,
        sums: &mut [i32; 4],
    );
    /// Σ w·x of four zipped rows of 4 bits, in all but the first with the offset.
    fn tinyscore_nibbles_mve(weights: *const u8, x: *const i16, count: usize, sums: &mut [i32; 4]);
    /// The same with activations of one byte.
    fn tinyscore_nibbles_by_bytes_mve(weights: *const u8, x: *const i16, count: usize, sums: &mut [i32; 4]);
    /// `sums += words`
    fn tinyscore_add_mve(sums: *mut i32, words: *const [u8; 4], count: usize);
    /// Requantization and activation; Σy. Wrong where a segment is not below 256.
    fn tinyscore_activations_mve(activations: &mut Activations) -> i32;
}

/// Makes bytes of the activations, if all fit.
pub fn narrow(x: &mut [i16]) -> bool {
    // SAFETY: reads and writes that many numbers.
    unsafe { tinyscore_narrow_mve(x.as_mut_ptr(), x.len()) != 0 }
}

/// As [`portable::dense`].
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    let count = input.x.len();
    if !input.is_aligned(weights, biases) {
        return portable::dense(bits, weights, biases, input, sums);
    }
    if bits == 4 {
        let nibbles = if input.bytes { tinyscore_nibbles_by_bytes_mve } else { tinyscore_nibbles_mve };
        return by_four(bits, weights, biases, input, sums, &|weights| {
            let mut sums = [0; 4];
            if weights.len() == 2 * count {
                // SAFETY: two bytes of weights for each activation.
                unsafe { nibbles(weights.as_ptr(), input.x.as_ptr(), count, &mut sums) };
            }
            sums
        });
    }
    if !input.bytes {
        return by_four(bits, weights, biases, input, sums, &|weights| {
            let mut sums = [0; 4];
            let (first, second) = input.pairs(weights);
            if !second.is_empty() {
                // SAFETY: both slices have two bytes for each activation.
                unsafe {
                    tinyscore_four_rows_mve(
                        first.as_ptr(),
                        second.as_ptr(),
                        input.x.as_ptr(),
                        count,
                        &mut sums,
                    );
                }
            }
            sums
        });
    }
    let mut groups = biases.len().min(sums.len()) / 4;
    while 4 * count * groups > weights.len() {
        groups -= 1;
    }
    let (now, later) = sums.split_at_mut_checked(4 * groups).unwrap_or_default();
    if groups > 0 {
        let now = now.as_mut_ptr_range();
        // SAFETY: that many groups of biases, weights and sums are there, aligned to words.
        unsafe {
            tinyscore_bytes_mve(&Bytes {
                weights: weights.as_ptr(),
                x: input.x.as_ptr().cast(),
                biases: biases.as_ptr(),
                sums: now.start,
                sums_end: now.end,
                pair: 2 * count,
                blocks: count / 128,
                rest: count % 128,
                overshoot: 16 * (count % 128).div_ceil(8) - 2 * (count % 128),
            });
        }
    }
    let weights = weights.get(4 * count * groups..).unwrap_or_default();
    if !weights.is_empty() {
        portable::dense(bits, weights, biases.get(4 * groups..).unwrap_or_default(), input, later);
    }
}

/// As [`portable::add`].
pub fn add(sums: &mut [i32], words: &[[u8; 4]]) {
    if !words.as_ptr().cast::<u32>().is_aligned() {
        return portable::add(sums, words);
    }
    // SAFETY: reads and writes as many numbers as both have, aligned to words.
    unsafe { tinyscore_add_mve(sums.as_mut_ptr(), words.as_ptr(), sums.len().min(words.len())) }
}

/// As [`portable::activations`].
pub fn activations(curve: &Curve<'_>, sums: &[i32], multipliers: &[[u8; 4]], outputs: &mut [i16]) -> i32 {
    let count = sums.len().min(multipliers.len()).min(outputs.len());
    let mut all = Activations {
        sums: sums.as_ptr(),
        multipliers: multipliers.as_ptr(),
        outputs: outputs.as_mut_ptr(),
        count,
        table: curve.table.as_ptr(),
        reach: 128 << curve.shift,
        shift: curve.shift as i32,
        largest: 0,
    };
    if count > 0 && multipliers.as_ptr().cast::<u32>().is_aligned() && all.table.cast::<u16>().is_aligned() {
        // SAFETY: reads and writes that many numbers, aligned; segments are bounded before the table is read.
        let total = unsafe { tinyscore_activations_mve(&mut all) };
        if all.largest < 256 {
            return total;
        }
    }
    portable::activations(curve, sums, multipliers, outputs)
}

global_asm!(
    ".syntax unified",
    ".cpu cortex-m55",
    ".section .text.tinyscore_narrow_mve,\"ax\",%progbits",
    ".global tinyscore_narrow_mve",
    ".type tinyscore_narrow_mve,%function",
    ".thumb_func",
    "tinyscore_narrow_mve:",
    "push {{r7, lr}}",
    "movs r2, #0",
    "mov r3, r0",
    "wlstp.16 lr, r1, 2f",
    "1:",
    "vldrh.u16 q0, [r3], #16",
    "vmaxav.s16 r2, q0",
    "letp lr, 1b",
    "2:",
    "cmp r2, #127",
    "bhi 5f",
    "mov r3, r0",
    "wlstp.16 lr, r1, 4f",
    "3:",
    "vldrh.u16 q0, [r3], #16",
    "vstrb.16 q0, [r0], #8",
    "letp lr, 3b",
    "4:",
    "movs r0, #1",
    "pop {{r7, pc}}",
    "5:",
    "movs r0, #0",
    "pop {{r7, pc}}",
    ".size tinyscore_narrow_mve, . - tinyscore_narrow_mve",
);

// r0, r1: two pairs of rows, r2: x, r4, r6, r8, r10: sums, r5: bytes of a pair, r7: start of x, r9: biases, r11: sums.
global_asm!(
    ".section .text.tinyscore_bytes_mve,\"ax\",%progbits",
    ".global tinyscore_bytes_mve",
    ".type tinyscore_bytes_mve,%function",
    ".thumb_func",
    "tinyscore_bytes_mve:",
    "push {{r4-r11, lr}}",
    "mov r12, r0",
    "ldrd r0, r7, [r12]",
    "ldrd r9, r11, [r12, #8]",
    "ldr r5, [r12, #20]",
    "adds r1, r0, r5",
    "vmov.i8 q3, #0x80",
    "2:",
    "ldrd r4, r6, [r9], #8",
    "ldrd r8, r10, [r9], #8",
    "mov r2, r7",
    "ldr r3, [r12, #24]",
    "wls lr, r3, 4f",
    "3:",
    ".rept 8",
    "vldrb.u8 q0, [r2], #16",
    "vld20.8 {{q1, q2}}, [r0]",
    "vld21.8 {{q1, q2}}, [r0]!",
    "veor q1, q1, q3",
    "vmladava.s8 r4, q2, q0",
    "vmladava.s8 r6, q1, q0",
    "vld20.8 {{q1, q2}}, [r1]",
    "vld21.8 {{q1, q2}}, [r1]!",
    "veor q1, q1, q3",
    "vmladava.s8 r8, q2, q0",
    "vmladava.s8 r10, q1, q0",
    ".endr",
    "le lr, 3b",
    "4:",
    "ldr r3, [r12, #28]",
    "wlstp.16 lr, r3, 6f",
    "5:",
    "vldrb.s16 q0, [r2], #8",
    "vldrh.u16 q1, [r0], #16",
    "vshr.s16 q2, q1, #8",
    "vmladava.s16 r4, q2, q0",
    "veor q1, q1, q3",
    "vmovlb.s8 q1, q1",
    "vmladava.s16 r6, q1, q0",
    "vldrh.u16 q1, [r1], #16",
    "vshr.s16 q2, q1, #8",
    "vmladava.s16 r8, q2, q0",
    "veor q1, q1, q3",
    "vmovlb.s8 q1, q1",
    "vmladava.s16 r10, q1, q0",
    "letp lr, 5b",
    "ldr r3, [r12, #32]",
    "subs r1, r1, r3",
    "6:",
    "mov r0, r1",
    "add r1, r1, r5",
    "strd r4, r6, [r11], #8",
    "strd r8, r10, [r11], #8",
    "ldr r3, [r12, #16]",
    "cmp r11, r3",
    "bne.w 2b",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_bytes_mve, . - tinyscore_bytes_mve",
);

global_asm!(
    ".section .text.tinyscore_four_rows_mve,\"ax\",%progbits",
    ".global tinyscore_four_rows_mve",
    ".type tinyscore_four_rows_mve,%function",
    ".thumb_func",
    "tinyscore_four_rows_mve:",
    "push {{r4-r11, lr}}",
    "movs r4, #0",
    "movs r5, #0",
    "movs r6, #0",
    "movs r7, #0",
    "mov r8, r4",
    "mov r9, r4",
    "mov r10, r4",
    "mov r11, r4",
    "dlstp.16 lr, r3",
    "2:",
    "vldrh.u16 q0, [r2], #16",
    "vldrh.u16 q1, [r0], #16",
    "vldrh.u16 q2, [r1], #16",
    "vmlaldava.s16 r4, r5, q1, q0",
    "vmovlb.u8 q1, q1",
    "vmlaldava.s16 r8, r9, q2, q0",
    "vmovlb.u8 q2, q2",
    "vmlaldava.s16 r6, r7, q1, q0",
    "vmlaldava.s16 r10, r11, q2, q0",
    "letp lr, 2b",
    "ldr r0, [sp, #36]",
    "subs r4, r4, r6",
    "sbc r5, r5, r7",
    "lsrs r4, r4, #8",
    "orr r4, r4, r5, lsl #24",
    "subs r8, r8, r10",
    "sbc r9, r9, r11",
    "lsr r8, r8, #8",
    "orr r8, r8, r9, lsl #24",
    "strd r4, r6, [r0]",
    "strd r8, r10, [r0, #8]",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_four_rows_mve, . - tinyscore_four_rows_mve",
);

macro_rules! nibbles {
    ($name:literal, $load:literal) => {
        global_asm!(
            concat!(".section .text.", $name, ",\"ax\",%progbits"),
            concat!(".global ", $name),
            concat!(".type ", $name, ",%function"),
            ".thumb_func",
            concat!($name, ":"),
            "push {{r4-r11, lr}}",
            "movs r4, #0",
            "movs r6, #0",
            "mov r8, r4",
            "mov r10, r4",
            "vmov.i16 q3, #15",
            "dlstp.16 lr, r2",
            "2:",
            $load,
            "vldrh.u16 q1, [r0], #16",
            "vshr.s16 q2, q1, #12",
            "vmladava.s16 r4, q2, q0",
            "vshr.u16 q2, q1, #8",
            "vand q2, q2, q3",
            "vmladava.s16 r6, q2, q0",
            "vshr.u16 q2, q1, #4",
            "vand q2, q2, q3",
            "vmladava.s16 r8, q2, q0",
            "vand q1, q1, q3",
            "vmladava.s16 r10, q1, q0",
            "letp lr, 2b",
            "strd r4, r6, [r3]",
            "strd r8, r10, [r3, #8]",
            "pop {{r4-r11, pc}}",
            concat!(".size ", $name, ", . - ", $name),
        );
    };
}

nibbles!("tinyscore_nibbles_mve", "vldrh.u16 q0, [r1], #16");
nibbles!("tinyscore_nibbles_by_bytes_mve", "vldrb.s16 q0, [r1], #8");

global_asm!(
    ".section .text.tinyscore_add_mve,\"ax\",%progbits",
    ".global tinyscore_add_mve",
    ".type tinyscore_add_mve,%function",
    ".thumb_func",
    "tinyscore_add_mve:",
    "push {{r7, lr}}",
    "wlstp.32 lr, r2, 2f",
    "1:",
    "vldrw.u32 q0, [r0]",
    "vldrw.u32 q1, [r1], #16",
    "vadd.i32 q0, q0, q1",
    "vstrw.32 q0, [r0], #16",
    "letp lr, 1b",
    "2:",
    "pop {{r7, pc}}",
    ".size tinyscore_add_mve, . - tinyscore_add_mve",
);

// q5: mask of the fraction, q6: −shift, q7: the last segment.
global_asm!(
    ".section .text.tinyscore_activations_mve,\"ax\",%progbits",
    ".global tinyscore_activations_mve",
    ".type tinyscore_activations_mve,%function",
    ".thumb_func",
    "tinyscore_activations_mve:",
    "push {{r4-r9, lr}}",
    "vpush {{d10-d15}}",
    "mov r9, r0",
    "ldrd r0, r1, [r9]",
    "ldrd r2, r3, [r9, #8]",
    "ldrd r6, r5, [r9, #16]",
    "adds r7, r6, #2",
    "ldr r4, [r9, #24]",
    "rsbs r8, r4, #0",
    "vdup.32 q6, r8",
    "movs r8, #1",
    "lsls r8, r4",
    "subs r8, #1",
    "vdup.32 q5, r8",
    "vmov.i32 q7, #255",
    "movs r8, #0", // largest segment
    "movs r4, #0", // sum
    "dlstp.32 lr, r3",
    "1:",
    "vldrw.u32 q0, [r0], #16",
    "vldrw.u32 q1, [r1], #16",
    "vrmulh.s32 q0, q0, q1",
    "vadd.i32 q0, q0, r5",
    "vshl.u32 q1, q0, q6",
    "vmaxv.u32 r8, q1",
    "vmin.u32 q1, q1, q7",
    "vldrh.s32 q2, [r6, q1, uxtw #1]",
    "vldrh.s32 q3, [r7, q1, uxtw #1]",
    "vand q0, q0, q5",
    "vsub.i32 q3, q3, q2",
    "vmul.i32 q3, q3, q0",
    "vrshl.s32 q3, q3, q6",
    "vadd.i32 q2, q2, q3",
    "vaddva.s32 r4, q2",
    "vstrh.32 q2, [r2], #8",
    "letp lr, 1b",
    "str r8, [r9, #28]",
    "mov r0, r4",
    "vpop {{d10-d15}}",
    "pop {{r4-r9, pc}}",
    ".size tinyscore_activations_mve, . - tinyscore_activations_mve",
);
