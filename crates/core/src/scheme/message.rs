//! The one place where the message is put together, for signing, verifying and for people.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::call::{Call, Lack, sorted_query};
use super::model::{Carrier, Part, Place, Recipe};
use super::refusal::{Parameter, Role};
use super::target::Target;

/// Where the parts of a message go.
pub(super) trait Sink {
    /// Text that may be shown.
    fn text(&mut self, text: &str);
    /// The raw body.
    fn body(&mut self, body: &[u8]);
    /// The key, or a value that travels with the call.
    fn item(&mut self, item: &Item<'_>);
    /// Values in ascending order of their bytes.
    fn sorted(&mut self, values: &[Item<'_>], separator: &str);
}

/// A part that can be sorted.
pub(super) enum Item<'a> {
    Key,
    Text(Cow<'a, str>),
    /// A field of the body.
    Body {
        pointer: &'a str,
        text: Cow<'a, str>,
    },
}

/// What a message is made from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) recipe: &'s Recipe,
    pub(super) target: &'s Target,
    pub(super) call: &'s Call<'s>,
    /// The time and the id as they travel.
    pub(super) time: Result<&'s str, Lack>,
    pub(super) id: Result<&'s str, Lack>,
}

/// How many parts the message begins with that are the same in every call.
pub(super) fn lead(recipe: &Recipe) -> usize {
    recipe.message.iter().take_while(|part| part.is_fixed()).count()
}

/// Puts the fixed parts that a message begins with into a sink.
pub(super) fn build_lead(recipe: &Recipe, target: &Target, mut put: impl FnMut(&str)) {
    for part in recipe.message.iter().take(lead(recipe)) {
        if let Some(text) = fixed(part, target) {
            put(text);
        }
    }
}

fn fixed<'t>(part: &'t Part, target: &'t Target) -> Option<&'t str> {
    Some(match part {
        Part::Literal(text) => text,
        Part::Host => &target.host,
        Part::HostWithoutPort => &target.host_without_port,
        Part::Path => &target.path,
        Part::SortedQuery => &target.sorted_query,
        Part::Url => &target.url,
        _ => return None,
    })
}

impl Source<'_> {
    /// Puts the message into a sink, from the part `skip` on. What is lacking goes to `lacking`,
    /// which says whether to go on.
    pub(super) fn build<S: Sink, E>(
        &self,
        skip: usize,
        sink: &mut S,
        mut lacking: impl FnMut(&mut S, Parameter, Lack) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut parts = self.recipe.message.iter().skip(skip).peekable();
        while let Some(part) = parts.next() {
            if let Some(text) = fixed(part, self.target) {
                sink.text(text);
                continue;
            }
            let before = match parts.peek() {
                Some(Part::Literal(text)) => Some(text.as_str()),
                _ => None,
            };
            match part {
                Part::Method => sink.text(self.call.method),
                Part::Body => sink.body(self.call.body),
                Part::ReceivedQuery => {
                    let own = |name: &str| self.recipe.owns_query(name);
                    match sorted_query(self.call.query, own) {
                        Some(query) => sink.text(&query),
                        None => lacking(sink, Parameter::query(), Lack::Malformed)?,
                    }
                }
                Part::Sorted { separator, values } => {
                    let mut items = Vec::with_capacity(values.len());
                    for value in values {
                        let before = (!separator.is_empty()).then_some(separator.as_str());
                        match self.item(value, before) {
                            Ok(item) => items.push(item),
                            Err((parameter, lack)) => lacking(sink, parameter, lack)?,
                        }
                    }
                    sink.sorted(&items, separator);
                }
                other => match self.item(other, before) {
                    Ok(item) => sink.item(&item),
                    Err((parameter, lack)) => lacking(sink, parameter, lack)?,
                },
            }
        }
        Ok(())
    }

    /// A part that is one value. One that contains the literal that ends it is refused: moved
    /// boundaries would make two different calls one message.
    fn item<'s>(
        &'s self,
        part: &'s Part,
        ends_before: Option<&str>,
    ) -> Result<Item<'s>, (Parameter, Lack)> {
        let ambiguous = |text: &str| ends_before.is_some_and(|end| text.contains(end));
        let own = |role: Role, place: Option<&Place>, text: Result<&'s str, Lack>| {
            let lack = match text {
                Ok(text) if ambiguous(text) => Lack::Malformed,
                Ok(text) => return Ok(Item::Text(Cow::Borrowed(text))),
                Err(lack) => lack,
            };
            Err((Parameter::at(role, place), lack))
        };
        match part {
            Part::Key => Ok(Item::Key),
            Part::Time => {
                own(Role::Time, self.recipe.time.as_ref().map(|time| &time.at), self.time)
            }
            Part::Id => own(Role::Id, self.recipe.id.as_ref().map(|id| &id.at), self.id),
            Part::Value(place) => {
                let refuse = |lack| (Parameter::at(Role::Value, Some(place)), lack);
                let text = self.call.value(place, self.recipe.body).map_err(refuse)?;
                if ambiguous(&text) {
                    return Err(refuse(Lack::Malformed));
                }
                Ok(match &place.carrier {
                    Carrier::Body(pointer) => Item::Body { pointer: &pointer.text, text },
                    Carrier::Header(_) | Carrier::Query(_) => Item::Text(text),
                })
            }
            other => Ok(Item::Text(Cow::Borrowed(fixed(other, self.target).unwrap_or("")))),
        }
    }
}
