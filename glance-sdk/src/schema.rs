//! JSON Schemas of the protocol, for editors and for programs in other languages.
//!
//! They express the rules of [`validate`](crate::validate), as far as a schema can: it cannot
//! compare a target with the keys of pages, nor distinguish errors from warnings.
//!
//! ```
//! let schema = glance_sdk::schema::descriptor();
//! assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
//! ```

use serde_json::{Value, json};

use crate::model::Glance;

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Returns the schema (draft-07) of a capabilities descriptor.
///
/// ```no_run
/// let schema = glance_sdk::schema::descriptor();
/// std::fs::write("descriptor.schema.json", format!("{schema:#}"))?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn descriptor() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "Capabilities descriptor",
        "type": "object",
        "required": ["key", "name", "description", "links"],
        "properties": {
            "key": { "type": "string" },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "apiVersion": { "type": "string", "pattern": "^[0-9]+:[0-9]+$" },
            "links": {
                "type": "object",
                "required": ["self"],
                "properties": { "self": { "type": "string" }, "homepage": { "type": "string" } }
            },
            "vendor": {
                "type": "object",
                "required": ["name", "url"],
                "properties": { "name": { "type": "string" }, "url": { "type": "string" } },
                "additionalProperties": false
            },
            "capabilities": capabilities()
        },
        "definitions": definitions()
    })
}

/// Returns the schema (draft-07) of the response to a glance's query.
///
/// ```
/// let schema = glance_sdk::schema::glance_data();
/// assert_eq!(schema["required"], serde_json::json!(["label"]));
/// ```
pub fn glance_data() -> Value {
    let value = |kind: &str, value: Value| {
        json!({
            "type": "object",
            "required": ["type", "value"],
            "properties": { "type": { "const": kind }, "value": value }
        })
    };
    let lozenge = json!({
        "type": "object",
        "required": ["type", "label"],
        "properties": {
            "type": { "enum": ["default", "success", "error", "current", "new", "moved", "complete"] },
            "label": { "type": "string", "minLength": 1, "maxLength": 20 }
        }
    });
    json!({
        "$schema": DRAFT,
        "title": "Glance data",
        "type": "object",
        "required": ["label"],
        "properties": {
            "label": value("html", json!({ "type": "string", "minLength": 1, "maxLength": 1000 })),
            "status": { "anyOf": [value("lozenge", lozenge), value("icon", icon())] },
            "metadata": { "type": "object" }
        }
    })
}

fn capabilities() -> Value {
    let list = |name: &str| json!({ "type": "array", "items": reference(name) });
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "properties": {
            "installable": {
                "type": "object",
                "properties": {
                    "allowRoom": { "type": "boolean", "default": true },
                    "allowGlobal": { "type": "boolean", "default": true },
                    "callbackUrl": { "type": "string" },
                    "updateCallbackUrl": { "type": "string" },
                    "installedUrl": { "type": "string" },
                    "uninstalledUrl": { "type": "string" },
                    "updatedUrl": { "type": "string" }
                }
            },
            "hipchatApiConsumer": {
                "type": "object",
                "required": ["scopes"],
                "properties": {
                    "scopes": { "type": "array", "items": { "enum": [
                        "send_notification", "send_message", "view_room", "admin_room",
                        "view_group", "admin_group", "manage_rooms", "view_messages", "import_data",
                        "viewer_token"
                    ] } },
                    "fromName": { "type": "string" },
                    "avatar": { "anyOf": [{ "type": "string" }, {
                        "type": "object",
                        "required": ["url"],
                        "properties": {
                            "url": { "type": "string", "minLength": 1 },
                            "url@2x": { "type": "string", "minLength": 1 }
                        }
                    }] }
                }
            },
            "configurable": {
                "type": "object",
                "required": ["url"],
                "properties": {
                    "url": { "type": "string" },
                    "authentication": authentication("jwt"),
                    "allowAccessToRoomAdmins": { "type": "boolean", "default": false }
                }
            },
            "adminPage": {
                "type": "object",
                "required": ["url"],
                "properties": { "url": { "type": "string" } }
            },
            "oauth2Consumer": {
                "type": "object",
                "required": ["redirectionUrls"],
                "properties": { "redirectionUrls": strings }
            },
            "oauth2Provider": {
                "type": "object",
                "properties": {
                    "authorizationUrl": { "type": "string" },
                    "tokenUrl": { "type": "string" }
                }
            },
            "glance": list("glance"),
            "webPanel": list("webPanel"),
            "dialog": list("dialog"),
            "externalPage": list("externalPage"),
            "action": list("action"),
            "webhook": list("webhook")
        }
    })
}

