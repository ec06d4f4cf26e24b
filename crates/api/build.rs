//! The embedded UI and the documentation are part of this crate: a new file of them means a new build of the crate.

fn main() {
    println!("cargo:rerun-if-changed=../../ui/dist");
    println!("cargo:rerun-if-changed=../../docs");
}
