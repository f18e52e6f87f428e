use super::*;
use crate::repositories::Repository;
use crate::rooms::Rooms;
use crate::schema::STEPS;

const NOW: i64 = 1_790_000_000;

struct Stored {
    pulls: Pulls,
    rooms: Rooms,
    place: Place,
    _data: tempfile::TempDir,
}

impl Stored {
    async fn choosing(repositories: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(&data.path().join("pulls.sqlite"), STEPS).unwrap();
        let stored = Self {
            pulls: Pulls(database.clone()),
            rooms: Rooms(database),
            place: ("one".into(), 1.into()),
            _data: data,
        };
        stored.choose(repositories).await;
        stored
    }

    async fn choose(&self, repositories: &[&str]) {
        let names = repositories.iter().map(|name| (*name).to_owned()).collect();
        let (oauth_id, room) = &self.place;
        let configured = self.rooms.configure(oauth_id, *room, names, 7);
        configured.await.unwrap();
    }

    async fn record(&self, repository: Repository, news: News) -> bool {
        let delivery = Delivery {
            repository: Some(repository),
            news,
        };
        !self.pulls.record(delivery, NOW).await.unwrap().is_empty()
    }

    /// Returns the numbers of the open pull requests.
    async fn open(&self) -> Vec<u32> {
        let open = self.pulls.open_in(&self.place.0, self.place.1).await;
        open.unwrap().iter().map(|pull| pull.number).collect()
    }

    async fn chosen(&self) -> Vec<String> {
        let settings = self.rooms.settings(&self.place.0, self.place.1).await;
        let chosen = settings.unwrap().repositories.into_iter();
        chosen.map(|chosen| chosen.full_name).collect()
    }
}

fn repository(github_id: i64, full_name: &str) -> Repository {
    Repository {
        github_id: Some(github_id),
        full_name: full_name.to_owned(),
        former_name: None,
        updated_at: Some(NOW),
        is_archived: Some(false),
    }
}

fn pull(number: u32, updated_at: i64, action: &str) -> PullRequest {
    PullRequest {
        number,
        title: format!("Change {number}"),
        url: String::new(),
        is_open: action != "closed",
        is_draft: action == "converted_to_draft",
        opened_at: NOW,
        updated_at: NOW + updated_at,
        action: action.to_owned(),
    }
}

fn opened(number: u32) -> News {
    News::PullRequest(pull(number, 0, "opened"))
}

#[test]
fn deliveries_of_same_second_are_ordered_by_action() {
    let after = |known: &PullRequest, new: PullRequest| {
        let known = Known {
            title: known.title.clone(),
            is_open: known.is_open,
            is_draft: known.is_draft,
            updated_at: known.updated_at,
        };
        let new = new.after(Some(&known))?;
        Some((new.is_open, new.is_draft))
    };
    let closed = pull(1, 5, "closed");
    let draft = pull(1, 5, "converted_to_draft");
    let ready = pull(1, 5, "ready_for_review");
    for (known, new, expected) in [
        (&closed, pull(1, 5, "synchronize"), Some((false, false))),
        (&closed, pull(1, 4, "synchronize"), None),
        (&closed, pull(1, 6, "reopened"), Some((true, false))),
        (&ready, pull(1, 5, "closed"), Some((false, false))),
        (&draft, pull(1, 5, "labeled"), Some((true, true))),
        (&draft, pull(1, 5, "ready_for_review"), Some((true, false))),
        (&ready, pull(1, 5, "converted_to_draft"), Some((true, true))),
        (&draft, pull(1, 6, "labeled"), Some((true, false))),
    ] {
        let case = format!("{} after {}", new.action, known.action);
        assert_eq!(after(known, new), expected, "{case}");
    }
}

