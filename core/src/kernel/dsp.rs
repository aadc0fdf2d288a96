//! Cortex-M4 and M7, and M33 with the DSP extension.
//!
//! A word holds two columns of two zipped rows, 2⁸·a + b′ in each half, with b′ = b + 2⁷:
//!
//! ```text
//! SMLALD  S₁ += Σ (2⁸·a + b′)·x     64 bits
//! UXTB16                            b′ alone
//! SMLAD   S₂ += Σ b′·x              modulo 2³²
//! ```
//!
//! Both start at −2⁷·Σx, which takes the offset out again. So S₂ = Σ b·x, exact because the blob's check bounds it
//! by 2³¹, and Σ a·x = (S₁ − S₂)/2⁸.
//!
//! 16 products take 14 instructions, two of them loads of four words: 2·(1 + 4) + 12 = 22 cycles by the Cortex-M4's
//! manual.
//!
//! Weights of 4 bits are four zipped rows, 2¹²·a + 2⁸·b′ + 2⁴·c′ + d′: the sums over whole lanes, their lower 12, 8 and 4 bits
//! take a `SMLALD` and a mask each, and the rows are their differences. 16 products take 16 instructions, two of them loads of
//! two words: 2·(1 + 2) + 14 = 20 cycles.

pub use super::portable::{add, add_row, interpolate, load, rounded_high};
use super::{Input, by_four, portable};
use crate::activation::Curve;
use core::arch::global_asm;

/// Outputs computed together.
pub const TILE: usize = 128;

#[repr(C)]
struct Activations {
    sums: *const i32,
    multipliers: *const [u8; 4],
    outputs: *mut i16,
    outputs_end: *const i16,
    table: *const u8,
    shift: u32,
    /// Whether a pre-activation was beyond the table; then the outputs are not complete.
    beyond: u32,
}

unsafe extern "C" {
    /// `sums[j] = biases[j] + Σ_i w[j, i]·x[i]` for pairs of rows: for every two of `sums..sums_end` there are
    /// two biases, and in `weights` as many words as in `x..x_end`, at least one; `total` is Σx.
    fn tinyscore_dense_dsp(
        weights: *const u8,
        x: *const i16,
        x_end: *const i16,
        biases: *const [u8; 4],
        sums: *mut i32,
        sums_end: *const i32,
        total: i32,
    );

    /// Requantization and activation of at least one output; Σy.
    fn tinyscore_activations_dsp(activations: &mut Activations) -> i32;

    /// Σ w·x of four zipped rows of 4 bits, in all but the first with the offset; `weights` has as many words as
    /// `x..x_end`, at least one.
    fn tinyscore_four_rows_dsp(weights: *const u8, x: *const i16, x_end: *const i16, sums: &mut [i32; 4]);
}

/// As [`portable::dense`].
pub fn dense(bits: u8, weights: &[u8], biases: &[[u8; 4]], input: &Input<'_>, sums: &mut [i32]) {
    if bits == 4 {
        return by_four(bits, weights, biases, input, sums, &|weights| {
            let (mut sums, x) = ([0; 4], input.x.as_ptr_range());
            if weights.len() == 2 * input.x.len() && !weights.is_empty() {
                // SAFETY: a word of weights for each of activations, and at least one.
                unsafe { tinyscore_four_rows_dsp(weights.as_ptr(), x.start, x.end, &mut sums) };
            }
            sums
        });
    }
    let mut pairs = biases.len().min(sums.len()) / 2;
    while 2 * input.x.len() * pairs > weights.len() {
        pairs -= 1;
    }
    if pairs == 0 || input.x.is_empty() {
        return;
    }
    let (x, sums) =
        (input.x.as_ptr_range(), sums.get_mut(..2 * pairs).unwrap_or_default().as_mut_ptr_range());
    // SAFETY: there are a bias and a row of weights as long as `x` for each sum, of which the number is even.
    unsafe {
        tinyscore_dense_dsp(
            weights.as_ptr(),
            x.start,
            x.end,
            biases.as_ptr(),
            sums.start,
            sums.end,
            input.total,
        );
    }
}

/// As [`portable::activations`].
pub fn activations(curve: &Curve<'_>, sums: &[i32], multipliers: &[[u8; 4]], outputs: &mut [i16]) -> i32 {
    let count = sums.len().min(multipliers.len()).min(outputs.len());
    let range = outputs.get_mut(..count).unwrap_or_default().as_mut_ptr_range();
    let mut all = Activations {
        sums: sums.as_ptr(),
        multipliers: multipliers.as_ptr(),
        outputs: range.start,
        outputs_end: range.end,
        table: curve.table.as_ptr(),
        shift: curve.shift,
        beyond: 0,
    };
    if count > 0 {
        // SAFETY: reads and writes as many numbers as all have, and the table below segment 256.
        let total = unsafe { tinyscore_activations_dsp(&mut all) };
        if all.beyond == 0 {
            return total;
        }
    }
    portable::activations(curve, sums, multipliers, outputs)
}

