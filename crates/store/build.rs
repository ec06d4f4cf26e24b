//! Builds the crate again when a migration is added: `sqlx::migrate!` embeds the files, and cargo can't see that.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
