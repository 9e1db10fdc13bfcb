//! Every command, in the order in which the help lists them.

mod admin;
mod applications;
mod audit;
mod credentials;
mod deliveries;
mod demo;
mod endpoints;
mod events;
mod layout;
mod listen;
mod notices;
mod rejections;
mod relay;
mod relay_hosts;
mod relay_tasks;
mod replays;
mod resource;
mod sei;
mod send;
mod settings;
mod sign;
mod sources;
mod subscriptions;
mod token;
mod verify;

use crate::args::table::Command;

/// The table that the parser and the help read.
pub(crate) const COMMANDS: &[Command] = &[
    demo::DEMO,
    listen::LISTEN,
    send::SEND,
    sign::SIGN,
    verify::VERIFY,
    token::TOKEN,
    relay::RELAY,
    sei::DUMP,
    sei::INSERT,
    sei::STRIP,
    layout::RENDER,
    layout::FROM_SEI,
    layout::TO_SEI,
    events::LIST,
    events::SHOW,
    events::REPLAY,
    sources::LIST,
    sources::CREATE,
    sources::SHOW,
    sources::ROTATE,
    sources::DELETE,
    endpoints::LIST,
    endpoints::CREATE,
    endpoints::SHOW,
    endpoints::TEST,
    endpoints::ENABLE,
    endpoints::DISABLE,
    endpoints::ROTATE,
    endpoints::DELETE,
    subscriptions::LIST,
    subscriptions::CREATE,
    subscriptions::SHOW,
    subscriptions::DELETE,
    deliveries::LIST,
    rejections::LIST,
    rejections::SHOW,
    replays::LIST,
    replays::CREATE,
    replays::SHOW,
    replays::CANCEL,
    applications::LIST,
    applications::CREATE,
    applications::SHOW,
    applications::UPDATE,
    applications::DELETE,
    relay_tasks::STATES,
    relay_tasks::LIST,
    relay_tasks::START,
    relay_tasks::SHOW,
    relay_tasks::SEI,
    relay_tasks::STOP,
    relay_hosts::LIST,
    relay_hosts::CREATE,
    relay_hosts::SHOW,
    relay_hosts::DELETE,
    settings::SHOW,
    settings::SET,
    notices::LIST,
    notices::READ,
    credentials::LIST,
    credentials::ROTATE,
    credentials::REVOKE,
    audit::LIST,
    admin::TENANT_CREATE,
    admin::TENANT_LIST,
];
