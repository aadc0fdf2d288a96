//! The data of a run: a training part, and points held back for comparison.

use crate::codec::{Codec, Stored};
use crate::config::{Config, UsageError};
use crate::data::{self, Kind, Loaded, Set, Toy};
use crate::points::Points;
use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::BTreeSet;
use std::path::Path;
use tinyscore::MAX_LATENTS;

/// Most points that metrics compare, of points and of others.
const COMPARED: [usize; 2] = [10_000, 2000];
/// Keeps the comparison's points apart from the training's.
const HELD_BACK: u64 = 0x7e57;

/// Training and comparison data, in data units.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What the network is trained on.
    pub train: Points,
    /// What samples are compared with.
    pub reference: Points,
    /// Other points: the distance between both is the floor of every metric.
    pub other: Points,
    /// Points of the classes that were left out, drawn with the reference.
    pub left_out: Option<Points>,
    /// From data to model units, fitted to the training part.
    pub codec: Codec,
    /// The same in the form of the blob.
    pub stored: Stored,
    /// The training part in model units.
    pub standard: Points,
    /// Which set of the plane it is.
    pub toy: Option<Toy>,
    /// What a row is.
    pub kind: Kind,
    /// Pixels in a line of an image.
    pub width: Option<usize>,
}

/// What is trained on, what samples are compared with, and other points.
type Parts = (Points, Points, Points);
/// What a row is, and pixels in a line of an image.
type Shape = (Kind, Option<usize>);

impl Dataset {
    /// Draws or loads what `config` names. Without a test file a share of the rows, chosen at random, is held
    /// back for comparison.
    ///
    /// # Errors
    /// A name that is neither a data set nor a data file, or a file with a defect.
    pub fn load(config: &Config) -> Result<Self> {
        let (parts, toy, shape) = match named(&config.data, config.source.window) {
            Some(set) => Self::draw(set, config),
            None => Self::read(config)?,
        };
        let (parts, left_out) = match config.source.without.as_slice() {
            [] => (parts, None),
            without => {
                leave_out(parts, without).map_err(|what| UsageError(format!("{}: {what}", config.data)))?
            }
        };
        Self::new(parts, left_out, toy, shape, config)
    }

    fn draw(set: Set, config: &Config) -> (Parts, Option<Toy>, Shape) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let train = set.draw(config.points, &mut rng);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ HELD_BACK);
        let n = config.sampling.samples.min(compared(set.kind()));
        let reference = set.draw(n, &mut rng);
        let other = set.draw(n, &mut rng);
        let toy = if let Set::Plane(toy) = set { Some(toy) } else { None };
        ((train, reference, other), toy, (set.kind(), set.width()))
    }

    fn new(
        (train, reference, other): Parts,
        left_out: Option<Points>,
        toy: Option<Toy>,
        (kind, width): Shape,
        config: &Config,
    ) -> Result<Self> {
        let (latents, most) = (config.net.latent, train.dim().min(train.len() - 1).min(MAX_LATENTS));
        if latents > most {
            let (rows, columns, data) = (train.len(), train.dim(), &config.data);
            return Err(UsageError(format!(
                "latent is {latents}, but {data} has {columns} columns and {rows} rows to train on: take at most {most}, or 0 for no codec"
            ))
            .into());
        }
        let codec = Codec::fit(&train, kind, latents);
        let standard = codec.encode(&train);
        let stored = codec.stored(&standard);
        Ok(Self { train, reference, other, left_out, codec, stored, standard, toy, kind, width })
    }

    fn read(config: &Config) -> Result<(Parts, Option<Toy>, Shape)> {
        let path = file(&config.data)?;
        let Loaded { train: all, test, kind, width } = data::load(path, &config.source)?;
        if all.dim() > crate::sample::MAX_DIM {
            anyhow::bail!(
                "{}: {} columns, but at most {} can be sampled; remove columns",
                path.display(),
                all.dim(),
                crate::sample::MAX_DIM
            );
        }
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(config.seed));
        let held = (all.len() as f64 * f64::from(config.source.hold_out)) as usize;
        let (train, reference) = match test {
            Some(test) => (order, test.take(compared(kind))),
            None => {
                let (held, train) = order.split_at(held.clamp(1, compared(kind).min(all.len() - 1)));
                (train.to_vec(), all.pick(held))
            }
        };
        // Classifiers learn from them, the more the better.
        let most = if kind == Kind::Points { reference.len() } else { compared(kind) };
        let other = all.pick(&train[..most.min(train.len())]);
        Ok(((all.pick(&train), reference, other), None, (kind, width)))
    }

    /// Data dimensions.
    pub fn dim(&self) -> usize {
        self.train.dim()
    }
}

