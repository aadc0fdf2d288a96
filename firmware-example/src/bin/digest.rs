//! Prints the digests of all samplers, the same on every machine.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::digest::main);
