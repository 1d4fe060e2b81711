//! The client and the pages are embedded as they are: a file that is new or gone changes the binary.

fn main() {
    for folder in ["client-js/src", "client-js/bundle", "src/pages"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
