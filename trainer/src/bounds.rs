//! Upper bounds of sizes, checked before work begins.

use crate::config::UsageError;
use std::ops::RangeInclusive;

/// Bytes that rows may take.
const MEMORY: usize = 4 << 30;

/// Refuses a count outside its range.
///
/// # Errors
/// With its name, value and range.
pub fn check_count(name: &str, count: usize, range: RangeInclusive<usize>) -> Result<(), UsageError> {
    if range.contains(&count) {
        return Ok(());
    }
    Err(UsageError(format!("{name} is {count}, but must be in {}…{}", range.start(), range.end())))
}

/// Refuses more rows of so many numbers than fit into memory.
///
/// # Errors
/// With the room that they need, and the number that has room.
pub fn check_memory(name: &str, rows: usize, columns: usize) -> Result<(), UsageError> {
    let most = MEMORY / columns.max(1).saturating_mul(4);
    if rows <= most {
        return Ok(());
    }
    let needed = rows as f64 * columns as f64 * 4.0 / (1 << 30) as f64;
    Err(UsageError(format!(
        "{name} is {rows}, of {columns} numbers each, which would take {needed:.0} GiB of memory: take at most {most}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_named_with_what_fits() {
        assert!(check_count("k", 5, 1..=5).is_ok() && check_memory("n", 1000, 1024).is_ok());
        assert_eq!(check_count("k", 6, 1..=5).unwrap_err().to_string(), "k is 6, but must be in 1…5");
        let error = check_memory("samples", 1_000_000_000_000, 2).unwrap_err().to_string();
        assert!(error.contains("samples is 1000000000000") && error.contains("7451 GiB"), "{error}");
        let most: usize = error.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(check_memory("samples", most, 2).is_ok() && check_memory("samples", most + 1, 2).is_err());
        assert!(check_memory("n", usize::MAX, usize::MAX).is_err() && check_memory("n", 5, 0).is_ok());
    }
}
