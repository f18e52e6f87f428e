//! Tests failures of the server, of connections and of the pooler.
//!
//! While no response is expected, the clock is paused, so that it advances to the next timeout at
//! once.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{self, Instant};

use super::server::{OwnServer, Proxy, Server, name, url_in, with};
use super::*;

/// The longest time that a host waits for an add-on's response.
const HOST_WAITS: Duration = Duration::from_secs(10);

fn kind<T: fmt::Debug>(result: Result<T>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    (error.kind(), format!("{error:#}"))
}

/// Returns the URL of the same server by TCP, without encryption.
fn tcp(url: &str, port: u16) -> String {
    let config: Config = url.parse().unwrap();
    let (user, name) = (config.get_user().unwrap(), config.get_dbname().unwrap());
    format!("postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=disable")
}

fn port(url: &str) -> u16 {
    url.parse::<Config>().unwrap().get_ports()[0]
}

/// Opens all connections of the pool.
async fn fill(store: &PostgresStore) {
    let mut all = Vec::new();
    for _ in 0..Servers::CONNECTIONS {
        all.push(store.own_pool().get().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_connections_are_replaced_without_errors() {
    let Some(server) = Server::find().await else {
        return;
    };
    let application = name();
    let url = with(
        &server.schema().await,
        &format!("application_name={application}"),
    );
    let store = PostgresStore::connect(&url).await.unwrap();
    for round in 0..5 {
        fill(&store).await;
        let killed = format!(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
             WHERE application_name = '{application}'"
        );
        assert_eq!(server.count(&killed).await, 8);
        let id = format!("id {round}");
        store.put(&installation(&id)).await.unwrap();
        assert!(store.get(&id.as_str().into()).await.unwrap().is_some());
        assert_eq!(store.list().await.unwrap().len(), 1);
        fill(&store).await;
        assert_eq!(server.count(&killed).await, 8);
        assert!(store.remove(&id.as_str().into()).await.unwrap());
    }
    server.clear().await;
}

#[tokio::test]
async fn connection_closed_during_statement_is_replaced() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    for code in ["57P01", "57P02", "57P03", "25006", "08006"] {
        // The first connection raises the error of a server that stops during a statement, once.
        let connection = store.own_pool().get().await.unwrap();
        connection
            .batch_execute(&format!(
                "CREATE SEQUENCE raised;
                 CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF nextval('raised') = 1 THEN
                         RAISE EXCEPTION 'as a test wants it' USING ERRCODE = '{code}';
                     END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER fail BEFORE INSERT ON glance_installation
                 FOR EACH ROW EXECUTE FUNCTION fail()"
            ))
            .await
            .unwrap();
        drop(connection);
        store.put(&installation(code)).await.unwrap();
        let connection = store.own_pool().get().await.unwrap();
        let gone =
            "DROP TRIGGER fail ON glance_installation; DROP FUNCTION fail; DROP SEQUENCE raised";
        connection.batch_execute(gone).await.unwrap();
    }
    assert_eq!(store.list().await.unwrap().len(), 5);
    server.clear().await;
}

#[tokio::test]
async fn writes_recover_after_failover_to_read_only_server() {
    let Some(server) = Server::find().await else {
        return;
    };
    let name = server.database().await;
    let url = server.url.replace("/postgres?", &format!("/{name}?"));
    let store = PostgresStore::connect(&url).await.unwrap();
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    server.execute(&read_only).await;
    store.own_pool().retain(|_, _| false);
    fill(&store).await;
    let (error, text) = kind(store.put(&installation("one")).await);
    assert_eq!(error, ErrorKind::Storage);
    assert!(text.contains("read-only"), "{text}");
    assert!(store.list().await.unwrap().is_empty(), "reads go on");
    PostgresStore::connect(&url).await.unwrap();

    fill(&store).await;
    server
        .execute(&format!("ALTER DATABASE {name} RESET ALL"))
        .await;
    store.put(&installation("one")).await.unwrap();
    assert!(store.remove(&"one".into()).await.unwrap());
    server.clear().await;
}

#[tokio::test]
async fn silent_connection_is_replaced() {
    let Some(server) = Server::find().await else {
        return;
    };
    let name = server.database().await;
    let proxy = Proxy::before(port(&server.url)).await;
    let url = tcp(
        &server.url.replace("/postgres?", &format!("/{name}?")),
        proxy.port,
    );
    let store = PostgresStore::connect(&url).await.unwrap();
    store.put(&installation("one")).await.unwrap();
    fill(&store).await;
    proxy.swallow_old();
    assert!(store.get(&"one".into()).await.unwrap().is_some());
    fill(&store).await;
    proxy.swallow_old();
    assert!(store.remove(&"one".into()).await.unwrap());

    proxy.swallow_all();
    time::pause();
    let began = Instant::now();
    let (error, text) = kind(store.get(&"one".into()).await);
    assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
    assert_eq!(error, ErrorKind::Storage);
    assert!(text.contains("within 3 s"), "{text}");
    let began = Instant::now();
    let (error, _) = kind(store.put(&installation("one")).await);
    assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
    assert_eq!(error, ErrorKind::Storage);
    time::resume();
    server.clear().await;
}

#[tokio::test]
async fn stopped_server_times_out_before_host() {
    let Some(own) = OwnServer::start() else {
        return;
    };
    let store = PostgresStore::connect(&own.url).await.unwrap();
    store.put(&installation("one")).await.unwrap();
    fill(&store).await;
    own.pause();
    time::pause();
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(kind(store.get(&"one".into()).await).0, ErrorKind::Storage);
        assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
        let began = Instant::now();
        assert_eq!(
            kind(store.remove(&"one".into()).await).0,
            ErrorKind::Storage
        );
        assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
    }
    time::resume();
    own.resume();
    assert!(store.get(&"one".into()).await.unwrap().is_some());
    store.put(&installation("two")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_loses_nothing() {
    let Some(own) = OwnServer::start() else {
        return;
    };
    let store = PostgresStore::connect(&own.url).await.unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let (store, stopped) = (store.clone(), stopped.clone());
        writers.spawn(async move {
            let mut written = Vec::new();
            let mut failed = 0;
            while !*stopped.borrow() || written.len() < 20 {
                let id = format!("{writer} {}", written.len());
                // A host that gets a 503 tries again.
                while let Err(error) = store.put(&installation(&id)).await {
                    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
                    failed += 1;
                }
                while let Err(error) = store.get(&id.as_str().into()).await {
                    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
                    failed += 1;
                }
                written.push(id);
            }
            (written, failed)
        });
    }
    let own = tokio::task::spawn_blocking(move || {
        own.restart();
        own.restart();
        own
    });
    let own = own.await.unwrap();
    stop.send_replace(true);
    let done = writers.join_all().await;
    let mut written: Vec<_> = done.iter().flat_map(|(written, _)| written).collect();
    let failed: usize = done.iter().map(|(_, failed)| failed).sum();
    eprintln!("{} written, {failed} failed for now", written.len());
    let stored = store.list().await.unwrap();
    written.sort();
    let stored: Vec<_> = stored.iter().map(|one| one.oauth_id().as_str()).collect();
    assert_eq!(stored, written);
    drop(own);
}

#[tokio::test]
async fn wait_for_connection_is_short() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    let mut all = Vec::new();
    for _ in 0..Servers::CONNECTIONS {
        all.push(store.own_pool().get().await.unwrap());
    }
    time::pause();
    let began = Instant::now();
    let (error, text) = kind(store.get(&"one".into()).await);
    assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
    assert_eq!(error, ErrorKind::Storage);
    assert!(text.contains("all 8 connections are in use"), "{text}");
    time::resume();
    drop(all);
    assert!(store.get(&"one".into()).await.unwrap().is_none());
    server.clear().await;
}

#[tokio::test]
async fn wait_for_locked_row_is_short() {
    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    store.put(&installation("one")).await.unwrap();
    let mut locking = store.own_pool().get().await.unwrap();
    let lock = locking.transaction().await.unwrap();
    lock.batch_execute(store.sql(LOCK).replace("$1", "'one'").as_str())
        .await
        .unwrap();
    assert_eq!(
        kind(store.remove(&"one".into()).await).0,
        ErrorKind::Storage
    );
    lock.rollback().await.unwrap();
    drop(locking);
    assert!(store.remove(&"one".into()).await.unwrap());
    server.clear().await;
}

/// Accepts connections and never responds.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test(start_paused = true)]
async fn silent_server_times_out() {
    let (_listener, port) = silent().await;
    for mode in ["disable", "prefer", "require"] {
        let began = Instant::now();
        let url = format!("postgresql://a@127.0.0.1:{port}/a?sslmode={mode}");
        let (error, text) = kind(PostgresStore::connect(&url).await);
        assert!(began.elapsed() < HOST_WAITS, "{:?}", began.elapsed());
        assert_eq!(error, ErrorKind::Storage);
        assert!(text.contains("no connection within 3 s"), "{text}");
    }
}

#[tokio::test]
async fn silent_host_does_not_block_next_host() {
    let Some(server) = Server::find().await else {
        return;
    };
    let name = server.database().await;
    let (_listener, silent) = silent().await;
    let url = format!(
        "postgresql://glance@127.0.0.1:{silent},127.0.0.1:{}/{name}?sslmode=disable",
        port(&server.url)
    );
    let store = PostgresStore::connect(&url).await.unwrap();
    assert!(store.list().await.unwrap().is_empty());
    drop(store);
    server.clear().await;
}

#[test]
fn name_resolution_times_out() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    // Names are resolved on the runtime's only blocking thread.
    let (free, occupied) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || occupied.recv());
    let store = PostgresStore::connect("postgresql://a@localhost:1/a?sslmode=disable");
    let (error, text) = kind(runtime.block_on(store));
    assert_eq!(error, ErrorKind::Storage);
    assert!(text.contains("no connection within 3 s"), "{text}");
    drop(free);
}

