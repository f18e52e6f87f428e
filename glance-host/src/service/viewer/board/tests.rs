use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::model::{Installed, Place};
use crate::service::viewer::LineState;
use glance_sdk::model::{
    Audience, Condition, Configurable, Descriptor, Glance, Icon, Match, UserId,
};
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
    board.load(place(user()), lineup(glances), &Stored::new())
}

fn lineup(glances: Vec<Glance>) -> Arc<Lineup> {
    lineup_of(descriptor(glances))
}

fn descriptor(glances: Vec<Glance>) -> Descriptor {
    let mut descriptor = Descriptor::new("add-on", "Add-on", "http://a.example/");
    descriptor.capabilities.glance = Some(glances);
    descriptor
}

fn lineup_of(descriptor: Descriptor) -> Arc<Lineup> {
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
    let push = pushed(oauth_id, None, glances);
    board.push(&push, Source::Push, &Derived::default());
}

/// Creates a push that is newer than all before.
fn pushed(
    oauth_id: &str,
    user: Option<UserId>,
    glances: impl IntoIterator<Item = (String, Data)>,
) -> Push {
    let place = Place::Room(1.into());
    Push {
        version: next_version(),
        ..Push::new(oauth_id.into(), place, user, 0, glances)
    }
}

/// Returns a version that is greater than all before.
fn next_version() -> Version {
    static PUSHES: AtomicU64 = AtomicU64::new(1);
    Version {
        group: 0,
        room: PUSHES.fetch_add(1, Ordering::Relaxed),
    }
}

/// Returns the answer to a query that began after all pushes so far.
fn answer(data: Value) -> NewAnswer {
    NewAnswer {
        data: held(data),
        version: next_version(),
        at: 0,
    }
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
            LineState::Ready { label, .. } if line.stale.is_some() => format!("{label}, stale"),
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
        Ok(answer(data("<b>4</b><script>x</script>", 4))),
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
    board.answered("add-on:g", second.query_number, Ok(answer(data("old", 1))));
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
        Ok(answer(data("four", 4))),
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
    assert!(
        shown(&board).is_empty(),
        "the old data, which is hidden, stays"
    );
}

#[test]
fn failure_without_data_shows_whatever_the_conditions_say() {
    let condition = Condition::glance_matches([Match::gt("count", 0)]);
    let (mut board, queries) = board(vec![glance("g", vec![condition])]);
    board.answered("add-on:g", queries[0].query_number, Err("down".into()));
    assert_eq!(shown(&board), ["failed"]);
}

#[test]
fn data_stays_with_its_age_while_the_add_on_is_down() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    let first = NewAnswer {
        at: 5_000,
        ..answer(data("four", 4))
    };
    board.answered("add-on:g", queries[0].query_number, Ok(first));
    let again = board.retry("add-on:g").unwrap();
    assert_eq!(shown(&board), ["four"], "nothing flickers during a query");
    assert_eq!(board.sidebar().loading, 1);
    board.answered("add-on:g", again.query_number, Err("It is down.".into()));
    let line = &board.sidebar().lines[0];
    let stale = line.stale.as_ref().unwrap();
    assert_eq!((stale.since, &*stale.problem), (5_000, "It is down."));
    assert!(board.has_failed("add-on:g"), "it is retried");

    let quiet = board.retry_quietly("add-on:g").unwrap();
    assert_eq!(board.sidebar().loading, 0);
    let later = NewAnswer {
        at: 9_000,
        ..answer(data("four", 4))
    };
    board.answered("add-on:g", quiet.query_number, Ok(later));
    assert_eq!(shown(&board), ["four"]);
    assert!(!board.has_failed("add-on:g"));
    let origin = board.known().next().unwrap().origin.unwrap();
    assert_eq!((origin.received_at, origin.changed_at), (9_000, 5_000));
}

fn stored(label: &str, version: Version, source: Source, age: Option<Duration>) -> Stored {
    let value = GlanceValue {
        oauth_id: "id".into(),
        key: "g".to_owned(),
        is_for_everyone: true,
        data: held(data(label, 1)),
        version,
        source,
        received_at: 7,
        changed_at: 3,
    };
    let key = (value.oauth_id.clone(), value.key.clone());
    Stored::from([(key, StoredValue { value, age })])
}

#[test]
fn stored_data_shows_at_once_and_newer_data_replaces_it() {
    let older = pushed("id", None, [("g".to_owned(), held(data("older", 1)))]);
    let newer = pushed("id", None, [("g".to_owned(), held(data("newer", 1)))]);
    let mut board = Board::new(place(user()));
    let known = stored("stored", newer.version, Source::Push, Some(Duration::ZERO));
    let queries = board.load(place(user()), lineup(vec![glance("g", vec![])]), &known);
    assert_eq!(queries.len(), 1, "a query per person");
    assert_eq!(shown(&board), ["stored"]);
    for event in [&older, &newer] {
        board.push(event, Source::Push, &Derived::default());
        assert_eq!(shown(&board), ["stored"], "it is not newer than that");
    }
    let origin = board.known().next().unwrap().origin.unwrap();
    assert!(origin.is_stored);
    assert_eq!((origin.received_at, origin.changed_at), (7, 3));
    push(&mut board, "id", "g", &data("newest", 1));
    assert_eq!(shown(&board), ["newest"]);

    // The viewer missed an event: it finds in storage what that brought.
    let missed = stored("missed", next_version(), Source::Push, Some(Duration::ZERO));
    board.load(place(user()), lineup(vec![glance("g", vec![])]), &missed);
    assert_eq!(shown(&board), ["missed"]);
}

