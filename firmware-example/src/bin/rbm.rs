//! Dreams digits by a restricted Boltzmann machine.
#![cfg_attr(target_os = "none", no_std, no_main)]

firmware_example::program!(firmware_example::rbm::main);
