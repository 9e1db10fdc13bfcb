//! What a vendor's undocumented words mean, as the operator found out.
//!
//! Some vendors send words whose meaning they publish nowhere. None is guessed: a source says what
//! they mean, and a word that it does not know is kept as it came.
//!
//! | dialect | words | mean |
//! |---|---|---|
//! | `artc` | an `EventTag` | a [`Kind`]'s name |
//! | `artc-mpu` | an `EventCode` | a [`RelayState`]'s name |
//! | `jocloud` | a state | a [`RelayState`]'s name |

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

use super::{DialectName, MAX_NAME, artc};
use crate::error::{Code, Coded, Fault};
use crate::event::{Kind, RelayState};

/// The most words that a source may explain.
pub const MAX_WORDS: usize = 64;

/// Words and their meanings, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words<T>(Box<[(String, T)]>);

impl<T> Default for Words<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: Copy + PartialEq> Words<T> {
    /// What a word means.
    pub(super) fn meaning(&self, word: &str) -> Option<T> {
        self.0.iter().find(|(known, _)| known == word).map(|(_, meaning)| *meaning)
    }

    /// The first word, sorted as text, of that meaning.
    pub(super) fn word(&self, meaning: T) -> Option<&str> {
        self.0.iter().find(|(_, known)| *known == meaning).map(|(word, _)| word.as_str())
    }

    /// Written down again; `None` if there are none.
    pub(super) fn to_raw(&self, name: fn(T) -> &'static str) -> Option<BTreeMap<String, String>> {
        let words = self.0.iter();
        let raw = words.map(|(word, meaning)| (word.clone(), String::from(name(*meaning))));
        Some(raw.collect()).filter(|raw: &BTreeMap<_, _>| !raw.is_empty())
    }

    fn read(
        raw: BTreeMap<String, String>,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<Self, WordsError> {
        if raw.len() > MAX_WORDS {
            return Err(WordsError::TooMany);
        }
        let checked = |(word, name): (String, String)| {
            if word.is_empty() || word.len() > MAX_NAME {
                return Err(WordsError::Length);
            }
            meaning(&name).map(|meaning| (word, meaning)).ok_or(WordsError::Meaning)
        };
        raw.into_iter().map(checked).collect::<Result<_, _>>().map(Self)
    }
}

impl Words<Kind> {
    /// Checks words that mean kinds that the dialect's events may be of.
    ///
    /// # Errors
    /// [`WordsError`] for the first that cannot be used.
    pub fn kinds(raw: BTreeMap<String, String>, of: DialectName) -> Result<Self, WordsError> {
        let known = |kind: &Kind| *kind != Kind::Unknown && of.kinds().contains(kind);
        if artc::TAGS.iter().any(|(tag, _)| raw.contains_key(*tag)) {
            return Err(WordsError::Known);
        }
        Self::read(raw, |name| Kind::from_name(name).filter(known))
    }
}

impl Words<RelayState> {
    /// Checks words that mean states.
    ///
    /// # Errors
    /// [`WordsError`] for the first that cannot be used.
    pub fn states(raw: BTreeMap<String, String>) -> Result<Self, WordsError> {
        Self::read(raw, RelayState::from_name)
    }
}

/// Why a source's words cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WordsError {
    /// `dialect.words_not_used`: words for a dialect whose words are all known.
    NotUsed,
    /// `dialect.too_many_words`: more than 64.
    TooMany,
    /// `dialect.word_length`: a word is empty or has more than 256 bytes.
    Length,
    /// `dialect.word_meaning`: a word means nothing that the dialect's events can say.
    Meaning,
    /// `dialect.word_known`: the vendor documents what the word means.
    Known,
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUsed => f.write_str("only artc, artc-mpu and jocloud take words"),
            Self::TooMany => write!(f, "there are more than {MAX_WORDS} words"),
            Self::Length => write!(f, "a word should have 1 to {MAX_NAME} bytes"),
            Self::Meaning => f.write_str(
                "a word should mean a kind such as video.start (artc) or connecting, live, \
                 recovering, failed or ended (artc-mpu, jocloud)",
            ),
            Self::Known => f.write_str("the vendor documents what this word means"),
        }
    }
}

impl core::error::Error for WordsError {}

impl Coded for WordsError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::NotUsed => "dialect.words_not_used",
            Self::TooMany => "dialect.too_many_words",
            Self::Length => "dialect.word_length",
            Self::Meaning => "dialect.word_meaning",
            Self::Known => "dialect.word_known",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}
