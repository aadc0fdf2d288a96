//! Counts the instructions of the model that the emulator has put into memory, and compares kernels.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::count::main);
