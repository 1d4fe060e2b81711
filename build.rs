//! The binary embeds the files of the client and the pages. A new or deleted file there triggers a rebuild.

fn main() {
    for folder in ["client-js/src", "client-js/bundle", "src/pages"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