#[test]
fn answer_is_newer_than_the_push_before_its_query() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    let late = pushed("id", None, [("g".to_owned(), held(data("pushed", 1)))]);
    let answer = NewAnswer {
        version: late.version,
        ..answer(data("answered", 1))
    };
    board.answered("add-on:g", queries[0].query_number, Ok(answer));
    board.push(&late, Source::Push, &Derived::default());
    assert_eq!(shown(&board), ["answered"]);
}

#[test]
fn answer_for_the_room_comes_as_an_event_and_as_the_own_answer() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    let event = pushed("id", None, [("g".to_owned(), held(data("answered", 1)))]);
    board.push(&event, Source::Query, &Derived::default());
    assert_eq!(shown(&board), ["answered"]);
    let number = queries[0].query_number;
    assert!(board.awaits("add-on:g", number), "it is not late");
    let own = NewAnswer {
        version: event.version,
        ..answer(data("answered", 1))
    };
    board.answered("add-on:g", number, Ok(own));
    assert_eq!(
        (shown(&board), board.sidebar().loading),
        (vec!["answered".into()], 0)
    );
}

#[test]
fn data_for_the_room_is_queried_when_it_expired() {
    let room_glance = || glance("g", vec![]).audience(Audience::Room);
    let load = |glance, age| {
        let mut board = Board::new(place(user()));
        let known = stored("stored", next_version(), Source::Query, age);
        let queries = board.load(place(user()), lineup(vec![glance]), &known);
        assert_eq!(shown(&board), ["stored"]);
        (board, queries.len())
    };
    let millis = |age| Some(Duration::from_millis(age));
    for (max_age, last) in [
        (None, 299_999),
        (Some(1), 999),
        (Some(60), 59_999),
        (Some(86_400), 86_399_999),
        // Ages out of range, which a host stored before it checked them.
        (Some(0), 999),
        (Some(-60), 999),
        (Some(100_000), 86_399_999),
    ] {
        let mut glance = room_glance();
        glance.max_age = max_age;
        let (mut current, queries) = load(glance.clone(), millis(last));
        assert_eq!((queries, current.query_all().len()), (0, 0), "{max_age:?}");
        assert!(current.retry("add-on:g").is_some(), "somebody asks for it");
        let (mut expired, queries) = load(glance, millis(last + 1));
        assert_eq!((queries, expired.query_all().len()), (1, 1), "{max_age:?}");
    }
    let (_, queries) = load(room_glance(), None);
    assert_eq!(queries, 1, "the clock was set back");
}

#[test]
fn a_push_overtakes_a_query_under_way() {
    let (mut board, queries) = board(vec![glance("g", vec![])]);
    push(&mut board, "id", "g", &data("new", 1));
    board.answered(
        "add-on:g",
        queries[0].query_number,
        Ok(answer(data("old", 1))),
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
            Ok(answer(data(&query.prepared.glance.key, 1))),
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
            let query = board
                .load(place(user()), Arc::clone(&lineup), &Stored::new())
                .remove(0);
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
        board.answered("add-on:g", query.query_number, Ok(answer(data("same", 1))));
    }
    assert!(all_same(lines(&boards)), "the same answer to each");
    let glances = [("g".to_owned(), held(data("pushed", 1)))];
    let pushed = pushed("id", None, glances);
    for (board, _) in &mut boards {
        board.push(&pushed, Source::Push, &Derived::default());
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
        &pushed("id", Some(2.into()), glances()),
        Source::Push,
        &Derived::default(),
    );
    assert_eq!(shown(&board), ["loading"]);
    board.push(
        &pushed("id", Some(1.into()), glances()),
        Source::Push,
        &Derived::default(),
    );
    assert_eq!(shown(&board), ["mine"]);
}

#[test]
fn page_without_a_line_says_what_is_watched_and_what_needs_settings() {
    let conditions = || vec![Condition::glance_matches([Match::gt("open", 0)])];
    let hidden = |query_url| {
        let mut glance = glance("hidden", conditions());
        glance.query_url = query_url;
        glance
    };
    let loading = hidden(Some("http://a.example/hidden".to_owned()));
    assert_eq!(board(vec![loading]).0.quiet(), None, "it may still show");
    let quiet = board(vec![hidden(None)]).0.quiet().unwrap();
    assert_eq!((quiet.watched, quiet.not_set_up.len()), (1, 0));

    let mut descriptor = descriptor(vec![hidden(None)]);
    descriptor.capabilities.configurable = Some(Configurable::new("http://a.example/settings"));
    let mut board = Board::new(place(user()));
    board.load(place(user()), lineup_of(descriptor), &Stored::new());
    let not_set_up = board.quiet().map(|quiet| quiet.not_set_up);
    assert_eq!(not_set_up, Some(["Add-on".to_owned()].into()));

    let data = |open: u32| json!({ "label": {}, "metadata": { "open": open } });
    push(&mut board, "id", "hidden", &data(0));
    let quiet = board.quiet().unwrap();
    assert_eq!((quiet.watched, quiet.not_set_up.len()), (1, 0));
    push(&mut board, "id", "hidden", &data(2));
    assert_eq!(board.quiet(), None);
}
