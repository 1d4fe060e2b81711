//! `throughline publish`: publishes one message as a client of the gateway, and prints its offset.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::value::RawValue;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::answer::Answer;
use super::online::{News, Online, Reach};
use super::{channel, failed, say, usage};
use crate::protocol::limits::LINE_BYTES;
use crate::protocol::{ChannelName, Line};

/// A message without an answer after this time has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Publish {
    /// The channel.
    #[arg(value_parser = channel)]
    channel: ChannelName,
    /// The data as JSON, such as `{"text":"hello"}`. Without it, the data comes from standard input.
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,
    /// Take the data as text, and not as JSON. The last line break of standard input is left out.
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(options: &Publish) -> ExitCode {
    let made = options.line().and_then(|line| Ok((line, options.reach.target()?)));
    let (line, target) = match made {
        Ok(made) => made,
        Err(why) => return usage(&why),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let published = runtime.block_on(Box::pin(async {
        let mut online = Online::new(&options.reach, target);
        online.push(line);
        let late = || format!("no answer came within {} s, so the outcome is unknown", PATIENCE.as_secs());
        let published = timeout(PATIENCE, answered(&mut online)).await.unwrap_or_else(|_| Err(late()));
        online.leave().await;
        published
    }));
    runtime.shutdown_background();
    match published {
        Ok(at) => {
            say(&at.to_string());
            ExitCode::SUCCESS
        }
        Err(why) => failed(&why),
    }
}

/// Waits for the answer, and returns the offset.
async fn answered(online: &mut Online<'_>) -> Result<u64, String> {
    loop {
        match online.next().await {
            News::Frame(frame) => match Answer::read(&frame) {
                Some((_, Answer::Ok(position))) => {
                    return position.at.ok_or_else(|| "the answer has no offset".to_owned());
                }
                Some((_, Answer::Refused(words, _))) => return Err(words.to_string()),
                None => {}
            },
            // A frame that no connection has carried yet goes into the next session.
            News::Reset(messages) if messages > 0 => {
                return Err("the gateway has lost the session, so the outcome is unknown".to_owned());
            }
            News::GaveUp(why) => return Err(why),
            News::Online(_) | News::Offline(_) | News::Reset(_) => {}
        }
    }
}

impl Publish {
    /// Returns the frame that publishes the data.
    fn line(&self) -> Result<Line, String> {
        let given = match &self.data {
            Some(data) => data.clone(),
            None => read_input(self.text)?,
        };
        let data = if self.text { serde_json::Value::String(given).to_string() } else { in_one_line(&given)? };
        let channel = serde_json::Value::from(self.channel.as_str());
        let line = Line::compose(|buffer| {
            buffer.extend_from_slice(format!("{{\"pub\":{channel},\"id\":1,\"data\":{data}}}").as_bytes());
        });
        if line.cost() > LINE_BYTES {
            return Err(format!("the message has {} bytes as a frame; the limit is {LINE_BYTES}", line.cost()));
        }
        Ok(line)
    }
}

/// Reads standard input, to a little more than a message may have.
fn read_input(is_text: bool) -> Result<String, String> {
    let mut text = String::new();
    let most = u64::try_from(LINE_BYTES).unwrap_or(u64::MAX) + 2;
    let read = std::io::stdin().lock().take(most).read_to_string(&mut text);
    read.map_err(|error| format!("standard input: {error}"))?;
    if is_text && text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Returns JSON without line breaks. Outside of strings a line break is a space, and inside of them there is none.
fn in_one_line(text: &str) -> Result<String, String> {
    let read = serde_json::from_str::<&RawValue>(text);
    let value = read.map_err(|error| format!("the data is not JSON: {error}; pass --text to publish it as text"))?;
    Ok(value.get().replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_text_in_one_line() {
        assert_eq!(
            in_one_line("{\n  \"a\": 1.50,\r\n  \"b\": \"x\\ny\"\n}\n").unwrap(),
            "{   \"a\": 1.50,    \"b\": \"x\\ny\" }"
        );
        for bad in ["", "hello", "1 2", "{\"a\":\"\n\"}"] {
            assert!(in_one_line(bad).unwrap_err().contains("--text"), "{bad:?}");
        }
    }
}
