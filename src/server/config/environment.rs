//! The variables of the environment, which override the file. Each key has one: `THROUGHLINE_SESSION__HEARTBEAT_S`.
//!
//! This file must not read the environment of the process. The caller passes the variables.

use std::collections::BTreeMap;
use std::ffi::OsString;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{BadVariable, Fault, Wrong};
use super::hints::Known;
use super::section::Table;
use super::setting::{LISTS, PREFIX, Setting};

/// Reads the variables over the present values. Of several faults, it returns the first by the names of the variables.
///
/// # Errors
/// A variable has a wrong value, or stands for no key.
pub(super) fn read(
    sections: &mut [&mut dyn Table],
    known: &Known,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), BadVariable> {
    let variables = variables.map(|(name, value)| (name.to_string_lossy().into_owned(), value));
    let ours: BTreeMap<String, OsString> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    for (name, value) in ours {
        let is_meant = |setting: &&Setting| !LISTS.contains(&setting.table) && setting.variable() == name;
        if let Some(setting) = known.settings.iter().find(is_meant) {
            set(sections, setting, value).map_err(|wrong| BadVariable::new(name, wrong, setting.exported()))?;
        } else if is_meant_for_a_key(&name, known) {
            return Err(known.no_variable(name));
        }
    }
    Ok(())
}

/// Sets a key to the value of its variable. The value is TOML, and text needs no quotes.
fn set(sections: &mut [&mut dyn Table], setting: &Setting, value: OsString) -> Result<(), Wrong> {
    let text = value.into_string().map_err(|_| Wrong::NotText)?;
    let bare = Spanned::new(0..text.len(), DeValue::String(text.as_str().into()));
    let value = DeValue::parse(&text).unwrap_or_else(|_| bare.clone());
    let section = sections.iter_mut().find(|section| section.name() == setting.table);
    let set = section.and_then(|section| section.set(setting.key, &value, Some(&bare)));
    set.map_or(Ok(()), |set| set.map_err(Fault::into_wrong))
}

/// Returns true if a variable without a key is a mistake. `__` marks the variables of keys. A name that lacks only one
/// of the two is a mistake too. Other programs may use all other names.
fn is_meant_for_a_key(name: &str, known: &Known) -> bool {
    name.contains("__") || known.settings.iter().any(|setting| setting.lacks_underscore(name))
}
