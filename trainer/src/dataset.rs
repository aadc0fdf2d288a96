//! The data of a run: a training part, and points held back for comparison.

use crate::codec::{Codec, Stored};
use crate::config::{Config, UsageError};
use crate::data::{self, DataError, Kind, Loaded, MAX_VALUES, Set, Toy, listed, short, three_digits};
use crate::points::Points;
use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::BTreeSet;
use std::path::Path;
use tinyscore::MAX_LATENTS;
use tinyscore::blob::{LARGEST_MEAN, LARGEST_SCALE};

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
    /// The names of the columns, of the recordings of windows; none without a header.
    pub names: Vec<String>,
    /// What the file calls the classes 0…k−1; none of a named set.
    pub class_names: Vec<String>,
    /// What a user should know about how the data were read.
    pub notes: Vec<String>,
}

/// What is trained on, what samples are compared with, and other points.
type Parts = (Points, Points, Points);

/// What is known of the rows besides.
#[derive(Default)]
struct About {
    toy: Option<Toy>,
    kind: Kind,
    width: Option<usize>,
    names: Vec<String>,
    class_names: Vec<String>,
    notes: Vec<String>,
}

impl Dataset {
    /// Draws or loads what `config` names. Without a test file a share of the rows, chosen at random, is held
    /// back for comparison.
    ///
    /// # Errors
    /// A name that is neither a data set nor a data file, or a file with a defect.
    pub fn load(config: &Config) -> Result<Self> {
        let (parts, mut about) = match named(&config.data, config.source.window) {
            Some(set) => Self::draw(set, config)?,
            None => Self::read(config)?,
        };
        let (parts, left_out) = match config.source.without.as_slice() {
            [] => (parts, None),
            without => leave_out(parts, without, &mut about.class_names)
                .map_err(|what| UsageError(format!("{}: {what}", config.data)))?,
        };
        Self::new(parts, left_out, about, config)
    }

    fn draw(set: Set, config: &Config) -> Result<(Parts, About)> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed);
        let (points, dim) = (config.points, set.draw(1, &mut rng.clone()).dim());
        if points.saturating_mul(dim) > MAX_VALUES {
            let most = MAX_VALUES / dim;
            return Err(UsageError(format!(
                "points is {points}, but must be at most {most} of {dim} values"
            ))
            .into());
        }
        let train = set.draw(points, &mut rng);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(config.seed ^ HELD_BACK);
        // Whatever the number of samples, so that the yardstick is the same.
        let n = compared(set.kind());
        let reference = set.draw(n, &mut rng);
        let other = set.draw(n, &mut rng);
        let toy = if let Set::Plane(toy) = set { Some(toy) } else { None };
        let about = About { toy, kind: set.kind(), width: set.width(), ..About::default() };
        Ok(((train, reference, other), about))
    }

    fn new(
        (train, reference, other): Parts,
        left_out: Option<Points>,
        about: About,
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
        let About { toy, kind, width, names, class_names, notes } = about;
        let codec = Codec::fit(&train, kind, latents);
        let standard = codec.encode(&train);
        let stored = codec.stored(&standard);
        if let Some(j) = stored.too_large() {
            let (mean, scale) = (f64::from(stored.mean[j]), f64::from(stored.scale[j]));
            return Err(UsageError(format!(
                "{}: {} has values of {} ± {}, but a model holds means of at most {} and standard deviations of at most {}: give other units",
                config.data,
                column(&names, kind, j),
                three_digits(mean),
                three_digits(scale),
                three_digits(LARGEST_MEAN.into()),
                three_digits(LARGEST_SCALE.into())
            ))
            .into());
        }
        Ok(Self {
            train,
            reference,
            other,
            left_out,
            codec,
            stored,
            standard,
            toy,
            kind,
            width,
            names,
            class_names,
            notes,
        })
    }

    fn read(config: &Config) -> Result<(Parts, About)> {
        let path = file(&config.data)?;
        let loaded = data::load(path, &config.source).map_err(|error| match error {
            DataError::OtherUnits { .. } => UsageError(error.to_string()).into(),
            error => anyhow::Error::from(error),
        })?;
        let Loaded { train: all, test, kind, width, names, class_names, mut notes } = loaded;
        if all.dim() > crate::sample::MAX_DIM {
            anyhow::bail!(
                "{}: {} columns, but at most {} can be sampled; remove columns",
                path.display(),
                all.dim(),
                crate::sample::MAX_DIM
            );
        }
        let (train, reference) = match test {
            Some(test) => {
                let order = shuffled(test.len(), config.seed ^ HELD_BACK);
                let reference = test.pick(&order[..compared(kind).min(order.len())]);
                (shuffled(all.len(), config.seed), reference)
            }
            None => {
                let held = (all.len() as f64 * f64::from(config.source.hold_out)) as usize;
                let held = held.clamp(1, compared(kind).min(all.len() - 1));
                let (held, train) = split(&all, shuffled(all.len(), config.seed), held);
                (train, all.pick(&held))
            }
        };
        // Classifiers learn from them, the more the better.
        let most = if kind == Kind::Points { reference.len() } else { compared(kind) };
        let other = all.pick(&train[..most.min(train.len())]);
        let train = all.pick(&train);
        if kind == Kind::Points {
            let tails = (0..train.dim()).filter(|&j| has_long_tail(&train, j));
            notes.extend(tails.map(|j| {
                let column = column(&names, kind, j);
                format!("{column} is positive with a long tail: consider its logarithm")
            }));
            notes.extend((0..train.dim()).filter_map(|j| {
                let (value, count) = sentinel(&train, j)?;
                let column = column(&names, kind, j);
                Some(format!(
                    "{column} is {value} in {count} rows, far from all others: if that stands for a gap, remove those rows"
                ))
            }));
        }
        Ok(((train, reference, other), About { toy: None, kind, width, names, class_names, notes }))
    }

    /// Data dimensions.
    pub fn dim(&self) -> usize {
        self.train.dim()
    }

    /// What was read of the file or folder `data`, and what a user should know about it, line by line.
    pub fn summary(&self, data: &str) -> Vec<String> {
        let (rows, dim, held) = (self.train.len() + self.reference.len(), self.dim(), self.reference.len());
        let names = if self.names.is_empty() { String::new() } else { listed(&self.names) };
        let of = match (self.kind, self.width) {
            (Kind::Points, _) => {
                let columns = if dim == 1 { "column" } else { "columns" };
                let names = if names.is_empty() { names } else { format!(" ({names})") };
                format!("{rows} points of {dim} {columns}{names}")
            }
            (Kind::Images, Some(width)) => format!("{rows} images of {}×{width} pixels", dim / width.max(1)),
            (Kind::Windows, _) if self.names.len() > 1 => {
                format!("{} recordings: {names}; {rows} windows of {dim}", self.names.len())
            }
            (Kind::Images | Kind::Windows, _) => format!("{rows} windows of {dim}"),
        };
        let mut lines = vec![format!("{}: {of}, {held} of them held back", short(data))];
        let numbers = self.class_names.iter().enumerate().all(|(i, name)| *name == i.to_string());
        if !numbers {
            let classes: Vec<String> =
                self.class_names.iter().enumerate().map(|(i, name)| format!("{i} = {name}")).collect();
            lines.push(format!("classes: {}", classes.join(", ")));
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }
}

