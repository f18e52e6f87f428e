//! Judging a condition of three entries, one inverted, on a small metadata object: the prepared
//! program beside a plain walk over the JSON and `datalogic-rs` with compiled logic.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

use bumpalo::Bump;
use datalogic_rs::{Engine, ParsedData};
use divan::{Bencher, black_box};
use glance_sdk::evaluate::{DataState, Facts, Program};
use glance_sdk::model::Condition;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

fn metadata() -> Value {
    json!({ "isConfigured": true, "muted": false, "open": 4, "team": "ops" })
}

fn conditions() -> Value {
    json!([
        { "condition": "glance_matches", "params": { "metadata": [
            { "attr": "isConfigured", "eq": true },
            { "attr": "open", "gt": 0 },
        ] } },
        { "condition": "glance_matches", "invert": true, "params": { "metadata": [
            { "attr": "muted", "eq": true },
        ] } },
    ])
}

#[divan::bench(sample_size = 1000)]
fn prepared_program(bencher: Bencher) {
    let conditions: Vec<Condition> = serde_json::from_value(conditions()).unwrap();
    let program = Program::new(&conditions);
    let metadata = metadata();
    let judge = |program: &Program, metadata: &Value| {
        program.shows(DataState::Ready, &Facts::default().metadata(Some(metadata)))
    };
    assert!(judge(&program, &metadata));
    bencher.bench_local(|| judge(black_box(&program), black_box(&metadata)));
}

#[divan::bench(sample_size = 1000)]
fn walk_over_json(bencher: Bencher) {
    let conditions = conditions();
    let metadata = metadata();
    assert!(walk(&conditions, &metadata));
    bencher.bench_local(|| walk(black_box(&conditions), black_box(&metadata)));
}

/// What datalogic takes at its best: data that was parsed into its own form before.
#[divan::bench(sample_size = 1000)]
fn datalogic_compiled(bencher: Bencher) {
    let engine = Engine::new();
    let logic = engine
        .compile(
            r#"{"and": [
                {"===": [{"var": "isConfigured"}, true]},
                {">": [{"var": "open"}, 0]},
                {"!": [{"===": [{"var": "muted"}, true]}]}
            ]}"#,
        )
        .unwrap();
    let data = ParsedData::from_json(&metadata().to_string()).unwrap();
    let mut arena = Bump::new();
    let mut judge = |data: &ParsedData| {
        arena.reset();
        engine.evaluate(&logic, data, &arena).unwrap().as_bool()
    };
    assert_eq!(judge(&data), Some(true));
    bencher.bench_local(|| judge(black_box(&data)));
}

/// What a host writes that takes the conditions as they came.
fn walk(conditions: &Value, metadata: &Value) -> bool {
    conditions.as_array().unwrap().iter().all(|condition| {
        let holds = condition["params"]["metadata"]
            .as_array()
            .unwrap()
            .iter()
            .all(|entry| compare(entry, metadata));
        holds != (condition["invert"] == true)
    })
}

fn compare(entry: &Value, metadata: &Value) -> bool {
    let found = entry["attr"]
        .as_str()
        .unwrap()
        .split('.')
        .try_fold(metadata, |value, name| value.get(name));
    let Some(found) = found else {
        return false;
    };
    if let Some(operand) = entry.get("eq") {
        return found == operand;
    }
    let number = found.as_f64();
    match (entry.get("lt"), entry.get("gt")) {
        (Some(operand), _) => number < operand.as_f64(),
        (None, Some(operand)) => number > operand.as_f64(),
        (None, None) => false,
    }
}
