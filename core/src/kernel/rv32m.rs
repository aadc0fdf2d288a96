//! RISC-V of 32 bits with multiplication: four rows at once.
//!
//! A load brings a byte with its sign or without, so the two zipped rows 2⁸·a + b′ part by themselves: a column takes a load of x,
//! and for each row a load, `MUL` and `ADD`; 13 instructions for 4 products. Eight columns are written out.

pub use super::portable::{TILE, activations, add, add_row, interpolate, load, rounded_high};
use super::{Input, by_four, four_rows, portable};
use core::arch::global_asm;

unsafe extern "C" {
    /// Σ w·x of two pairs of zipped rows, in the low bytes with the offset; both have two bytes for each of `x..x_end`, which are
    /// at least two and of even number.
    fn tinyscore_four_rows_rv32m(
        first: *const u8,
        second: *const u8,
        x: *const i16,
        x_end: *const i16,
        sums: &mut [i32; 4],
    );
}

/// As [`portable::dense`].
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 {
        return portable::dense(bits, weights, biases, input, sums);
    }
    by_four(bits, weights, biases, input, sums, &|weights| {
        // SAFETY: the kernel is of this shape; no word is needed whole.
        unsafe { four_rows(tinyscore_four_rows_rv32m, weights, input) }
    });
}

// a0, a1: weights, a2: x, a3: its end, a4: where the sums go, a7: end of whole blocks of eight columns, t0-t3: sums.
global_asm!(
    ".option push",
    ".option arch, +m",
    ".section .text.tinyscore_four_rows_rv32m,\"ax\",%progbits",
    ".macro tinyscore_columns_rv32m count",
    ".set column, 0",
    ".rept \\count",
    "lh a5, 2 * column(a2)",
    "lb t4, 2 * column + 1(a0)",
    "lbu t5, 2 * column(a0)",
    "lb t6, 2 * column + 1(a1)",
    "lbu a6, 2 * column(a1)",
    "mul t4, t4, a5",
    "mul t5, t5, a5",
    "mul t6, t6, a5",
    "mul a6, a6, a5",
    "add t0, t0, t4",
    "add t1, t1, t5",
    "add t2, t2, t6",
    "add t3, t3, a6",
    ".set column, column + 1",
    ".endr",
    "addi a0, a0, 2 * \\count",
    "addi a1, a1, 2 * \\count",
    "addi a2, a2, 2 * \\count",
    ".endm",
    ".global tinyscore_four_rows_rv32m",
    ".type tinyscore_four_rows_rv32m,%function",
    "tinyscore_four_rows_rv32m:",
    "li t0, 0",
    "li t1, 0",
    "li t2, 0",
    "li t3, 0",
    "addi a7, a3, -16",
    "bgtu a2, a7, 3f",
    "2:",
    "tinyscore_columns_rv32m 8",
    "bleu a2, a7, 2b",
    "3:",
    "beq a2, a3, 5f",
    "4:",
    "tinyscore_columns_rv32m 2",
    "bne a2, a3, 4b",
    "5:",
    "sw t0, 0(a4)",
    "sw t1, 4(a4)",
    "sw t2, 8(a4)",
    "sw t3, 12(a4)",
    "ret",
    ".size tinyscore_four_rows_rv32m, . - tinyscore_four_rows_rv32m",
    ".option pop",
);
