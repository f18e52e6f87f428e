//! A descriptor from anywhere: it is judged, and what is read and written is read again.

#![no_main]

use glance_sdk::model::Descriptor;
use glance_sdk::validate;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let problems = validate::descriptor(&document);
    for problem in &problems {
        assert!(
            problem.pointer.is_empty() || problem.pointer.starts_with('/'),
            "{problem:?}"
        );
        assert!(!problem.message.is_empty());
    }
    if let Ok(descriptor) = serde_json::from_value::<Descriptor>(document) {
        let written = serde_json::to_value(&descriptor).unwrap();
        let again: Descriptor = serde_json::from_value(written).unwrap();
        assert_eq!(again, descriptor);
        descriptor.validate();
    }
});
