use super::*;
use crate::model::Installed;
use crate::service::viewer::LineState;
use glance_sdk::model::{Condition, Descriptor, Glance, Icon, Match, UserId};
use serde_json::{Value, json};

mod equals;

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
        is_technical: false,
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

fn board(glances: Vec<Glance>) -> (Board, Vec<PendingQuery>) {
    let mut board = Board::new(place(user()));
    let queries = load(&mut board, glances);
    (board, queries)
}

fn place(user: User) -> Arc<PersonInRoom> {
    Arc::new(PersonInRoom { room: room(), user })
}

fn load(board: &mut Board, glances: Vec<Glance>) -> Vec<PendingQuery> {
    board.load(place(user()), lineup(glances))
}

fn lineup(glances: Vec<Glance>) -> Arc<Lineup> {
    let mut descriptor = Descriptor::new("add-on", "Add-on", "http://a.example/");
    descriptor.capabilities.glance = Some(glances);
    let installed = Installed {
        oauth_id: "id".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://a.example/".into(),
        descriptor,
    };
    Lineup::new(vec![(Arc::new(installed), vec![])])
}

fn push(board: &mut Board, oauth_id: &str, key: &str, data: &Value) {
    let glances = [(key.to_owned(), held(data.clone()))];
    board.push(
        &Push::new(oauth_id.into(), None, glances),
        &Derived::default(),
    );
}

fn data(label: &str, count: u32) -> Value {
    json!({"label": {"type": "html", "value": label}, "metadata": {"count": count}})
}

fn held(data: Value) -> Data {
    Data::new(data).unwrap()
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
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    assert_eq!(shown(&board), ["loading"]);
    board.answered("add-on:g", queries[0].query_number, Err("refused".into()));
    assert_eq!(shown(&board), ["failed"]);
    let again = board.retry("add-on:g").unwrap();
    assert_eq!(shown(&board), ["loading"]);
    board.answered(
        "add-on:g",
        again.query_number,
        Ok(held(data("<b>4</b><script>x</script>", 4))),
    );
    assert_eq!(shown(&board), ["<b>4</b>"]);
}

#[test]
fn a_failure_shows_until_an_attempt_in_the_background_brings_data() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    assert!(board.retry_quietly("add-on:g").is_none(), "it still loads");
    board.answered("add-on:g", queries[0].query_number, Err("down".into()));
    let first = board.retry_quietly("add-on:g").unwrap();
    assert_eq!(shown(&board), ["failed"]);
    board.answered("add-on:g", first.query_number, Err("still down".into()));
    assert!(
        !board.awaits("add-on:g", first.query_number),
        "one answer each"
    );
    assert!(board.has_failed("add-on:g"));

    let second = board.retry_quietly("add-on:g").unwrap();
    push(&mut board, "id", "g", &data("pushed", 1));
    board.answered("add-on:g", second.query_number, Ok(held(data("old", 1))));
    assert_eq!(shown(&board), ["pushed"]);
    assert!(board.retry_quietly("add-on:g").is_none());
}

#[test]
fn metadata_hides_and_shows_and_a_failure_shows_anyway() {
    let condition = Condition::glance_matches([Match::gt("count", 0)]);
    let (mut board, queries) = board(vec![glance("g", vec![condition])]);
    assert!(shown(&board).is_empty(), "hidden while loading");
    board.answered(
        "add-on:g",
        queries[0].query_number,
        Ok(held(data("four", 4))),
    );
    assert_eq!(shown(&board), ["four"]);
    push(&mut board, "id", "g", &data("none", 0));
    assert!(shown(&board).is_empty());
    push(
        &mut board,
        "id",
        "g",
        &json!({"label": {"type": "html", "value": "x"}}),
    );
    assert!(
        shown(&board).is_empty(),
        "a push without metadata loses the old"
    );
    let again = board.retry("add-on:g").unwrap();
    board.answered("add-on:g", again.query_number, Err("down".into()));
    assert_eq!(shown(&board), ["failed"]);
}

#[test]
fn a_push_overtakes_a_query_under_way() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    push(&mut board, "id", "g", &data("new", 1));
    board.answered(
        "add-on:g",
        queries[0].query_number,
        Ok(held(data("old", 1))),
    );
    assert_eq!(shown(&board), ["new"]);
}

#[test]
fn a_push_of_another_installation_changes_nothing() {
    let (mut board, _) = board(vec![glance("g", vec![])]);
    push(&mut board, "other", "g", &data("x", 1));
    push(&mut board, "id", "other", &data("x", 1));
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
        push(&mut board, "id", "g", &odd);
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
    let (mut board, queries) = board(vec![heavy.clone(), light.clone(), plain]);
    for query in &queries {
        board.answered(
            &query.prepared.id,
            query.query_number,
            Ok(held(data(&query.prepared.glance.key, 1))),
        );
    }
    assert_eq!(shown(&board), ["z", "m", "a"]);
    let queries = load(&mut board, vec![heavy, light, glance("new", vec![])]);
    assert_eq!(
        queries
            .iter()
            .map(|query| query.prepared.id.as_str())
            .collect::<Vec<_>>(),
        ["add-on:new"]
    );
    assert_eq!(shown(&board), ["z", "loading", "a"]);
}

#[test]
fn viewers_share_what_is_the_same_for_them() {
    let lineup = lineup(vec![glance("g", vec![])]);
    let mut boards: Vec<_> = (0..3)
        .map(|_| {
            let mut board = Board::new(place(user()));
            let query = board.load(place(user()), Arc::clone(&lineup)).remove(0);
            (board, query)
        })
        .collect();
    let lines = |boards: &[(Board, PendingQuery)]| -> Vec<_> {
        let line = |(board, _): &(Board, PendingQuery)| Arc::as_ptr(&board.sidebar().lines[0]);
        boards.iter().map(line).collect()
    };
    let all_same = |lines: Vec<_>| lines.iter().all(|line| *line == lines[0]);
    assert!(all_same(lines(&boards)), "while loading");
    for (board, query) in &mut boards {
        board.answered("add-on:g", query.query_number, Ok(held(data("same", 1))));
    }
    assert!(all_same(lines(&boards)), "the same answer to each");
    let glances = [("g".to_owned(), held(data("pushed", 1)))];
    let pushed = Push::new("id".into(), None, glances);
    for (board, _) in &mut boards {
        board.push(&pushed, &Derived::default());
        assert_eq!(shown(board), ["pushed"]);
    }
    assert!(all_same(lines(&boards)), "a push");
    push(&mut boards[0].0, "id", "g", &data("another", 1));
    assert!(!all_same(lines(&boards)));
}

#[test]
fn a_push_for_one_person_is_for_them_alone() {
    let (mut board, _) = board(vec![glance("g", vec![])]);
    let glances = || [("g".to_owned(), held(data("mine", 1)))];
    board.push(
        &Push::new("id".into(), Some(2.into()), glances()),
        &Derived::default(),
    );
    assert_eq!(shown(&board), ["loading"]);
    board.push(
        &Push::new("id".into(), Some(1.into()), glances()),
        &Derived::default(),
    );
    assert_eq!(shown(&board), ["mine"]);
}
