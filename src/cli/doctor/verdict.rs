//! From findings to plain words: the sentences of `words.json` with figures filled in, the result, the report.
//!
//! Pure. Its twin is `src/pages/doctor/verdict.js`, which reads the same words; a test holds their reports to be the
//! same.

use serde_json::{Value, json};

use super::speak::{Figures, UNAUTHORIZED};
use crate::server::DOCTORS_WORDS;

/// Every question, in the order of the report.
pub(super) const PROBES: [&str; 10] =
    ["control", "websocket", "sse", "poll", "send", "size", "idle-websocket", "idle-sse", "idle-poll", "client"];
/// The transports, in the order of preference.
const TRANSPORTS: [&str; 3] = ["websocket", "sse", "poll"];

/// The answer to one question.
pub(super) struct Finding {
    pub(super) probe: &'static str,
    pub(super) code: &'static str,
    pub(super) figures: Figures,
}

/// The result of all findings.
pub(super) struct Summary {
    pub(super) code: &'static str,
    pub(super) says: String,
    pub(super) means: String,
    pub(super) works: bool,
}

/// The gateway that is examined, the time, and the program that examines it.
pub(super) struct About {
    pub(super) date: String,
    pub(super) url: String,
    pub(super) by: String,
    /// The user who is signed in.
    pub(super) user: Option<String>,
}

/// The sentences of `words.json`.
pub(super) struct Words(Value);

impl Words {
    pub(super) fn load() -> Self {
        Self(serde_json::from_str(DOCTORS_WORDS).unwrap_or_default())
    }

    pub(super) fn summary(&self, findings: &[Finding]) -> Summary {
        let code_of =
            |probe: &str| findings.iter().find(|finding| finding.probe == probe).map_or("", |finding| finding.code);
        let first = |codes: &[&str]| TRANSPORTS.into_iter().find(|transport| codes.contains(&code_of(transport)));
        let transport = first(&["works", "slow"]).or(first(&["unreliable"]));
        let any = |code: &str| findings.iter().any(|finding| finding.code == code);
        let limited = |finding: &Finding| self.row(finding)["level"] != "good" && finding.code != "off";
        let code = match (transport, code_of("control")) {
            (None, _) if any("full") => "full",
            (None, _) if any(UNAUTHORIZED) => UNAUTHORIZED,
            (None, "portal" | "login") => "portal",
            (None, code @ ("gate" | "closed" | "no_name" | "certificate")) => code,
            (None, "ours" | "slow" | "unreliable") => "none",
            (None, _) => "offline",
            _ if ["offline", "incomplete", "broken", UNAUTHORIZED].contains(&code_of("client")) => "client",
            _ if any("unreliable") => "lossy",
            (Some(transport), control) if code_of(transport) == "slow" || control == "slow" => "slow",
            (Some(transport @ ("sse" | "poll")), _) => transport,
            _ if findings.iter().any(limited) => "partly",
            _ => "websocket",
        };
        let row = &self.0["summary"][code];
        let by = text(&self.0["names"][transport.unwrap_or_default()]);
        let filled = |value: &Value| text(value).replace("{transport}", &by);
        Summary { code, says: filled(&row["says"]), means: filled(&row["means"]), works: transport.is_some() }
    }

    /// Names the user of the sign-in in one line. A name of any issuer must not break the line.
    pub(super) fn sign_in(&self, findings: &[Finding], user: Option<&str>) -> String {
        let said = |name: &str| text(&self.0["sign_in"][name]);
        let Some(user) = user else {
            let refused = |finding: &Finding| {
                finding.code == UNAUTHORIZED || finding.figures.get("like").is_some_and(|code| code == UNAUTHORIZED)
            };
            return said(if findings.iter().any(refused) { "refused" } else { "nobody" });
        };
        said("user").replace("{user}", &user.replace(char::is_control, "\u{fffd}"))
    }

    /// Writes the figures of all findings. They come last in the report, since they are for engineers.
    fn figures(findings: &[Finding]) -> String {
        let line = |finding: &Finding| {
            // The figures are sorted by name, since the map is.
            let figures = finding.figures.iter().map(|(name, value)| format!(" {name}={}", bare(value)));
            format!("  {}: {}{}\n", finding.probe, finding.code, figures.collect::<String>())
        };
        sorted(findings).map(line).collect()
    }

    /// Returns one finding, for people. If the gateway cannot be reached at all, only that finding is worth advice.
    pub(super) fn told(&self, finding: &Finding, findings: &[Finding]) -> String {
        let row = self.row(finding);
        let advice = if is_lost(finding, findings, row) { &Value::Null } else { row };
        let level = text(&self.0["levels"][text(&row["level"])]);
        let mut lines = vec![format!("{} [{level}]: {}", text(&self.0["titles"][finding.probe]), self.says(finding))];
        lines.extend(advice["means"].as_str().map(|means| format!("  For you: {means}")));
        lines.extend(advice["change"].as_str().map(|change| format!("  For the network's administrator: {change}")));
        lines.join("\n")
    }

