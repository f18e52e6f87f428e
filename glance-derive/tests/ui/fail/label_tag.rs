use glance_sdk::label;

fn main() {
    let open = 4;
    let _ = label!("<a href=\"/incidents\">{open}</a> open");
}
