//! The reference kernel in plain Rust: every other kernel must equal it.

/// `sums[j] += Σ_i weights[j·n + i]·x[i]` with n = `x.len()`; the bytes of `weights` are `i8`.
pub fn dense(weights: &[u8], x: &[i16], sums: &mut [i32]) {
    for (row, sum) in weights.chunks(x.len().max(1)).zip(sums) {
        *sum =
            row.iter().zip(x).fold(*sum, |sum, (&w, &x)| sum.wrapping_add(i32::from(w as i8) * i32::from(x)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_rows_on_top_of_what_is_there() {
        let weights = [1_i8, -2, 3, 127, 127, -127].map(|w| w as u8);
        let mut sums = [10, -5];
        dense(&weights, &[100, -200, 32_767], &mut sums);
        assert_eq!(sums, [10 + 100 + 400 + 98_301, -5 + 12_700 - 25_400 - 4_161_409]);
    }
}