/// How a message calls column `j`.
fn column(names: &[String], kind: Kind, j: usize) -> String {
    match names.get(j) {
        Some(name) if kind == Kind::Points => format!("column `{}`", short(name)),
        _ => format!("column {}", j + 1),
    }
}

/// The numbers below `n` in an order of the seed's.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    order
}

/// The first `held` rows of an order, and the others; where that would leave a class out of a part, the same share of
/// every class: at least one row of each that has two, and none of one that has not, unless all are such.
fn split(points: &Points, order: Vec<usize>, held: usize) -> (Vec<usize>, Vec<usize>) {
    let count = |rows: &[usize]| {
        let mut counts = vec![0_usize; points.classes()];
        rows.iter().filter_map(|&i| points.label(i)).for_each(|label| counts[usize::from(label)] += 1);
        counts
    };
    let (all, first) = (count(&order), count(&order[..held]));
    let in_both =
        |(&all, &first): (&usize, &usize)| all < 2 && first == 0 || all >= 2 && (1..all).contains(&first);
    let is_mixed = all.iter().zip(&first).filter(|(all, _)| **all > 0).all(in_both);
    if is_mixed || all.iter().all(|&n| n < 2) {
        let (held, train) = order.split_at(held);
        return (held.to_vec(), train.to_vec());
    }
    let share = held as f64 / order.len() as f64;
    let mut left: Vec<usize> = all
        .iter()
        .map(|&n| if n < 2 { 0 } else { ((n as f64 * share).round() as usize).clamp(1, n - 1) })
        .collect();
    order.into_iter().partition(|&i| {
        let left = &mut left[usize::from(points.label(i).unwrap_or(0))];
        let is_held = *left > 0;
        *left -= usize::from(is_held);
        is_held
    })
}

