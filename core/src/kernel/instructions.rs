//! Which vector unit computes for many points at once.

use super::blocked::{Format, Portable, Unit};
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::neon::Neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use alloc::vec::Vec;

/// The vector instructions of a machine. All give the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon(Neon),
}

impl Instructions {
    /// Those of this machine, the fastest first; the last is plain Rust.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Kind::Avx512));
            all.extend(Avx2::detect().map(Kind::Avx2));
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        all.extend(Neon::available().into_iter().map(Kind::Neon));
        all.push(Kind::Portable(Portable));
        all.into_iter().map(Self).collect()
    }

    /// The fastest of this machine.
    pub fn fastest() -> Self {
        Self::available().first().copied().unwrap_or(Self(Kind::Portable(Portable)))
    }

    /// Their name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "AVX-512 VNNI",
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(neon) => neon.name(),
        }
    }

    pub(crate) fn unit(&self) -> &dyn Unit {
        match &self.0 {
            Kind::Portable(unit) => unit,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(unit) => unit,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(unit) => unit,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(unit) => unit,
        }
    }

    /// How activations of 8 bits are best kept.
    pub(crate) fn narrow(self) -> Format {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => Format::Pairs,
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kind::Neon(neon) => neon.narrow(),
            _ => Format::Quads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Block, Blocked, ROWS};
    use super::*;
    use crate::activation::{Curve, TABLE};
    use crate::rng::stream;
    use alloc::vec;
    use core::array::from_fn;
    use rand_core::Rng;

    /// A layer, and points before it.
    struct Layer<'a> {
        weights: Blocked,
        rows: usize,
        start: Vec<Block>,
        multipliers: Vec<Block>,
        scales: Vec<Block<f32>>,
        curve: Curve<'a>,
        x: Vec<u32>,
        floats: Vec<f32>,
    }

    /// All that a unit makes of it.
    fn results(unit: &dyn Unit, layer: &Layer<'_>, y: Format) -> (Vec<Block>, [Vec<u32>; 3]) {
        let Layer { weights, rows, start, multipliers, scales, curve, x, floats } = layer;
        let mut sums = vec![Block::default(); x.len() / weights.words * start.len()];
        unit.multiply(weights, x, start, &mut sums);
        let mut activations = vec![0; sums.len() * y.words(ROWS)];
        unit.activate(&sums, multipliers, curve, y, &mut activations);
        let mut quantized = activations.clone();
        unit.quantize(floats, *rows, 30.0, 100, y, &mut quantized);
        let mut eps = vec![0.0; floats.len()];
        unit.scale(&sums, scales, (0.7, 0.3), *rows, floats, &mut eps);
        (sums, [activations, quantized, eps.into_iter().map(f32::to_bits).collect()])
    }

    #[test]
    fn every_unit_has_the_bits_of_plain_rust() {
        let mut rng = stream(1, 0);
        let mut any = || {
            let word = rng.next_u32();
            *[i32::MIN, i32::MAX, -1, 0].get(word as usize % 16).unwrap_or(&(word as i32))
        };
        for case in 0..400 {
            let [points, rows, columns] = [13, 150, 70].map(|n| 1 + any() as u32 as usize % n);
            let [format, y] = [case, case / 2].map(|bit| [Format::Pairs, Format::Quads][bit % 2]);
            let bytes: Vec<i8> = (0..rows * columns).map(|_| (any() >> 24).max(-127) as i8).collect();
            let weights = Blocked::new(format, rows, columns, |row, column| bytes[row * columns + column]);
            let mut blocks = |shift| {
                let block = |_| Block(from_fn(|_| any() >> shift));
                (0..rows.div_ceil(ROWS)).map(block).collect()
            };
            let (start, multipliers): (_, Vec<_>) = (blocks(0), blocks(10));
            let table = from_fn::<_, { 2 * TABLE }, _>(|_| any() as u8);
            let layer = Layer {
                rows,
                start,
                scales: multipliers.iter().map(|block| Block(block.0.map(|m| m as f32 * 1e-9))).collect(),
                multipliers,
                curve: Curve {
                    table: &table,
                    shift: any() as u32 % 9,
                    left_slope: any() as i16,
                    right_slope: any() as i16,
                },
                x: (0..points * weights.words).map(|_| any() as u32).collect(),
                floats: (0..points * rows).map(|_| any() as f32 * 2e-9).collect(),
                weights,
            };
            let expected = results(&Portable, &layer, y);
            for instructions in Instructions::available() {
                let found = results(instructions.unit(), &layer, y);
                assert!(
                    found == expected,
                    "{}: {format:?}, {points}, {rows}, {columns}",
                    instructions.name()
                );
            }
        }
    }

    /// Halves and their neighbours, where a rounding shows.
    #[test]
    fn every_unit_rounds_as_plain_rust() {
        let ends = |n: i32| {
            (-2..3).map(move |ulps| f32::from_bits((0.5 * n as f32).to_bits().wrapping_add_signed(ulps)))
        };
        let halves: Vec<f32> = (1..2 * 130).flat_map(ends).flat_map(|v| [v, -v]).collect();
        for y in [Format::Pairs, Format::Quads] {
            let quantized = |unit: &dyn Unit| {
                let mut to = vec![0; y.words(halves.len())];
                unit.quantize(&halves, halves.len(), 1.0, 127, y, &mut to);
                to
            };
            let expected = quantized(&Portable);
            for instructions in Instructions::available() {
                assert!(quantized(instructions.unit()) == expected, "{}: {y:?}", instructions.name());
            }
        }
    }
}
