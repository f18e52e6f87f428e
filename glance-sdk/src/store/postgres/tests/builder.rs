//! Tests the settings of a store's connections and schema.

use super::server::{Server, name, url_in};
use super::*;

/// Returns the tables in the schema with this name, in order.
async fn tables(server: &Server, schema: &str) -> Vec<String> {
    let query = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1";
    server.texts(query, schema).await
}

#[tokio::test]
async fn schema_is_created_and_named_in_every_statement() {
    let Some(server) = Server::find().await else {
        return;
    };
    let schema = format!("{}.\"Odd\"; --", name());
    server.new_schema(&schema);
    let store = PostgresStore::builder(&server.url).schema(&schema);
    let store = store.connect().await.unwrap();
    assert_eq!(
        tables(&server, &schema).await,
        [
            "glance_access_token",
            "glance_installation",
            "glance_schema",
            "glance_used_request"
        ]
    );
    store.put(&installation("one")).await.unwrap();

    // A pooler hands out connections with any search path.
    let connection = store.own_pool().get().await.unwrap();
    let elsewhere = "SET search_path = nowhere";
    connection.batch_execute(elsewhere).await.unwrap();
    drop(connection);
    let one = OauthId::from("one");
    assert!(store.get(&one).await.unwrap().is_some());
    assert_eq!(store.count(None).await.unwrap(), 1);
    let token = AccessToken::new("token".into(), 100);
    assert!(store.put_access_token(&one, "a", &token, 1).await.unwrap());
    assert_eq!(store.access_token(&one, "a").await.unwrap(), Some(token));
    assert!(store.remove(&one).await.unwrap());

    // Connects again to the existing schema; the tables of two schemas are independent.
    let again = PostgresStore::builder(&server.url).schema(&schema);
    again
        .connect()
        .await
        .unwrap()
        .put(&installation("two"))
        .await
        .unwrap();
    let other = name();
    server.new_schema(&other);
    let other = PostgresStore::builder(&server.url).schema(other);
    assert_eq!(other.connect().await.unwrap().count(None).await.unwrap(), 0);
    assert_eq!(store.count(None).await.unwrap(), 1);
    server.clear().await;
}

#[tokio::test]
async fn search_path_matters_only_at_start() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    store.put(&installation("one")).await.unwrap();
    let connection = store.own_pool().get().await.unwrap();
    let elsewhere = "SET search_path = nowhere";
    connection.batch_execute(elsewhere).await.unwrap();
    drop(connection);
    assert_eq!(store.count(None).await.unwrap(), 1);

    let nowhere = server::with(&server.url, "options=-csearch_path%3Dnowhere");
    let error = PostgresStore::connect(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("search path"), "{error}");
    server.clear().await;
}

/// PgBouncer keeps settings of other clients on its connections, including their search paths.
#[tokio::test(flavor = "multi_thread")]
async fn leftover_search_paths_on_pooler_connections_are_ignored() {
    let Some(bouncer) = url_in("GLANCE_PGBOUNCER") else {
        return;
    };
    let Some(server) = Server::find().await else {
        return;
    };
    let schema = name();
    let url = bouncer.replace("/postgres?", &format!("/{}?", server.database().await));
    let config: Config = url.parse().unwrap();
    let chosen = PostgresStore::from_config(config).schema(&schema).connect();
    let stores = [
        chosen.await.unwrap(),
        PostgresStore::connect(&url).await.unwrap(),
    ];

    // Runs one transaction on each of the pooler's connections to the database.
    let other = PostgresStore::builder(&url).pool_size(4).schema("other");
    let other = other.connect().await.unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        let connection = other.own_pool().get().await.unwrap();
        let leave = "BEGIN; SET search_path = nowhere";
        connection.batch_execute(leave).await.unwrap();
        held.push(connection);
    }
    for connection in held {
        connection.batch_execute("COMMIT").await.unwrap();
        let path = "SHOW search_path";
        let path = connection.query_typed_one(path, &[]).await.unwrap();
        assert_eq!(path.get::<_, &str>(0), "nowhere");
    }
    for store in stores {
        let one = OauthId::from("one");
        assert_eq!(store.count(None).await.unwrap(), 0);
        store.put(&installation("one")).await.unwrap();
        assert!(store.get(&one).await.unwrap().is_some());
        let token = AccessToken::new("token".into(), 100);
        assert!(store.put_access_token(&one, "a", &token, 1).await.unwrap());
        let claim = RequestClaim::new(one.clone(), [1; 32], 100, 1, 10);
        assert_eq!(store.claim_request(&claim).await.unwrap(), Claimed::First);
        assert_eq!(
            store.claim_request(&claim).await.unwrap(),
            Claimed::Replayed
        );
        assert!(store.remove(&one).await.unwrap());
    }
    drop(other);
    server.clear().await;
}

