//! Cortex-M0 and M0+: four rows at once, so that each activation is loaded for four products.
//!
//! A product takes three instructions, load, `MULS` and `ADD` to one of the upper registers, which no other instruction could
//! use. Eight products, of two columns, take 29: two loads, an extraction each and two steps of pointers beside them.
//! By the technical reference manual loads take 2 cycles, so 29 + 8 + 1 = 38 (with a multiplier of one cycle).

pub use super::portable::{TILE, activations, add};
use super::{Input, by_four, four_rows, portable};
use core::arch::global_asm;

unsafe extern "C" {
    /// The sums Σ w·x of two pairs of zipped rows, of those in low bytes with their offset. Words are loaded from
    /// `x..x_end`.
    fn tinyscore_four_rows_armv6m(
        first: *const u8,
        second: *const u8,
        x: *const i16,
        x_end: *const i16,
        sums: &mut [i32; 4],
    );

    /// Σ w·x of four zipped rows of 4 bits, in all but the first with the offset; `weights` has as many words as
    /// `x..x_end`, at least one.
    fn tinyscore_nibbles_armv6m(weights: *const u8, x: *const i16, x_end: *const i16, sums: &mut [i32; 4]);
}

/// As [`portable::dense`].
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if !input.is_aligned(weights, biases) {
        return portable::dense(bits, weights, biases, input, sums);
    }
    let x = input.x.as_ptr_range();
    if bits == 4 {
        return by_four(bits, weights, biases, input, sums, &|weights| {
            let mut sums = [0; 4];
            if weights.len() == 2 * input.x.len() {
                // SAFETY: a word of weights for each of activations, aligned, and at least one.
                unsafe { tinyscore_nibbles_armv6m(weights.as_ptr(), x.start, x.end, &mut sums) };
            }
            sums
        });
    }
    by_four(bits, weights, biases, input, sums, &|weights| {
        // SAFETY: the kernel is of this shape; all is aligned to words.
        unsafe { four_rows(tinyscore_four_rows_armv6m, weights, input) }
    });
}

/// As [`portable::rounded_high`]; this core multiplies 32 by 32 to 32 bits, so by halves.
#[inline(never)]
pub fn rounded_high(acc: i32, multiplier: i32) -> i32 {
    let ([al, ah], [ml, mh]) = (halves(acc), halves(multiplier));
    let low = (al as u32).wrapping_mul(ml as u32);
    let middle = ah * ml + (low >> 16) as i32;
    let other = al * mh + (middle & 0xffff);
    ah * mh + (middle >> 16) + (((other >> 15) + 1) >> 1)
}

/// As [`portable::add_row`], of aligned words. Not inline, or the caller's numbers crowd out its registers.
#[inline(never)]
pub fn add_row(sums: &mut [[u32; 2]], words: &[[u8; 4]]) {
    let pointer = words.as_ptr().cast::<u32>();
    if pointer.is_aligned() {
        // SAFETY: as many words of four bytes, aligned; any bytes are a number, and the core is little-endian.
        let words = unsafe { core::slice::from_raw_parts(pointer, words.len()) };
        portable::add_halves(sums, words.iter().copied());
    } else {
        portable::add_row(sums, words);
    }
}

/// As [`portable::load`], in one instruction instead of ten.
#[inline]
pub fn load(word: &[u8; 4]) -> i32 {
    let pointer = word.as_ptr().cast::<i32>();
    if pointer.is_aligned() {
        // SAFETY: four bytes that are aligned; the core is little-endian. Volatile, or the compiler finds both
        // ways to be the same and keeps the slow one.
        unsafe { pointer.read_volatile() }
    } else {
        portable::load(word)
    }
}

/// As [`portable::interpolate`].
#[inline]
pub fn interpolate(knots: &[u8; 4], f: i32, width: i32) -> i32 {
    let pointer = knots.as_ptr().cast::<i16>();
    if !pointer.is_aligned() {
        return portable::interpolate(knots, f, width);
    }
    // SAFETY: two aligned numbers of two bytes; the core is little-endian.
    let (left, right) = unsafe { (i32::from(pointer.read()), i32::from(pointer.add(1).read())) };
    left * width + (right - left) * f + (width >> 1)
}

/// Unsigned and signed.
fn halves(word: i32) -> [i32; 2] {
    [word & 0xffff, word >> 16]
}

