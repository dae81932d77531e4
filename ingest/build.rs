//! Lets cargo watch the built beacon: where nobody has built it yet, an empty folder stands in, and `/beacon.js` is 404.

fn main() {
    let dist = std::path::Path::new("beacon/dist");
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::warning=cannot create {}: {error}", dist.display());
    }
    println!("cargo::rerun-if-changed=beacon/dist");
}
