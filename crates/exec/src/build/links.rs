//! Symlinks must stay inside the release: one that leads out works on the machine that built it and nowhere else, or
//! shows a host's own files to the world.

use super::tree::Found;
use crate::ExecError;
use std::collections::BTreeMap;

/// How many a message names.
const NAMED: usize = 10;
/// Symlinks followed on one way, as Linux counts; longer ways are loops and lead nowhere.
const DEEPEST: usize = 40;

/// Refuses symlinks that are absolute or whose way leaves the release, through other symlinks too. Those that point
/// to nothing inside are fine: a hook on the host may make it.
pub(super) fn check(found: &BTreeMap<Vec<u8>, Found>) -> Result<(), ExecError> {
    let mut outside = Vec::new();
    let mut count = 0;
    for (path, entry) in found {
        if let Found::Symlink { target } = entry
            && leads_out(found, path, target)
        {
            count += 1;
            if outside.len() < NAMED {
                outside.push(format!("{} -> {}", String::from_utf8_lossy(path), String::from_utf8_lossy(target)));
            }
        }
    }
    if count == 0 {
        return Ok(());
    }
    let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
    Err(ExecError::Refused(format!(
        "{count} symlinks lead out of the release: {}{more}. Make them relative to what is released, leave them out with \
         the file filter, or use a shared path",
        outside.join(", ")
    )))
}

/// Walks the way of the symlink at `path`.
fn leads_out(found: &BTreeMap<Vec<u8>, Found>, path: &[u8], target: &[u8]) -> bool {
    // What is still to be walked, the next part last.
    let mut rest: Vec<&[u8]> = Vec::new();
    let mut here: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    here.pop();
    let mut target = target;
    for _ in 0..DEEPEST {
        if target.first() == Some(&b'/') {
            return true;
        }
        rest.extend(target.rsplit(|byte| *byte == b'/'));
        let Some(next) = walk(found, &mut here, &mut rest) else { return false };
        match next {
            Next::Outside => return true,
            Next::Symlink(further) => target = further,
        }
    }
    false
}

enum Next<'a> {
    Outside,
    Symlink(&'a [u8]),
}

/// Goes on until the way ends, leaves the release, or comes to a symlink.
fn walk<'a>(
    found: &'a BTreeMap<Vec<u8>, Found>,
    here: &mut Vec<&'a [u8]>,
    rest: &mut Vec<&'a [u8]>,
) -> Option<Next<'a>> {
    while let Some(part) = rest.pop() {
        match part {
            b"" | b"." => {}
            b".." => {
                if here.pop().is_none() {
                    return Some(Next::Outside);
                }
            }
            name => {
                here.push(name);
                if let Some(Found::Symlink { target }) = found.get(&here.join(&b'/')) {
                    here.pop();
                    return Some(Next::Symlink(target));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(links: &[(&str, &str)]) -> Option<String> {
        let link =
            |(path, target): &(&str, &str)| (path.as_bytes().to_vec(), Found::Symlink { target: (*target).into() });
        check(&links.iter().map(link).collect()).err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn ways_that_leave_the_release_are_refused() {
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../x"),
            ("a/b", "../../x"),
            ("a", "x/../.."),
            ("a/b/c", "./../..//../x"),
        ] {
            let text = refusal(&[(path, target)]).expect(target);
            assert!(text.contains(&format!("{path} -> {target}")), "{text}");
        }
        let detour = refusal(&[("here", "."), ("x", "here/..")]).expect("not by its letters, but in truth");
        assert!(detour.contains("x -> here/..") && detour.starts_with("1 symlinks"), "{detour}");
    }

    #[test]
    fn ways_that_stay_inside_are_fine() {
        for links in [
            &[("a", "b")][..],
            &[("a/b", "../c")],
            &[("a/b", "..")],
            &[("a", ".")],
            &[("a", "missing/../b")],
            &[("a", "b"), ("b", "a")],
            &[("down", "p/q/r"), ("x", "down/../../y")],
        ] {
            assert_eq!(refusal(links), None, "{links:?}");
        }
    }

    #[test]
    fn a_message_names_ten() {
        let names: Vec<String> = (0..13).map(|number| format!("link-{number:02}")).collect();
        let links: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "/")).collect();
        let text = refusal(&links).expect("refused");
        assert!(text.starts_with("13 symlinks") && text.contains("link-09") && text.contains("and 3 more"), "{text}");
    }
}