#[tokio::test]
async fn choice_follows_renamed_and_transferred_repository() {
    let stored = Stored::choosing(&["example/widgets"]).await;
    assert!(
        stored
            .record(repository(7, "Example/Widgets"), opened(1))
            .await
    );
    assert_eq!(stored.open().await, [1]);
    // Any delivery contains the new name; the times of renames are not always newer.
    stored
        .record(repository(7, "else/gears"), News::Other)
        .await;
    assert_eq!(stored.chosen().await, ["else/gears"]);
    assert!(stored.record(repository(7, "else/gears"), opened(2)).await);
    assert_eq!(stored.open().await, [1, 2]);

    // A late delivery does not restore the old name.
    let mut late = repository(7, "example/widgets");
    late.updated_at = Some(NOW - 60);
    stored.record(late, opened(3)).await;
    assert_eq!(stored.chosen().await, ["else/gears"]);

    let renamed = News::OwnerRenamed {
        from: "Else".to_owned(),
        to: "where".to_owned(),
    };
    let delivery = Delivery {
        repository: None,
        news: renamed,
    };
    stored.pulls.record(delivery, NOW).await.unwrap();
    assert_eq!(stored.chosen().await, ["where/gears"]);
    assert_eq!(stored.open().await, [1, 2, 3]);
}

#[tokio::test]
async fn rename_is_found_without_ids() {
    let stored = Stored::choosing(&["example/widgets", "example/gears"]).await;
    let mut renamed = repository(7, "example/gears");
    renamed.former_name = Some("example/widgets".to_owned());
    stored.record(renamed, News::Other).await;
    assert_eq!(stored.chosen().await, ["example/gears"]);
    stored
        .record(repository(7, "example/gears"), opened(1))
        .await;
    assert_eq!(stored.open().await, [1]);
}

#[tokio::test]
async fn reused_name_belongs_to_new_repository() {
    let stored = Stored::choosing(&["example/widgets"]).await;
    stored
        .record(repository(7, "example/widgets"), opened(1))
        .await;
    // The repository was deleted without a delivery, and created again.
    assert!(
        stored
            .record(repository(8, "example/widgets"), opened(2))
            .await
    );
    assert_eq!(stored.open().await, [2]);
    assert_eq!(stored.chosen().await, ["example/widgets"]);
    // The earlier repository exists under another name, which nobody chose.
    stored.record(repository(7, "example/old"), opened(3)).await;
    assert_eq!(stored.open().await, [2]);
    stored.choose(&["example/old", "example/widgets"]).await;
    assert_eq!(stored.open().await, [1, 3, 2]);
}

#[tokio::test]
async fn archived_and_deleted_repositories_do_not_count() {
    let stored = Stored::choosing(&["example/widgets"]).await;
    let widgets = || repository(7, "example/widgets");
    stored.record(widgets(), opened(1)).await;
    let mut archived = widgets();
    archived.is_archived = Some(true);
    assert!(stored.record(archived.clone(), News::Other).await);
    assert!(!stored.record(archived, News::Other).await);
    assert!(stored.open().await.is_empty());
    assert!(stored.record(widgets(), News::Other).await);
    assert_eq!(stored.open().await, [1]);

    assert!(stored.record(widgets(), News::RepositoryDeleted).await);
    assert!(stored.open().await.is_empty());
    // A late delivery from before the deletion.
    stored.record(widgets(), opened(2)).await;
    assert!(stored.open().await.is_empty());
    // GitHub can restore a deleted repository; only then can it have further events.
    let reopened = News::PullRequest(pull(2, 3600, "reopened"));
    assert!(stored.record(widgets(), reopened).await);
    assert_eq!(stored.open().await, [1, 2]);
}