// r0, r1: weights, r2: x, r12: its end, lr: where blocks of eight words begin, r8-r11: sums.
global_asm!(
    ".syntax unified",
    ".cpu cortex-m0",
    ".section .text.tinyscore_four_rows_armv6m,\"ax\",%progbits",
    ".global tinyscore_four_rows_armv6m",
    ".type tinyscore_four_rows_armv6m,%function",
    ".thumb_func",
    "tinyscore_four_rows_armv6m:",
    "push {{r4-r7, lr}}",
    "mov r4, r8",
    "mov r5, r9",
    "mov r6, r10",
    "mov r7, r11",
    "push {{r4-r7}}",
    "movs r4, #0",
    "mov r8, r4",
    "mov r9, r4",
    "mov r10, r4",
    "mov r11, r4",
    "mov r12, r3",
    "movs r6, #1",
    "movs r7, #3",
    "subs r4, r3, r2",
    "lsls r4, r4, #27",
    "lsrs r4, r4, #27",
    "adds r4, r4, r2",
    "mov lr, r4",
    "2:",
    "cmp r2, lr",
    "beq 3f",
    "ldm r2!, {{r3}}",
    "sxth r4, r3",
    "ldrb r5, [r0, #0]",
    "muls r5, r4, r5",
    "add r9, r5",
    "ldrsb r5, [r0, r6]",
    "muls r5, r4, r5",
    "add r8, r5",
    "ldrb r5, [r1, #0]",
    "muls r5, r4, r5",
    "add r11, r5",
    "ldrsb r5, [r1, r6]",
    "muls r5, r4, r5",
    "add r10, r5",
    "asrs r3, r3, #16",
    "ldrb r5, [r0, #2]",
    "muls r5, r3, r5",
    "add r9, r5",
    "ldrsb r5, [r0, r7]",
    "muls r5, r3, r5",
    "add r8, r5",
    "ldrb r5, [r1, #2]",
    "muls r5, r3, r5",
    "add r11, r5",
    "ldrsb r5, [r1, r7]",
    "muls r5, r3, r5",
    "add r10, r5",
    "adds r0, #4",
    "adds r1, #4",
    "b 2b",
    "3:",
    "cmp r2, r12",
    "bne 5f",
    "ldr r3, [sp, #36]",
    "mov r4, r8",
    "mov r5, r9",
    "mov r6, r10",
    "mov r7, r11",
    "stm r3!, {{r4-r7}}",
    "pop {{r4-r7}}",
    "mov r8, r4",
    "mov r9, r5",
    "mov r10, r6",
    "mov r11, r7",
    "pop {{r4-r7, pc}}",
    "5:",
    ".rept 8",
    "ldm r2!, {{r3}}",
    "sxth r4, r3",
    "ldrb r5, [r0, #0]",
    "muls r5, r4, r5",
    "add r9, r5",
    "ldrsb r5, [r0, r6]",
    "muls r5, r4, r5",
    "add r8, r5",
    "ldrb r5, [r1, #0]",
    "muls r5, r4, r5",
    "add r11, r5",
    "ldrsb r5, [r1, r6]",
    "muls r5, r4, r5",
    "add r10, r5",
    "asrs r3, r3, #16",
    "ldrb r5, [r0, #2]",
    "muls r5, r3, r5",
    "add r9, r5",
    "ldrsb r5, [r0, r7]",
    "muls r5, r3, r5",
    "add r8, r5",
    "ldrb r5, [r1, #2]",
    "muls r5, r3, r5",
    "add r11, r5",
    "ldrsb r5, [r1, r7]",
    "muls r5, r3, r5",
    "add r10, r5",
    "adds r0, #4",
    "adds r1, #4",
    ".endr",
    "b 3b",
    ".size tinyscore_four_rows_armv6m, . - tinyscore_four_rows_armv6m",
);

// r0: weights, r1: x, r2: its end, r8-r11: sums. With an odd number of words the first is the second of a round.
global_asm!(
    ".section .text.tinyscore_nibbles_armv6m,\"ax\",%progbits",
    ".global tinyscore_nibbles_armv6m",
    ".type tinyscore_nibbles_armv6m,%function",
    ".thumb_func",
    "tinyscore_nibbles_armv6m:",
    "push {{r3-r7, lr}}",
    "mov r4, r8",
    "mov r5, r9",
    "mov r6, r10",
    "mov r7, r11",
    "push {{r4-r7}}",
    "movs r4, #0",
    "mov r8, r4",
    "mov r9, r4",
    "mov r10, r4",
    "mov r11, r4",
    "subs r4, r2, r1",
    "lsls r4, r4, #29",
    "bmi 3f",
    "2:",
    "ldm r0!, {{r6}}",
    "ldm r1!, {{r3}}",
    "sxth r4, r3",
    "lsls r5, r6, #16",
    "asrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r8, r5",
    "lsls r5, r6, #20",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r9, r5",
    "lsls r5, r6, #24",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r10, r5",
    "lsls r5, r6, #28",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r11, r5",
    "asrs r3, r3, #16",
    "asrs r5, r6, #28",
    "muls r5, r3, r5",
    "add r8, r5",
    "lsls r5, r6, #4",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r9, r5",
    "lsls r5, r6, #8",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r10, r5",
    "lsls r5, r6, #12",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r11, r5",
    "3:",
    "ldm r0!, {{r6}}",
    "ldm r1!, {{r3}}",
    "sxth r4, r3",
    "lsls r5, r6, #16",
    "asrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r8, r5",
    "lsls r5, r6, #20",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r9, r5",
    "lsls r5, r6, #24",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r10, r5",
    "lsls r5, r6, #28",
    "lsrs r5, r5, #28",
    "muls r5, r4, r5",
    "add r11, r5",
    "asrs r3, r3, #16",
    "asrs r5, r6, #28",
    "muls r5, r3, r5",
    "add r8, r5",
    "lsls r5, r6, #4",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r9, r5",
    "lsls r5, r6, #8",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r10, r5",
    "lsls r5, r6, #12",
    "lsrs r5, r5, #28",
    "muls r5, r3, r5",
    "add r11, r5",
    "cmp r1, r2",
    "bne 2b",
    "ldr r3, [sp, #16]",
    "mov r4, r8",
    "mov r5, r9",
    "mov r6, r10",
    "mov r7, r11",
    "stm r3!, {{r4-r7}}",
    "pop {{r4-r7}}",
    "mov r8, r4",
    "mov r9, r5",
    "mov r10, r6",
    "mov r11, r7",
    "pop {{r3-r7, pc}}",
    ".size tinyscore_nibbles_armv6m, . - tinyscore_nibbles_armv6m",
);
