//! Draws from an energy by the Metropolis-adjusted Langevin algorithm.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::energy::main);
