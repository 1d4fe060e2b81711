//! Files that are removed at the end of their test.

use std::path::PathBuf;

/// A path that no file has yet. Dropping this removes the file.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(kind: &str) -> Self {
        Self(std::env::temp_dir().join(format!("throughline-bench-{}.{kind}", uuid::Uuid::new_v4())))
    }

    pub(crate) fn holding(kind: &str, text: &str) -> Self {
        let file = Self::new(kind);
        std::fs::write(&file.0, text).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn read(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}
