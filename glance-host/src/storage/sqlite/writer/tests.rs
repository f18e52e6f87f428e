use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Runtime;

use super::*;
use crate::storage::Writes;

struct Rig {
    writer: Writer,
    connection: Arc<Mutex<Connection>>,
    writes: Arc<WriteLog>,
}

impl Rig {
    fn start(connection: Connection) -> Self {
        let (connection, writes) = (Arc::new(Mutex::new(connection)), Arc::default());
        let writer = Writer::start(Arc::clone(&connection), Arc::clone(&writes)).unwrap();
        Self {
            writer,
            connection,
            writes,
        }
    }

    fn in_memory() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE a (b INTEGER UNIQUE)")
            .unwrap();
        Self::start(connection)
    }

    async fn run(&self, sql: &'static str) -> Result<()> {
        self.writer
            .change(move |connection| connection.execute_batch(sql))
            .await
    }

    fn rows(&self) -> Vec<i64> {
        let connection = self.connection.lock();
        let mut all = connection.prepare("SELECT b FROM a ORDER BY b").unwrap();
        let rows = all.query_map([], |row| row.get(0)).unwrap();
        rows.map(std::result::Result::unwrap).collect()
    }
}

fn writes(count: u64, has_failed: bool) -> Writes {
    Writes { count, has_failed }
}

#[tokio::test]
async fn only_outcomes_of_writes_are_noted() {
    let rig = Rig::in_memory();
    rig.run("INSERT INTO a VALUES (1)").await.unwrap();
    assert_eq!(rig.writes.read(), writes(1, false));
    rig.run("SELECT b FROM a").await.unwrap();
    rig.run("INSERT INTO a VALUES (1)").await.unwrap_err();
    assert_eq!(rig.writes.read(), writes(1, false));

    rig.connection
        .lock()
        .execute_batch("PRAGMA query_only = true")
        .unwrap();
    let refused = rig.run("INSERT INTO a VALUES (2)").await.unwrap_err();
    assert!(matches!(refused, StorageError::NotWritable(_)), "{refused}");
    assert_eq!(rig.writes.read(), writes(2, true));
    rig.connection
        .lock()
        .execute_batch("PRAGMA query_only = false")
        .unwrap();
    rig.run("INSERT INTO a VALUES (2)").await.unwrap();
    assert_eq!(rig.writes.read(), writes(3, false));
}

/// Starts changes while the connection is in use, so that they wait together.
async fn together(rig: &Rig, changes: &[&'static str]) -> Vec<Result<()>> {
    let busy = rig.connection.lock();
    let mut all: Vec<_> = changes.iter().map(|sql| Box::pin(rig.run(sql))).collect();
    for change in &mut all {
        assert!(change.as_mut().now_or_never().is_none());
    }
    drop(busy);
    futures_util::future::join_all(all).await
}

#[tokio::test]
async fn changes_that_wait_share_a_commit_and_fail_alone() {
    let rig = Rig::in_memory();
    let changes = [
        "INSERT INTO a VALUES (1)",
        "INSERT INTO a VALUES (2); INSERT INTO a VALUES (1)",
        "INSERT INTO a VALUES (3)",
        "UPDATE a SET b = b + 10; no SQL",
        "INSERT INTO a VALUES (4)",
    ];
    let outcomes = together(&rig, &changes).await;
    let done: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, true, false, true]);
    assert!(matches!(outcomes[1], Err(StorageError::Conflict(_))));
    assert_eq!(rig.rows(), [1, 3, 4]);
    assert_eq!(rig.writes.read(), writes(3, false));
}

#[tokio::test]
async fn change_that_panics_is_undone_and_the_next_succeeds() {
    let rig = Rig::in_memory();
    let panics = rig.writer.change(|connection| -> rusqlite::Result<()> {
        connection.execute_batch("INSERT INTO a VALUES (1)")?;
        panic!("on purpose");
    });
    let error = panics.await.unwrap_err();
    assert!(format!("{error:#}").contains("on purpose"), "{error:#}");
    rig.run("INSERT INTO a VALUES (2)").await.unwrap();
    assert_eq!(rig.rows(), [2]);
}

#[tokio::test]
async fn changes_of_an_ended_transaction_all_fail() {
    let rig = Rig::in_memory();
    rig.run("CREATE TRIGGER full BEFORE INSERT ON a WHEN new.b = 2 BEGIN SELECT RAISE(ROLLBACK, 'full'); END")
        .await
        .unwrap();
    let changes = ["INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)"];
    let outcomes = together(&rig, &changes).await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    assert_eq!(rig.rows(), [] as [i64; 0]);
    rig.run("INSERT INTO a VALUES (3)").await.unwrap();
    assert_eq!(rig.rows(), [3]);
}

#[test]
fn change_of_a_dropped_caller_is_made_before_the_thread_ends() {
    let rig = Rig::in_memory();
    let busy = rig.connection.lock();
    let runtime = Runtime::new().unwrap();
    let left = runtime.block_on(async {
        let change = rig.run("INSERT INTO a VALUES (1)");
        tokio::time::timeout(Duration::ZERO, change).await
    });
    assert!(left.is_err());
    drop(busy);
    let Rig {
        writer, connection, ..
    } = rig;
    drop(writer);
    let count: u32 = connection
        .lock()
        .query_row("SELECT count(*) FROM a", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn all_that_wait_for_a_locked_database_fail_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TABLE a (b INTEGER UNIQUE); BEGIN IMMEDIATE")
        .unwrap();
    let rig = Rig::start(Connection::open(&file).unwrap());
    let changes = ["INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)"];
    for outcome in together(&rig, &changes).await {
        assert!(
            matches!(outcome, Err(StorageError::NotWritable(_))),
            "{outcome:?}"
        );
    }
    assert_eq!(rig.writes.read(), writes(1, true));
    other.execute_batch("COMMIT").unwrap();
    rig.run("INSERT INTO a VALUES (3)").await.unwrap();
    assert_eq!(rig.rows(), [3]);
}

#[tokio::test]
async fn effects_of_stored_changes_run_in_their_order() {
    let rig = Rig::in_memory();
    let done = Arc::new(Mutex::new(Vec::new()));
    let busy = rig.connection.lock();
    let mut changes: Vec<_> = [1, 2, 2, 3]
        .into_iter()
        .enumerate()
        .map(|(number, value)| {
            let done = Arc::clone(&done);
            Box::pin(rig.writer.change_then(move |connection| {
                let sql = "INSERT INTO a VALUES (?1)";
                connection.execute(sql, [value])?;
                let on_commit = move || match number {
                    0 => panic!("the others run all the same"),
                    _ => done.lock().push(number),
                };
                Ok(((), Box::new(on_commit) as OnCommit))
            }))
        })
        .collect();
    for change in &mut changes {
        assert!(change.now_or_never().is_none());
    }
    // The change is made, and has its effects, although nobody waits for it.
    drop(changes.remove(1));
    drop(busy);
    let mut stored = Vec::new();
    for change in changes {
        stored.push(change.await.is_ok());
    }
    assert_eq!(stored, [true, false, true]);
    assert_eq!(*done.lock(), [1, 3]);
    assert_eq!(rig.rows(), [1, 2, 3]);
}