/// A value that several rows share at one end of a column, ten standard deviations of the others away, and how many do: loggers
/// write such for a gap.
fn sentinel(points: &Points, column: usize) -> Option<(f32, usize)> {
    const FAR: f64 = 10.0;
    let values: Vec<f32> = points.rows().map(|row| row[column]).collect();
    let ends = [f32::total_cmp as fn(&f32, &f32) -> _, |a, b| f32::total_cmp(b, a)];
    ends.iter().find_map(|order| {
        let end = values.iter().copied().min_by(order)?;
        let others: Vec<f64> = values.iter().filter(|&&x| x != end).map(|&x| x.into()).collect();
        let (count, n) = (values.len() - others.len(), others.len() as f64);
        let mean = others.iter().sum::<f64>() / n;
        let sd = (others.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let is_far =
            count > 1 && others.len() > count && sd > 0.0 && (f64::from(end) - mean).abs() > FAR * sd;
        is_far.then_some((end, count))
    })
}

/// Whether a column of positive values has a skewness beyond that of an exponential distribution, which is 2, and far
/// beyond that of its logarithm.
fn has_long_tail(points: &Points, j: usize) -> bool {
    const LONG: f64 = 4.0;
    let values = || points.rows().map(move |row| f64::from(row[j]));
    values().all(|x| x > 0.0)
        && skewness(values()) > LONG
        && skewness(values().map(f64::ln)).abs() < 0.5 * LONG
}

/// Third central moment over that of the standard deviation.
fn skewness(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let moment = |k| values.clone().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
    let variance = moment(2);
    if variance > 0.0 { moment(3) / variance.powf(1.5) } else { 0.0 }
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
fn leave_out(
    (train, reference, other): Parts,
    classes: &[u16],
    names: &mut Vec<String>,
) -> Result<(Parts, Option<Points>), String> {
    let have: BTreeSet<u16> = train.labels().iter().copied().collect();
    if have.is_empty() {
        return Err("there are no classes to leave out: give labels, or no `without`".into());
    }
    if let Some(class) = classes.iter().find(|class| !have.contains(class)) {
        let name = |class: &u16| match names.get(usize::from(*class)) {
            Some(name) if *name != class.to_string() => format!("{class} = {name}"),
            _ => class.to_string(),
        };
        let have = have.iter().map(name).collect::<Vec<_>>().join(", ");
        return Err(format!("`without` names class {class}, but the classes are {{{have}}}: take of these"));
    }
    let left_out = part(&reference, classes).1;
    let [train, reference, other] = [train, reference, other].map(|p| part(&p, classes).0);
    if train.len() < 2 || reference.is_empty() || other.is_empty() {
        return Err(format!(
            "`without` {classes:?} leaves nothing to train on and to compare: leave out fewer"
        ));
    }
    let mut class = 0..;
    names.retain(|_| class.next().is_some_and(|class| !classes.contains(&class)));
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

/// What files and reports call the data: a set's own name, whatever its case.
pub fn canonical(data: &str) -> String {
    Set::named(data, None).map_or_else(|| data.to_owned(), |set| set.name().to_owned())
}

/// The file or folder that `data` names, which is no named set.
///
/// # Errors
/// When it does not look like one.
pub fn file(data: &str) -> Result<&Path, UsageError> {
    let path = Path::new(data);
    // A link may be there that leads nowhere.
    let is_there = path.symlink_metadata().is_ok();
    if path.extension().is_some() || data.contains(std::path::MAIN_SEPARATOR) || is_there {
        return Ok(path);
    }
    let names = Set::all().into_iter().map(Set::name).collect::<Vec<_>>().join(", ");
    Err(UsageError(format!(
        "data is {:?}, but must be one of {names}, or a .csv or .npy file, or a file or folder of IDX images",
        short(data)
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

    fn load(files: &[(&str, String)], more: impl Fn(&mut Config)) -> Result<Dataset> {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        let mut config = Config::new(dir.path().to_str().unwrap(), Preset::Default);
        more(&mut config);
        Dataset::load(&config)
    }

    fn classes(points: &Points) -> BTreeSet<u16> {
        points.labels().iter().copied().collect()
    }

    /// Whatever the seed, a class of two rows is in both parts, and one of a single row is trained on; where the plain
    /// order does that, it stays.
    #[test]
    fn classes_are_in_both_parts() {
        let row = |i: usize| {
            format!(
                "{i},{}\n",
                if i == 0 {
                    9
                } else if i < 3 {
                    5
                } else {
                    3
                }
            )
        };
        let text: String = "x,label\n".to_owned() + &(0..40).map(row).collect::<String>();
        let mut plain = 0;
        for seed in 1..20 {
            let data = load(&[("train.csv", text.clone())], |config| config.seed = seed).unwrap();
            assert_eq!((classes(&data.train), classes(&data.reference)), ([0, 1, 2].into(), [0, 1].into()));
            assert_eq!(data.train.len() + data.reference.len(), 40);
            let order = shuffled(40, seed);
            let first: Vec<f32> = order[..8].iter().map(|&i| i as f32).collect();
            plain += usize::from(data.reference.values() == first);
        }
        assert!((1..19).contains(&plain), "{plain}");
        let each =
            |n: usize| "x,label\n".to_owned() + &(0..n).map(|i| format!("{i},{i}\n")).collect::<String>();
        let data = load(&[("train.csv", each(2))], |_| ()).unwrap();
        assert_eq!((data.train.len(), data.reference.len()), (1, 1));
    }

    /// From two rows on, and whatever the share.
    #[test]
    fn few_rows_are_held_back_in_part() {
        for n in 2..12 {
            let text: String = (0..n).map(|i| format!("{i},{}\n", i * i % 7)).collect();
            for share in [0.001, 0.2, 0.999] {
                let data =
                    load(&[("train.csv", text.clone())], |config| config.source.hold_out = share).unwrap();
                assert_eq!(data.train.len() + data.reference.len(), n);
                assert!(!data.train.is_empty() && !data.reference.is_empty() && !data.other.is_empty());
                let advice = crate::advise::advise(&data.standard, 0.02, 1).unwrap();
                assert!(advice.sigma_min > 0.0 && advice.sigma_max.is_finite(), "{advice:?}");
            }
        }
        let wide: String = (0..20)
            .map(|i| (0..200).map(|j| ((i * j) % 31).to_string()).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        let data = load(&[("train.csv", wide)], |config| config.net.latent = 15).unwrap();
        assert_eq!(data.standard.dim(), 15);
    }

    /// Two draws of real data are alike, however the test file is sorted.
    #[test]
    fn a_sorted_test_file_is_compared_as_a_whole() {
        let row = |i: usize, class: usize| {
            format!(
                "{},{},{class}\n",
                ((i * 7919) % 1009) as f32 / 1009.0 + 4.0 * class as f32,
                (i * 31) % 97
            )
        };
        let of = |n: usize, class: usize| (0..n).map(move |i| row(i, class)).collect::<String>();
        let mixed = (0..6000).map(|i| row(i, i % 2)).collect::<String>();
        let header = "x,y,label\n".to_owned();
        let files =
            [("train.csv", header.clone() + &mixed), ("test.csv", header + &of(9000, 0) + &of(9000, 1))];
        let data = load(&files, |_| ()).unwrap();
        assert_eq!(data.reference.len(), 10_000);
        for part in [data.reference.clone(), data.reference.take(2000)] {
            let share = part.labels().iter().filter(|&&label| label == 1).count() as f64 / part.len() as f64;
            assert!((share - 0.5).abs() < 0.05, "{share}");
        }
        let unit = |points: &Points| data.codec.encode(points).with_labels(Vec::new());
        let floor =
            crate::evaluate::c2st(&unit(&data.other).take(1000), &unit(&data.reference).take(1000), 15)
                .unwrap();
        assert!((floor - 0.5).abs() < 0.05, "{floor}");
    }

    /// That of a log-normal column; a normal one, a flat one, counts and a negative tail get no note.
    #[test]
    fn a_long_tail_is_noted() {
        let z = |i: usize| {
            let u = ((i * 7919 % 2003) as f64 + 0.5) / 2003.0;
            (u / (1.0 - u)).ln()
        };
        let row = |i: usize| format!("{},{},{},{}\n", (1.2 * z(i)).exp(), z(i), i, -(1.2 * z(i)).exp());
        let text = "income,a,b,debt\n".to_owned() + &(0..2003).map(row).collect::<String>();
        let data = load(&[("train.csv", text)], |_| ()).unwrap();
        assert_eq!(data.notes, ["column `income` is positive with a long tail: consider its logarithm"]);
    }

    #[test]
    fn a_name_that_is_neither_set_nor_file_is_cut() {
        let message = file(&"a".repeat(5000)).unwrap_err().to_string();
        assert!(message.len() < 400 && message.starts_with("data is \"aaa"), "{message}");
    }

    #[test]
    fn a_logger_s_sign_for_a_gap_is_noted() {
        let with = |gap: f32, every: usize| {
            let value = |i: usize| if i.is_multiple_of(every) { gap } else { (i * 7 % 31) as f32 };
            sentinel(&Points::new(1, (1..=200).map(value).collect()), 0)
        };
        assert_eq!(with(-9999.0, 20), Some((-9999.0, 10)));
        assert_eq!(with(1e6, 50), Some((1e6, 4)));
        // A single outlier, a value among the others, and a majority are none.
        assert_eq!([with(-9999.0, 200), with(3.0, 5), with(-9999.0, 1)], [None; 3]);
    }
}
