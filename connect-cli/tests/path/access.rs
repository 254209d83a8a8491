//! Access control: the right key moves rows, everything else is refused in words.
use crate::{
    client::Database,
    program::{Program, task},
    setting, unique, with_servers,
};
use std::{process::Command, time::Duration};

/// The issue of a refusal is known within this time.
const SOON: Duration = Duration::from_secs(10);

/// RocketMQ's own admin tool, signed as the super user.
fn mqadmin(args: &[&str]) {
    let done = Command::new(setting("CONNECT_TEST_SERVICES"))
        .args(["mqadmin", "--acl"])
        .args(args)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&done.stdout);
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{args:?}: {out}{err}");
}

/// A user of the ACL cluster who may use `topic` and `group`, or nothing.
fn make_user(name: &str, may: Option<(&str, &str)>) {
    let servers = setting("CONNECT_TEST_ROCKETMQ_ACL");
    let cluster = ["-n", &servers, "-c", "DefaultCluster"];
    let user = ["-u", name, "-p", "planted-secret", "-t", "Normal"];
    mqadmin(&[&["createUser"], &cluster[..], &user].concat());
    if let Some((topic, group)) = may {
        let resources = format!("Topic:{topic},Group:{group}");
        let subject = format!("User:{name}");
        let grant = ["-s", &subject, "-r", &resources, "-a", "All", "-d", "Allow"];
        mqadmin(&[&["createAcl"], &cluster[..], &grant].concat());
    }
}

struct Scene {
    name: String,
    table: String,
}

impl Scene {
    /// A table with three rows, and a topic that the super user created.
    fn new() -> Self {
        let name = unique("acl");
        Database::Postgres.make_space(&name);
        let table = Database::Postgres.quoted(&name, "orders");
        Database::Postgres.run(&format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, note text);
             INSERT INTO {table} VALUES (1, 'a'), (2, NULL), (3, 'c');"
        ));
        let servers = setting("CONNECT_TEST_ROCKETMQ_ACL");
        mqadmin(&[
            "updateTopic",
            "-n",
            &servers,
            "-c",
            "DefaultCluster",
            "-t",
            &name,
            "-r",
            "2",
            "-w",
            "2",
        ]);
        mqadmin(&[
            "updateSubGroup",
            "-n",
            &servers,
            "-c",
            "DefaultCluster",
            "-g",
            &format!("{name}_group"),
        ]);
        Self { name, table }
    }

    /// A worker with a source and a sink, signing with these keys.
    fn program(&self, keys: Option<(&str, &str)>) -> Program {
        let servers = setting("CONNECT_TEST_ROCKETMQ_ACL");
        let mut worker = vec![("namesrvAddr", &*servers), ("workerId", &*self.name)];
        if let Some((access, secret)) = keys {
            worker.extend([
                ("aclEnable", "true"),
                ("accessKey", access),
                ("secretKey", secret),
            ]);
        }
        let mut program = Program::new(&worker);
        let url = Database::Postgres.url(&self.name);
        let (orders, copy) = (
            format!("{}.orders", self.name),
            format!("{}.copy", self.name),
        );
        program.connector(
            "source",
            &[
                ("connector.class", "jdbc-source"),
                ("connection.url", &url),
                ("mode", "incrementing"),
                ("incrementing.column.name", "id"),
                ("table.whitelist", &orders),
                ("connect.topicname", &self.name),
            ],
        );
        program.connector(
            "sink",
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &url),
                ("connect.topicnames", &self.name),
                ("task.group.id", &format!("{}_group", self.name)),
                ("table.name.format", &copy),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("pk.fields", "id"),
                ("auto.create", "true"),
            ],
        );
        program
    }

    /// Both tasks fail soon, and say who refused what in which words.
    fn assert_refused(&self, keys: Option<(&str, &str)>, words: &str) {
        let mut program = self.program(keys);
        let began = std::time::Instant::now();
        program.start();
        let (code, document) = program.wait();
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        let log = program.log_text();
        assert_eq!(code, 1, "{document:#}\n{log}");
        for name in ["source", "sink"] {
            let task = task(&document, name);
            assert_eq!(task["state"], "FAILED", "{document:#}");
            assert_eq!(task["cause"]["kind"], "auth", "{document:#}");
            let message = task["cause"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{message}");
            let named = message.contains(&self.name);
            assert!(named, "neither topic nor group is named: {message}");
            assert!(message.contains("127.0.0.1:"), "no address: {message}");
        }
        assert!(log.contains("FAILED"), "{log}");
        let everything = format!("{log}{document}");
        assert!(
            !everything.contains("planted"),
            "a secret is shown: {everything}"
        );
    }
}

#[test]
fn the_right_key_moves_rows_and_all_others_are_refused_in_words() {
    let _servers = with_servers();
    let scene = Scene::new();
    let (user, stranger) = (unique("user"), unique("stranger"));
    make_user(&user, Some((&scene.name, &format!("{}_group", scene.name))));
    make_user(&stranger, None);

    let mut program = scene.program(Some((&user, "planted-secret")));
    program.start();
    let (copy, exists) = (
        Database::Postgres.quoted(&scene.name, "copy"),
        format!(
            "SELECT count(*) FROM pg_tables WHERE schemaname = '{}' AND tablename = 'copy';",
            scene.name
        ),
    );
    program.wait_until(Duration::from_secs(60), || {
        Database::Postgres.number(&exists) > 0
            && Database::Postgres.number(&format!("SELECT count(*) FROM {copy};")) == 3
    });
    assert_eq!(program.stop().0, 0);
    let rows = |table: &str| Database::Postgres.run(&format!("SELECT * FROM {table} ORDER BY id;"));
    assert_eq!(rows(&scene.table), rows(&copy));

    scene.assert_refused(Some((&user, "planted-wrong")), "check signature failed");
    scene.assert_refused(None, "username cannot be null");
    scene.assert_refused(
        Some((&stranger, "planted-secret")),
        "has no permission to access",
    );
    Database::Postgres.drop_space(&scene.name);
}
