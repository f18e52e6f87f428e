//! The validator and the typed models agree on what can be read.

use super::*;

#[test]
fn a_descriptor_without_errors_can_be_read() {
    let mut documents = vec![complete()];
    let mut pointers = Vec::new();
    all_pointers(&complete(), String::new(), &mut pointers);
    assert!(pointers.len() > 100);
    for pointer in pointers {
        for value in [
            Value::Null,
            json!(7),
            json!(1.0),
            json!(true),
            json!(""),
            json!("x"),
            json!([]),
            json!([1]),
            json!({}),
            json!({"key": 1}),
        ] {
            documents.push(changed(&pointer, value));
        }
    }
    for document in documents {
        let problems = descriptor(&document);
        let read = serde_json::from_value::<Descriptor>(document.clone());
        if problems.iter().all(|it| it.severity == Severity::Warning) {
            let read = read.unwrap_or_else(|error| panic!("{error}: {document}"));
            assert_eq!(serde_json::to_value(&read).unwrap(), document);
            assert_eq!(read.validate(), problems);
        }
    }
}

fn all_pointers(value: &Value, pointer: String, found: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let pointer = format!("{pointer}/{name}");
        found.push(pointer.clone());
        all_pointers(value, pointer, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                below(&index.to_string(), value);
            }
        }
        _ => {}
    }
}
