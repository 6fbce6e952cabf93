//! `scripts/fuzz SECONDS store` builds and runs it.

#![no_main]

#[path = "../entry.rs"]
#[allow(dead_code, reason = "the other targets use the rest of it")]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::read_store(bytes);
});
