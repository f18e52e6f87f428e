//! Glance data from anywhere, as a query answers it and as a push brings it.

#![no_main]

use glance_sdk::model::{GlanceData, QueryAnswer};
use glance_sdk::validate::{self, Severity};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let refused = validate::glance_data(&document)
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    let answer: QueryAnswer = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(serde_json::to_value(&answer).unwrap(), document);
    match serde_json::from_value::<GlanceData<Value>>(document.clone()) {
        Ok(data) => assert_eq!(serde_json::to_value(&data).unwrap(), document),
        Err(error) => assert!(refused, "a host would take what cannot be read: {error}"),
    }
});
