use glance_sdk::prelude::*;

#[derive(Serialize, GlanceMetadata)]
enum State {
    Calm,
    OnFire,
}

#[derive(Serialize, GlanceMetadata)]
struct Incidents {
    state: State,
}

macro_rules! glances {
    ($($name:ident: $when:expr;)*) => { $(
        #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when($when))]
        async fn $name() -> GlanceData<Incidents> {
            loop {}
        }
    )* };
}

glances! {
    order: state > State::Calm;
    text: state == "OnFire";
    alone: !state;
    typo: state == State::OnFier;
    unknown: state != Burning;
}

fn main() {}
