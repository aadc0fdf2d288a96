//! Cortex-M3: four rows at once, so that each activation is loaded for four products.
//!
//! Four products take 9 instructions: five loads that follow each other, 1 + 5 cycles by the technical reference manual,
//! and four `MLA` of 2 cycles.

pub use super::portable::{TILE, activations, add, add_row, interpolate, load, rounded_high};
use super::{Input, by_four, four_rows, portable};
use core::arch::global_asm;

unsafe extern "C" {
    /// The sums Σ w·x of two pairs of zipped rows, of those in low bytes with their offset. Words are loaded from
    /// `x..x_end`.
    fn tinyscore_four_rows_armv7m(
        first: *const u8,
        second: *const u8,
        x: *const i16,
        x_end: *const i16,
        sums: &mut [i32; 4],
    );
}

/// As [`portable::dense`].
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 || !input.is_aligned(weights, biases) {
        return portable::dense(bits, weights, biases, input, sums);
    }
    by_four(bits, weights, biases, input, sums, &|weights| {
        // SAFETY: the kernel is of this shape; all is aligned to words.
        unsafe { four_rows(tinyscore_four_rows_armv7m, weights, input) }
    });
}

// r0, r1: weights, r2: x, r3: its end, r4-r7: sums, lr: end of whole blocks of eight columns.
global_asm!(
    ".syntax unified",
    ".cpu cortex-m3",
    ".section .text.tinyscore_four_rows_armv7m,\"ax\",%progbits",
    ".global tinyscore_four_rows_armv7m",
    ".type tinyscore_four_rows_armv7m,%function",
    ".thumb_func",
    "tinyscore_four_rows_armv7m:",
    "push {{r4-r11, lr}}",
    "movs r4, #0",
    "movs r5, #0",
    "movs r6, #0",
    "movs r7, #0",
    "sub lr, r3, #16",
    "cmp r2, lr",
    "bhi 3f",
    "2:",
    ".set column, 0",
    ".rept 8",
    ".if column == 0",
    "ldrsh r8, [r2], #2",
    "ldrb r9, [r0], #16",
    "ldrb r11, [r1], #16",
    ".else",
    "ldrsh r8, [r2], #2",
    "ldrb r9, [r0, #2 * column - 16]",
    "ldrb r11, [r1, #2 * column - 16]",
    ".endif",
    "ldrsb r10, [r0, #2 * column - 15]",
    "ldrsb r12, [r1, #2 * column - 15]",
    "mla r5, r9, r8, r5",
    "mla r4, r10, r8, r4",
    "mla r7, r11, r8, r7",
    "mla r6, r12, r8, r6",
    ".set column, column + 1",
    ".endr",
    "cmp r2, lr",
    "bls 2b",
    "3:",
    "cmp r2, r3",
    "beq 4f",
    "ldrsh r8, [r2], #2",
    "ldrb r9, [r0], #2",
    "ldrb r11, [r1], #2",
    "ldrsb r10, [r0, #-1]",
    "ldrsb r12, [r1, #-1]",
    "mla r5, r9, r8, r5",
    "mla r4, r10, r8, r4",
    "mla r7, r11, r8, r7",
    "mla r6, r12, r8, r6",
    "b 3b",
    "4:",
    "ldr r0, [sp, #36]",
    "stm r0, {{r4-r7}}",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_four_rows_armv7m, . - tinyscore_four_rows_armv7m",
);
