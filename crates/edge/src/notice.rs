//! An event told to people: a few words, in the shape that the place wants where they read them.
//!
//! Shapes: Slack, "Sending messages using incoming webhooks"; Feishu, "Custom bot usage guide";
//! `DingTalk`, "Custom robot access". A mail or SMS service's own is the endpoint's template.

use livegate_core::event::{Event, Kind};
use serde_json::{Value, json};

use crate::document::{document, given};

/// Where people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A Slack incoming webhook.
    Slack,
    /// A Feishu custom bot.
    Feishu,
    /// A `DingTalk` custom robot.
    DingTalk,
    /// The HTTP API of a mail service.
    Mail,
    /// The HTTP API of an SMS service.
    Sms,
    /// The Worker's own `send_email` binding.
    Email,
    /// The gateway's `/api/v1/notices`.
    Site,
}

impl Place {
    pub(crate) const ALL: &[Self] = &[
        Self::Slack,
        Self::Feishu,
        Self::DingTalk,
        Self::Mail,
        Self::Sms,
        Self::Email,
        Self::Site,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Feishu => "feishu",
            Self::DingTalk => "dingtalk",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Site => "site",
        }
    }

    /// Whether an endpoint may say whom it tells, and in what shape.
    pub(crate) const fn takes_message(self) -> bool {
        matches!(self, Self::Mail | Self::Sms | Self::Email)
    }

    /// Where an answer of 200 says in its body whether it was taken: the field that must be 0 then.
    pub(crate) const fn verdict(self) -> Option<&'static str> {
        match self {
            Self::Feishu => Some("code"),
            Self::DingTalk => Some("errcode"),
            _ => None,
        }
    }
}

given! {
    /// Whom to tell, and in what shape.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Message {
        pub(crate) to: Vec<String> = Vec::new(),
        pub(crate) from: Option<String>,
        /// The service's own JSON, with `{{to}}`, `{{from}}`, `{{subject}}` and `{{text}}` in its texts.
        pub(crate) template: Option<Value>,
    }
}

document! {
    /// What is told of an event.
    #[derive(Clone, Debug)]
    pub(crate) struct Notice {
        pub(crate) subject: String,
        pub(crate) text: String,
    }
}

impl Notice {
    /// In words that need no knowledge of the gateway; secrets are none of them.
    pub(crate) fn of(event: &Event<'_>, at: &str) -> Self {
        let room = event.channel.as_deref().unwrap_or("a room without a name");
        if event.kind == Kind::LiveAutoExit {
            let data: Value = crate::json::parse(&event.data).unwrap_or_default();
            let reason = data["reason"].as_str().map(|text| format!(" Reason: {text}."));
            return Self {
                subject: format!("The live in {room} stopped by itself"),
                text: format!(
                    "The live in {room} stopped by itself at {at}.{}",
                    reason.unwrap_or_default()
                ),
            };
        }
        let what = event.kind.as_str();
        Self {
            subject: format!("{what} in {room}"),
            text: format!("{what} ({}) in {room} at {at}.", event.vendor_type),
        }
    }

    /// The body of the call that tells it.
    pub(crate) fn body(&self, place: Place, message: &Message) -> Value {
        match place {
            Place::Slack => json!({ "text": self.text }),
            Place::Feishu => json!({ "msg_type": "text", "content": { "text": self.text } }),
            Place::DingTalk => json!({ "msgtype": "text", "text": { "content": self.text } }),
            Place::Mail | Place::Sms | Place::Email | Place::Site => {
                let default = || match place {
                    Place::Sms => json!({ "to": "{{to}}", "text": "{{text}}" }),
                    _ => json!({
                        "from": "{{from}}", "to": "{{to}}", "subject": "{{subject}}",
                        "text": "{{text}}",
                    }),
                };
                let mut body = message.template.clone().unwrap_or_else(default);
                self.fill(&mut body, message);
                body
            }
        }
    }

    /// Puts the words into a template. `{{to}}` alone is the list of all.
    fn fill(&self, template: &mut Value, message: &Message) {
        match template {
            Value::String(text) if text == "{{to}}" => *template = json!(message.to),
            Value::String(text) => {
                let from = message.from.as_deref().unwrap_or_default();
                let to = message.to.join(", ");
                // What is put in is not read again.
                let words = [
                    ("{{to}}", to.as_str()),
                    ("{{from}}", from),
                    ("{{subject}}", self.subject.as_str()),
                    ("{{text}}", self.text.as_str()),
                ];
                *text = replaced(text, &words);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(item, message)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.fill(field, message));
            }
            _ => {}
        }
    }
}

fn replaced(text: &str, words: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let found = words.iter().find_map(|(name, word)| Some((word, tail.strip_prefix(name)?)));
        if let Some((word, after)) = found {
            out.push_str(word);
            rest = after;
        } else {
            out.push_str("{{");
            rest = tail.get(2..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}