fn definitions() -> Value {
    let everywhere = [
        "room_is_public",
        "user_is_admin",
        "user_is_guest",
        "user_is_room_owner",
    ];
    let glance = [&everywhere[..], &["glance_matches"]].concat();
    let action = [
        &everywhere[..],
        &[
            "message_matches",
            "message_contains_link",
            "message_sent_by_current_user",
            "card_matches",
        ],
    ]
    .concat();
    json!({
        "key": {
            "type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[A-Za-z0-9_.-]+$"
        },
        "text": {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": { "type": "string", "minLength": 1, "maxLength": 100 },
                "i18n": { "type": "string", "minLength": 1, "maxLength": 40 }
            },
            "additionalProperties": false
        },
        "icon": icon(),
        "target": { "anyOf": [{ "type": "string" }, {
            "type": "object",
            "required": ["key"],
            "properties": { "key": reference("key"), "options": { "type": "object" } }
        }] },
        "glance": {
            "type": "object",
            "required": ["key", "name", "icon"],
            "properties": {
                "key": reference("key"),
                "name": reference("text"),
                "icon": reference("icon"),
                "queryUrl": { "type": "string" },
                "target": reference("target"),
                "weight": weight(),
                "audience": { "enum": ["person", "room"], "default": "person" },
                "maxAge": {
                    "type": "integer",
                    "minimum": Glance::MAX_AGE_SECONDS.start(),
                    "maximum": Glance::MAX_AGE_SECONDS.end(),
                    "default": Glance::DEFAULT_MAX_AGE_SECONDS
                },
                "conditions": conditions(&glance, 2)
            }
        },
        "webPanel": {
            "type": "object",
            "required": ["key", "name", "url", "location"],
            "properties": {
                "key": reference("key"),
                "name": reference("text"),
                "url": { "type": "string" },
                "location": { "enum": ["hipchat.sidebar.right"] },
                "icon": reference("icon"),
                "weight": weight(),
                "conditions": conditions(&everywhere, 2),
                "authentication": authentication("jwt")
            }
        },
        "dialog": {
            "type": "object",
            "required": ["key", "title", "url"],
            "properties": {
                "key": reference("key"),
                "title": reference("text"),
                "url": { "type": "string" },
                "authentication": authentication("jwt"),
                "options": dialog_options()
            }
        },
        "dialogAction": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": reference("text"),
                "enabled": { "type": "boolean", "default": true },
                "key": { "type": "string" }
            }
        },
        "externalPage": {
            "type": "object",
            "required": ["key", "url"],
            "properties": {
                "key": reference("key"),
                "name": reference("text"),
                "url": { "type": "string" }
            },
            "additionalProperties": false
        },
        "action": {
            "type": "object",
            "required": ["key", "name", "location", "target"],
            "properties": {
                "key": reference("key"),
                "name": reference("text"),
                "location": { "enum": ["hipchat.message.action", "hipchat.input.action"] },
                "target": reference("target"),
                "weight": weight(),
                "conditions": conditions(&action, 2)
            }
        },
        "webhook": {
            "type": "object",
            "required": ["event", "url"],
            "properties": {
                "key": reference("key"),
                "name": { "type": "string" },
                "event": { "enum": [
                    "room_archived", "room_created", "room_deleted", "room_enter", "room_exit",
                    "room_file_upload", "room_message", "room_notification", "room_topic_change",
                    "room_unarchived"
                ] },
                "url": { "type": "string" },
                "pattern": { "type": "string" },
                "authentication": authentication("none")
            }
        }
    })
}

fn dialog_options() -> Value {
    json!({
        "type": "object",
        "properties": {
            "style": { "enum": ["normal", "warning"], "default": "normal" },
            "size": { "anyOf": [
                { "enum": ["small", "medium", "large", "xlarge"] },
                {
                    "type": "object",
                    "required": ["width", "height"],
                    "properties": { "width": { "type": "string" }, "height": { "type": "string" } }
                }
            ] },
            "primaryAction": reference("dialogAction"),
            "secondaryActions": { "type": "array", "items": reference("dialogAction") },
            "hint": reference("text"),
            "filter": {
                "type": "object",
                "properties": { "placeholder": reference("text") }
            }
        },
        "additionalProperties": false
    })
}

/// Returns the schema of a list of conditions, in which composites may be nested `depth` levels
/// deep.
fn conditions(names: &[&str], depth: usize) -> Value {
    let mut forms = vec![json!({
        "type": "object",
        "required": ["condition"],
        "properties": {
            "condition": { "enum": names },
            "invert": { "type": "boolean" },
            "params": { "type": "object" }
        },
        "additionalProperties": false
    })];
    if depth > 0 {
        forms.push(json!({
            "type": "object",
            "required": ["type", "conditions"],
            "properties": {
                "type": { "enum": ["and", "or", "AND", "OR"] },
                "conditions": conditions(names, depth - 1)
            },
            "additionalProperties": false
        }));
    }
    json!({ "type": "array", "items": { "anyOf": forms } })
}

fn icon() -> Value {
    json!({
        "type": "object",
        "required": ["url", "url@2x"],
        "properties": { "url": { "type": "string" }, "url@2x": { "type": "string" } }
    })
}

fn weight() -> Value {
    json!({ "type": "integer", "default": 100 })
}

fn authentication(default: &str) -> Value {
    json!({ "enum": ["jwt", "none"], "default": default })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}
