//! Numbers that an operator may change: each with its default and its bounds, in one row.

use core::fmt;

use crate::error::{Code, Coded, Fault};

/// One number: its name, which ends with its unit, what it is by default, and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its default.
    pub default: u64,
    /// The least it may be.
    pub min: u64,
    /// The most it may be.
    pub max: u64,
}

/// A number that cannot be set so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// There is no setting of that name.
    Unknown,
    /// It is beyond its bounds.
    OutOfRange(Setting),
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no relay setting of that name"),
            Self::OutOfRange(Setting { name, min, max, .. }) => {
                write!(f, "{name} should be {min} to {max}")
            }
        }
    }
}

impl core::error::Error for SettingError {}

impl Coded for SettingError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Unknown => "relay.setting_unknown",
            Self::OutOfRange(_) => "relay.setting_range",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// Where in a table a setting is, if it may be so.
pub(super) fn place(table: &[Setting], name: &str, value: u64) -> Result<usize, SettingError> {
    let found = table.iter().enumerate().find(|(_, setting)| setting.name == name);
    let (index, setting) = found.ok_or(SettingError::Unknown)?;
    if value < setting.min || value > setting.max {
        return Err(SettingError::OutOfRange(*setting));
    }
    Ok(index)
}

/// Declares settings: `name = default in min..=max`.
macro_rules! settings {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* $field:ident = $default:literal in $min:literal..=$max:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::struct_field_names, reason = "a setting's name ends with its unit")]
        pub struct $name {
            $($(#[$field_doc])* $field: u64,)+
        }

        impl $name {
            /// Every setting, with its default and its bounds.
            pub const TABLE: &[$crate::relay::settings::Setting] = &[
                $($crate::relay::settings::Setting {
                    name: stringify!($field), default: $default, min: $min, max: $max,
                },)+
            ];

            /// Sets one by its name.
            ///
            /// # Errors
            /// [`SettingError`](crate::relay::settings::SettingError); then nothing has changed.
            pub fn set(
                &mut self,
                name: &str,
                value: u64,
            ) -> Result<(), $crate::relay::settings::SettingError> {
                let index = $crate::relay::settings::place(Self::TABLE, name, value)?;
                let fields = [$(&mut self.$field,)+];
                if let Some(field) = fields.into_iter().nth(index) {
                    *field = value;
                }
                Ok(())
            }

            $($(#[$field_doc])*
            pub const fn $field(&self) -> u64 {
                self.$field
            })+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    };
}
pub(super) use settings;

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro is for modules that are public")]

    use super::SettingError;
    use crate::error::Coded;

    settings! {
        /// Two of them.
        pub struct Two {
            /// The first.
            first_ms = 10 in 1..=20,
            /// The second.
            second = 5 in 0..=9,
        }
    }

    #[test]
    fn each_is_set_by_its_name_and_within_its_bounds() {
        let mut two = Two::default();
        assert_eq!((two.first_ms(), two.second()), (10, 5));
        for bound in [0, 9] {
            assert_eq!(two.set("second", bound), Ok(()));
            assert_eq!((two.first_ms(), two.second()), (10, bound));
        }
        for bad in [0, 21, u64::MAX] {
            assert_eq!(two.set("first_ms", bad), Err(SettingError::OutOfRange(Two::TABLE[0])));
            assert_eq!(two.first_ms(), 10);
        }
        assert_eq!(two.set("third", 1), Err(SettingError::Unknown));
        assert!(SettingError::Unknown.code().is_well_formed());
    }
}
