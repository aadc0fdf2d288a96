//! The whole core without a console. Its panic handler calls a function that nowhere exists, so this
//! links only if no panic path is left; with the feature `panic-on-purpose` it must not link.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use firmware_example::model::{self, DATA, DIM, HISTORY, SCRATCH, moons};
use tinyscore::conformance::{digests, energy_digests};
use tinyscore::rng::stream;
use tinyscore::{Chain, EnergyMlp, Error, Mlp};

unsafe extern "C" {
    safe fn a_panic_path_is_left() -> !;
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    a_panic_path_is_left()
}

/// How much the program does, by the variable FOOTPRINT when this is compiled: nothing, reading the model,
/// drawing by its stored plan, drawing with every sampler, or that and an energy network too.
const FOOTPRINT: &str = match option_env!("FOOTPRINT") {
    Some(what) => what,
    None => "everything",
};

#[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
#[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
fn main() -> ! {
    match FOOTPRINT {
        "empty" => {}
        "reader" => _ = black_box(model::model()),
        "stored" => _ = black_box(stored()),
        "all" => _ = black_box(all()),
        _ => _ = black_box(all().and_then(|()| energy())),
    }
    #[cfg(feature = "panic-on-purpose")]
    black_box([1, 2, 3][black_box(0)]);
    loop {
        core::hint::spin_loop();
    }
}

/// Reads the model and draws by its own plan.
fn stored() -> Result<[f32; DATA], Error> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(model::model()?, &mut scratch)?;
    let plan = network.model().plan();
    let mut chain = Chain::<_, DIM, HISTORY>::new(&plan, &network, stream(black_box(1), 0))?;
    chain.run(&plan, &mut network);
    let mut data = [0.0; DATA];
    network.model().to_data(chain.state(), &mut data);
    Ok(data)
}

/// Reads the model and draws with every sampler.
fn all() -> Result<(), Error> {
    let mut scratch = [0; SCRATCH];
    let model = model::model()?;
    let mut network = Mlp::new(model.clone(), &mut scratch)?;
    let mut data = [0.0; DIM];
    model.to_model(&black_box([1.0; DATA]), &mut data);
    digests::<DIM, DATA>(&model, &mut network, black_box(1), |name, digest| {
        black_box((name, digest, data));
    })
}

/// Draws from an energy network with every sampler.
fn energy() -> Result<(), Error> {
    let mut scratch = [0; moons::SCRATCH];
    let mut network = EnergyMlp::new(moons::model()?, &mut scratch)?;
    let model = network.model().model().clone();
    energy_digests::<{ moons::DIM }, { moons::DATA }>(&model, &mut network, black_box(1), |name, digest| {
        black_box((name, digest));
    })
}
