//! Draws the digits that one types.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::digits::main);
