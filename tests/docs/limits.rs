//! docs/LIMITS.md lists every limit that an operator sets, with its default.

use throughline::server::config::{Config, Setting};

use crate::{file, markdown};

#[test]
fn every_key_of_limits_stands_in_the_document_with_its_default() {
    let (_, prose) = markdown::split(&file("docs/LIMITS.md"));
    let rows = markdown::rows(&prose);
    let settings: Vec<Setting> = Config::default().settings();
    let limits: Vec<&Setting> = settings.iter().filter(|setting| setting.table == "limits").collect();
    assert!(limits.len() > 5, "none was found");
    for limit in limits {
        let name = format!("`{}`", limit.name());
        let told = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("docs/LIMITS.md: no row of {name}"));
        let value = limit.value.replace('_', "");
        let shown = told[1].replace(',', "");
        assert!(shown.split(' ').next() == Some(&value), "docs/LIMITS.md: {name} is {value} by default, not {shown}");
    }
}