#[tokio::test]
async fn old_and_idle_connections_are_replaced() {
    use deadpool::managed::{Manager, Metrics};

    let Some(server) = Server::find().await else {
        return;
    };
    let store = server.store().await;
    let mut connection = deadpool::managed::Object::take(store.own_pool().get().await.unwrap());
    let ago = |minutes: u64| {
        std::time::Instant::now()
            .checked_sub(Duration::from_secs(60 * minutes))
            .unwrap()
    };
    for (created, used, is_good) in [(0, 0, true), (29, 0, true), (31, 0, false), (2, 2, false)] {
        let metrics = Metrics {
            created: ago(created),
            recycled: Some(ago(used)),
            ..Metrics::default()
        };
        let recycled = store
            .own_pool()
            .manager()
            .recycle(&mut connection, &metrics)
            .await;
        assert_eq!(recycled.is_ok(), is_good, "{created} {used}");
    }
    server.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn store_works_behind_pgbouncer_in_transaction_mode() {
    let Some(bouncer) = url_in("GLANCE_PGBOUNCER") else {
        return;
    };
    let Some(server) = Server::find().await else {
        return;
    };
    let mut databases = Vec::new();
    for _ in 0..2 {
        databases.push(bouncer.replace("/postgres?", &format!("/{}?", server.database().await)));
    }
    let url = &databases[0];
    let store = PostgresStore::connect(url).await.unwrap();
    store.put(&installation("one")).await.unwrap();
    let another = PostgresStore::connect(url).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..48 {
        let store = if caller % 2 == 0 {
            store.clone()
        } else {
            another.clone()
        };
        callers.spawn(async move {
            let id = format!("id {caller}");
            assert!(store.get(&"one".into()).await.unwrap().is_some());
            store.put(&installation(&id)).await.unwrap();
            assert!(store.in_group(1.into()).await.unwrap().len() > 1);
            assert!(store.remove(&id.as_str().into()).await.unwrap());
        });
    }
    callers.join_all().await;
    assert_eq!(store.list().await.unwrap().len(), 1);
    let store = PostgresStore::connect(&databases[1]).await.unwrap();
    let prepared = "SELECT count(*) FROM pg_prepared_statements";
    let connection = store.own_pool().get().await.unwrap();
    let left: i64 = connection
        .query_typed_one(prepared, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0, "nothing stays behind on the pooler's connections");
    drop(connection);
    server.clear().await;
}
