//! What must hold between the crates: see the `tests` folder beside this file.
