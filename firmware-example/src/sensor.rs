//! What a model does for a sensor: a stored window of an ECG is shown, denoised, filled in where a gap is, and
//! scored; then wishes are taken line by line. Each result comes with its digest, the same on every machine, and its
//! cost.

use crate::bench::{conclude, cost};
use crate::board::{Board, Failure};
use crate::command::{LINE, Refusal, number, read_line, real};
use crate::model::ecg::{self, DIM, SCRATCH};
use crate::plot::Lines;
use tinyscore::levels::At;
use tinyscore::normal::standard_normal;
use tinyscore::rng::stream;
use tinyscore::sampler::{AnalyticDpm, Resampled, Sampler, Tweedie};
use tinyscore::{Chain, Error, Known, Levels, Mlp, Model, noise_level};

/// The network with its scratch memory on the stack.
type Network<'s> = Mlp<'static, &'s mut [i16; SCRATCH]>;
/// A window in model units, or in data units.
type Window = [f32; DIM];

/// What is held besides the stack of the work.
const MEMORY: usize = size_of::<[i16; SCRATCH]>() + size_of::<Network<'_>>();
/// Draws behind an interval: the truth, if it is as good as one more draw, lies between the extremes of 19 with
/// probability 1 − 2/20.
const DRAWS: u64 = 19;
/// Times that `fill` takes every step.
const TIMES: usize = 10;

/// The samples in thousandths, as little-endian words.
static WINDOW: &[u8; 2 * DIM] = include_bytes!("../../core/models/ecg-window.i16");

/// What the user can change.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    /// Seed of all noise.
    seed: u64,
    /// Strength of the noise to remove, in standard deviations of the data.
    noise: f32,
    /// First missing sample, and first that is there again.
    gap: (usize, usize),
}

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Denoise,
    Fill,
    Score,
    Set(Settings),
    Help,
    Quit,
}

/// What `help` prints.
const HELP: &str = "\
denoise      add noise to the window and remove it again
fill         draw what is in the gap, 19 times: intervals of 90 %
score        how unusual is the window, and one whose samples stand still in the gap?
noise S      strength of the noise, in standard deviations of the data
gap A B      samples A to B - 1 are missing
seed N       the noise to draw with
help, quit
";

/// Uses the window in every way, then answers lines until the input ends or says `quit`.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main<B: Board>(board: &mut B) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(ecg::model()?, &mut scratch)?;
    let (count, bytes) = (network.model().levels().count(), network.model().as_bytes().len());
    writeln!(board, "{}: windows of {DIM}, {count} levels, {bytes} bytes of flash", network.model().name())?;
    let data = stored();
    write!(board, "{}", Lines(&[('*', &data)]))?;
    let mut window = [0.0; DIM];
    network.model().to_model(&data, &mut window);
    let mut settings = Settings { seed: 1, noise: 0.5, gap: (20, 36) };
    for wish in [Wish::Denoise, Wish::Fill, Wish::Score] {
        carry_out(board, &mut network, &window, &settings, wish)?;
    }
    loop {
        write!(board, "> ")?;
        let Some(line) = read_line(board) else {
            writeln!(board)?;
            return Ok(());
        };
        match line.as_deref().map(|line| parse(line, settings)) {
            None => writeln!(board, "a line has at most {LINE} bytes of text")?,
            Some(Err(refusal)) => writeln!(board, "{refusal}")?,
            Some(Ok(Wish::Help)) => board.write_str(HELP)?,
            Some(Ok(Wish::Quit)) => return Ok(()),
            Some(Ok(Wish::Set(new))) => settings = new,
            Some(Ok(wish)) => carry_out(board, &mut network, &window, &settings, wish)?,
        }
    }
}

/// The stored window, in data units.
fn stored() -> Window {
    let mut data = [0.0; DIM];
    let (samples, _) = WINDOW.as_chunks();
    for (x, &sample) in data.iter_mut().zip(samples) {
        *x = f32::from(i16::from_le_bytes(sample)) / 1000.0;
    }
    data
}

