//! The targets of `fuzz/` with a few thousand inputs, on the compiler that everybody has: documented payloads with
//! bytes changed, left out and repeated, and nonsense.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::path::Path;
use std::sync::LazyLock;

#[expect(unreachable_pub, reason = "a library of its own, elsewhere")]
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

/// Header lines as the targets that verify read them, and a form.
const REQUESTS: [&str; 8] = [
    "application/json\npush\n1\nsha256=0\nsha1=0\n",
    "application/x-www-form-urlencoded\npush\n1\nsha256=0\nsha1=0\npayload=%7B%22a%22%3A+1%7D&x=1",
    "application/json\nPush Hook\n1\nmsg_1\n1772442900\nv1,0 v1,1\n0\n",
    "application/x-www-form-urlencoded\npush\n1\n0\npayload=%7B%7D",
    "application/json\nPush Hook\n1772442900000\ntrue\n0\n{\"password\": \"0\", \"sign\": \"0\"}",
    "application/json\n1\nsha256=0\n",
    "payload=%7B%22a%22%3A+1%7D&other=%ff",
    "a+b=%25&payload=+",
];

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds: Vec<_> = REQUESTS.iter().map(|request| request.as_bytes().to_vec()).collect();
    seeds.push(std::fs::read(root.join("../domain/src/config/tests/sample.toml")).expect("a davit.toml"));
    for directory in ["", "gitlab", "gitea", "gitee", "generic"] {
        let entries = std::fs::read_dir(root.join("tests/payloads").join(directory)).expect("payloads");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        seeds.extend(files.iter().map(|path| std::fs::read(path).expect("a payload")));
    }
    seeds
});

/// A change of a seed: at a place, that many bytes become these.
type Edit = (Index, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..4),
        Just(b"\n".to_vec()),
        Just(b"null".to_vec()),
        Just(b"{}".to_vec()),
        Just(b"-9223372036854775809".to_vec()),
        Just(b"\"\\ud800\"".to_vec()),
        Just(b"%".to_vec()),
        Just(b"refs/heads/".to_vec()),
        Just(b"../".to_vec()),
        Just("[".repeat(200).into_bytes()),
    ];
    vec((any::<Index>(), 0..9_usize, bytes), 0..5)
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut input = seed.to_vec();
    for (place, length, bytes) in edits {
        let start = place.index(input.len() + 1);
        let end = (start + length).min(input.len());
        input.splice(start..end, bytes.iter().copied());
    }
    input
}

fn run_all(input: &[u8]) {
    for (name, target) in targets::TARGETS {
        let outcome = std::panic::catch_unwind(|| target(input));
        assert!(outcome.is_ok(), "{name}: {:?}", String::from_utf8_lossy(input));
    }
}

#[test]
fn seeds_break_nothing() {
    SEEDS.iter().for_each(|seed| run_all(seed));
}

proptest! {
    #[test]
    fn changed_seeds_break_nothing(seed in any::<Index>(), edits in edits()) {
        run_all(&edited(&SEEDS[seed.index(SEEDS.len())], &edits));
    }

    #[test]
    fn nonsense_breaks_nothing(input in vec(any::<u8>(), 0..400)) {
        run_all(&input);
    }
}
