//! Denoises, fills in and scores a window of an ECG, and takes wishes over the console.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::sensor::main);