    /// Returns everything, for programs, with the report in it.
    pub(super) fn json(&self, findings: &[Finding], about: &About) -> Value {
        let summary = self.summary(findings);
        let told: Vec<Value> = sorted(findings)
            .map(|finding| {
                let row = self.row(finding);
                let advice = if is_lost(finding, findings, row) { &Value::Null } else { row };
                json!({
                    "probe": finding.probe, "code": finding.code, "level": row["level"], "figures": finding.figures,
                    "says": self.says(finding), "means": advice["means"], "change": advice["change"],
                })
            })
            .collect();
        json!({
            "url": about.url, "date": about.date, "by": about.by, "works": summary.works,
            "user": about.user, "sign_in": self.sign_in(findings, about.user.as_deref()),
            "summary": { "code": summary.code, "says": summary.says, "means": summary.means },
            "findings": told, "report": self.report(findings, about),
        })
    }

    fn report(&self, findings: &[Finding], About { date, url, by, user }: &About) -> String {
        let Summary { says, means, .. } = self.summary(findings);
        let sign_in = self.sign_in(findings, user.as_deref());
        let facts = format!("Throughline doctor\n  {url}\n  {date}\n  {by}\n  {sign_in}\n");
        let head = format!("{facts}\nResult: {says}\n  {means}\n\n");
        let told: String = sorted(findings).map(|finding| self.told(finding, findings) + "\n").collect();
        format!("{head}{told}\nThe figures:\n{}", Self::figures(findings))
    }

    fn row(&self, finding: &Finding) -> &Value {
        match finding.code {
            "unreliable" => &self.0["unreliable"],
            code => &self.0["findings"][finding.probe][code],
        }
    }

    fn says(&self, finding: &Finding) -> String {
        let Finding { probe, code, figures } = finding;
        let says = filled(self.row(finding)["says"].as_str().unwrap_or(code), figures);
        match figures.get("like").and_then(Value::as_str) {
            Some(like) => format!("{says} {}", filled(&text(&self.0["findings"][probe][like]["says"]), figures)),
            None => says,
        }
    }
}

/// Fills the figures into a sentence.
fn filled(sentence: &str, figures: &Figures) -> String {
    let mut says = String::new();
    for (place, part) in sentence.split(['{', '}']).enumerate() {
        match (place % 2, figures.get(part)) {
            (0, _) => says.push_str(part),
            (_, Some(value)) => says.push_str(&figure(part, value)),
            (_, None) => says.push('?'),
        }
    }
    says
}

fn is_lost(finding: &Finding, findings: &[Finding], row: &Value) -> bool {
    let lost = |other: &Finding| other.probe == "control" && !["ours", "slow", "unreliable"].contains(&other.code);
    finding.probe != "control" && row["level"] == "bad" && findings.iter().any(lost)
}

fn sorted(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    PROBES.into_iter().filter_map(|probe| findings.iter().find(|finding| finding.probe == probe))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Writes a figure for people; the ending of its name gives the unit.
fn figure(name: &str, value: &Value) -> String {
    match value.as_u64() {
        Some(ms) if name.ends_with("ms") => duration(ms),
        Some(seconds) if name.ends_with("_s") => format!("{seconds} s"),
        Some(bytes) if name.ends_with("bytes") && bytes < 1000 => format!("{bytes} bytes"),
        Some(bytes) if name.ends_with("bytes") => format!("{} KB", (bytes + 500) / 1000),
        _ => bare(value),
    }
}

/// Writes a duration: 85 ms, 1.2 s, 12 s.
fn duration(ms: u64) -> String {
    match ms {
        ..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{}.{} s", (ms + 50) / 1000, (ms + 50) / 100 % 10),
        _ => format!("{} s", (ms + 500) / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_the_user_of_the_sign_in_in_one_line() {
        let words = Words::load();
        let refused = Finding { probe: "websocket", code: UNAUTHORIZED, figures: Figures::new() };
        assert_eq!(words.sign_in(&[], Some("a\nb\u{1b}")), "Signed in as a\u{fffd}b\u{fffd}.");
        assert_eq!(words.sign_in(&[], None), "Not signed in: this test needs no sign-in.");
        assert_eq!(words.sign_in(&[refused], None), "Not signed in: the token was refused.");
    }

    #[test]
    fn the_words_have_a_title_for_each_probe_in_the_order_of_the_report() {
        let words = Words::load();
        assert_eq!(words.0["titles"].as_object().map_or(0, serde_json::Map::len), PROBES.len());
        let places = PROBES.map(|probe| DOCTORS_WORDS.find(&format!("\"{probe}\": \"")).expect(probe));
        assert!(places.is_sorted());
    }

    #[test]
    fn figures_are_told_with_their_units() {
        let told = |name, value: u64| figure(name, &value.into());
        let durations =
            [(0, "0 ms"), (999, "999 ms"), (1249, "1.2 s"), (1250, "1.3 s"), (9949, "9.9 s"), (9960, "10.0 s")];
        for (ms, expected) in durations {
            assert_eq!(told("rtt_ms", ms), expected);
        }
        assert_eq!(told("ms", 12_500), "13 s");
        assert_eq!(
            (told("age_s", 20), told("up_bytes", 60_000), told("bytes", 999)),
            ("20 s".into(), "60 KB".into(), "999 bytes".into())
        );
        assert_eq!(figure("status", &403.into()), "403");
    }
}
