use glance_sdk::label;

fn main() {
    let open = 4;
    let _ = label!("<b>{n}</b> open", n = open, n = 4);
}
