//! The embedded UI is part of this crate: a new build of it means a new build of the crate.

fn main() {
    println!("cargo:rerun-if-changed=../../ui/dist");
}
