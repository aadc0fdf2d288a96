//! The lines a user can type.

use crate::board::Board;
use crate::model::DATA;
use core::fmt;
use heapless::String;

/// Longest line, in bytes.
pub const LINE: usize = 80;
/// Most samples a line can ask for.
pub const MAX_SAMPLES: u64 = 1_000_000;

/// The plans a user can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The one stored in the model.
    Stored,
    /// Ancestral sampling.
    Ancestral,
    /// DDPM with the variance β.
    Ddpm,
    /// DDIM.
    Ddim,
    /// Heun's method.
    Heun,
    /// DPM-Solver++(2M).
    DpmSolver,
    /// Annealed Langevin dynamics, two steps per level.
    AnnealedLangevin,
}

/// What they are called.
const NAMES: [(&str, Choice); 7] = [
    ("stored", Choice::Stored),
    ("ancestral", Choice::Ancestral),
    ("ddpm", Choice::Ddpm),
    ("ddim", Choice::Ddim),
    ("heun", Choice::Heun),
    ("dpmpp-2m", Choice::DpmSolver),
    ("annealed-langevin", Choice::AnnealedLangevin),
];

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// Seed of all noise.
    pub seed: u64,
    /// Number of samples.
    pub samples: u64,
    /// The sampler.
    pub choice: Choice,
    /// Noise levels of its plan; the stored plan has its own.
    pub levels: u64,
    /// The class to draw from; all of them together without.
    pub class: Option<usize>,
    /// Weight of guidance towards the class.
    pub guidance: f32,
}

/// A point in data units; `None` for a coordinate that is not known.
pub type Point = [Option<f32>; DATA];

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Draw this.
    Draw(Wish),
    /// Find the clean point behind this noisy one.
    Denoise(Point),
    /// Draw the coordinates of this point that are not known.
    Fill(Point),
    /// Say how far this point is from the data.
    Score(Point),
    /// Explain the commands.
    Help,
    /// End the program.
    Quit,
}

/// Why a line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// Not a command.
    Word(&'a str),
    /// No value after this word.
    Missing(&'a str),
    /// Not a number, or too large: the word and what it may be at most.
    Number(&'a str, u64),
    /// Not a coordinate.
    Coordinate(&'a str),
    /// Not a sampler.
    Sampler(&'a str),
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Word(word) => write!(f, "what is `{}`? Type `help`", word.escape_debug()),
            Self::Missing(word) => write!(f, "`{word}` needs a value, as in the list that `help` prints"),
            Self::Number(word, most) => {
                write!(f, "`{}` is not a whole number from 0 to {most}", word.escape_debug())
            }
            Self::Coordinate(word) => write!(f, "`{}` is not a number", word.escape_debug()),
            Self::Sampler(word) => {
                write!(f, "no sampler is called `{}`; there are", word.escape_debug())?;
                NAMES.iter().try_for_each(|(name, _)| write!(f, " {name}"))
            }
        }
    }
}

/// Reads a line of `WORD VALUE` pairs: what they do not name stays as in `last`, an empty line draws
/// the same again.
///
/// # Errors
/// The first thing that was not understood.
pub fn parse(line: &str, last: Wish) -> Result<Command, Refusal<'_>> {
    let mut wish = last;
    let mut words = line.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(Refusal::Missing(word));
        match word {
            "help" => return Ok(Command::Help),
            "quit" => return Ok(Command::Quit),
            "seed" => wish.seed = number(value()?, u64::MAX)?,
            "samples" => wish.samples = number(value()?, MAX_SAMPLES)?,
            "levels" => wish.levels = number(value()?, 4096)?,
            "sampler" => wish.choice = choice(value()?)?,
            "class" => wish.class = class(value()?)?,
            "guidance" => wish.guidance = real(value()?)?,
            "denoise" => return Ok(Command::Denoise(point(word, words)?)),
            "fill" => return Ok(Command::Fill(point(word, words)?)),
            "score" => return Ok(Command::Score(point(word, words)?)),
            _ => return Err(Refusal::Word(word)),
        }
    }
    Ok(Command::Draw(wish))
}

/// A line without its end; `Some(None)` for one that is too long or not text, `None` at the end of the
/// input.
pub fn read_line(board: &mut impl Board) -> Option<Option<String<LINE>>> {
    let mut line = Some(String::new());
    loop {
        match board.read()? {
            b'\n' => return Some(line),
            byte => {
                line = line.filter(|_| byte.is_ascii());
                line = line.and_then(|mut line| line.push(char::from(byte)).ok().map(|()| line));
            }
        }
    }
}

/// A whole number.
pub(crate) fn number(word: &str, most: u64) -> Result<u64, Refusal<'_>> {
    word.parse().ok().filter(|&n| n <= most).ok_or(Refusal::Number(word, most))
}

/// `all` is no class.
fn class(word: &str) -> Result<Option<usize>, Refusal<'_>> {
    if word == "all" { Ok(None) } else { number(word, 4095).map(|class| Some(class as usize)) }
}

/// A finite number.
pub(crate) fn real(word: &str) -> Result<f32, Refusal<'_>> {
    word.parse().ok().filter(|value: &f32| value.is_finite()).ok_or(Refusal::Coordinate(word))
}

/// As many coordinates as the model has dimensions; `?` is not known.
fn point<'a>(command: &'a str, mut words: impl Iterator<Item = &'a str>) -> Result<Point, Refusal<'a>> {
    let mut point = [None; DATA];
    for coordinate in &mut point {
        let word = words.next().ok_or(Refusal::Missing(command))?;
        *coordinate = if word == "?" { None } else { Some(real(word)?) };
    }
    words.next().map_or(Ok(point), |word| Err(Refusal::Word(word)))
}

fn choice(word: &str) -> Result<Choice, Refusal<'_>> {
    let named = NAMES.iter().find(|(name, _)| *name == word);
    named.map(|&(_, choice)| choice).ok_or(Refusal::Sampler(word))
}

/// What `help` prints.
pub const HELP: &str = "\
seed N       the noise to draw with
samples N    how many points
sampler S    stored, ancestral, ddpm, ddim, heun, dpmpp-2m or annealed-langevin
levels N     noise levels of the sampler (stored has its own)
class C      draw from this class, or from all; guidance W: more typical of it
denoise X Y  the clean point behind a noisy one
fill X ?     draw what is not known
score X Y    how far from the data: is it an anomaly?
help, quit
Several on one line are fine; an empty line draws the same again.
";

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Wish =
        Wish { seed: 1, samples: 10, choice: Choice::Stored, levels: 8, class: None, guidance: 0.0 };

    #[test]
    fn pairs_change_what_they_name() {
        let wish = Wish { seed: 7, choice: Choice::Heun, ..LAST };
        assert_eq!(parse("seed 7  sampler heun\r", LAST), Ok(Command::Draw(wish)));
        assert_eq!(parse("", LAST), Ok(Command::Draw(LAST)));
        assert_eq!(parse("quit", LAST), Ok(Command::Quit));
    }

    #[test]
    fn garbage_is_named() {
        assert_eq!(parse("sede 7", LAST), Err(Refusal::Word("sede")));
        assert_eq!(parse("seed", LAST), Err(Refusal::Missing("seed")));
        assert_eq!(parse("seed -1", LAST), Err(Refusal::Number("-1", u64::MAX)));
        assert_eq!(parse("levels 4097", LAST), Err(Refusal::Number("4097", 4096)));
        assert_eq!(parse("sampler x", LAST), Err(Refusal::Sampler("x")));
    }
}