#[tokio::test]
async fn removed_pull_request_returns_after_newer_delivery() {
    let stored = Stored::choosing(&["example/widgets"]).await;
    let widgets = || repository(7, "example/widgets");
    stored.record(widgets(), opened(1)).await;
    stored.record(widgets(), opened(2)).await;
    let (oauth_id, room) = &stored.place;
    let open = stored.pulls.open_in(oauth_id, *room).await.unwrap();
    let id = open[0].repository;
    let other_room = ("two".into(), 2.into());
    // A room that has not chosen the repository removes nothing.
    let remove = stored.rooms.remove(&other_room.0, other_room.1, id, 1);
    remove.await.unwrap();
    stored.rooms.remove(oauth_id, *room, id, 1).await.unwrap();
    assert_eq!(stored.open().await, [2]);
    let settings = stored.rooms.settings(oauth_id, *room).await.unwrap();
    assert_eq!(settings.removed, 1);

    // The same delivery again contains nothing new.
    assert!(!stored.record(widgets(), opened(1)).await);
    assert_eq!(stored.open().await, [2]);
    let news = News::PullRequest(pull(1, 1, "synchronize"));
    assert!(stored.record(widgets(), news).await);
    assert_eq!(stored.open().await, [1, 2]);

    stored.rooms.remove(oauth_id, *room, id, 2).await.unwrap();
    stored.choose(&["example/widgets"]).await;
    assert_eq!(
        stored.open().await,
        [1],
        "saving the settings keeps it removed"
    );
    stored.rooms.restore(oauth_id, *room).await.unwrap();
    assert_eq!(stored.open().await, [1, 2]);
}

#[tokio::test]
async fn closed_pull_requests_are_removed_after_a_month() {
    let stored = Stored::choosing(&["example/widgets"]).await;
    let closed = |number, at| News::PullRequest(pull(number, at, "closed"));
    stored
        .record(repository(7, "a/b"), closed(1, -FORGOTTEN_AFTER - 1))
        .await;
    stored
        .record(repository(7, "a/b"), closed(2, -FORGOTTEN_AFTER))
        .await;
    let numbers = stored.pulls.0.read(|transaction| {
        let mut query = transaction.prepare("SELECT number FROM pull")?;
        query.query_map([], |row| row.get(0))?.collect()
    });
    let numbers: Vec<u32> = numbers.await.unwrap();
    assert_eq!(numbers, [2]);
}

/// A file of the version that identified repositories by name only.
#[tokio::test]
async fn older_database_is_migrated() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("pulls.sqlite");
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "CREATE TABLE pull_request (
             repository TEXT NOT NULL COLLATE NOCASE, number INTEGER NOT NULL, title TEXT NOT NULL,
             url TEXT NOT NULL, is_open INTEGER NOT NULL, is_draft INTEGER NOT NULL,
             opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
             PRIMARY KEY (repository, number)
         ) STRICT;
         CREATE TABLE room (
             oauth_id TEXT NOT NULL, room_id INTEGER NOT NULL, stale_days INTEGER NOT NULL,
             PRIMARY KEY (oauth_id, room_id)
         ) STRICT;
         CREATE TABLE chosen (
             repository TEXT NOT NULL COLLATE NOCASE, oauth_id TEXT NOT NULL,
             room_id INTEGER NOT NULL, PRIMARY KEY (repository, oauth_id, room_id),
             FOREIGN KEY (oauth_id, room_id) REFERENCES room ON DELETE CASCADE
         ) STRICT;
         INSERT INTO pull_request VALUES ('Example/Widgets', 1, 'One', '', 1, 0, 1, 1);
         INSERT INTO pull_request VALUES ('Example/Widgets', 2, 'Two', '', 0, 0, 1, 1);
         INSERT INTO pull_request VALUES ('example/other', 3, 'Three', '', 1, 0, 1, 1);
         INSERT INTO room VALUES ('one', 1, 3);
         INSERT INTO chosen VALUES ('example/widgets', 'one', 1);
         INSERT INTO chosen VALUES ('example/new', 'one', 1);",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let database = Database::open(&file, STEPS).unwrap();
        let stored = Stored {
            pulls: Pulls(database.clone()),
            rooms: Rooms(database),
            place: ("one".into(), 1.into()),
            _data: tempfile::tempdir().unwrap(),
        };
        let settings = stored.rooms.settings(&stored.place.0, 1.into()).await;
        assert_eq!(settings.unwrap().stale_days, 3);
        assert_eq!(stored.open().await, [1]);
        // The first delivery with an id assigns it to the name.
        stored
            .record(repository(7, "example/widgets"), News::Other)
            .await;
        stored
            .record(repository(7, "example/gears"), News::Other)
            .await;
        assert_eq!(stored.open().await, [1]);
        assert_eq!(stored.chosen().await, ["example/gears", "example/new"]);
    }
}