/// Reads a line: what is to be done, or settings of which it changes one.
fn parse(line: &str, mut settings: Settings) -> Result<Wish, Refusal<'_>> {
    let mut words = line.split_ascii_whitespace();
    let word = words.next().unwrap_or("help");
    let mut value = || words.next().ok_or(Refusal::Missing(word));
    match word {
        "denoise" => return Ok(Wish::Denoise),
        "fill" => return Ok(Wish::Fill),
        "score" => return Ok(Wish::Score),
        "help" => return Ok(Wish::Help),
        "quit" => return Ok(Wish::Quit),
        "seed" => settings.seed = number(value()?, u64::MAX)?,
        "noise" => settings.noise = real(value()?)?,
        "gap" => {
            let mut end = || number(value()?, DIM as u64).map(|end| end as usize);
            settings.gap = (end()?, end()?);
        }
        _ => return Err(Refusal::Word(word)),
    }
    words.next().map_or(Ok(Wish::Set(settings)), |word| Err(Refusal::Word(word)))
}

fn carry_out<B: Board>(
    board: &mut B,
    network: &mut Network<'_>,
    window: &Window,
    settings: &Settings,
    wish: Wish,
) -> Result<(), Failure> {
    match wish {
        Wish::Denoise => denoise(board, network, window, settings),
        Wish::Fill => fill(board, network, window, settings),
        _ => score(board, network, window, settings),
    }
}

/// Adds noise and finds the mean of the clean window given the noisy one, whose noise is estimated.
fn denoise<B: Board>(
    board: &mut B,
    network: &mut Network<'_>,
    window: &Window,
    settings: &Settings,
) -> Result<(), Failure> {
    let mut rng = stream(settings.seed, 0);
    let mut noisy = *window;
    noisy.iter_mut().for_each(|x| *x += settings.noise * standard_normal(&mut rng));
    let levels = network.model().levels();
    let (result, cost) = cost::<B, _>(|clock| -> Result<(usize, Window), Error> {
        let level = noise_level(network, |level| levels.get(level).power, &noisy, &mut [0.0; DIM]);
        clock.lap();
        let plan = Tweedie.plan(At::new(levels, level)?)?;
        let mut chain = Chain::<_, DIM>::from_state(&plan, network, stream(0, 0), &noisy)?;
        chain.run(&plan, network);
        Ok((level, copy(chain.state())))
    });
    let (level, clean) = result?;
    let model = network.model();
    write!(
        board,
        "{}",
        Lines(&[('.', &in_data_units(model, &noisy)), ('*', &in_data_units(model, &clean))])
    )?;
    writeln!(
        board,
        "denoised: taken as data with noise {:.3}; mean square error {:.4} before, {:.4} after",
        levels.sigma(level),
        distance(&noisy, window),
        distance(&clean, window)
    )?;
    conclude(board, "denoise", &[&in_data_units(model, &clean)], &cost, MEMORY)
}

