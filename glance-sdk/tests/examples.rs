//! The tests of all examples, in one program.

#![allow(dead_code)]

#[path = "../examples/action.rs"]
mod action;
#[path = "../examples/card.rs"]
mod card;
#[path = "../examples/dialog.rs"]
mod dialog;
#[path = "../examples/nested.rs"]
mod nested;
#[path = "../examples/no_macros.rs"]
mod no_macros;
#[path = "../examples/own_store.rs"]
mod own_store;
#[path = "../examples/page_token.rs"]
mod page_token;
#[path = "../examples/push_to_person.rs"]
mod push_to_person;
#[path = "../examples/shared_state.rs"]
mod shared_state;
#[path = "../examples/slash_command.rs"]
mod slash_command;