/// The points of other classes than these, which are numbered anew, and those of these.
fn part(points: &Points, classes: &[u16]) -> (Points, Points) {
    let (out, kept): (Vec<usize>, Vec<usize>) =
        (0..points.len()).partition(|&i| points.label(i).is_some_and(|label| classes.contains(&label)));
    let kept = points.pick(&kept);
    let below: BTreeSet<u16> = classes.iter().copied().collect();
    let anew = |&label: &u16| label - below.range(..label).count() as u16;
    let labels = kept.labels().iter().map(anew).collect();
    (kept.with_labels(labels), points.pick(&out))
}

/// The parts without these classes, and the reference of these.
fn leave_out((train, reference, other): Parts, classes: &[u16]) -> Result<(Parts, Option<Points>), String> {
    let have: BTreeSet<u16> = train.labels().iter().copied().collect();
    if have.is_empty() {
        return Err("there are no classes to leave out: give labels, or no `without`".into());
    }
    if let Some(class) = classes.iter().find(|class| !have.contains(class)) {
        return Err(format!("`without` names class {class}, but the classes are {have:?}: take of these"));
    }
    let left_out = part(&reference, classes).1;
    let [train, reference, other] = [train, reference, other].map(|p| part(&p, classes).0);
    if train.len() < 2 || reference.is_empty() || other.is_empty() {
        return Err(format!(
            "`without` {classes:?} leaves nothing to train on and to compare: leave out fewer"
        ));
    }
    Ok(((train, reference, other), Some(left_out)))
}

fn compared(kind: Kind) -> usize {
    let [points, others] = COMPARED;
    if kind == Kind::Points { points } else { others }
}

/// The data set of this name; windows of `length`, if it has windows.
pub fn named(name: &str, length: Option<usize>) -> Option<Set> {
    Set::named(name, length)
}

/// The file or folder that `data` names, which is no named set.
///
/// # Errors
/// When it does not look like one.
pub fn file(data: &str) -> Result<&Path, UsageError> {
    let path = Path::new(data);
    if path.extension().is_some() || data.contains(std::path::MAIN_SEPARATOR) || path.exists() {
        return Ok(path);
    }
    let names = Set::all().into_iter().map(Set::name).collect::<Vec<_>>().join(", ");
    Err(UsageError(format!(
        "data is {data:?}, but must be one of {names}, or a .csv or .npy file, or a file or folder of IDX images"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn without(name: &str, without: &[u16]) -> Result<Dataset> {
        let mut config = Config { points: 300, ..Config::new(name, Preset::Default) };
        config.source.without = without.to_vec();
        Dataset::load(&config)
    }

    /// The other classes stay as they were, but for their numbers and the scale.
    #[test]
    fn classes_are_left_out_of_all_parts() {
        let (all, some) = (without("ecg", &[]).unwrap(), without("ecg", &[1]).unwrap());
        let rows = |points: &Points, class: u16| {
            let rows = (0..points.len()).filter(|&i| points.label(i) == Some(class));
            points.pick(&rows.collect::<Vec<_>>()).values().to_vec()
        };
        for (all, some) in
            [(&all.train, &some.train), (&all.reference, &some.reference), (&all.other, &some.other)]
        {
            assert_eq!(some.classes(), 2);
            assert_eq!([0, 1].map(|class| rows(some, class)), [0, 2].map(|class| rows(all, class)));
        }
        assert!(all.left_out.is_none());
        assert_eq!(some.left_out.unwrap().values(), rows(&all.reference, 1));
        assert_eq!(some.standard.len(), some.train.len());
    }

    #[test]
    fn classes_that_are_not_there_or_all_are_refused() {
        for (classes, part) in
            [(&[3][..], "names class 3, but the classes are {0, 1, 2}"), (&[0, 1, 2], "leaves nothing")]
        {
            let error = without("vibration", classes).unwrap_err();
            assert!(error.is::<UsageError>() && error.to_string().contains(part), "{error}");
        }
        let error = without("swiss-roll", &[0]).unwrap_err().to_string();
        assert!(error.contains("no classes to leave out"), "{error}");
    }
}
