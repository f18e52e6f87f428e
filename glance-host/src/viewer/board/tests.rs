use super::*;
use glance_sdk::model::{Condition, Descriptor, Icon, Match};
use serde_json::json;

fn room() -> Room {
    Room {
        id: 1.into(),
        name: "room".into(),
        is_public: true,
        owner: 1.into(),
        topic: String::new(),
        is_archived: false,
        created: 0,
    }
}

fn user() -> User {
    User {
        id: 1.into(),
        name: "user".into(),
        is_admin: false,
        is_guest: false,
        timezone: "UTC".into(),
        email: None,
        is_removed: false,
    }
}

fn glance(key: &str, conditions: Vec<Condition>) -> Glance {
    let mut glance = Glance::new(
        key,
        format!("Name of {key}"),
        Icon::new("http://a.example/i.png"),
    );
    glance.query_url = Some(format!("http://a.example/{key}"));
    glance.conditions = Some(conditions);
    glance
}

fn board(glances: Vec<Glance>) -> (Board, Vec<Ask>) {
    let mut board = Board::default();
    let asks = load(&mut board, glances);
    (board, asks)
}

fn load(board: &mut Board, glances: Vec<Glance>) -> Vec<Ask> {
    let mut descriptor = Descriptor::new("add-on", "Add-on", "http://a.example/");
    descriptor.capabilities.glance = Some(glances);
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://a.example/".into(),
        descriptor,
    };
    board.load(room(), user(), vec![(Arc::new(installed), vec![])])
}

fn data(label: &str, count: u32) -> Value {
    json!({"label": {"type": "html", "value": label}, "metadata": {"count": count}})
}

fn shown(board: &Board) -> Vec<String> {
    board
        .sidebar()
        .lines
        .iter()
        .map(|line| match &line.state {
            LineState::Ready { label, .. } => label.clone(),
            LineState::Named => "named".into(),
            LineState::Loading => "loading".into(),
            LineState::Failed { .. } => "failed".into(),
        })
        .collect()
}

#[test]
fn a_glance_loads_fails_is_tried_again_and_shows() {
    let (mut board, asks) = board(vec![glance("g", vec![])]);
    assert_eq!(shown(&board), ["loading"]);
    board.answered("add-on:g", asks[0].asking, Err("refused".into()));
    assert_eq!(shown(&board), ["failed"]);
    let again = board.retry("add-on:g");
    assert_eq!(shown(&board), ["loading"]);
    board.answered(
        "add-on:g",
        again[0].asking,
        Ok(data("<b>4</b><script>x</script>", 4)),
    );
    assert_eq!(shown(&board), ["<b>4</b>"]);
}

#[test]
fn metadata_hides_and_shows_and_a_failure_shows_anyway() {
    let condition = Condition::glance_matches([Match::gt("count", 0)]);
    let (mut board, asks) = board(vec![glance("g", vec![condition])]);
    assert!(shown(&board).is_empty(), "hidden while loading");
    board.answered("add-on:g", asks[0].asking, Ok(data("four", 4)));
    assert_eq!(shown(&board), ["four"]);
    board.push(&"id".into(), "g", &data("none", 0));
    assert!(shown(&board).is_empty());
    board.push(
        &"id".into(),
        "g",
        &json!({"label": {"type": "html", "value": "x"}}),
    );
    assert!(
        shown(&board).is_empty(),
        "a push without metadata loses the old"
    );
    let again = board.retry("add-on:g");
    board.answered("add-on:g", again[0].asking, Err("down".into()));
    assert_eq!(shown(&board), ["failed"]);
}

#[test]
fn a_push_overtakes_a_query_under_way() {
    let (mut board, asks) = board(vec![glance("g", vec![])]);
    board.push(&"id".into(), "g", &data("new", 1));
    board.answered("add-on:g", asks[0].asking, Ok(data("old", 1)));
    assert_eq!(shown(&board), ["new"]);
}

#[test]
fn a_push_of_another_installation_changes_nothing() {
    let (mut board, _) = board(vec![glance("g", vec![])]);
    board.push(&"other".into(), "g", &data("x", 1));
    board.push(&"id".into(), "other", &data("x", 1));
    assert_eq!(shown(&board), ["loading"]);
}

#[test]
fn odd_pushed_data_falls_back_to_the_name() {
    let (mut board, _) = board(vec![glance("g", vec![])]);
    for odd in [
        json!({"label": {"type": "html"}}),
        json!({"label": {"type": "text", "value": "x"}}),
        json!({"label": {"type": "html", "value": "<p>x</p>"}, "status": {"type": "nope"}}),
    ] {
        board.push(&"id".into(), "g", &odd);
        assert_eq!(shown(&board), ["Name of g"], "{odd}");
    }
}

#[test]
fn lines_stand_by_weight_and_a_reload_keeps_data() {
    let mut heavy = glance("a", vec![]);
    heavy.weight = Some(200);
    let mut light = glance("z", vec![]);
    light.weight = Some(1);
    let plain = glance("m", vec![]);
    let (mut board, asks) = board(vec![heavy.clone(), light.clone(), plain]);
    for ask in &asks {
        board.answered(&ask.id, ask.asking, Ok(data(&ask.glance.key, 1)));
    }
    assert_eq!(shown(&board), ["z", "m", "a"]);
    let asks = load(&mut board, vec![heavy, light, glance("new", vec![])]);
    assert_eq!(
        asks.iter().map(|ask| ask.id.as_str()).collect::<Vec<_>>(),
        ["add-on:new"]
    );
    assert_eq!(shown(&board), ["z", "loading", "a"]);
}
