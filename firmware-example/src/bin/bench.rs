//! Counts instructions and stack, per part of the program.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::bench::main);
