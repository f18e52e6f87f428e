use glance_sdk::label;

fn main() {
    let open = 4;
    let _ = label!(open);
}
