//! Energy networks of the plane by both ways of learning: denoising score matching at all noise levels, and persistent
//! contrastive divergence at one.

use super::{Entry, Gate};
use crate::config::{Config, Preset};
use crate::data::Toy;
use crate::objective::ObjectiveName;
use crate::report::{EnergyQuality, Report};

/// Moons and eight Gaussians, each by both.
pub fn energies() -> Vec<Entry> {
    let of = |toy: Toy, name: ObjectiveName| {
        let mut config = Config::new(toy.name(), Preset::Default).with_energy();
        if name != ObjectiveName::Dsm {
            config = config.with_objective(name);
        }
        let moons = toy == Toy::Moons;
        // Eight separate modes: what lies between them is not seen at small σ, and score matching leaves mass there.
        let most = if moons { 0.1 } else { f64::INFINITY };
        let mut gates =
            vec![Gate::other("KL of int8, nats", 0.0..=most, |r| of_energy(r, |e| Some(e.kl?.1)))];
        if !moons {
            gates.push(Gate::other("least share of a mode", 0.095..=0.155, |r| {
                of_energy(r, |e| Some(e.shares?[0]))
            }));
            gates.push(Gate::other("largest share of a mode", 0.095..=0.155, |r| {
                of_energy(r, |e| Some(e.shares?[1]))
            }));
        }
        Entry { name: format!("{}-{}", toy.name(), name.name()), config, gates, once: false }
    };
    let both = [ObjectiveName::Dsm, ObjectiveName::Pcd];
    [Toy::Moons, Toy::EightGaussians].into_iter().flat_map(|toy| both.map(|name| of(toy, name))).collect()
}

fn of_energy(report: &Report, number: impl Fn(&EnergyQuality) -> Option<f64>) -> f64 {
    report.energy.as_ref().and_then(number).unwrap_or(f64::NAN)
}
