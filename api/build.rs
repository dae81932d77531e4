//! Sees to it that a page built after the program is taken in at the next build: the embedding reads `web/dist`, and cargo
//! must know to look there. The folder is an output, ignored by git; made here when it is missing, since a path that is
//! not there would make every build a new one.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("web/dist")?;
    println!("cargo::rerun-if-changed=web/dist");
    Ok(())
}
