//! Playing a recording: as it was, or at once where nobody watches.

use super::screen::Screen;
use super::unreadable;
use crate::client::Client;
use crate::ending;
use crate::failure::{Exit, Outcome};
use crate::output::{Output, visible};
use clap::Args;
use serde::Deserialize;
use std::time::Duration;

/// What is played, and how.
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// The terminal's number
    terminal: i64,
    /// So many times as fast
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = speed)]
    speed: f64,
    /// Shorten pauses to so many seconds
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = seconds)]
    idle: f64,
    /// Print what was shown as text, at once; so it is wherever no terminal is
    #[arg(long)]
    text: bool,
}

/// The first line of a recording.
#[derive(Debug, Deserialize)]
struct Header {
    version: u8,
    width: u16,
    height: u16,
}

/// Something that was shown.
#[derive(Debug, PartialEq)]
struct Shown {
    /// Seconds from the beginning.
    at: f64,
    text: String,
}

pub(super) async fn play(client: &Client, args: PlayArgs) -> Outcome {
    let mut bytes = Vec::new();
    client.recording(args.terminal).await?.copy(&mut bytes).await?;
    let (header, shown) = read(&String::from_utf8_lossy(&bytes)).map_err(|why| unreadable(args.terminal, &why))?;
    let output = Output::detect();
    if args.text || !output.is_terminal() {
        let text: String = shown.into_iter().map(|shown| shown.text).collect();
        text.lines().try_for_each(|line| output.line(visible(line)))?;
        return Ok(Exit::Done);
    }
    let (rows, columns) = console::Term::stdout().size();
    if columns < header.width || rows < header.height {
        output.note(format!("It was {} by {} characters: make the window larger", header.width, header.height));
    }
    ending::in_order()?;
    let mut playing = Playing { output, screen: Screen::default() };
    let mut before = 0.0;
    for Shown { at, text } in &shown {
        let pause = (at - before).clamp(0.0, args.idle) / args.speed;
        before = *at;
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        output.text(&playing.screen.show(text))?;
    }
    drop(playing);
    output.note("");
    Ok(Exit::Done)
}

/// A terminal that shows a recording, and is as before when this is dropped: also when davit is ended from outside.
struct Playing {
    output: Output,
    screen: Screen,
}

impl Drop for Playing {
    fn drop(&mut self) {
        // Where the terminal is gone, nothing is to be put back.
        let _ = self.output.text(&self.screen.as_before());
    }
}

/// A recording's window, and what it showed.
fn read(text: &str) -> Result<(Header, Vec<Shown>), String> {
    let mut lines = text.lines();
    let header: Header = lines.next().and_then(|line| serde_json::from_str(line).ok()).ok_or("it has no header")?;
    if header.version != 2 {
        return Err(format!("it is of version {}, not 2", header.version));
    }
    // The last line may be cut short while the shell is open.
    let events = lines.filter_map(|line| serde_json::from_str::<(f64, String, String)>(line).ok());
    let shown = events.filter(|(_, kind, _)| kind == "o").map(|(at, _, text)| Shown { at, text });
    Ok((header, shown.collect()))
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.01..=1000.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0.01 to 1000".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=3600.0).contains(number));
    number.ok_or_else(|| "it must be a number of seconds, 3600 at most".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Shown, read, seconds, speed};

    #[test]
    fn a_recording_is_read_as_far_as_it_goes() {
        let text = "{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"a\"]\n[1,\"r\",\"90x30\"]\n[1.5,\"o\",\"b\"]\n[2,\"o";
        let (header, shown) = read(text).expect("a recording");
        assert_eq!((header.width, header.height), (80, 24));
        let expected = [(0.5, "a"), (1.5, "b")].map(|(at, text)| Shown { at, text: text.to_owned() });
        assert_eq!(shown, expected);
        assert!(read("").is_err());
        assert!(read("{\"version\":3,\"width\":80,\"height\":24}").is_err());
    }

    #[test]
    fn only_sensible_numbers_are_taken() {
        assert_eq!((speed("2"), seconds("0")), (Ok(2.0), Ok(0.0)));
        for text in ["0", "-1", "nan", "inf", "x"] {
            assert!(speed(text).is_err(), "{text}");
        }
        for text in ["-1", "nan", "inf"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
