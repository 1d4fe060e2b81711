//! `throughline key`: its table is one that a gateway accepts, for the key above it.

use throughline::{Config, KeyDigest, Scope};

use crate::process::run;

#[tokio::test]
async fn a_key_of_the_command_is_good_for_its_table() {
    let arguments = ["key", "--name", "shop", "--scope", "publish", "--scope", "read", "--channel", "room/{room}"];
    let [one, other] = [run(&arguments).await, run(&arguments).await].map(|made| {
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap()
    });
    assert_ne!(one, other);
    let (key, table) = one.split_once("\n\n").unwrap();
    assert!(key.starts_with("tlk_") && key.len() == 47, "{key}");
    let read = Config::from_toml(table).unwrap().keys.remove(0);
    assert_eq!(
        (&*read.name, read.sha256, &*read.scopes),
        ("shop", KeyDigest::of(key), &[Scope::Publish, Scope::Read][..])
    );
    assert!(read.channels[0].matches("room/1") && !table.contains(key));
}

#[tokio::test]
async fn a_key_that_no_gateway_accepts_is_not_made() {
    for (arguments, says) in [
        (&["--scope", "publish"][..], "--name"),
        (&["--name", "shop"], "--scope"),
        (&["--name", "", "--scope", "read"], "a name has 1 to 64 bytes"),
        (&["--name", "shop", "--scope", "write"], "is not one of publish, read and manage"),
        (&["--name", "shop", "--scope", "publish", "--channel", "a/{"], "a/{"),
    ] {
        let made = run(&[&["key"], arguments].concat()).await;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.code() == Some(2) && made.stdout.is_empty() && said.contains(says), "{says}: {made:?}");
    }
}