#[tokio::test]
async fn tables_later_on_search_path_are_found() {
    let Some(server) = Server::find().await else {
        return;
    };
    let url = server.schema().await;
    PostgresStore::connect(&url)
        .await
        .unwrap()
        .put(&installation("one"))
        .await
        .unwrap();
    let earlier = name();
    server.new_schema(&earlier);
    server.execute(&format!("CREATE SCHEMA {earlier}")).await;
    let url = url.replace("search_path%3D", &format!("search_path%3D{earlier},"));
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.count(None).await.unwrap(), 1);
    assert!(tables(&server, &earlier).await.is_empty());
    server.clear().await;
}

#[tokio::test]
async fn missing_create_privilege_has_helpful_error() {
    let Some(server) = Server::find().await else {
        return;
    };
    let role = name();
    server.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    let url = server.url.replace("user=glance", &format!("user={role}"));
    let schema = name();
    let error = PostgresStore::builder(&url).schema(&schema).connect().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    let remedy = format!("CREATE SCHEMA \"{schema}\" AUTHORIZATION");
    assert!(error.to_string().contains(&remedy), "{error}");

    server.new_schema(&schema);
    let made = format!("CREATE SCHEMA \"{schema}\" AUTHORIZATION {role}");
    server.execute(&made).await;
    let store = PostgresStore::builder(&url).schema(&schema).connect().await;
    store.unwrap().put(&installation("one")).await.unwrap();
    server
        .execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"))
        .await;
    server.clear().await;
}

#[tokio::test]
async fn pool_size_limits_connections() {
    let Some(server) = Server::find().await else {
        return;
    };
    let schema = name();
    server.new_schema(&schema);
    let mut config: Config = server.url.parse().unwrap();
    let application = name();
    config.application_name(&application);
    let store = PostgresStore::from_config(config)
        .schema(schema)
        .pool_size(2);
    let store = store.connect().await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..20 {
        let store = store.clone();
        let id = format!("id {caller}");
        callers.spawn(async move { store.put(&installation(&id)).await });
    }
    for put in callers.join_all().await {
        put.unwrap();
    }
    let open =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'");
    assert_eq!(server.count(&open).await, 2);
    let _held = (
        store.own_pool().get().await.unwrap(),
        store.own_pool().get().await.unwrap(),
    );
    tokio::time::pause();
    let error = store.get(&"one".into()).await.unwrap_err();
    tokio::time::resume();
    let text = format!("{error:#}");
    assert!(text.contains("all 2 connections are in use"), "{text}");
    server.clear().await;
}

#[tokio::test]
async fn invalid_settings_are_configuration_errors() {
    let url = "postgresql:///a?host=/nonexistent&user=a&password=topsecret";
    for (builder, wrong) in [
        (PostgresStore::builder(url).pool_size(0), "pool of 0"),
        (PostgresStore::builder(url).pool_size(1001), "pool of 1001"),
        (PostgresStore::builder(url).schema(""), "is empty"),
        (PostgresStore::builder(url).schema("pg_x"), "pg_"),
        (
            PostgresStore::builder("http://topsecret"),
            "not a PostgreSQL URL",
        ),
    ] {
        assert!(!format!("{builder:?}").contains("topsecret"), "{builder:?}");
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(wrong), "{error}");
        assert!(!format!("{error:?}").contains("topsecret"), "{error:?}");
    }
}

