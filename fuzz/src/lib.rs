//! What the fuzz targets share: the properties, which the tests of the main crate try too.

#[path = "../../tests/fuzzed/mod.rs"]
pub mod fuzzed;
