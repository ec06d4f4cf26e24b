#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| davit_fuzz::form(input));
