//! Draws the digit that one types, as text and, where the board has them, on 5 × 5 lamps.
//!
//! The network works on the latents of a codec, whose matrix makes the pixels of them once a digit.

use crate::bench::{conclude, cost};
use crate::board::{Board, Failure};
use crate::command::{LINE, Refusal, number, read_line};
use crate::model::digits::{self, DATA, DIM, HISTORY, SCRATCH};
use crate::plot::Image;
use tinyscore::rng::{Xoshiro128PlusPlus, stream};
use tinyscore::{Chain, Error, Guided, Mlp, Plan};

/// The network with its scratch memory on the stack.
type Network<'s> = Mlp<'static, &'s mut [i16; SCRATCH]>;
/// An image in data units, line by line.
type Pixels = [f32; DATA];

/// Pixels in a line.
const SIDE: usize = DATA.isqrt();
/// The brightest pixel.
const MOST: f32 = 255.0;
/// Lines and columns of lamps, and the part of the image without its margin that one of them stands for.
const LAMPS: usize = 5;
const MARGIN: usize = SIDE / 7;
const PART: usize = (SIDE - 2 * MARGIN) / LAMPS;
/// Mean brightness from which a lamp is lit.
const LIT: f32 = 0.3 * MOST;

/// What the user can change.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    /// Seed of all noise.
    seed: u64,
    /// Weight of guidance towards the digit; it takes a second evaluation at each step.
    guidance: f32,
    /// Digits drawn since the seed was set: the number of the next chain.
    drawn: u64,
}

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish<'a> {
    /// These digits.
    Draw(&'a str),
    Set(Settings),
    Help,
    Quit,
}

/// What `help` prints.
const HELP: &str = "\
7            draw a seven; 2026 draws four digits
guidance P   how typical of its class a digit shall be, in percent, 0 to 10000; above 0 a step takes two evaluations
seed N       the noise to draw with
help, quit
";

/// Draws a digit without being asked, then answers lines until the input ends or says `quit`.
///
/// # Errors
/// When the blob is damaged or the console fails.
pub fn main<B: Board>(board: &mut B) -> Result<(), Failure> {
    let mut scratch = [0; SCRATCH];
    let mut network = Mlp::new(digits::model()?, &mut scratch)?;
    let (latents, bytes) = (network.model().dim(), network.model().as_bytes().len());
    writeln!(
        board,
        "{SIDE} x {SIDE} pixels of {latents} latents, {bytes} bytes of flash; type a digit, or help"
    )?;
    let mut settings = Settings { seed: 1, guidance: 0.0, drawn: 0 };
    draw(board, &mut network, 7, &mut settings)?;
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
            Some(Ok(Wish::Draw(wanted))) => {
                for digit in wanted.bytes() {
                    match draw(board, &mut network, usize::from(digit - b'0'), &mut settings) {
                        Err(Failure::Core(error)) => writeln!(board, "{error}")?,
                        result => result?,
                    }
                }
            }
        }
    }
}

/// Reads a line: digits to draw, or settings of which it changes one.
fn parse(line: &str, mut settings: Settings) -> Result<Wish<'_>, Refusal<'_>> {
    let mut words = line.split_ascii_whitespace();
    let word = words.next().unwrap_or("help");
    let mut value = || words.next().ok_or(Refusal::Missing(word));
    let wish = match word {
        "help" => Wish::Help,
        "quit" => Wish::Quit,
        "seed" => {
            (settings.seed, settings.drawn) = (number(value()?, u64::MAX)?, 0);
            Wish::Set(settings)
        }
        "guidance" => {
            // In whole numbers: reading floats takes 13 kB of code.
            settings.guidance = number(value()?, 10_000)? as f32 / 100.0;
            Wish::Set(settings)
        }
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Wish::Draw(digits),
        _ => return Err(Refusal::Word(word)),
    };
    words.next().map_or(Ok(wish), |word| Err(Refusal::Word(word)))
}

fn draw<B: Board>(
    board: &mut B,
    network: &mut Network<'_>,
    digit: usize,
    settings: &mut Settings,
) -> Result<(), Failure> {
    let mut pixels = [0.0; DATA];
    let (result, cost) = cost::<B, _>(|clock| -> Result<usize, Error> {
        let plan = network.model().plan();
        let mut guided = Guided::<_, DIM>::new(&mut *network, digit, settings.guidance);
        // By reference: taken out of their results, they would lie in memory twice.
        let guided = guided.as_mut().map_err(|error| *error)?;
        let rng = stream(settings.seed, settings.drawn);
        let mut chain = Chain::<Xoshiro128PlusPlus, DIM, HISTORY>::new(&plan, guided, rng);
        let chain = chain.as_mut().map_err(|error| *error)?;
        while chain.step(&plan, guided) {
            clock.lap();
            board.pause();
        }
        network.model().to_data(chain.state(), &mut pixels);
        Ok(plan.evaluations() * if settings.guidance > 0.0 { 2 } else { 1 })
    });
    let evaluations = result?;
    settings.drawn += 1;
    write!(board, "{}", Image { pixels: &pixels, columns: SIDE, most: MOST })?;
    board.show(lamps(&pixels));
    writeln!(board, "{digit}, {evaluations} evaluations")?;
    let memory = size_of::<[i16; SCRATCH]>() + size_of::<Network<'_>>() + size_of::<Pixels>();
    conclude(board, "digit", &[&pixels], &cost, memory)
}

/// The image on 5 × 5 lamps, a line in five bits.
fn lamps(pixels: &Pixels) -> [u8; LAMPS] {
    let mean = |row: usize, column: usize| {
        let lines = pixels.chunks(SIDE).skip(MARGIN + PART * row).take(PART);
        let part = lines.flat_map(|line| line.iter().skip(MARGIN + PART * column).take(PART));
        part.fold(0.0, |sum, pixel| sum + pixel) / (PART * PART) as f32
    };
    core::array::from_fn(|row| {
        (0..LAMPS).fold(0, |line, column| line << 1 | u8::from(mean(row, column) > LIT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { seed: 1, guidance: 0.0, drawn: 3 };

    #[test]
    fn lines_are_digits_or_settings() {
        assert_eq!(parse("407", SETTINGS), Ok(Wish::Draw("407")));
        assert_eq!(parse("seed 9", SETTINGS), Ok(Wish::Set(Settings { seed: 9, guidance: 0.0, drawn: 0 })));
        assert_eq!(parse("guidance 50", SETTINGS), Ok(Wish::Set(Settings { guidance: 0.5, ..SETTINGS })));
        assert_eq!(parse("", SETTINGS), Ok(Wish::Help));
        assert_eq!(parse("seven", SETTINGS), Err(Refusal::Word("seven")));
        assert_eq!(parse("7 8", SETTINGS), Err(Refusal::Word("8")));
        assert_eq!(parse("guidance", SETTINGS), Err(Refusal::Missing("guidance")));
    }

    #[test]
    fn a_stroke_lights_its_lamps() {
        let mut pixels = [0.0; DATA];
        // The middle column of the image, without its margin.
        for line in pixels.chunks_mut(SIDE).skip(MARGIN).take(LAMPS * PART) {
            line[SIDE / 2 - 1] = MOST;
            line[SIDE / 2] = MOST;
        }
        assert_eq!(lamps(&pixels), [0b00100; LAMPS]);
        assert_eq!(lamps(&[MOST; DATA]), [0b11111; LAMPS]);
    }
}
