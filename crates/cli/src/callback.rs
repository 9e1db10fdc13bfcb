//! Sample callbacks, as `MetaStudio` sends them (`LiveEventCallBackConfig`): an envelope of
//! `event_type` and `message`, which is JSON again, as text.

use serde_json::{Map, Value, json};

use crate::clock::random;
use crate::failure::Failure;

/// A script's next segment began.
pub(crate) const SEGMENT: &str = "SHOOT_SCRIPT_SWITCH";
/// A relayed stream's connection changed its state.
pub(crate) const RELAY: &str = "RTMP_STREAM_STATE_CHANGE";
/// A commanded reply was played.
pub(crate) const REPLY: &str = "REPLY_COMMAND_FINISH";
/// Every type that `MetaStudio` documents.
pub(crate) const TYPES: &[&str] = &[SEGMENT, RELAY, REPLY];

/// The states of one relayed stream, in the order of an eventful life.
const STATES: &[&str] =
    &["CONNECTING", "CONNECTED", "DISCONNECTED", "RECONNECTING", "CONNECTED", "END"];

/// A run of callbacks of one type and one job, each different from the one before.
pub(crate) struct Series {
    event_type: String,
    room: String,
    job: String,
    reply: [u8; 12],
    fields: Map<String, Value>,
}

impl Series {
    /// A series with a new job in a new room.
    pub(crate) fn new(event_type: &str) -> Result<Self, Failure> {
        let [room, job] = [hex::encode(random::<16>()?), hex::encode(random::<16>()?)];
        let reply = random::<12>()?;
        Ok(Self { event_type: event_type.to_owned(), room, job, reply, fields: Map::new() })
    }

    /// The same in a given room.
    #[must_use]
    pub(crate) fn in_room(self, room: &str) -> Self {
        Self { room: room.to_owned(), ..self }
    }

    /// The same of a given job.
    #[must_use]
    pub(crate) fn of_job(self, job: &str) -> Self {
        Self { job: job.to_owned(), ..self }
    }

    /// With a field of the message set to a text, whatever it would be otherwise.
    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: &str) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// The body of callback `n`, from 0.
    pub(crate) fn body(&self, n: u32) -> String {
        let mut message = match self.event_type.as_str() {
            SEGMENT => json!({
                "scene_script_name": format!("Scene {}", n / 3 + 1),
                "shoot_script_sequence_no": (n + 1).to_string(),
                "shoot_script_title": format!("Segment {}", n + 1),
            }),
            RELAY => json!({
                "output_url": "rtmp://push.example.com/live",
                "stream_key": format!("sample-key-{}", hex::encode(self.reply)),
                "state": STATES[n as usize % STATES.len()],
            }),
            REPLY => json!({"reply_id": format!("{}{n:08x}", hex::encode(self.reply))}),
            _ => json!({"sample_no": n + 1}),
        };
        if let Some(message) = message.as_object_mut() {
            message.insert("room_id".to_owned(), self.room.as_str().into());
            message.insert("job_id".to_owned(), self.job.as_str().into());
            message.extend(self.fields.clone());
        }
        json!({"event_type": self.event_type, "message": message.to_string()}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{RELAY, REPLY, SEGMENT, Series, TYPES};
    use serde_json::Value;

    fn message(body: &str) -> Value {
        let envelope: Value = serde_json::from_str(body).unwrap();
        assert_eq!(envelope.as_object().unwrap().len(), 2);
        serde_json::from_str(envelope["message"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn every_type_has_the_documented_fields() {
        for (event_type, fields) in [
            (
                SEGMENT,
                ["scene_script_name", "shoot_script_sequence_no", "shoot_script_title"].as_slice(),
            ),
            (RELAY, &["output_url", "stream_key", "state"]),
            (REPLY, &["reply_id"]),
        ] {
            let message = message(&Series::new(event_type).unwrap().body(0));
            for field in ["room_id", "job_id"].iter().chain(fields) {
                assert!(message[field].is_string(), "{event_type} {field}");
            }
            for id in ["room_id", "job_id"] {
                assert_eq!(message[id].as_str().unwrap().len(), 32);
            }
        }
    }

    #[test]
    fn each_callback_of_a_series_differs_from_the_one_before() {
        for event_type in TYPES.iter().chain(&["SOMETHING_NEW"]) {
            let series = Series::new(event_type).unwrap();
            for n in 0..13 {
                assert_ne!(series.body(n), series.body(n + 1), "{event_type} {n}");
            }
        }
    }

    #[test]
    fn fields_that_were_given_win() {
        let series = Series::new(RELAY).unwrap().in_room("r").of_job("j").with("state", "END");
        let message = message(&series.body(0));
        assert_eq!(message["room_id"], "r");
        assert_eq!(message["job_id"], "j");
        assert_eq!(message["state"], "END");
    }
}
