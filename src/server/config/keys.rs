//! `[[key]]`: the keys of the API. Each table of this name is one key.

use toml::Spanned;

use super::Change;
use super::fault::{Fault, Wrong};
use super::hints::Known;
use super::section::{Given, Key, Section, Table, Value, all_quoted, expected, put, quoted};
use super::setting::{Reload, Setting};
use crate::backend::pattern::Pattern;
use crate::server::inner::key::{ApiKey, KeyDigest, MOST_KEYS, MOST_PATTERNS, NAME_BYTES, RATE, Scope};

/// The greatest rate and burst. No server calls as often.
const OFTEN: u64 = 1_000_000;

/// A key while it is read. Its name may come last.
struct Draft {
    name: Option<String>,
    sha256: Option<KeyDigest>,
    scopes: Vec<Scope>,
    channels: Vec<Pattern>,
    rate: u32,
    burst: Option<u32>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { name: None, sha256: None, scopes: Vec::new(), channels: Vec::new(), rate: RATE, burst: None }
    }
}

impl Draft {
    fn of(key: &ApiKey) -> Self {
        let ApiKey { name, sha256, scopes, channels, rate, burst } = key.clone();
        Self { name: Some(name), sha256: Some(sha256), scopes, channels, rate, burst }
    }

    /// Returns the key, unless something is missing.
    fn finish(self) -> Result<ApiKey, Wrong> {
        let Self { name, sha256, scopes, channels, rate, burst } = self;
        let mut key = ApiKey::new(name.ok_or(Wrong::Incomplete("name"))?, sha256.ok_or(Wrong::Incomplete("sha256"))?);
        (key.scopes, key.channels, key.rate, key.burst) = (scopes, channels, rate, burst);
        Ok(key)
    }
}

impl Section for Draft {
    const TABLE: &'static str = "key";
    const ABOUT: &'static str = "The keys of the API of `[inner]`. Each table of this name is one key. `throughline key` \
                                 makes a key, and prints its table. The table holds the SHA-256 of the key, and not the \
                                 key. A key may do what its scopes say, and only on the channels of its patterns. There \
                                 are 1,000 keys at most.";
    const KEYS: &'static [Key<Self>] = &[
        Key {
            name: "name",
            about: "The name of the key, of 1 to 64 bytes. The log shows it. No other key may have it.",
            example: "\"shop\"",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.name, given.text(name).map(Some)),
            show: |draft| draft.name.as_ref().map(quoted).unwrap_or_default(),
        },
        Key {
            name: "sha256",
            about: "The SHA-256 of the key, in 64 hexadecimal digits.",
            example: "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| {
                put(&mut draft.sha256, given.text(str::parse::<KeyDigest>).map(Some)).map_err(Fault::hide)
            },
            show: |draft| draft.sha256.as_ref().map(quoted).unwrap_or_default(),
        },
        Key {
            name: "scopes",
            about: "The acts of the key. `publish`: publish. `read`: read metrics, and list sessions. `manage`: make and \
                    revoke tokens, end sessions, and withdraw transports. The default is none.",
            example: "[\"publish\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.scopes, given.list(str::parse::<Scope>)),
            show: |draft| all_quoted(&draft.scopes),
        },
        Key {
            name: "channels",
            about: "The channels of the key, as patterns like those of `[[channel]]`, 100 at most. The default is no \
                    channel. A token that the key makes may grant only these.",
            example: "[\"room/{room}\"]",
            bounds: None,
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.channels, channels(given)),
            show: |draft| all_quoted(&draft.channels),
        },
        Key {
            name: "rate",
            about: "The most calls a second. Each publication of a batch counts as one. Above it the gateway answers \
                    `rate_limited`.",
            example: "10_000",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.rate, rate(given)),
            show: |draft| draft.rate.to_string(),
        },
        Key {
            name: "burst",
            about: "How many of them pass at once. The default is those of one second.",
            example: "1_000",
            bounds: Some(1..=OFTEN),
            reload: Reload::AtOnce,
            read: |draft, given| put(&mut draft.burst, rate(given).map(Some)),
            show: |draft| draft.burst.map(|burst| burst.to_string()).unwrap_or_default(),
        },
    ];
}

fn name(text: &str) -> Result<String, Wrong> {
    let is_shown = text.chars().all(|letter| !letter.is_control());
    if is_shown && (1..=NAME_BYTES).contains(&text.len()) { Ok(text.to_owned()) } else { Err(Wrong::KeyName) }
}

fn channels(given: &Given<'_>) -> Result<Vec<Pattern>, Fault> {
    let patterns = given.list(|text| Pattern::try_from(text))?;
    if patterns.len() > MOST_PATTERNS { Err(given.fault(Wrong::TooManyPatterns)) } else { Ok(patterns) }
}

fn rate(given: &Given<'_>) -> Result<u32, Fault> {
    u32::try_from(given.count()?).map_err(|_| given.fault(Wrong::TooMany))
}

/// Returns the settings of a key, for corrections and the reference. A setting without a default has an empty value.
pub(super) fn settings() -> Vec<Setting> {
    Draft::default().settings()
}

/// Returns the name of the tables in the file.
pub(super) const fn table() -> &'static str {
    Draft::TABLE
}

/// Returns sentences about the tables, for the reference.
pub(super) const fn about() -> &'static str {
    Draft::ABOUT
}

