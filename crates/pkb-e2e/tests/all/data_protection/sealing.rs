//! A campaign as one encrypted archive.

use super::*;

/// A program in the place of age, and its path.
fn age(campaign: &Campaign, script: &str) -> String {
    let path = campaign.write("age", format!("#!/bin/sh\n{script}\n"));
    set_mode(&path, 0o700);
    path.display().to_string()
}

const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn a_campaign_is_sealed_as_a_whole_or_not_at_all_and_then_removed() {
    let campaign = Campaign::with(Config::default());
    fs::create_dir_all(campaign.path("spring/print")).unwrap();
    for (name, content) in [
        ("spring/l.journal", "{\"schema\":\"pkb-intent/1\"}\n"),
        ("spring/print/rehearsal-letters-0001.pdf", "%PDF-1.7"),
        ("keys", KEY),
    ] {
        campaign.write(name, content);
    }
    let seal = |age: &str, args: &[&str]| {
        let fixed = [
            "seal",
            "spring",
            "--recipient",
            KEY,
            "--recipients-file",
            "keys",
        ];
        let args = [&fixed, &["--out", "spring.tar.age", "--age", age][..], args].concat();
        campaign.stage("pkb", &args, b"")
    };
    let nothing_is_changed = || {
        assert!(!campaign.path("spring.tar.age").exists());
        assert!(
            campaign
                .path("spring/print/rehearsal-letters-0001.pdf")
                .exists()
        );
    };

    // In the form of age, though nothing is encrypted: of one chunk.
    let good = "printf '%s\\n' \"$*\" > arguments; printf 'age-encryption.org/v1\\n-> X25519 a\\nb\\n--- mac\\n0123456789abcdef'; \
                cat; printf 0123456789abcdef";
    let opens =
        "if [ \"$1\" = --decrypt ]; then tail -n +5 | tail -c +17 | head -c -16; exit; fi; ";
    for (script, words) in [
        (
            "echo 'age: error: unknown recipient' >&2; exit 1",
            "unknown recipient",
        ),
        ("cat", "did not write what age writes"),
        (
            "echo age-encryption.org/v1; head -c 10 > /dev/null; exit 1",
            "did not write what",
        ),
        // What loses a part, and says that all is well.
        (
            &good.replace("cat;", "tail -c +600;"),
            "its length is not that",
        ),
        (
            &good.replace("-> X25519 a", "nothing"),
            "it has no header of age",
        ),
        // What makes an archive that cannot be opened, or of something else.
        (
            &format!(
                "if [ \"$1\" = --decrypt ]; then echo 'age: no identity matched' >&2; exit 1; fi; {good}"
            ),
            "no identity matched",
        ),
        (
            &(opens.to_owned() + &good.replace("cat;", "tr a b;")),
            "does not have what was sealed",
        ),
    ] {
        let age = age(&campaign, script);
        let identity = if script.contains("--decrypt") {
            &["--identity", "keys"][..]
        } else {
            &[]
        };
        let refused = seal(&age, &[&["--remove"], identity].concat());
        assert_eq!(refused.code, 2, "{script}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(words),
            "{script}: {}",
            refused.stderr
        );
        nothing_is_changed();
    }
    let missing = seal("no-such-age", &["--remove"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("apt-get install age"),
        "{}",
        missing.stderr
    );
    nothing_is_changed();

    let age_of = |script: &str| age(&campaign, script);
    let age = age_of(good);
    let journal = fs::File::open(campaign.path("spring/l.journal")).unwrap();
    journal.try_lock().unwrap();
    let busy = seal(&age, &["--remove"]);
    assert_eq!(busy.code, 2);
    assert!(
        busy.stderr.contains("l.journal is in use by a run"),
        "{}",
        busy.stderr
    );
    nothing_is_changed();
    drop(journal);

    let sealed = seal(&age, &[]);
    assert_eq!(sealed.code, 0, "{}", sealed.stderr);
    assert!(
        campaign
            .path("spring/print/rehearsal-letters-0001.pdf")
            .exists()
    );
    assert_eq!(mode(&campaign.path("spring.tar.age")), 0o600);
    let arguments = String::from_utf8(campaign.read("arguments")).unwrap();
    assert_eq!(
        arguments.trim(),
        format!("--encrypt --recipient {KEY} --recipients-file keys")
    );
    let again = seal(&age, &["--remove"]);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);

    fs::remove_file(campaign.path("spring.tar.age")).unwrap();
    let age = age_of(&format!("{opens}{good}"));
    let removed = seal(&age, &["--remove", "--identity", "keys"]);
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert!(
        removed.stderr.contains("opened with your key"),
        "{}",
        removed.stderr
    );
    assert!(!campaign.path("spring").exists());
    let opened = campaign.shell(
        "tail -n +5 spring.tar.age | tail -c +17 | tar x && cd spring && sha256sum -c SHA256SUMS",
    );
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    assert_eq!(
        String::from_utf8(opened.stdout).unwrap(),
        "l.journal: OK\nprint/rehearsal-letters-0001.pdf: OK\n"
    );
}
