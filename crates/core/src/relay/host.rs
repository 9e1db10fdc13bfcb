//! The settings of a host, all in one: what an operator sets by name.

use super::door::DoorSettings;
use super::gop::GopSettings;
use super::ingest::IngestSettings;
use super::lifecycle::TaskSettings;
use super::outbox::OutboxSettings;
use super::push::PushSettings;
use super::queue::QueueSettings;
use super::settings::{Setting, SettingError, settings};

settings! {
    /// How a host writes, and what it waits for.
    pub struct HostSettings {
        /// How long what publishers send is gathered: then it is read, and written to every
        /// destination, in one go. 0 for not at all.
        coalesce_ms = 50 in 0..=200,
        /// What a kernel may hold of one destination (`SO_SNDBUF`): more hides for longer that it
        /// stopped reading, less is slow over a long way (bytes a second times the round trip).
        send_buffer_bytes = 262_144 in 16_384..=16_777_216,
        /// How long a connection may take until it publishes or plays.
        opening_ms = 15_000 in 1_000..=60_000,
        /// The pause after which a stream is pulled again.
        pull_first_ms = 1_000 in 100..=60_000,
        /// The longest of these pauses, before jitter.
        pull_longest_ms = 10_000 in 1_000..=600_000,
        /// How long a source that is pulled may bring nothing.
        pull_stall_ms = 10_000 in 2_000..=600_000,
    }
}

/// Every setting of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How it writes, and what it waits for.
    pub host: HostSettings,
    /// Of each listener: RTMP's and HTTP's.
    pub door: DoorSettings,
    /// Of each push.
    pub push: PushSettings,
    /// Of each queue.
    pub queue: QueueSettings,
    /// Of what is kept of a stream.
    pub gop: GopSettings,
    /// Of each task.
    pub task: TaskSettings,
    /// Of publishers.
    pub ingest: IngestSettings,
    /// Of state events.
    pub outbox: OutboxSettings,
}

impl Settings {
    /// Every setting, with its default and its bounds.
    pub fn table() -> impl Iterator<Item = &'static Setting> {
        [
            HostSettings::TABLE,
            DoorSettings::TABLE,
            PushSettings::TABLE,
            QueueSettings::TABLE,
            GopSettings::TABLE,
            TaskSettings::TABLE,
            IngestSettings::TABLE,
            OutboxSettings::TABLE,
        ]
        .into_iter()
        .flatten()
    }

    /// Sets one by its name.
    ///
    /// # Errors
    /// [`SettingError`]; then nothing has changed.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), SettingError> {
        let tries = [
            HostSettings::set(&mut self.host, name, value),
            DoorSettings::set(&mut self.door, name, value),
            PushSettings::set(&mut self.push, name, value),
            QueueSettings::set(&mut self.queue, name, value),
            GopSettings::set(&mut self.gop, name, value),
            TaskSettings::set(&mut self.task, name, value),
            IngestSettings::set(&mut self.ingest, name, value),
            OutboxSettings::set(&mut self.outbox, name, value),
        ];
        let found = tries.into_iter().find(|tried| *tried != Err(SettingError::Unknown));
        found.unwrap_or(Err(SettingError::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::{SettingError, Settings};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_one_setting_each() {
        let names: BTreeSet<_> = Settings::table().map(|setting| setting.name).collect();
        assert_eq!(names.len(), Settings::table().count());
    }

    #[test]
    fn each_is_set_by_its_name_within_its_bounds() {
        for setting in Settings::table() {
            let mut settings = Settings::default();
            assert_eq!(settings.set(setting.name, setting.min), Ok(()));
            let is_default = setting.min == setting.default;
            assert_eq!(settings == Settings::default(), is_default, "{}", setting.name);
            let beyond = settings.set(setting.name, setting.max + 1);
            assert_eq!(beyond, Err(SettingError::OutOfRange(*setting)));
        }
        assert_eq!(Settings::default().set("coalesce", 1), Err(SettingError::Unknown));
    }
}