// r0: weights, r1: x, lr: end of x, r3:r2: S₁, r12: S₂. A jump into the unrolled blocks takes the first ones. LDM wants aligned
// words: others go one by one, by LDR.
global_asm!(
    ".syntax unified",
    ".cpu cortex-m4", // a cortex-m33 with the extension has these instructions, too
    ".section .text.tinyscore_dense_dsp,\"ax\",%progbits",
    ".global tinyscore_dense_dsp",
    ".type tinyscore_dense_dsp,%function",
    ".thumb_func",
    ".balign 4",
    "tinyscore_dense_dsp:",
    "push {{r3-r11, lr}}",
    "ldr r4, [sp, #40]",
    "sub sp, #28", // x, −2⁷·Σx and its lower half, first jump, jump into the blocks, sums; biases, saved, arguments
    "str r1, [sp]",
    "str r4, [sp, #24]",
    "mov lr, r2",
    "sub r2, r1",
    "ubfx r4, r2, #2, #2", // words beside whole blocks
    "ubfx r5, r2, #4, #4", // blocks beside whole rounds
    "rsb r5, r5, #16",
    "and r5, #15",
    "movs r6, #56",
    "adr.w r7, 4f",
    "mla r5, r5, r6, r7",
    "orr r5, #1",
    "rsb r8, r4, #3",
    "movs r6, #20",
    "adr.w r7, 3f",
    "mla r6, r8, r6, r7",
    "orr r6, #1",
    "cmp r4, #0",
    "it eq",
    "moveq r6, r5",
    "orr r4, r0, r1",
    "lsls r4, #30",
    "itt ne",
    "addne r6, r7, #41", // one word
    "movne r5, r6",
    "strd r6, r5, [sp, #16]",
    "ldr r4, [sp, #76]",
    "rsbs r4, #0",
    "lsls r5, r4, #7",
    "asrs r4, #25",
    "strd r5, r4, [sp, #4]",
    "str r5, [sp, #12]",
    "2:", // a pair of rows
    "ldm.w sp, {{r1, r2, r3, r12, pc}}",
    ".balign 4",
    "3:",
    ".rept 3",
    "ldr.w r4, [r0], #4",
    "ldr.w r8, [r1], #4",
    "smlald r2, r3, r4, r8",
    "uxtb16 r4, r4",
    "smlad r12, r4, r8, r12",
    ".endr",
    "cmp r1, lr",
    "beq 5f",
    "ldr pc, [sp, #20]",
    ".balign 4",
    "4:",
    ".rept 16",
    "ldm.w r0!, {{r4-r7}}",
    "ldm.w r1!, {{r8-r11}}",
    "smlald r2, r3, r4, r8",
    "uxtb16 r4, r4",
    "smlad r12, r4, r8, r12",
    "smlald r2, r3, r5, r9",
    "uxtb16 r5, r5",
    "smlad r12, r5, r9, r12",
    "smlald r2, r3, r6, r10",
    "uxtb16 r6, r6",
    "smlad r12, r6, r10, r12",
    "smlald r2, r3, r7, r11",
    "uxtb16 r7, r7",
    "smlad r12, r7, r11, r12",
    ".endr",
    "cmp r1, lr",
    "bne.w 4b",
    "5:",
    "subs r2, r2, r12",
    "sbc r3, r3, r12, asr #31",
    "lsrs r2, #8",
    "orr r2, r2, r3, lsl #24",
    "ldrd r4, r5, [sp, #24]",
    "ldr r6, [r5], #4",
    "ldr r7, [r5], #4",
    "add r6, r2",
    "add r7, r12",
    "strd r6, r7, [r4], #8",
    "strd r4, r5, [sp, #24]",
    "ldr r6, [sp, #72]",
    "cmp r4, r6",
    "bne.w 2b",
    "add sp, #32",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_dense_dsp, . - tinyscore_dense_dsp",
);

