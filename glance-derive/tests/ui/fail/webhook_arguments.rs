use glance_sdk::prelude::*;

#[webhook(pattern = "", key = "two words", weight = 5)]
fn said(message: &str) {
    let _ = message;
}

fn main() {}
