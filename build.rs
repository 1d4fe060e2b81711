//! The client and the demo's page are embedded as they are: a file that is new or gone changes the binary.

fn main() {
    for folder in ["client-js/src", "src/cli/demo/page"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