/// Reads all tables of this name.
pub(super) fn read(tables: &Value<'_>, known: &Known) -> Result<Vec<ApiKey>, Fault> {
    let items = tables.get_ref().as_array().filter(|items| items.iter().all(|item| item.get_ref().is_table()));
    let Some(items) = items else {
        let instead = format!("[[{}]] on a line of its own, and the settings of one key below", Draft::TABLE);
        return Err(expected(tables, "a list of tables").of(Draft::TABLE).write(instead));
    };
    if let Some(beyond) = items.get(MOST_KEYS) {
        return Err(Fault::new(beyond.span(), Wrong::TooManyKeys));
    }
    let mut keys: Vec<ApiKey> = Vec::new();
    for item in items {
        let key = one(item, known)?;
        if keys.iter().any(|other| other.name == key.name || other.sha256 == key.sha256) {
            let wrong = Wrong::SameKey(key.name);
            return Err(Fault::new(item.span(), wrong).write("a name and a key that no other table has"));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn one(table: &Spanned<toml::de::DeValue<'_>>, known: &Known) -> Result<ApiKey, Fault> {
    let mut draft = Draft::default();
    draft.read(table, known)?;
    let fault = |wrong| Fault::new(table.span(), wrong).write("the table that `throughline key` prints");
    draft.finish().map_err(fault)
}

/// Returns the keys that differ, one change for each name. A reload applies all of them.
pub(super) fn changes<'a>(from: &'a [ApiKey], to: &'a [ApiKey]) -> impl Iterator<Item = Change> + 'a {
    let same = |one: &ApiKey, keys: &'a [ApiKey]| keys.iter().find(|other| other.name == one.name);
    let kept = from.iter().map(move |key| (Some(key), same(key, to)));
    let new = to.iter().filter(move |key| same(key, from).is_none()).map(|key| (None, Some(key)));
    kept.chain(new).filter(|(from, to)| from != to).filter_map(|(from, to)| {
        let name = &from.or(to)?.name;
        Some(Change { key: format!("{} {name}", Draft::TABLE), from: written(from), to: written(to) })
    })
}

fn written(key: Option<&ApiKey>) -> String {
    let Some(key) = key else { return "none".to_owned() };
    let given = Draft::of(key).settings().into_iter().filter(|setting| setting.key != "name");
    let given = given.filter(|setting| !setting.value.is_empty());
    let given: Vec<String> = given.map(|setting| format!("{} = {}", setting.key, setting.value)).collect();
    format!("{{ {} }}", given.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn told(text: &str, says: &str) {
        let said = Config::from_toml(text).expect_err(text).to_string();
        assert!(said.contains(says), "{says:?} in {said}");
    }

    fn table(name: &str, rest: &str) -> String {
        format!("[[key]]\nname = '{name}'\nsha256 = '{DIGEST}'\n{rest}\n")
    }

    #[test]
    fn a_key_is_read_with_all_its_settings() {
        let text = table("shop", "scopes = ['publish', 'manage']\nchannels = ['room/{room}']\nrate = 5\nburst = 7");
        let key = Config::from_toml(&text).unwrap().keys.remove(0);
        assert_eq!((&*key.name, key.sha256.to_string(), key.scopes.len()), ("shop", DIGEST.to_owned(), 2));
        assert_eq!((key.rate, key.burst, key.reaches("room/1"), key.reaches("news")), (5, Some(7), true, false));
        let key = Config::from_toml(&table("shop", "")).unwrap().keys.remove(0);
        assert_eq!((key.scopes.len(), key.channels.len(), key.rate, key.burst), (0, 0, 10_000, None));
    }

    #[test]
    fn a_wrong_key_is_told_with_its_place() {
        for (text, says) in [
            ("key = 5".to_owned(), "it must be a list of tables"),
            ("[[key]]\nname = 'shop'".to_owned(), "this [[key]] has no `sha256`"),
            (format!("[[key]]\nsha256 = '{DIGEST}'"), "this [[key]] has no `name`"),
            (table("", ""), "`key.name`: a name has 1 to 64 bytes"),
            (table("shop", "scopes = ['write']"), "\"write\" is not one of publish, read and manage"),
            (table("shop", "channels = ['a/{']"), "`key.channels`: "),
            (table("shop", "rate = 0"), "`key.rate`: it must be 1 to 1000000"),
            (table("shop", "scope = ['read']"), "`scope` is not a key of [[key]]"),
            (table("shop", "") + &table("shop", ""), "another [[key]] has the name or the key of \"shop\""),
            (table("shop", &format!("channels = [{}]", "'a',".repeat(101))), "a key has 100 patterns at most"),
            (table("shop", "").repeat(1_001), "there are 1000 keys at most"),
        ] {
            told(&text, says);
        }
        assert!(Config::from_toml(&table("shop", "scope = ['read']")).unwrap_err().to_string().contains("scopes = "));
    }

    #[test]
    fn a_key_in_the_place_of_its_digest_is_not_shown() {
        let said = Config::from_toml("[[key]]\nname = 'shop'\nsha256 = 'tlk_hunter2'").unwrap_err();
        assert!(
            said.to_string().contains("64 hexadecimal digits") && !format!("{said:?}").contains("hunter2"),
            "{said:?}"
        );
    }

    #[test]
    fn keys_without_a_listener_are_odd() {
        let odd = |text: &str| Config::from_toml(text).unwrap().oddities().len();
        assert_eq!(odd(&table("shop", "")), 1);
        assert_eq!(odd(&format!("[inner]\n{}", table("shop", ""))), 0);
    }

    #[test]
    fn a_change_of_a_key_is_told_by_its_name() {
        let before = Config::from_toml(&table("shop", "rate = 5")).unwrap();
        let after = Config::from_toml(&table("shop", "rate = 6")).unwrap();
        let (now, later) = before.changes(&after);
        assert_eq!((now.len(), later.len(), &*now[0].key), (1, 0, "key shop"));
        assert!(now[0].to_string().contains("rate = 6"), "{}", now[0]);
        assert_eq!(before.changes(&before), (Vec::new(), Vec::new()));
        assert_eq!(Config::default().changes(&before).0.len(), 1);
    }
}
