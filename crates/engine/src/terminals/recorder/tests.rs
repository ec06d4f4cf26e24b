use super::*;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_769_860_800_000).plus(Duration::from_millis(millis))
}

async fn recorded(limit: u64, act: impl AsyncFnOnce(&mut Recorder) -> Result<(), RecordError>) -> (String, bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("recordings/7.cast");
    let mut recorder = Recorder::start(&path, "ana on web1", SIZE, at(0), limit).await.expect("starts");
    let went_well = act(&mut recorder).await.is_ok() & recorder.finish(at(9_000)).await.is_ok();
    let mode = std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777;
    let above = std::fs::metadata(path.parent().expect("a parent")).expect("is there").permissions().mode() & 0o777;
    assert_eq!((mode, above), (0o600, 0o700), "nobody else may look");
    (std::fs::read_to_string(&path).expect("is UTF-8"), went_well)
}

/// Time, kind and data of the events behind the header.
fn events(text: &str) -> Vec<(f64, String, String)> {
    let event = |line: &str| serde_json::from_str(line).expect("an event");
    text.lines().skip(1).map(event).collect()
}

#[tokio::test]
async fn a_recording_is_a_valid_asciinema_file() {
    let (text, _) = recorded(10_000, async |recorder| {
        recorder.output(at(1_500), b"$ ls\r\n\x1b[31mred\"\\\x1b[0m").await?;
        recorder.resize(at(2_000), TerminalSize { cols: 100, rows: 30 }).await?;
        // A clock that goes back does not take the recording back.
        recorder.output(at(100), b"later").await
    })
    .await;
    let header: Value = serde_json::from_str(text.lines().next().expect("a header")).expect("is JSON");
    assert_eq!((&header["version"], &header["width"], &header["height"]), (&2.into(), &80.into(), &24.into()));
    assert_eq!((&header["timestamp"], &header["title"]), (&1_769_860_800.into(), &"ana on web1".into()));
    let expected = [
        (1.5, "o".to_owned(), "$ ls\r\n\u{1b}[31mred\"\\\u{1b}[0m".to_owned()),
        (2.0, "r".to_owned(), "100x30".to_owned()),
        (2.0, "o".to_owned(), "later".to_owned()),
    ];
    assert_eq!(events(&text), expected);
    assert!(text.ends_with('\n'));
}

#[tokio::test]
async fn characters_are_whole_wherever_they_were_cut() {
    let all = "añ中文😀e\u{301}";
    let (text, _) = recorded(100_000, async |recorder| {
        for byte in all.as_bytes() {
            recorder.output(at(1), &[*byte]).await?;
        }
        recorder.output(at(2), b"\xff\xc3(ok)").await?;
        recorder.output(at(3), b"\xf0\x9f\x98").await
    })
    .await;
    let shown: String = events(&text).into_iter().map(|(_, _, data)| data).collect();
    assert_eq!(shown, format!("{all}\u{FFFD}\u{FFFD}(ok)\u{FFFD}"));
}

#[tokio::test]
async fn much_that_is_no_text_is_recorded_in_no_time() {
    let noise: Vec<u8> = (0..400_000_u32).map(|n| if n % 2 == 0 { 0xff } else { 0xc3 }).collect();
    let (text, went_well) = recorded(10_000_000, async |recorder| recorder.output(at(1), &noise).await).await;
    assert!(went_well && text.len() > 1_000_000);
}

#[tokio::test]
async fn a_full_recording_takes_nothing_more_and_stays_valid() {
    let (text, went_well) = recorded(2_000, async |recorder| {
        for number in 0..1_000 {
            recorder.output(at(number), b"a line of some length\r\n").await?;
        }
        Ok(())
    })
    .await;
    assert!(!went_well && text.len() < 2_000 && text.len() > 1_800, "{}", text.len());
    assert!(events(&text).len() > 10);
}

#[tokio::test]
async fn nothing_is_recorded_over_and_numbers_that_come_again_are_no_hindrance() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("7.cast");
    std::fs::write(&path, "mine").expect("written");
    assert!(Recorder::start(&path, "", SIZE, at(0), 10).await.is_ok());
    assert_eq!(std::fs::read_to_string(aside(&path, at(0))).expect("is kept"), "mine");
    assert_eq!(put_aside_at(&aside(&path, at(0))), Some(at(0)));
    assert_eq!(put_aside_at(&path), None);
    std::fs::remove_file(&path).expect("removed");
    let elsewhere = directory.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("a link");
    assert!(Recorder::start(&path, "", SIZE, at(1), 10).await.is_ok());
    assert!(!elsewhere.exists(), "a link is not followed");
}
