use super::*;
use ::tar::{Builder, EntryType, Header};
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn unpack(&self, archive: &[u8]) -> Result<(), String> {
        self.unpack_within(archive, Limits::default())
    }

    fn unpack_within(&self, archive: &[u8], limits: Limits) -> Result<(), String> {
        let file = self.dir.path().join("archive");
        std::fs::write(&file, archive).expect("an archive");
        let result = extract_now(&file, &self.out(), limits);
        assert!(std::fs::read_dir(self.dir.path()).expect("entries").count() <= 2, "nothing is written elsewhere");
        result.map_err(|error| error.to_string())
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.out().join(path)).expect(path)
    }

    fn mode(&self, path: &str) -> u32 {
        self.out().join(path).metadata().expect(path).permissions().mode() & 0o7777
    }
}

/// Says why an archive is refused.
fn refusal(archive: &[u8]) -> String {
    Place::new().unpack(archive).expect_err("a refusal")
}

/// A tar of entries whose names nobody tidies up.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn add(mut self, kind: EntryType, name: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(HEADER), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.add(EntryType::Regular, name, "", 0o644, content.as_bytes())
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.add(EntryType::Symlink, name, target, 0o777, b"")
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 2 * HEADER]);
        self.0
    }
}

const HEADER: usize = super::tar::HEADER;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options.unix_permissions(0o755)).expect("an entry");
        writer.write_all(content.as_bytes()).expect("its content");
    }
    writer.finish().expect("a zip").into_inner()
}

#[test]
fn what_tar_packs_comes_out_as_it_was() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_mode(0o4755);
    header.set_size(4);
    builder.append_data(&mut header, "bin/run", &b"run\n"[..]).expect("an entry");
    header.set_mode(0o600);
    builder.append_data(&mut header, &long, &b"long"[..]).expect("an entry");
    let archive = builder.into_inner().expect("a tar");
    for archive in [archive.clone(), gzip(&archive)] {
        let place = Place::new();
        place.unpack(&archive).expect("a good archive");
        assert_eq!((place.read("bin/run").as_str(), place.read(&long).as_str()), ("run\n", "long"));
        assert_eq!((place.mode("bin/run"), place.mode(&long)), (0o755, 0o600), "no set-user-id bit");
    }
}

#[test]
fn links_and_directories_come_out_of_a_tar() {
    let archive = Tar::default()
        .add(
            EntryType::XGlobalHeader,
            "pax_global_header",
            "",
            0o644,
            b"52 comment=0123456789012345678901234567890123456789\n",
        )
        .add(EntryType::Directory, "./", "", 0o755, b"")
        .add(EntryType::Directory, "./empty/", "", 0o500, b"")
        .file("./a/one", "one")
        .add(EntryType::Link, "a/two", "a/one", 0o644, b"")
        .symlink("current", "a/one")
        .add(EntryType::Link, "again", "current", 0o777, b"")
        .end();
    let place = Place::new();
    place.unpack(&archive).expect("a good archive");
    assert_eq!((place.read("a/two").as_str(), place.read("current").as_str()), ("one", "one"));
    assert_eq!(std::fs::read_link(place.out().join("again")).expect("a symlink"), PathBuf::from("a/one"));
    assert_eq!(place.mode("empty"), 0o700, "its owner can remove it");
}

#[test]
fn what_zip_packs_comes_out_as_it_was() {
    let mut writer = ZipWriter::new(io::Cursor::new(zip(&[])));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.add_directory("empty/", options).expect("a directory");
    writer.start_file("bin/run", options.unix_permissions(0o755)).expect("an entry");
    writer.write_all(b"run").expect("its content");
    writer.add_symlink("current", "bin/run", options).expect("a symlink");
    let archive = writer.finish().expect("a zip").into_inner();
    let place = Place::new();
    place.unpack(&archive).expect("a good archive");
    assert_eq!((place.read("current").as_str(), place.mode("bin/run")), ("run", 0o755));
    assert!(place.out().join("empty").is_dir());
}

#[test]
fn the_later_entry_of_a_name_counts() {
    let archive = Tar::default()
        .file("a", "1")
        .file("a", "2")
        .symlink("b", "a")
        .file("b", "3")
        .file("c", "4")
        .symlink("c", "a")
        .end();
    let place = Place::new();
    place.unpack(&archive).expect("a good archive");
    assert_eq!(["a", "b", "c"].map(|name| place.read(name)), ["2", "3", "2"]);
    assert!(place.out().join("c").is_symlink() && !place.out().join("b").is_symlink());
}