#[tokio::test]
async fn tls_config_may_trust_own_authority() {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let Some(url) = url_in("GLANCE_POSTGRES_TLS") else {
        return;
    };
    let settings = |roots: rustls::RootCertStore| {
        rustls::ClientConfig::builder_with_provider(
            rustls::crypto::aws_lc_rs::default_provider().into(),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
    };
    let file = std::env::var("SSL_CERT_FILE").expect("the certificate of GLANCE_POSTGRES_TLS");
    let mut roots = rustls::RootCertStore::empty();
    let nobody = PostgresStore::builder(&url).tls_config(settings(roots.clone()));
    let error = nobody.connect().await.unwrap_err();
    assert!(format!("{error:#}").contains("certificate"), "{error:?}");
    roots
        .add(CertificateDer::from_pem_file(file).unwrap())
        .unwrap();
    let store = PostgresStore::builder(&url).tls_config(settings(roots));
    let store = store.connect().await.unwrap();
    let connection = store.own_pool().get().await.unwrap();
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = connection.query_one(query, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}

#[cfg(feature = "deadpool-postgres")]
mod given {
    use std::time::Duration;

    use deadpool_postgres::{Manager, Runtime};
    use tokio_postgres::NoTls;

    use super::*;

    fn pool(url: &str, size: usize) -> deadpool_postgres::Pool {
        deadpool_postgres::Pool::builder(Manager::new(url.parse().unwrap(), NoTls))
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(2)))
            .build()
            .unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn store_on_existing_pool_conforms() {
        let Some(server) = Server::find().await else {
            return;
        };
        let pool = pool(&server.url, 3);
        let make = async || {
            let schema = name();
            server.new_schema(&schema);
            let store = PostgresStore::from_pool(pool.clone()).schema(schema);
            store.connect().await.unwrap()
        };
        conformance::check(make).await;
        conformance::check_sharing(make).await;
        drop(pool);
        server.clear().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn killed_connections_of_existing_pool_are_replaced() {
        let Some(server) = Server::find().await else {
            return;
        };
        let (schema, application) = (name(), name());
        server.new_schema(&schema);
        let url = server::with(&server.url, &format!("application_name={application}"));
        let pool = pool(&url, 3);
        let store = PostgresStore::from_pool(pool.clone()).schema(schema);
        let store = store.connect().await.unwrap();
        for round in 0..3 {
            let mut all = Vec::new();
            for _ in 0..3 {
                all.push(pool.get().await.unwrap());
            }
            drop(all);
            let killed = format!(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                 WHERE application_name = '{application}'"
            );
            assert_eq!(server.count(&killed).await, 3);
            store
                .put(&installation(&format!("id {round}")))
                .await
                .unwrap();
        }
        assert_eq!(store.count(None).await.unwrap(), 3);
        server.clear().await;
    }

    #[tokio::test]
    async fn exhausted_pool_is_reported() {
        let Some(server) = Server::find().await else {
            return;
        };
        let schema = name();
        server.new_schema(&schema);
        let pool = pool(&server.url, 1);
        let store = PostgresStore::from_pool(pool.clone()).schema(&schema);
        let store = store.connect().await.unwrap();
        let held = pool.get().await.unwrap();
        tokio::time::pause();
        let error = store.get(&"one".into()).await.unwrap_err();
        tokio::time::resume();
        let text = format!("{error:#}");
        assert!(text.contains("all 1 connections are in use"), "{text}");
        drop(held);
        assert!(store.get(&"one".into()).await.unwrap().is_none());

        let error = PostgresStore::from_pool(pool).pool_size(2).connect().await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        server.clear().await;
    }
}
