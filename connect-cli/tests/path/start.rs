//! What a newcomer does first.
use std::{path::Path, process::Command};

fn rocketmq_connect(args: &[&str], dir: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"))
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_quickstart_replicates_a_changing_table_and_can_be_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "quickstart",
        "--rows",
        "3000",
        "--for",
        "2",
        "--output",
        "json",
    ];
    let mut inserted = 0;
    for first in [true, false] {
        let (code, out, err) = rocketmq_connect(&args, dir.path());
        assert_eq!(code, 0, "{err}");
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["equal"], true, "{document:#}");
        assert_eq!(document["source_rows"], document["target_rows"]);
        assert!(document["deleted"].as_u64().unwrap() > 0, "{document:#}");
        assert_eq!(document["rows_per_s"].is_u64(), first, "{document:#}");
        inserted += document["inserted"].as_u64().unwrap();
        assert!(document["source_rows"].as_u64().unwrap() < 3000 + inserted);
    }
}

#[test]
fn the_files_of_the_quickstart_pass_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "quickstart",
        "--rows",
        "10",
        "--for",
        "0",
        "--output",
        "json",
    ];
    let (code, _, err) = rocketmq_connect(&args, dir.path());
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = rocketmq_connect(&["check", "quickstart-data/worker.toml"], dir.path());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ok: orders-source\nok: orders-sink"), "{out}");
}

#[test]
fn help_teaches_and_keys_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = rocketmq_connect(&["--help"], dir.path());
    assert_eq!(code, 0);
    for word in ["worker.toml", "jdbc-source", "Exit codes", "quickstart"] {
        assert!(out.contains(word), "{word}");
    }
    let (code, out, _) = rocketmq_connect(&["keys"], dir.path());
    assert_eq!(code, 0);
    for key in [
        "namesrvAddr",
        "connector.class",
        "connect.topicnames",
        "pk.mode",
        "decimal.format",
    ] {
        assert!(out.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn the_reference_of_keys_is_what_the_program_prints() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, out, _) = rocketmq_connect(&["keys"], Path::new("."));
    assert!(
        page.ends_with(&out),
        "docs/configuration.md is not up to date: its end is what `rocketmq-connect keys` prints"
    );
}

#[test]
fn a_worker_without_connectors_or_with_files_that_are_not_there_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, err) = rocketmq_connect(&["run", "worker.toml"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("cannot read worker.toml"), "{err}");
    std::fs::write(dir.path().join("worker.toml"), "transport = \"embedded\"\n").unwrap();
    let (code, _, err) = rocketmq_connect(&["run", "worker.toml"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("no connector to run"), "{err}");
}
