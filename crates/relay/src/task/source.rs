//! What a task takes, and where that is.

use livegate_core::relay::Task;
use livegate_core::relay::task::{Media, Source};
use sha2::{Digest as _, Sha256};

use crate::stream::{StreamKey, Wanted};

/// Where a task's stream is; none for one that is mixed.
pub(super) fn wanted(task: &Task) -> Option<Wanted> {
    if let Some(StreamKey { app, channel, user, picture }) = pulled(task) {
        return Some(Wanted { app, channel, user: Some(user), picture });
    }
    let Source::Single(one) = &task.source else { return None };
    Some(Wanted {
        app: task.app_id.clone(),
        channel: one.channel.clone().unwrap_or_else(|| task.channel.clone()),
        user: Some(one.user.clone()).filter(|user| !user.is_empty()),
        picture: one.picture,
    })
}

/// The stream that a task's pull becomes. Without a user it is named by its address, so that tasks
/// that fetch the same share it.
pub(super) fn pulled(task: &Task) -> Option<StreamKey> {
    let (Source::Single(one), Some(url)) = (&task.source, &task.pull) else { return None };
    let user = if one.user.is_empty() {
        let hash = hex::encode(Sha256::digest(url.as_str().as_bytes()));
        format!("pull-{}", hash.get(..16).unwrap_or_default())
    } else {
        one.user.clone()
    };
    let channel = one.channel.clone().unwrap_or_else(|| task.channel.clone());
    Some(StreamKey { app: task.app_id.clone(), channel, user, picture: one.picture })
}

/// What is taken of it.
pub(super) fn media(task: &Task) -> Media {
    match &task.source {
        Source::Single(one) => one.media,
        _ => Media::Both,
    }
}
