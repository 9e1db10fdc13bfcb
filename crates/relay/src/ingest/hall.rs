//! What RTMP connections have in common, and what those who ask may do.

use std::rc::Rc;

use livegate_core::error::{Code, Coded};
use livegate_core::relay::host::HostSettings;
use livegate_core::relay::ingest::{IngestError, Place};
use livegate_core::relay::lease::Feed;
use livegate_core::relay::token::Wish;
use livegate_rtmp::session::server::Reason;

use super::address::Address;
use super::crowd::{Crowd, Seat};
use crate::clock;
use crate::credentials::Present;
use crate::meter::Meters;
use crate::stream::{Reader, Streams};
use crate::tick::Ticker;

/// What connections that come in have in common.
#[derive(Clone)]
pub(crate) struct Hall {
    pub(crate) settings: HostSettings,
    /// Until when what publishers send is gathered.
    pub(crate) ticker: Option<Ticker>,
    pub(crate) credentials: Present,
    pub(crate) streams: Streams,
    pub(crate) crowd: Crowd,
    pub(crate) meters: Rc<Meters>,
}

impl Hall {
    /// Lets somebody publish who connected to this application and asks to publish that name.
    pub(super) fn publish(&self, app: &str, name: &str) -> Result<Seat, Refusal> {
        let address = read(app, name)?;
        let credentials = self.credentials.now();
        let application = credentials.application(&address.app).ok_or(Refusal::APP)?;
        let (app, channel, user) = (&*address.app, &*address.channel, address.publisher());
        let wish = Wish { app, channel, user, picture: address.picture };
        application
            .publish
            .verify(&address.token, wish, clock::wall())
            .map_err(|error| Refusal::not_allowed(&error))?;
        let place = Place { app, channel, user, role: address.role };
        self.crowd
            .publish(place, address.picture, application.duplicate, Feed::Published)
            .map_err(|error| Refusal { reason: Reason::InUse, code: error.code() })
    }

    /// Lets somebody watch, with a seat if there is something to tell of them.
    pub(super) fn play(&self, app: &str, name: &str) -> Result<(Option<Seat>, Reader), Refusal> {
        let address = read(app, name)?;
        let credentials = self.credentials.now();
        let application = credentials.application(&address.app).ok_or(Refusal::APP)?;
        let (app, channel) = (&*address.app, &*address.channel);
        let (picture, now) = (address.picture, clock::now());
        let wish = Wish { app, channel, user: address.user.as_deref().unwrap_or(""), picture };
        let user = application
            .admit_viewer(&address.token, wish, clock::wall())
            .map_err(|error| Refusal::not_allowed(&error))?;
        let reader = self.streams.read(app, channel, user.as_deref(), picture, now);
        let reader = reader.ok_or(Refusal::NOBODY)?;
        // Of a viewer without a name there is nothing to tell; nor where everybody may watch, for then
        // everybody could tell anything of anybody.
        let viewer = address.viewer.as_ref().filter(|_| application.play.is_some());
        let Some(viewer) = viewer else { return Ok((None, reader)) };
        let place = Place { app, channel, user: viewer, role: address.role };
        let seat = self.crowd.play(place).map_err(|error| Refusal::not_allowed(&error))?;
        Ok((Some(seat), reader))
    }
}

fn read(app: &str, name: &str) -> Result<Address, Refusal> {
    Address::of(app, name).ok_or_else(|| Refusal::not_allowed(&IngestError::Name))
}

/// What a client is told, and what the log says.
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) code: Code,
}

impl Refusal {
    const APP: Self = Self { reason: Reason::NotAllowed, code: Code::new("ingest.app") };
    const NOBODY: Self = Self { reason: Reason::NotFound, code: Code::new("rtmp.no_stream") };

    fn not_allowed(error: &impl Coded) -> Self {
        Self { reason: Reason::NotAllowed, code: error.code() }
    }

    /// To whoever asked every reason for not being allowed is the same.
    pub(super) const fn words(&self) -> &'static str {
        match self.reason {
            Reason::NotFound => "nobody publishes there",
            Reason::InUse => "somebody publishes there",
            _ => "not allowed",
        }
    }
}