#[test]
fn no_name_leads_outside() {
    for name in ["../evil", "a/../../evil", "a/..", "/etc/evil", ".."] {
        let said = refusal(&Tar::default().file("fine", "x").file(name, "evil").end());
        assert!(said.contains("leads out") || said.contains("absolute"), "{name}: {said}");
        let said = refusal(&zip(&[("fine", "x"), (name, "evil")]));
        assert!(said.contains("leads out") || said.contains("absolute"), "{name}: {said}");
    }
    let said = refusal(&zip(&[("..\\evil", "x")]));
    assert!(said.contains("between directories"), "{said}");
}

#[test]
fn nothing_is_written_through_a_symlink() {
    let outside = tempfile::tempdir().expect("a directory");
    let target = outside.path().display().to_string();
    for archive in [
        Tar::default().symlink("dir", &target).file("dir/evil", "x").end(),
        Tar::default().symlink("dir", "..").file("dir/evil", "x").end(),
        Tar::default().file("dir/fine", "x").symlink("dir", &target).file("dir/evil", "x").end(),
    ] {
        let said = refusal(&archive);
        assert!(said.contains("one thing in it and, later, another"), "{said}");
    }
    let archive = Tar::default().symlink("file", &format!("{target}/evil")).file("file", "x").end();
    Place::new().unpack(&archive).expect("the file takes the symlink's place");
    let said = refusal(&Tar::default().add(EntryType::Link, "a", "/etc/hostname", 0o644, b"").end());
    assert!(said.contains("absolute"), "{said}");
    let archive = Tar::default().symlink("s", "/etc").add(EntryType::Link, "a", "s/hostname", 0o644, b"").end();
    assert!(refusal(&archive).contains("no file in it"));
    assert_eq!(std::fs::read_dir(outside.path()).expect("entries").count(), 0);
}

#[test]
fn only_files_directories_and_links_come_in() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let said = refusal(&Tar::default().add(kind, "device", "", 0o644, b"").end());
        assert!(said.contains("can't be released"), "{said}");
    }
}

#[test]
fn limits_count_what_is_read_not_what_is_said() {
    let few = Limits { entries: 2, bytes: 10, ..Limits::default() };
    let place = Place::new();
    let said = place.unpack_within(&Tar::default().file("a", "").file("b", "").file("c", "").end(), few);
    assert!(said.as_ref().is_err_and(|said| said.contains("more than 2 entries")), "{said:?}");
    for archive in
        [Tar::default().file("a", "123456").file("b", "12345").end(), zip(&[("a", "123456"), ("b", "12345")])]
    {
        let said = Place::new().unpack_within(&archive, few);
        assert!(said.as_ref().is_err_and(|said| said.contains("unpacks to more than")), "{said:?}");
    }
    let bomb = gzip(&Tar::default().file("zeros", &"0".repeat(1 << 20)).end());
    let said = Place::new().unpack_within(&bomb, Limits { free: 1 << 16, ..Limits::default() });
    assert!(said.as_ref().is_err_and(|said| said.contains("200 times its size")), "{said:?}");
    Place::new().unpack(&bomb).expect("small enough to do no harm");
    let name = vec![b'x'; 2 << 20];
    let archive = Tar::default().add(EntryType::GNULongName, "././@LongLink", "", 0o644, &name).file("x", "").end();
    assert!(refusal(&gzip(&archive)).contains("too long"));
}

#[test]
fn what_is_no_whole_archive_is_said_to_be_damaged() {
    let good = Tar::default().file("a", &"text ".repeat(1000)).end();
    for (archive, says) in [
        (b"hello".to_vec(), "neither a tar"),
        (Vec::new(), "neither a tar"),
        (gzip(b"hello"), "damaged"),
        (good[..2000].to_vec(), "damaged"),
        (gzip(&good)[..40].to_vec(), "damaged"),
        ([&gzip(&good)[..], b"trailing"].concat(), "damaged"),
        (zip(&[("a", "text")])[..40].to_vec(), "damaged"),
        (zip(&[]), "empty"),
        (gzip(&[0; 2 * HEADER]), "empty"),
    ] {
        let said = refusal(&archive);
        assert!(said.contains(says), "{says}: {said}");
    }
    let mut wrong = zip(&[("a", "text text text text")]);
    let at = wrong.windows(4).position(|window| window == b"PK\x01\x02").expect("the index");
    wrong[at - 3] ^= 1;
    assert!(refusal(&wrong).contains("damaged"));
}