// r0: weights, r1: x, r2: its end; r5:r4, r7:r6, r9:r8, r10: the sums over lanes of 16, 12, 8 and 4 bits.
global_asm!(
    ".section .text.tinyscore_four_rows_dsp,\"ax\",%progbits",
    ".global tinyscore_four_rows_dsp",
    ".type tinyscore_four_rows_dsp,%function",
    ".thumb_func",
    "tinyscore_four_rows_dsp:",
    "push {{r3-r11, lr}}",
    "movs r4, #0",
    "movs r5, #0",
    "movs r6, #0",
    "movs r7, #0",
    "mov r8, r4",
    "mov r9, r4",
    "mov r10, r4",
    "orr r11, r0, r1",
    "lsls r11, #30",
    "ite eq",
    "moveq r11, #28", // words beside whole blocks
    "movne r11, #-1", // all of them
    "2:",
    "sub r3, r2, r1",
    "tst r3, r11",
    "beq 3f",
    "ldr r3, [r0], #4",
    "ldr r12, [r1], #4",
    "smlald r4, r5, r3, r12",
    "bic r3, r3, #0xf000f000",
    "smlald r6, r7, r3, r12",
    "uxtb16 r3, r3",
    "smlald r8, r9, r3, r12",
    "and r3, r3, #0x000f000f",
    "smlad r10, r3, r12, r10",
    "b 2b",
    "3:",
    "cmp r1, r2",
    "beq 5f",
    "4:",
    ".rept 4",
    "ldrd r3, r11, [r0], #8",
    "ldrd r12, lr, [r1], #8",
    "smlald r4, r5, r3, r12",
    "bic r3, r3, #0xf000f000",
    "smlald r6, r7, r3, r12",
    "uxtb16 r3, r3",
    "smlald r8, r9, r3, r12",
    "and r3, r3, #0x000f000f",
    "smlad r10, r3, r12, r10",
    "smlald r4, r5, r11, lr",
    "bic r11, r11, #0xf000f000",
    "smlald r6, r7, r11, lr",
    "uxtb16 r11, r11",
    "smlald r8, r9, r11, lr",
    "and r11, r11, #0x000f000f",
    "smlad r10, r11, lr, r10",
    ".endr",
    "cmp r1, r2",
    "bne.w 4b",
    "5:",
    "pop {{r3}}",
    "subs r4, r4, r6",
    "sbc r5, r5, r7",
    "lsrs r4, r4, #12",
    "orr r4, r4, r5, lsl #20",
    "subs r6, r6, r8",
    "sbc r7, r7, r9",
    "lsrs r5, r6, #8",
    "orr r5, r5, r7, lsl #24",
    "subs r8, r8, r10",
    "sbc r9, r9, r10, asr #31",
    "lsr r6, r8, #4",
    "orr r6, r6, r9, lsl #28",
    "mov r7, r10",
    "stm r3!, {{r4-r7}}",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_four_rows_dsp, . - tinyscore_four_rows_dsp",
);

// r0: sums, r1: multipliers, r2: outputs, lr: their end, r3: table, r4: 128·2^shift, r5: shift, r6: 2^shift − 1, r7:
// 2^shift, r8: half of it, r9: Σy. Both knots of a segment come in one load and go into one SMLAD.
global_asm!(
    ".section .text.tinyscore_activations_dsp,\"ax\",%progbits",
    ".global tinyscore_activations_dsp",
    ".type tinyscore_activations_dsp,%function",
    ".thumb_func",
    "tinyscore_activations_dsp:",
    "push {{r0, r4-r11, lr}}",
    "ldrd r1, r2, [r0, #4]",
    "ldrd lr, r3, [r0, #12]",
    "ldr r5, [r0, #20]",
    "ldr r0, [r0]",
    "movs r7, #1",
    "lsls r7, r5",
    "lsls r4, r7, #7",
    "subs r6, r7, #1",
    "lsrs r8, r7, #1",
    "mov r9, #0",
    "movw r12, #0xffff",
    "sub r10, lr, r2",
    "tst r10, #2",
    "bne 3f",
    "2:",
    "ldr r10, [r0], #4",
    "ldr r11, [r1], #4",
    "smmlar r10, r10, r11, r4",
    "lsr r11, r10, r5",
    "cmp r11, #256",
    "bhs 4f",
    "ldr r11, [r3, r11, lsl #1]",
    "and r10, r6",
    "mla r10, r10, r12, r7",
    "smlad r10, r11, r10, r8",
    "asr r10, r5",
    "strh r10, [r2], #2",
    "add r9, r10",
    "3:",
    "ldr r10, [r0], #4",
    "ldr r11, [r1], #4",
    "smmlar r10, r10, r11, r4",
    "lsr r11, r10, r5",
    "cmp r11, #256",
    "bhs 4f",
    "ldr r11, [r3, r11, lsl #1]",
    "and r10, r6",
    "mla r10, r10, r12, r7",
    "smlad r10, r11, r10, r8",
    "asr r10, r5",
    "strh r10, [r2], #2",
    "add r9, r10",
    "cmp r2, lr",
    "bne 2b",
    "mov r0, r9",
    "pop {{r1, r4-r11, pc}}",
    "4:",
    "pop {{r0}}",
    "movs r1, #1",
    "str r1, [r0, #24]",
    "pop {{r4-r11, pc}}",
    ".size tinyscore_activations_dsp, . - tinyscore_activations_dsp",
);
