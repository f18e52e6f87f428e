use super::*;
use crate::ErrorKind;

fn installation(id: &str, secret: &str, room: u64) -> Installation {
    let mut data = InstallationData::new(
        id.into(),
        secret.into(),
        "http://h/v2/capabilities",
        1.into(),
    );
    data.room_id = Some(room.into());
    Installation::new(
        data,
        Endpoints::new("http://h/v2/oauth/token", "http://h/v2/"),
    )
}

async fn keeps_replaces_refuses_and_forgets(store: &dyn InstallationStore) {
    let id = OauthId::from("one");
    assert!(store.get(&id).await.unwrap().is_none());

    store.put(&installation("one", "secret", 1)).await.unwrap();
    store.put(&installation("two", "secret", 2)).await.unwrap();
    let found = store.get(&id).await.unwrap().unwrap();
    assert_eq!(found.room_id(), Some(RoomId::new(1)));
    assert_eq!(found.data.oauth_secret.expose(), "secret");
    assert_eq!(found.endpoints.api_url, "http://h/v2/");

    store.put(&installation("one", "secret", 3)).await.unwrap();
    assert_eq!(
        store.get(&id).await.unwrap().unwrap().room_id(),
        Some(RoomId::new(3))
    );

    let refused = store
        .put(&installation("one", "stolen", 4))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let kept = store.get(&id).await.unwrap().unwrap();
    assert_eq!(
        (kept.room_id(), kept.data.oauth_secret.expose()),
        (Some(RoomId::new(3)), "secret")
    );

    let ids: Vec<_> = store
        .list()
        .await
        .unwrap()
        .iter()
        .map(|one| one.oauth_id().to_string())
        .collect();
    assert_eq!(ids, ["one", "two"]);

    assert!(store.remove(&id).await.unwrap());
    assert!(!store.remove(&id).await.unwrap());
    assert!(store.get(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn memory() {
    keeps_replaces_refuses_and_forgets(&MemoryStore::default()).await;
}

#[cfg(feature = "store-sqlite")]
mod sqlite {
    use super::*;

    #[tokio::test]
    async fn it_keeps_replaces_refuses_and_forgets() {
        let folder = tempfile::tempdir().unwrap();
        keeps_replaces_refuses_and_forgets(
            &SqliteStore::open(folder.path().join("a.sqlite")).unwrap(),
        )
        .await;
    }

    #[tokio::test]
    async fn a_second_opening_finds_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        SqliteStore::open(&file)
            .unwrap()
            .put(&installation("one", "secret", 1))
            .await
            .unwrap();
        let found = SqliteStore::open(&file)
            .unwrap()
            .get(&"one".into())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.data.oauth_secret.expose(), "secret");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        SqliteStore::open(&file).unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o077,
            0
        );
    }

    #[test]
    fn what_is_no_database_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        std::fs::write(&file, "this is not a database, it is a letter to a friend").unwrap();
        let error = SqliteStore::open(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("a.sqlite"), "{error}");
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .starts_with("this is not")
        );
    }
}
