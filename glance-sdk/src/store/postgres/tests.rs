mod builder;
mod failures;
mod server;

use tokio_postgres::Config;

use super::connections::Servers;
use super::*;
use crate::ErrorKind;
use crate::store::{EncryptedStore, Keyring, conformance};
use server::{Server, url_in};

fn installation(id: &str) -> Installation {
    let data = InstallationData::new(id.into(), "secret".into(), "http://h/c", 1.into());
    Installation::new(data, Endpoints::new("http://h/token", "http://h/v2/"))
}

impl PostgresStore {
    /// Returns the pool of a store with its own pool.
    fn own_pool(&self) -> &deadpool::managed::Pool<Servers> {
        match &self.database.pool {
            Pool::Own(pool) => pool,
            #[cfg(feature = "deadpool-postgres")]
            Pool::Given(_) => panic!("a pool of another"),
        }
    }

    /// Returns a statement as this store sends it.
    fn sql(&self, template: &str) -> String {
        self.database.schema.sql(template)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_store_conforms() {
    let Some(server) = Server::find().await else {
        return;
    };
    let make = async || server.store().await;
    conformance::check(make).await;
    conformance::check_sharing(make).await;
    server.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_postgres_store_conforms() {
    let Some(server) = Server::find().await else {
        return;
    };
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let make = async || {
        let keyring: Keyring = key.parse().unwrap();
        EncryptedStore::new(server.store().await, keyring)
    };
    conformance::check(make).await;
    conformance::check_sharing(make).await;
    server.clear().await;
}

#[tokio::test]
async fn tls_verifies_server_certificate() {
    let Some(url) = url_in("GLANCE_POSTGRES_TLS") else {
        return;
    };
    let config: Config = url.parse().unwrap();
    assert_eq!(
        config.get_ssl_mode(),
        tokio_postgres::config::SslMode::Require
    );
    let store = PostgresStore::connect(&url).await.unwrap();
    let connection = store.own_pool().get().await.unwrap();
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = connection.query_one(query, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));

    let another_name = url.replace("localhost", "127.0.0.1");
    let error = PostgresStore::connect(&another_name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(format!("{error:#}").contains("certificate"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_starts_create_tables_once() {
    let Some(server) = Server::find().await else {
        return;
    };
    let url = server.schema().await;
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..8 {
        let url = url.clone();
        starts.spawn(async move {
            let store = PostgresStore::connect(&url).await.unwrap();
            let id = format!("id {number}");
            store.put(&installation(&id)).await.unwrap();
        });
    }
    starts.join_all().await;
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.list().await.unwrap().len(), 8);
    server.clear().await;
}

/// The tables as the version before removal checks created them.
#[tokio::test]
async fn tables_of_first_version_are_migrated_to_origins() {
    let Some(server) = Server::find().await else {
        return;
    };
    let url = server.schema().await;
    let store = PostgresStore::connect(&url).await.unwrap();
    store.put(&installation("a")).await.unwrap();
    let mut other = installation("b");
    other.data.capabilities_url = "HTTPS://Chat.example:443/c".to_owned();
    store.put(&other).await.unwrap();
    let connection = store.own_pool().get().await.unwrap();
    let before = "ALTER TABLE glance_installation
            DROP COLUMN origin, DROP COLUMN removal_attempts,
            DROP COLUMN removal_asked_at, DROP COLUMN removal_due_at;
        DROP TABLE glance_access_token, glance_used_request;
        UPDATE glance_schema SET version = 1;";
    connection.batch_execute(before).await.unwrap();
    drop((connection, store));

    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.count(None).await.unwrap(), 2);
    for (origin, number) in [("https://chat.example", 1), ("http://h", 1), ("", 0)] {
        assert_eq!(store.count(Some(origin)).await.unwrap(), number, "{origin}");
    }
    let check = store.removal_check(&"a".into()).await.unwrap();
    assert_eq!(check, Some(RemovalCheck::default()));
    server.clear().await;
}

#[tokio::test]
async fn tables_of_newer_version_are_refused() {
    let Some(server) = Server::find().await else {
        return;
    };
    let url = server.schema().await;
    let store = PostgresStore::connect(&url).await.unwrap();
    let connection = store.own_pool().get().await.unwrap();
    let newer = "UPDATE glance_schema SET version = 99";
    connection.batch_execute(newer).await.unwrap();
    let error = PostgresStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(format!("{error:#}").contains("newer version"), "{error:?}");
    server.clear().await;
}

#[tokio::test]
async fn id_with_nul_is_not_found() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    for id in ["a", "b"] {
        store.put(&installation(id)).await.unwrap();
    }
    let strange = OauthId::from("a\0b");
    assert!(store.get(&strange).await.unwrap().is_none());
    assert!(!store.remove(&strange).await.unwrap());
    let page = store.page(Some(&strange), 9).await.unwrap();
    assert_eq!(page.len(), 1);
    let error = store.put(&installation("a\0b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    server.clear().await;
}

#[tokio::test]
async fn no_query_scans_a_large_table() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    let connection = store.own_pool().get().await.unwrap();
    connection
        .batch_execute(
            "INSERT INTO glance_installation
                 (oauth_id, data, token_url, api_url, group_id, room_id)
             SELECT to_char(n, '\"id\" 00000000'),
                 json_build_object('oauthId', to_char(n, '\"id\" 00000000'), 'oauthSecret', 'secret',
                     'capabilitiesUrl', 'http://h/c', 'groupId', n / 20, 'roomId', n / 2)::text,
                 'http://h/token', 'http://h/v2/', n / 20, n / 2
             FROM generate_series(0, 999999) AS n;
             ANALYZE glance_installation;",
        )
        .await
        .unwrap();
    for (query, one, other, index) in [
        (GET, "'id  00500000'", "", "glance_installation_pkey"),
        (FIRST_PAGE, "100", "", "glance_installation_pkey"),
        (
            NEXT_PAGE,
            "100",
            "'id  00500000'",
            "glance_installation_pkey",
        ),
        (IN_ROOM, "1000", "", "glance_installation_by_room"),
        (IN_GROUP, "1000", "", "glance_installation_by_group"),
    ] {
        let query = store.sql(query).replace("$1", one).replace("$2", other);
        let explain = format!("EXPLAIN {query}");
        let rows = connection.query(&explain, &[]);
        let plan: Vec<String> = rows.await.unwrap().iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(
            plan.contains(&format!("Index Scan using {index}")),
            "{plan}"
        );
        assert!(
            !plan.contains("Seq Scan") && !plan.contains("Sort"),
            "{plan}"
        );
    }
    drop(connection);
    assert_eq!(store.in_room(1000.into()).await.unwrap().len(), 2);
    assert_eq!(store.in_group(1000.into()).await.unwrap().len(), 20);
    assert_eq!(store.page(None, 100).await.unwrap().len(), 100);
    server.clear().await;
}

#[tokio::test]
async fn unreachable_server_is_a_clear_error() {
    let error = PostgresStore::connect("http://h").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let nowhere = "postgresql:///a?host=/nonexistent&user=a&password=topsecret";
    let error = PostgresStore::connect(nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(!format!("{error:?}").contains("topsecret"), "{error:?}");
}
