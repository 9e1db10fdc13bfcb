//! Placeholder line, replaced by the module.
