//! A source tree to release: the same bytes in every run, half of them compressible.

use std::fmt::Write as _;
use std::path::Path;

/// What a tree is made of.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Files.
    pub files: usize,
    /// Bytes in all of them together.
    pub bytes: usize,
}

/// Writes the tree below `root`: directories of 50 files.
///
/// # Errors
/// When the disk refuses.
pub fn write(root: &Path, size: Size) -> anyhow::Result<()> {
    for number in 0..size.files {
        write_file(root, number, size, 0)?;
    }
    Ok(())
}

/// Gives `count` files spread over the tree other contents of the same size.
///
/// # Errors
/// When the disk refuses.
pub fn change(root: &Path, size: Size, count: usize, version: u64) -> anyhow::Result<()> {
    for number in (0..size.files).step_by((size.files / count.max(1)).max(1)).take(count) {
        write_file(root, number, size, version)?;
    }
    Ok(())
}

fn write_file(root: &Path, number: usize, size: Size, version: u64) -> anyhow::Result<()> {
    let path = root.join(format!("dir-{:03}/file-{number:05}.bin", number / 50));
    std::fs::create_dir_all(path.parent().unwrap_or(root))?;
    let length = size.bytes / size.files.max(1);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (number as u64) << 20 ^ version);
    let mut content = Vec::with_capacity(length + 64);
    while content.len() < length / 2 {
        content.extend(random.next().to_le_bytes());
    }
    let mut text = String::new();
    while content.len() + text.len() < length {
        writeln!(text, "<p class=\"entry\">entry {} of the list</p>", random.next() % 100)?;
    }
    content.extend(text.into_bytes());
    content.truncate(length);
    Ok(std::fs::write(path, content)?)
}

/// Sebastiano Vigna's splitmix64: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
