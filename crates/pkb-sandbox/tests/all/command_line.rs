//! The command, as a shell or a script uses it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pkb_sandbox::World;
use pkb_synthetic::generate;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pkb-sandbox"))
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn wait_for(path: &Path) -> String {
    let started = Instant::now();
    while !path.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the port file did not appear"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn serve_announces_its_port_answers_and_ends_well_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let port_file = folder.path().join("port");
    for signal in ["TERM", "INT"] {
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--port-file"])
            .arg(&port_file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let address = wait_for(&port_file).trim().to_owned();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        assert_eq!(first, format!("listening on http://{address}\n"));

        let request = "GET /join/?t1=NKcYiAciBU&t2=KVPnrFYPay HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"));

        let taken = run(&["serve", "--listen", &address]);
        assert_eq!(taken.status.code(), Some(74));
        assert!(
            String::from_utf8(taken.stderr)
                .unwrap()
                .contains("cannot listen on")
        );

        Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        assert!(
            log.contains("join_page") && !log.contains("NKcYiAciBU") && !log.contains("KVPnrFYPay")
        );
        std::fs::remove_file(&port_file).unwrap();
    }
}

#[test]
fn an_address_that_others_can_reach_is_a_usage_error() {
    for address in ["0.0.0.0:0", "192.168.0.4:8180", "[::]:0"] {
        let output = run(&["serve", "--listen", address]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .contains("loopback")
        );
    }
}

#[test]
fn a_world_file_that_is_wrong_or_missing_is_told_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let serve = || {
        program()
            .args(["serve", "--listen", "127.0.0.1:0", "--world"])
            .arg(&path)
            .output()
            .unwrap()
    };
    assert_eq!(serve().status.code(), Some(66));
    std::fs::write(
        &path,
        r#"{"patients":[{"national_id":"9990000018","ded":true}]}"#,
    )
    .unwrap();
    let output = serve();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("unknown field `ded`") && !message.contains("listening"));
}

