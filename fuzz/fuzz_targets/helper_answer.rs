#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenpack_fuzz::credentials::helper_answer(bytes));