/// Draws what is in the gap, and shows the least, the mean and the largest of each sample.
fn fill<B: Board>(
    board: &mut B,
    network: &mut Network<'_>,
    window: &Window,
    settings: &Settings,
) -> Result<(), Failure> {
    let model = network.model().clone();
    let missing = |i: usize| (settings.gap.0..settings.gap.1).contains(&i);
    let mask: [bool; DIM] = core::array::from_fn(|i| !missing(i));
    let (mut lower, mut mean, mut upper) = ([f32::MAX; DIM], [0.0; DIM], [f32::MIN; DIM]);
    let (result, cost) = cost::<B, _>(|clock| -> Result<(), Error> {
        let plan = Resampled::new(AnalyticDpm, TIMES)?.plan(model.levels())?;
        let mut known = Known::new(&mut *network, model.levels(), window, &mask)?;
        for draw in 0..DRAWS {
            let mut chain = Chain::<_, DIM>::new(&plan, &known, stream(settings.seed, draw))?;
            while chain.step(&plan, &mut known) {
                clock.lap();
                board.pause();
            }
            let mut x: Window = copy(chain.state());
            known.restore(&mut x);
            for (((lower, mean), upper), x) in lower.iter_mut().zip(&mut mean).zip(&mut upper).zip(x) {
                *lower = if x < *lower { x } else { *lower };
                *mean += x / DRAWS as f32;
                *upper = if x > *upper { x } else { *upper };
            }
        }
        Ok(())
    });
    result?;
    let within = window.iter().zip(&lower).zip(&upper).zip(mask);
    let covered = within.filter(|(((x, lower), upper), known)| !known && lower <= x && x <= upper).count();
    let ends = [&lower, &mean, &upper].map(|window| in_data_units(&model, window));
    let [mut low, mut middle, mut high] = ends;
    for ((low, middle), (high, known)) in low.iter_mut().zip(&mut middle).zip(high.iter_mut().zip(mask)) {
        if known {
            (*low, *middle, *high) = (f32::NAN, f32::NAN, f32::NAN);
        }
    }
    let truth = in_data_units(&model, window);
    write!(board, "{}", Lines(&[('.', &truth), ('-', &low), ('-', &high), ('*', &middle)]))?;
    let count = mask.iter().filter(|known| !**known).count();
    writeln!(
        board,
        "filled in: {covered} of {count} missing samples lie within the extremes of {DRAWS} draws; mean square error of their mean {:.4}",
        distance(&mean, window)
    )?;
    conclude(board, "fill", &[&ends[0], &ends[1], &ends[2]], &cost, MEMORY)
}

/// Prints how unusual the window is, and one whose samples stand still in the gap.
fn score<B: Board>(
    board: &mut B,
    network: &mut Network<'_>,
    window: &Window,
    settings: &Settings,
) -> Result<(), Failure> {
    let Some(detector) = network.model().detector() else {
        return Ok(writeln!(board, "the model has no detector")?);
    };
    let mut stuck = in_data_units(network.model(), window);
    let (first, end) = settings.gap;
    let still = stuck.get(first).copied().unwrap_or_default();
    stuck.iter_mut().take(end).skip(first).for_each(|x| *x = still);
    let mut spoilt = [0.0; DIM];
    network.model().to_model(&stuck, &mut spoilt);
    for (name, x) in [("the window", window), ("spoilt", &spoilt)] {
        let (score, cost) = cost::<B, _>(|_| detector.score(network, x, &mut [0.0; DIM]));
        let verdict = if detector.is_anomaly(score) { "an anomaly" } else { "as the data" };
        writeln!(board, "{name}: score {score:.4}, {verdict}: the threshold is {:.4}", detector.threshold)?;
        conclude(board, "score", &[&[score]], &cost, MEMORY)?;
    }
    Ok(())
}

fn copy(state: &[f32]) -> Window {
    let mut window = [0.0; DIM];
    window.iter_mut().zip(state).for_each(|(to, &from)| *to = from);
    window
}

fn in_data_units(model: &Model<'_>, window: &Window) -> Window {
    let mut data = [0.0; DIM];
    model.to_data(window, &mut data);
    data
}

/// Mean square difference.
fn distance(a: &Window, b: &Window) -> f32 {
    let mut sum = 0.0;
    a.iter().zip(b).for_each(|(a, b)| sum += (a - b) * (a - b));
    sum / DIM as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { seed: 1, noise: 0.5, gap: (20, 36) };

    #[test]
    fn lines_change_one_setting_or_ask() {
        assert_eq!(parse("gap 3 9", SETTINGS), Ok(Wish::Set(Settings { gap: (3, 9), ..SETTINGS })));
        assert_eq!(parse(" noise 0.25\r", SETTINGS), Ok(Wish::Set(Settings { noise: 0.25, ..SETTINGS })));
        assert_eq!(parse("fill", SETTINGS), Ok(Wish::Fill));
        assert_eq!(parse("gap 3", SETTINGS), Err(Refusal::Missing("gap")));
        assert_eq!(parse("gap 3 65", SETTINGS), Err(Refusal::Number("65", 64)));
        assert_eq!(parse("noise loud", SETTINGS), Err(Refusal::Coordinate("loud")));
        assert_eq!(parse("seed 1 2", SETTINGS), Err(Refusal::Word("2")));
    }
}