#[test]
fn a_faults_file_that_is_wrong_or_missing_is_told_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.json");
    let serve = || {
        program()
            .args(["serve", "--listen", "127.0.0.1:0", "--faults"])
            .arg(&path)
            .output()
            .unwrap()
    };
    assert_eq!(serve().status.code(), Some(66));
    std::fs::write(&path, r#"{"rules":[],"sead":1}"#).unwrap();
    let output = serve();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("unknown field `sead`") && !message.contains("listening"));
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--fixed-time", "noon"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_rehearsal_with_faults_a_fixed_time_and_the_same_codes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (port_file, faults) = (
        folder.path().join("port"),
        folder.path().join("faults.json"),
    );
    let rules = r#"{"rules":[{"endpoint":"any","when":{"requests":[2]},"fault":{"status":429,"retry_after":"3"}}]}"#;
    std::fs::write(&faults, rules).unwrap();
    let mut child = program()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--quiet",
            "--same-codes",
        ])
        .arg("--port-file")
        .arg(&port_file)
        .arg("--faults")
        .arg(&faults)
        .env("PKB_SANDBOX_FIXED_TIME", "2026-11-22T09:00:00Z")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = wait_for(&port_file).trim().to_owned();
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    let replies = [(); 3].map(|()| ask("/join/")[9..12].to_owned());
    assert_eq!(replies, ["200", "429", "200"]);
    assert!(ask("/sandbox/faults").ends_with(rules));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_tethered_env_names_a_file_of_its_owners_with_the_first_refresh_token() {
    let folder = tempfile::tempdir().unwrap();
    let output = program()
        .args([
            "env",
            "--listen",
            "127.0.0.1:9999",
            "--tethered",
            "refresh token",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let exports = String::from_utf8(output.stdout).unwrap();
    let path = folder.path().canonicalize().unwrap().join("refresh token");
    assert!(exports.contains(&format!(
        "export PKB_REFRESH_TOKEN_FILE='{}'\n",
        path.display()
    )));
    assert!(exports.contains("export PKB_TOKEN_URL='http://127.0.0.1:9999/apiToken.action'\n"));
    assert!(!exports.contains(pkb_sandbox::REFRESH_TOKEN));
    let token = std::fs::read_to_string(&path).unwrap();
    assert_eq!(token, format!("{}\n", pkb_sandbox::REFRESH_TOKEN));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_env_output_evaluates_in_sh() {
    // A folder that does its best to break the quoting.
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("o'brien $HOME `x` \"y\"");
    std::fs::create_dir(&inside).unwrap();
    let copy = inside.join("pkb-sandbox");
    std::fs::copy(env!("CARGO_BIN_EXE_pkb-sandbox"), &copy).unwrap();
    let script = r#"eval "$("$1" env --listen 127.0.0.1:9999)" && command -v pkb-sandbox && printf '%s\n' "$PKB_BASE_URL" "$PKB_TOKEN_URL" "$PKB_CLIENT_ID" "$PKB_CLIENT_SECRET" "$(cat "$PKB_CLIENT_SECRET_FILE")" "$(cat "$NOTIFY_API_KEY_FILE")" "$PKB_FHIR_URL" "$PKB_MESSAGING_URL" "$PKB_ORG_ID" "$PKB_JOIN_URL""#;
    let output = Command::new("sh")
        .args(["-euc", script, "sh"])
        .arg(&copy)
        .env("TMPDIR", &inside)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected = format!(
        "{}\nhttp://127.0.0.1:9999\nhttp://127.0.0.1:9999/api/oauth/token\nsandbox-client\nsandbox-secret\nsandbox-secret\n{}\nhttp://127.0.0.1:9999/fhir\nhttp://127.0.0.1:9999/phr-fhir\n{}\nhttp://127.0.0.1:9999/join/\n",
        copy.display(),
        pkb_sandbox::NOTIFY_API_KEY,
        pkb_sandbox::ORG_ID
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn the_files_of_secrets_are_the_owners_alone_and_may_be_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let output = program()
        .current_dir(folder.path())
        .args(["env", "--secrets", "of the/sandbox"])
        .output()
        .unwrap();
    let exports = String::from_utf8(output.stdout).unwrap();
    for (name, variable, value) in [
        (
            "client-secret",
            "PKB_CLIENT_SECRET_FILE",
            pkb_sandbox::CLIENT_SECRET,
        ),
        (
            "notify-key",
            "NOTIFY_API_KEY_FILE",
            pkb_sandbox::NOTIFY_API_KEY,
        ),
        (
            "nhs-notify-key",
            "NHS_NOTIFY_API_KEY_FILE",
            pkb_sandbox::NHS_NOTIFY_API_KEY,
        ),
        (
            "nhs-notify-private-key.pem",
            "NHS_NOTIFY_PRIVATE_KEY_FILE",
            pkb_sandbox::NHS_NOTIFY_PRIVATE_KEY.trim_end(),
        ),
    ] {
        let path = folder
            .path()
            .canonicalize()
            .unwrap()
            .join("of the/sandbox")
            .join(name);
        let line = format!("export {variable}='{}'\n", path.display());
        assert!(exports.contains(&line), "{line} in {exports}");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{value}\n")
        );
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            value.starts_with("sandbox-") || name.ends_with(".pem"),
            "that is how it is known not to be a real one"
        );
    }
}

#[test]
fn patients_go_to_files_that_only_their_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (patients, world) = (
        folder.path().join("patients.csv"),
        folder.path().join("world.json"),
    );
    // A file that was open to everybody is replaced by one that is not.
    std::fs::write(&patients, "old").unwrap();
    std::fs::set_permissions(&patients, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = program()
        .args(["patients", "--count", "2000", "--seed", "9", "--output"])
        .arg(&patients)
        .arg("--world")
        .arg(&world)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    for path in [&patients, &world] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let stdout = run(&["patients", "--count", "2000", "--seed", "9"]).stdout;
    assert_eq!(std::fs::read(&patients).unwrap(), stdout);
    let rows = csv::Reader::from_reader(&*stdout)
        .records()
        .map(Result::unwrap)
        .count();
    assert_eq!(rows, 2000);
    let expected = generate::patients(2000, 9)
        .filter(|patient| patient.world.is_some())
        .count();
    assert_eq!(World::read(&world).unwrap().len(), expected);
    assert!(expected > 0);
}

#[test]
fn a_world_without_exceptions_is_a_world_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let output = program()
        .args(["patients", "--count", "0", "--world"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(World::read(&path).unwrap().is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_generator_quietly_and_leaves_no_half_world() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world.json");
    let mut child = program()
        .args(["patients", "--count", "200000", "--world"])
        .arg(&world)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first.trim_end(), generate::COLUMNS.join(","));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn more_patients_than_there_are_numbers_is_a_usage_error() {
    let output = run(&["patients", "--count", "909091"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("909090"));
}
