//! `cargo +nightly fuzz run load`, from the folder above.

#![no_main]

#[path = "../entry.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::load_anything(bytes);
});
