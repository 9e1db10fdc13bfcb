//! What an event is the latest news of, as one text.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::event::Kind;

/// The family of kinds, and the parts that tell one such thing from another, a line each: of a
/// relay the task and the address, of a user's video the user. A part that the vendor left out is an
/// empty line. `None` if all are left out: then the event is news of nothing that has a name.
pub(super) fn entity(kind: Kind, parts: &[Option<&str>]) -> Option<Cow<'static, str>> {
    if !parts.is_empty() && parts.iter().flatten().all(|part| part.is_empty()) {
        return None;
    }
    let mut entity = String::from(kind.family());
    for part in parts {
        entity.push('\n');
        entity.push_str(part.unwrap_or(""));
    }
    Some(Cow::Owned(entity))
}

#[cfg(test)]
mod tests {
    use super::entity;
    use crate::event::Kind;

    #[test]
    fn kinds_of_a_family_are_news_of_the_same_thing() {
        let start = entity(Kind::VideoStart, &[Some("u")]);
        assert_eq!(start.as_deref(), Some("video\nu"));
        assert_eq!(entity(Kind::VideoStop, &[Some("u")]), start);
        assert_ne!(entity(Kind::AudioStop, &[Some("u")]), start);
    }

    #[test]
    fn a_part_that_is_missing_keeps_its_line() {
        let task = entity(Kind::RelayState, &[Some("t"), None]);
        assert_eq!(task.as_deref(), Some("relay\nt\n"));
        assert_ne!(entity(Kind::RelayState, &[None, Some("t")]), task);
    }

    #[test]
    fn nothing_that_has_a_name_is_no_entity() {
        assert_eq!(entity(Kind::RelayState, &[None, Some("")]), None);
        assert_eq!(entity(Kind::ChannelEnd, &[]).as_deref(), Some("channel"));
    }
}
