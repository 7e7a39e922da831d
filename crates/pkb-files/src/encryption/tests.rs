use super::*;

#[test]
fn a_key_file_says_which_program_it_is_for_and_a_secret_key_is_refused() {
    let of = |text: &str| Program::of(text.as_bytes());
    assert_eq!(
        of("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"),
        Ok(Program::Gpg)
    );
    assert_eq!(Program::of(&[0x99, 1, 13]), Ok(Program::Gpg));
    assert_eq!(of("# ours\nage1ql3z7hjy54pw3hyww5ayyf\n"), Ok(Program::Age));
    assert_eq!(
        of("ssh-ed25519 AAAA mail@company.example\n"),
        Ok(Program::Age)
    );
    for secret in [
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "AGE-SECRET-KEY-1QQ\n",
    ] {
        assert!(of(secret).unwrap_err().contains("secret key"), "{secret}");
    }
    for neither in ["", "reference,title\n", "-----BEGIN OPENSSH"] {
        assert!(
            of(neither).unwrap_err().contains("not a public key"),
            "{neither}"
        );
    }
}

#[test]
fn the_name_of_an_encrypted_file_tells_that_of_the_plain_one() {
    assert_eq!(plain_name("data-0001.csv.gpg"), Some("data-0001.csv"));
    assert_eq!(plain_name("data-0001.jsonl.age"), Some("data-0001.jsonl"));
    assert_eq!(plain_name("data-0001.csv"), None);
}

/// Runs a program of the machine; `None` if it is not there.
fn run(program: &str, args: &[&str], home: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(args).env("GNUPGHOME", home);
    let output = command.output().ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// Encrypts to a key, and returns what `open` makes of the file.
fn round_trip(key: &Path, open: impl FnOnce(&Path) -> Vec<u8>) {
    let folder = key.parent().unwrap();
    let encryption = Encryption::open(key).unwrap();
    let path = encrypted_path(&folder.join("data-0001.csv"), &encryption);
    let plain = b"reference,name\r\n".repeat(20_000);
    let write = |pipe: &mut dyn Write| {
        let written = pipe.write_all(&plain);
        written.map_err(|source| Fatal::io("cannot write", source))
    };
    let ((), file) = encryption.encrypt(&path, write).unwrap();
    assert!(!path.exists());
    file.finish().unwrap();
    assert!(open(&path) == plain);
    // What stops halfway leaves nothing.
    let other = folder.join("other");
    let stop = |pipe: &mut dyn Write| {
        let _ = pipe.write_all(&plain);
        Err::<(), _>(Fatal::Input("it ended early".into()))
    };
    let stopped = encryption.encrypt(&other, stop).err().unwrap();
    assert_eq!(stopped.to_string(), "it ended early");
    assert!(!other.exists());
}

#[test]
fn what_is_encrypted_to_a_key_of_gpg_is_opened_by_gpg() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    fs::set_permissions(home, Permissions::from_mode(0o700)).unwrap();
    let made = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "mail@company.example",
        "rsa2048",
        "encr",
    ];
    if run("gpg", &made, home).is_none() {
        return;
    }
    let key = run("gpg", &["--export", "--armor"], home).unwrap();
    let key_file = home.join("company.asc");
    fs::write(&key_file, key).unwrap();
    round_trip(&key_file, |path| {
        run(
            "gpg",
            &["--batch", "--quiet", "--decrypt", path.to_str().unwrap()],
            home,
        )
        .unwrap()
    });
    let fingerprint = Encryption::open(&key_file).unwrap().recipient().to_owned();
    assert_eq!(fingerprint.len(), 40);
    let _ = run("gpgconf", &["--kill", "all"], home);
}

#[test]
fn what_is_encrypted_to_a_key_of_age_is_opened_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.txt");
    let (secret_name, key_file) = (secret.to_str().unwrap(), folder.path().join("company.txt"));
    if run("age-keygen", &["-o", secret_name], folder.path()).is_none() {
        return;
    }
    let key = run("age-keygen", &["-y", secret_name], folder.path()).unwrap();
    fs::write(&key_file, key).unwrap();
    round_trip(&key_file, |path| {
        run(
            "age",
            &["-d", "-i", secret_name, path.to_str().unwrap()],
            folder.path(),
        )
        .unwrap()
    });
    assert!(Encryption::open(&secret).is_err());
}
