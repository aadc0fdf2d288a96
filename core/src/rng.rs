//! The noise stream: xoshiro128++ (Blackman & Vigna 2021), one stream per chain.
//!
//! Chain *i* of seed *s* always has the same stream, so a sample is the same drawn alone, in a
//! batch, on any number of threads or on a microcontroller. Any other [`rand_core`] generator can
//! be given to a [`Chain`](crate::Chain) instead.

use rand_core::SeedableRng;
pub use rand_xoshiro::Xoshiro128PlusPlus;

/// The generator of chain number `chain` of `seed`.
///
/// The 128-bit state is two outputs of SplitMix64 (Steele, Lea & Flood 2014), one from the seed and
/// one from the seed's output mixed with the chain number. Streams are not proven disjoint: for *n*
/// chains of *m* draws the chance that any two overlap is about n²·m/2¹²⁸.
///
/// ```
/// use rand_core::Rng;
/// use tinyscore::rng::stream;
/// assert_ne!(stream(1, 0).next_u32(), stream(1, 1).next_u32());
/// ```
pub fn stream(seed: u64, chain: u64) -> Xoshiro128PlusPlus {
    let from_seed = splitmix64(seed);
    let from_chain = splitmix64(from_seed ^ chain.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mut state = [0; 16];
    let (low, high) = state.split_at_mut(8);
    low.copy_from_slice(&from_chain.to_le_bytes());
    high.copy_from_slice(&splitmix64(from_chain ^ from_seed).to_le_bytes());
    Xoshiro128PlusPlus::from_seed(state)
}

/// One output of SplitMix64 for the state `z`.
fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    /// The first outputs of SplitMix64 from the state 1234567, as the authors' C program prints
    /// them (splitmix64.c, Vigna 2015).
    #[test]
    fn splitmix_gives_the_authors_numbers() {
        let gamma = 0x9e37_79b9_7f4a_7c15_u64;
        let expected = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        for (i, &output) in expected.iter().enumerate() {
            assert_eq!(splitmix64(1_234_567_u64.wrapping_add(gamma.wrapping_mul(i as u64))), output);
        }
    }

    /// The authors' reference vector for the state (1, 2, 3, 4) (xoshiro128plusplus.c).
    #[test]
    fn xoshiro_gives_the_authors_numbers() {
        let mut state = [0; 16];
        for (i, byte) in [1, 2, 3, 4].into_iter().enumerate() {
            state[4 * i] = byte;
        }
        let mut rng = Xoshiro128PlusPlus::from_seed(state);
        for expected in [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768] {
            assert_eq!(rng.next_u32(), expected);
        }
    }

    #[test]
    fn neighbouring_chains_and_seeds_are_uncorrelated() {
        let n = 4096;
        for (a, b) in [((1, 0), (1, 1)), ((1, 0), (2, 0)), ((0, 5), (5, 0)), ((0, 0), (0, 1 << 32))] {
            let (mut a, mut b) = (stream(a.0, a.1), stream(b.0, b.1));
            let agree: u32 = (0..n).map(|_| (a.next_u32() ^ b.next_u32()).count_zeros()).sum();
            let mean = agree as f64 / (32 * n) as f64;
            assert!((mean - 0.5).abs() < 5.0 * 0.5 / f64::from(32 * n).sqrt(), "{mean}");
        }
    }
}
