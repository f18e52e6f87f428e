//! Conditions and metadata from anywhere: `{"conditions": [...], "metadata": ..., "facts": "pago"}`.
//! The reasons say what the verdict says, and in words.

#![no_main]

use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::Condition;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let Some(Value::Array(written)) = document.get("conditions") else {
        return;
    };
    let conditions: Vec<Condition> = written
        .iter()
        .filter_map(|one| serde_json::from_value(one.clone()).ok())
        .collect();
    let facts = document.get("facts").and_then(Value::as_str).unwrap_or("");
    let metadata = document.get("metadata");
    let mut judged = Facts::default().metadata(metadata);
    judged.room_is_public = facts.contains('p');
    judged.user_is_admin = facts.contains('a');
    judged.user_is_guest = facts.contains('g');
    judged.user_is_room_owner = facts.contains('o');

    let program = Program::new(&conditions);
    for state in [
        DataState::None,
        DataState::Loading,
        DataState::Ready,
        DataState::Failed,
    ] {
        let outcome = program.explain(state, &judged);
        assert_eq!(outcome.shown, program.shows(state, &judged), "{state:?}");
        assert_eq!(outcome.because.holds, outcome.shown);
        let words = outcome.to_string();
        assert!(words.starts_with(if outcome.shown { "shown" } else { "hidden" }));
        serde_json::to_string(&outcome).unwrap();
    }

    let sent: Vec<Condition> =
        serde_json::from_str(&serde_json::to_string(&conditions).unwrap()).unwrap();
    assert_eq!(Program::new(&sent).holds(&judged), program.holds(&judged));
});
