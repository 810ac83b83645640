#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| enfonet_fuzz::greeting(data));
